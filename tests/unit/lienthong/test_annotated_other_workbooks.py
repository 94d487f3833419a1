# ruff: noqa: DTZ001 - a date of a workbook has no zone
"""An XLS or ODS comes back as XLSX that reads to the same records, with the bad cells marked."""

import io
import tracemalloc
import zipfile
from datetime import datetime

import openpyxl
import pytest
import xlwt

from adapters import SourceRecord, make_options, read_records
from lienthong.annotated import Marks, annotate, workbook_copy
from lienthong.annotated import new_workbook as limits
from schemas.problem import Language, Place, Problem, Text

RED = "FFFFC7CE"
SPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for name in ("office", "table", "text", "style")
)
CALC = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'


def xls(change):
    book = xlwt.Workbook()
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rows_of(book, name, *rows):
    sheet = book.add_sheet(name)
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(number, column, *(value if isinstance(value, tuple) else (value,)))
    return sheet


def styled(code):
    return xlwt.easyxf(num_format_str=code)


def ods(body, styles=""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "content.xml",
            f"<office:document-content {SPACES} {CALC}>"
            f"<office:automatic-styles>{styles}</office:automatic-styles><office:body>"
            f"<office:spreadsheet>{body}</office:spreadsheet></office:body>"
            "</office:document-content>",
        )
    return out.getvalue()


def table(*rows, name="Hồ sơ", more=""):
    return f'<table:table table:name="{name}"{more}>{"".join(rows)}</table:table>'


def row(*cells, more=""):
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"


def cell(text="", more='office:value-type="string"'):
    return f"<table:table-cell {more}>{text and f'<text:p>{text}</text:p>'}</table:table-cell>"


HEAD = row(cell("a"), cell("b"), cell("c"))


def finding(row, column=None, *, vi="sai", sheet="Hồ sơ"):
    return Problem(
        code="t.wrong",
        message=Text(vi=vi, en="wrong"),
        place=Place(file="a.xls", sheet=sheet, row=row, column=column),
        suggestion=Text(vi="sửa", en="mend"),
    )


def annotated(data, *problems, expect_copy=True, **options):
    target = io.BytesIO()
    with Marks(file_name="a.xls") as marks:
        for problem in problems:
            marks.add(problem)
        done = annotate(
            io.BytesIO(data),
            target=target,
            options=make_options(options),
            marks=marks,
            language=Language.VI,
        )
    assert done.is_copy is expect_copy, done.why
    assert done.why is not None
    if expect_copy:
        assert done.format == "xlsx"
    return target.getvalue()


def records(data, **options):
    found = read_records(io.BytesIO(data), file_name="f", options=make_options(options))
    return [plain(record, options["format"]) for record in found]


def plain(record, code):
    """Return all that a mapping can see of a record."""
    if isinstance(record, SourceRecord):
        return record.number, record.place, dict(record.values), record.columns, record.fonts
    problems = [(p.code.removeprefix(f"{code}."), p.place) for p in record.problems]
    return record.number, problems, dict(record.values)


def assert_same_records(data, copy, **options):
    before = records(data, **options)
    assert before
    assert records(copy, **options | {"format": "xlsx"}) == before


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def noted(data, sheet="Hồ sơ"):
    cells = (cell for row in opened(data)[sheet].iter_rows() for cell in row)
    return {cell.coordinate: cell.comment.text for cell in cells if cell.comment}


MOMENT = (datetime(2021, 3, 5, 8, 15, 1), styled("dd/mm/yyyy hh:mm:ss"))
VALUES = (
    "007",
    12,
    84.5,
    0.1 + 0.2,
    1e300,
    True,
    False,
    MOMENT,
    (datetime(1900, 1, 1), styled("dd/mm/yyyy")),
    (datetime(1900, 3, 1), styled("dd/mm/yyyy")),
    (0.25, styled("hh:mm")),
    (7919000123, styled("000000000000")),
    "=HYPERLINK(1)",
    ' <a> & "b"\n\tc  _x0041_ \x07 ]]>',
    -1,
    2**53,
)


def test_every_value_of_an_old_workbook_reads_back_the_same():
    names = [f"c{number}" for number in range(len(VALUES))]
    data = xls(lambda book: rows_of(book, "Hồ sơ", names, VALUES, [None], VALUES[:2]))

    copy = annotated(data, finding(2, "B (c1)"), finding(4), format="xls")

    assert_same_records(data, copy, format="xls")
    assert noted(copy) == {"B2": "Liên thông: Lỗi: sai → sửa", "A4": "Liên thông: Lỗi: sai → sửa"}
    sheet = opened(copy)["Hồ sơ"]
    assert sheet["B2"].fill.fgColor.rgb == RED
    assert (sheet["M2"].value, sheet["M2"].data_type) == ("=HYPERLINK(1)", "s")
    assert (sheet["H2"].value, sheet["H2"].is_date) == (datetime(2021, 3, 5, 8, 15, 1), True)
    assert (sheet["J2"].value, sheet["J2"].number_format) == (datetime(1900, 3, 1), "dd/mm/yyyy")


