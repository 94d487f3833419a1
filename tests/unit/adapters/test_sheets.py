"""What holds for every kind of workbook: headers of several rows, and sheets joined by a key."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest
import xlwt

from adapters import SourceRecord
from adapters.options import OptionsWrong, make_options

KINDS = ["xlsx", "xls", "ods"]
OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def xlsx(sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, (rows, merges) in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        for top, left, bottom, right in merges:
            sheet.merge_cells(
                start_row=top, start_column=left + 1, end_row=bottom, end_column=right + 1
            )
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls(sheets):
    book = xlwt.Workbook()
    for name, (rows, merges) in sheets.items():
        sheet = book.add_sheet(name)
        merged = {(top - 1, left): (bottom - 1, right) for top, left, bottom, right in merges}
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if (number, column) in merged:
                    bottom, right = merged[number, column]
                    sheet.write_merge(number, bottom, column, right, value)
                elif value is not None:
                    sheet.write(number, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def ods(sheets):
    tables = ""
    for name, (rows, merges) in sheets.items():
        tables += f'<table:table table:name="{name}">'
        for number, row in enumerate(rows, 1):
            cells = ""
            for column, value in enumerate(row):
                spans = "".join(
                    f' table:number-rows-spanned="{bottom - top + 1}"'
                    f' table:number-columns-spanned="{right - left + 1}"'
                    for top, left, bottom, right in merges
                    if (top, left) == (number, column)
                )
                cells += ods_cell(value, spans)
            tables += f"<table:table-row>{cells}</table:table-row>"
        tables += "</table:table>"
    return ods_of(tables)


def ods_cell(value, more=""):
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        return (
            f'<table:table-cell office:value-type="string"{more}><text:p>{value}</text:p>'
            "</table:table-cell>"
        )
    return (
        f'<table:table-cell office:value-type="float" office:value="{value}"{more}>'
        f"<text:p>{value}</text:p></table:table-cell>"
    )


def ods_of(tables, *, styles="", more=()):
    content = (
        f'<office:document-content xmlns:office="{OFFICE}" xmlns:table="{TABLE}"'
        f' xmlns:text="{TEXT}" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
        ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        for name, text in more:
            archive.writestr(name, text)
    return out.getvalue()


BUILD = {"xlsx": xlsx, "xls": xls, "ods": ods}

HEAD = [
    ["Danh sách hồ sơ", None, None, None, None],
    ["Số hồ sơ", "Người nộp", None, "Lệ phí", None],
    [None, "Họ tên", "Số CCCD", "Mức", "Đã thu"],
    ["HS1", "Nguyễn Văn Ân", "079", 100, "x"],
    ["HS2", "Lê Thị Bình", "080", 200, None],
]
MERGES = [(1, 0, 1, 4), (2, 0, 3, 0), (2, 1, 2, 2), (2, 3, 2, 4)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_header_of_several_rows_gives_joined_names(read, kind):
    data = BUILD[kind]({"Hồ sơ": (HEAD, MERGES)})

    found = read(data, format=kind, header_row=2, header_rows=2)

    assert [dict(values) for values in found.values] == [
        {
            "Số hồ sơ": "HS1",
            "Người nộp / Họ tên": "Nguyễn Văn Ân",
            "Người nộp / Số CCCD": "079",
            "Lệ phí / Mức": 100,
            "Lệ phí / Đã thu": "x",
        },
        {
            "Số hồ sơ": "HS2",
            "Người nộp / Họ tên": "Lê Thị Bình",
            "Người nộp / Số CCCD": "080",
            "Lệ phí / Mức": 200,
            "Lệ phí / Đã thu": None,
        },
    ]
    assert str(found.records[0].place_of("Người nộp / Số CCCD")) == (
        "f, sheet Hồ sơ, row 4, column C (Người nộp / Số CCCD)"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_without_its_merge_a_name_stands_above_its_own_column_alone(read, kind):
    data = BUILD[kind]({"Hồ sơ": (HEAD, [])})

    found = read(data, format=kind, header_row=2, header_rows=2)

    assert list(found.values[0]) == [
        "Số hồ sơ",
        "Người nộp / Họ tên",
        "Số CCCD",
        "Lệ phí / Mức",
        "Đã thu",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_last_row_of_the_header_takes_no_record(read, kind):
    rows = [["a", "b"], [None, None], [1, 2]]

    found = read(BUILD[kind]({"A": (rows, [])}), format=kind, header_rows=2)

    assert [dict(values) for values in found.values] == [{"a": 1, "b": 2}]


FAMILY = {
    "Hồ sơ": ([["So", "Ten"], [1, "An"], [2, "Bình"], ["3", "Chi"], [1, "An (lần hai)"]], []),
    "Giấy tờ": (
        [["Mã", "Giay"], [1, "Đơn"], [3, "CCCD"], [1, "Bản vẽ"], [9, "Thừa"], [None, "Không mã"]],
        [],
    ),
    "Phí": ([["tựa", None], ["So", "Muc"], ["1", 100]], []),
}
JOINED = {
    "key": "So",
    "children": {
        "giay": {"sheet": "Giấy tờ", "key": "Mã"},
        "phi": {"sheet": "Phí", "header_row": 2, "required": ["Muc"]},
    },
}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_other_sheets_become_lists_in_the_records_they_belong_to(read, kind):
    found = read(BUILD[kind](FAMILY), format=kind, **JOINED)

    giay = [[item["Giay"] for item in values["giay"]] for values in found.values]
    assert giay == [["Đơn", "Bản vẽ"], [], ["CCCD"], ["Đơn", "Bản vẽ"]]
    assert [len(values["phi"]) for values in found.values] == [1, 0, 0, 1]
    first = found.records[0]
    assert str(first.place_of("giay[1].Giay")) == "f, sheet Giấy tờ, row 4, column B (Giay)"
    assert str(first.place_of("Ten")) == "f, sheet Hồ sơ, row 2, column B (Ten)"


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_other_sheets_that_belong_to_no_record_are_reported(read, kind):
    found = read(BUILD[kind](FAMILY), format=kind, **JOINED)

    assert found.problems == [
        (f"{kind}.parent_missing", "f, sheet Giấy tờ, row 5, column A (Mã)"),
        (f"{kind}.parent_missing", "f, sheet Giấy tờ, row 6, column A (Mã)"),
    ]
    assert [record.number for record in found.records] == [1, 2, 3, 4, 5, 6]


def test_the_font_of_a_row_of_another_sheet_goes_with_it(read):
    book = openpyxl.load_workbook(io.BytesIO(xlsx(FAMILY)))
    cell = book["Giấy tờ"]["B2"]
    cell.value, cell.font = "B¶n vÏ", openpyxl.styles.Font(name=".VnTime")
    out = io.BytesIO()
    book.save(out)

    found = read(out.getvalue(), format="xlsx", repair="on", **JOINED)

    assert [item["Giay"] for item in found.values[0]["giay"]] == ["Bản vẽ", "Bản vẽ"]
    (warning,) = found.records[0].warnings
    assert str(warning.place) == "f, sheet Giấy tờ, row 2, column B (Giay)"


def test_a_bad_row_of_another_sheet_makes_its_record_unreadable(read):
    sheets = {**FAMILY, "Giấy tờ": ([["Mã", "Giay"], [2, "#N/A"], [3, "CCCD"]], [])}

    found = read(xlsx(sheets), format="xlsx", **JOINED)

    assert found.problems == [("xlsx.cell_error", "f, sheet Giấy tờ, row 2, column B (Giay)")]
    assert [v["Ten"] for v in found.values] == ["An", "Chi", "An (lần hai)"]


def test_too_many_rows_of_another_sheet_cost_one_record(read):
    rows = [["Mã", "Giay"], *([2, "giấy " * 20] for _ in range(50))]

    found = read(
        xlsx({**FAMILY, "Giấy tờ": (rows, [])}), format="xlsx", **JOINED, max_record_bytes=4096
    )

    assert found.problems == [("xlsx.row_too_large", "f, sheet Hồ sơ, row 3")]


def test_a_missing_sheet_or_column_of_a_child_refuses_the_workbook(read):
    children = {"x": {"sheet": "Giấy", "key": "Mã"}}
    assert read(xlsx(FAMILY), format="xlsx", key="So", children=children).code == (
        "xlsx.sheet_missing"
    )
    children = {"x": {"sheet": "Phí", "required": ["Muc"]}}
    assert read(xlsx(FAMILY), format="xlsx", key="So", children=children).code == (
        "xlsx.columns_missing"
    )


def test_thousands_of_rows_of_another_sheet_find_their_records(read):
    main = [["So"], *([n] for n in range(2000))]
    other = [["So", "Trang"], *([n % 2000, n] for n in range(6000))]

    found = read(
        xlsx({"A": (main, []), "B": (other, [])}),
        format="xlsx",
        key="So",
        children={"trang": {"sheet": "B"}},
    )

    assert [item["Trang"] for item in found.values[7]["trang"]] == [7, 2007, 4007]
    assert all(isinstance(record, SourceRecord) for record in found.records)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"key": "So"}, "key"),
        ({"children": {"a": {"sheet": "B"}}}, "key"),
        ({"key": "So", "children": {"a": {"key": "B"}}}, "children"),
        ({"key": "So", "children": {"a": {"sheet": "B", "sheets": "C"}}}, "children"),
        ({"header_rows": 0}, "header_rows"),
    ],
)
def test_an_impossible_setting_is_named(settings, key):
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "xlsx", **settings})

    assert key in {name for name, _ in caught.value.faults}