def test_a_date_counted_from_1904_stays_the_day_that_it_is():
    def change(book):
        rows_of(book, "Hồ sơ", ["a"], [(42_797.5, styled("dd/mm/yyyy"))])
        book.dates_1904 = 1

    data = xls(change)

    copy = annotated(data, finding(2), format="xls")

    assert_same_records(data, copy, format="xls")
    assert opened(copy)["Hồ sơ"]["A2"].value == datetime(2021, 3, 4, 12)


def test_titles_headers_of_several_rows_and_sheets_joined_by_a_key_stay_where_they_are():
    def change(book):
        sheet = rows_of(book, "Hồ sơ", ["Báo cáo tháng 3"], [], ["Người nộp", None, "Số"])
        sheet.merge(2, 2, 0, 1)
        for column, name in enumerate(["Họ tên", "Ngày sinh"]):
            sheet.write(3, column, name)
        sheet.write(4, 0, "An")
        sheet.write(4, 2, "1")
        rows_of(book, "Lệ phí", ["Số", "Phí"], ["1", 5], ["1", 7])

    options = {
        "format": "xls",
        "header_row": 3,
        "header_rows": 2,
        "key": "Số",
        "children": {"phi": {"sheet": "Lệ phí"}},
    }
    data = xls(change)
    assert records(data, **options)[0][2]["Người nộp / Họ tên"] == "An"

    copy = annotated(
        data, finding(5, "B (Người nộp / Ngày sinh)"), finding(3, sheet="Lệ phí"), **options
    )

    assert_same_records(data, copy, **options)
    assert opened(copy)["Hồ sơ"]["A1"].value == "Báo cáo tháng 3"
    assert [str(merge) for merge in opened(copy)["Hồ sơ"].merged_cells] == ["A3:B3"]
    assert set(noted(copy)) == {"B5"}
    assert set(noted(copy, "Lệ phí")) == {"A3"}


def test_a_hidden_sheet_before_the_one_that_is_read_stays_hidden():
    def change(book):
        rows_of(book, "Ẩn", ["x"], ["y"]).visibility = 1
        rows_of(book, "Hồ sơ", ["a"], ["1"])
        book.set_active_sheet(1)

    data = xls(change)

    copy = annotated(data, finding(2, "A (a)"), format="xls")

    assert_same_records(data, copy, format="xls")
    assert [(s.title, s.sheet_state) for s in opened(copy)] == [
        ("Ẩn", "hidden"),
        ("Hồ sơ", "visible"),
        ("Liên thông", "visible"),
    ]


def test_letters_of_an_old_font_keep_it():
    font = xlwt.easyxf("font: name .VnTime")
    other = xlwt.easyxf("font: name VNI-Times")
    data = xls(
        lambda book: rows_of(book, "Hồ sơ", ["a", "b"], [("NguyÔn V¨n ¢n", font), ("Leâ", other)])
    )

    copy = annotated(data, finding(2, "A (a)"), format="xls")

    assert_same_records(data, copy, format="xls")
    options = make_options({"format": "xlsx", "repair": "on"})
    [mended] = read_records(io.BytesIO(copy), file_name="f", options=options)
    assert dict(mended.values) == {"a": "Nguyễn Văn Ân", "b": "Lê"}


def test_a_cell_that_cannot_be_read_is_an_error_in_the_copy_and_never_blank():
    errors = row(
        cell("1"),
        cell("#N/A", 'office:value-type="string" calcext:value-type="error"'),
        cell("", 'table:formula="of:=1"'),
    )
    data = ods(table(HEAD, errors))
    [(_, problems, _)] = records(data, format="ods")
    assert [code for code, _ in problems] == ["cell_error", "formula_without_value"]

    copy = annotated(data, finding(2, "B (b)"), finding(2, "C (c)"), format="ods")

    sheet = opened(copy)["Hồ sơ"]
    assert [(c.value, c.data_type) for c in sheet[2]] == [
        ("1", "s"),
        ("#N/A", "e"),
        ("#VALUE!", "e"),
    ]
    [(_, problems, values)] = records(copy, format="xlsx")
    assert [place.column for _, place in problems] == ["B (b)", "C (c)"]
    assert values["a"] == "1"


def test_repeated_rows_and_cells_of_a_spreadsheet_are_written_out_and_marked_one_by_one():
    data = ods(
        table(
            HEAD,
            row(
                cell("x", 'table:number-columns-repeated="2"'),
                more=' table:number-rows-repeated="3"',
            ),
            row(cell(), more=' table:number-rows-repeated="5"'),
            row(cell("cuối"), more=""),
            row(cell(), more=' table:number-rows-repeated="1048560"'),
        )
    )

    copy = annotated(data, finding(3, "B (b)"), finding(10), format="ods")

    assert_same_records(data, copy, format="ods")
    assert set(noted(copy)) == {"B3", "A10"}
    assert opened(copy)["Hồ sơ"]["B4"].fill.fgColor.rgb != RED


def test_every_value_of_a_spreadsheet_reads_back_the_same():
    values = row(
        cell("12", 'office:value-type="float" office:value="0.30000000000000004"'),
        cell("x", 'office:value-type="date" office:date-value="2021-03-05T08:15:00"'),
        cell("ĐÚNG", 'office:value-type="boolean" office:boolean-value="true"'),
        cell("000012", 'office:value-type="float" office:value="12"'),
        cell("x", 'office:value-type="time" office:time-value="PT06H00M00S"'),
        cell("a</text:p><text:p>  b"),
        cell("x", 'office:value-type="float" office:value="12345678901234567890"'),
    )
    data = ods(
        table(HEAD, more=' table:style-name="h"', name="Ẩn") + table(HEAD, values),
        styles='<style:style style:name="h"><style:table-properties table:display="false"/>'
        "</style:style>",
    )

    copy = annotated(data, finding(2, "D (D)"), format="ods")

    assert_same_records(data, copy, format="ods")
    assert [s.sheet_state for s in opened(copy)] == ["hidden", "visible", "visible"]


def test_a_date_before_excels_first_is_the_text_that_a_mapping_sees():
    data = ods(
        table(HEAD, row(cell("x", 'office:value-type="date" office:date-value="1895-02-03"')))
    )

    copy = annotated(data, finding(2, "A (a)"), format="ods")

    assert records(copy, format="xlsx")[0][2]["a"] == "1895-02-03 00:00:00"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (table(HEAD, row(cell("x" * 32_768))), "A2 dài hơn 32767 ký tự"),
        (table(HEAD, name="a" * 32), "tên trang tính"),
        (table(HEAD, name="a") + table(HEAD, name="A"), "tên trang tính"),
        (table(HEAD, name="a[1]"), "tên trang tính"),
        (
            table(HEAD, row(cell(), more=' table:number-rows-repeated="1048576"'), row(cell("x"))),
            "quá nhiều dòng",
        ),
        (
            table(HEAD, row(cell("", 'table:formula="of:=1" table:number-columns-repeated="120"'))),
            "quá nhiều ô lỗi",
        ),
        ("", "không có trang tính"),
        (table(HEAD) + "</office:spreadsheet>", ""),
    ],
    ids=["text", "name", "same name", "sign", "rows", "faults", "nothing", "damaged"],
)
def test_what_has_no_room_in_xlsx_comes_as_a_list_that_says_so(body, why):
    listed = annotated(ods(body), finding(2), expect_copy=False, format="ods").decode()

    assert listed.startswith('{"file": "a.xls", "why": {"vi": "không tạo được bản sao')
    assert why in listed
    assert '"code": "t.wrong"' in listed


@pytest.mark.parametrize(
    ("module", "limit"), [(limits, "MOST_CELLS"), (workbook_copy, "MOST_ROWS")]
)
def test_what_is_too_large_comes_as_a_list(module, limit, monkeypatch):
    monkeypatch.setattr(module, limit, 1)
    data = xls(lambda book: rows_of(book, "Hồ sơ", ["a"], ["1"], ["2"]))

    listed = annotated(data, finding(2), finding(3), expect_copy=False, format="xls")

    assert b'"errors": [' in listed


def test_a_target_that_watches_is_told_long_before_its_first_byte():
    class Watched(io.BytesIO):
        told = 0

        def write(self, data):
            self.told += not data
            return super().write(data)

    target = Watched()
    rows = [["x" * 500] * 20 for _ in range(100)]
    data = xls(lambda book: rows_of(book, "Hồ sơ", *rows))

    with Marks(file_name="a.xls") as marks:
        options = make_options({"format": "xls"})
        annotate(
            io.BytesIO(data), target=target, options=options, marks=marks, language=Language.VI
        )

    assert target.told >= 10


def test_a_few_bytes_that_repeat_one_cell_take_no_memory(monkeypatch):
    monkeypatch.setattr(limits, "MOST_CELLS", 200_000)
    wide = cell("x" * 100, 'table:number-columns-repeated="16384"')
    data = ods(table(row(wide, more=' table:number-rows-repeated="1000"') * 100))
    tracemalloc.start()

    annotated(data, finding(2), expect_copy=False, format="ods")

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000
