"""The sheet behind the others that lists what is wrong: last, never read, and one however often."""

import io
import re
import zipfile

import openpyxl
import pytest
from openpyxl.styles import Font
from openpyxl.workbook.defined_name import DefinedName

from adapters import make_options, read_records
from lienthong.annotated import Marks, annotate, finding_sheet
from schemas.problem import Language, Place, Problem, Severity, Text

LIST = "Liên thông"


def finding(row, column=None, *, vi="sai", sheet="Hộ tịch", severity=Severity.ERROR):
    return Problem(
        code="t.wrong",
        severity=severity,
        message=Text(vi=vi, en="wrong"),
        place=Place(file="a.xlsx", sheet=sheet, row=row, column=column),
        suggestion=Text(vi="sửa", en="mend"),
        dossier="H29-1",
    )


def warning(row, column):
    return finding(row, column, vi="hiếm", severity=Severity.WARNING)


def workbook(*more):
    """Return a workbook with a sheet of two rows, and empty ones behind it."""
    book = openpyxl.Workbook()
    book.active.title = "Hộ tịch"
    book.active.append(["Mã", "Tên"])
    book.active.append(["1", "An"])
    book.active.append(["2", "Bình"])
    for name in more:
        book.create_sheet(name).append(["x"])
    return saved(book)


def edited(data, change):
    """Return the workbook with another list of sheets."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name == "xl/workbook.xml":
                assert change(body.decode()) != body.decode()
                body = change(body.decode()).encode()
            new.writestr(name, body)
    return target.getvalue()


def saved(book):
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def annotated(data, *problems, language=Language.VI, **options):
    target = io.BytesIO()
    with Marks(file_name="a.xlsx") as marks:
        for problem in problems:
            marks.add(problem)
        done = annotate(
            io.BytesIO(data),
            target=target,
            options=make_options({"format": "xlsx"} | options),
            marks=marks,
            language=language,
        )
    assert done.is_copy, done.why
    return target.getvalue()


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def listed(data, name=LIST):
    return [[cell or "" for cell in row] for row in opened(data)[name].iter_rows(values_only=True)]


def records(data, **options):
    found = read_records(
        io.BytesIO(data), file_name="a.xlsx", options=make_options({"format": "xlsx"} | options)
    )
    return [(one.number, one.place, dict(one.values)) for one in found]


def test_it_lists_errors_then_warnings_with_their_cells_dossiers_and_remedies():
    copy = annotated(
        workbook(), warning(2, "B (Tên)"), finding(3, "B (Tên)", vi="tên lạ"), finding(3)
    )

    assert listed(copy) == [
        ["Mức độ", "Trang tính", "Ô", "Hồ sơ", "Nội dung", "Cách sửa"],
        ["Lỗi", "Hộ tịch", "B3", "H29-1", "tên lạ", "sửa"],
        ["Lỗi", "Hộ tịch", "dòng 3", "H29-1", "sai", "sửa"],
        ["Cảnh báo", "Hộ tịch", "B2", "H29-1", "hiếm", "sửa"],
    ]
    colors = [row[0].fill.fgColor.rgb for row in opened(copy)[LIST].iter_rows(min_row=2)]
    assert colors == ["FFFFC7CE", "FFFFC7CE", "FFFFEB9C"]


def test_each_line_leads_to_its_cell():
    data = workbook("Năm '26")

    copy = annotated(data, finding(3, "B (Tên)"), finding(1, sheet="Năm '26"))

    links = [opened(copy)[LIST][cell].hyperlink.location for cell in ("C2", "C3")]
    assert links == ["'Hộ tịch'!B3", "'Năm ''26'!A1"]


def test_it_is_the_last_sheet_and_the_records_read_back_are_the_same():
    data = workbook("Phụ")

    copy = annotated(data, finding(3, "B (Tên)"))

    assert opened(copy).sheetnames == ["Hộ tịch", "Phụ", LIST]
    assert opened(copy).active.title == "Hộ tịch"
    assert records(copy) == records(data)
    assert records(copy, sheet="Phụ") == records(data, sheet="Phụ")


def test_where_no_sheet_can_be_seen_it_cannot_be_seen_either():
    # Excel itself refuses to hide all; other programs do not.
    data = edited(workbook("Phụ"), lambda xml: xml.replace('state="visible"', 'state="hidden"'))

    copy = annotated(data, finding(3, "B (Tên)"))

    assert opened(copy)[LIST].sheet_state == "hidden"
    assert records(copy) == records(data)


def test_numbers_of_sheets_that_are_none_or_endless_do_not_matter():
    data = edited(
        workbook("Phụ"), lambda xml: xml.replace('sheetId="2"', f'sheetId="{"9" * 9000}"')
    )

    copy = annotated(data, finding(3, "B (Tên)"))

    with zipfile.ZipFile(io.BytesIO(copy)) as parts:
        assert 'sheetId="2"' in parts.read("xl/workbook.xml").decode()


@pytest.mark.parametrize("theirs", ["Liên thông", "LIÊN THÔNG", " Liên thông "])
def test_a_sheet_of_the_agencys_of_that_name_stays(theirs):
    data = workbook(theirs)

    copy = annotated(data, finding(3, "B (Tên)"))

    assert opened(copy).sheetnames == ["Hộ tịch", theirs, "Liên thông 2"]
    assert listed(copy, theirs) == [["x"]]
    assert len(listed(copy, "Liên thông 2")) == 2


def test_it_never_has_the_name_of_a_sheet_that_is_read_though_there_is_none():
    copy = annotated(workbook(), finding(3, "B (Tên)"), sheet=LIST)

    assert opened(copy).sheetnames == ["Hộ tịch", "Liên thông 2"]


def test_a_copy_that_is_annotated_again_has_one_list_and_it_is_the_new_one():
    once = annotated(workbook(), finding(3, "B (Tên)"))

    twice = annotated(once, finding(2, "A (Mã)", vi="vẫn sai"))
    mended = annotated(twice)

    assert opened(twice).sheetnames == ["Hộ tịch", LIST]
    assert [row[2:5] for row in listed(twice)[1:]] == [["A2", "H29-1", "vẫn sai"]]
    assert len(listed(mended)) == 1


def test_it_is_known_again_when_another_program_has_saved_and_a_person_renamed_it():
    book = opened(annotated(workbook(), finding(3, "B (Tên)")))
    book[LIST].title = "Lỗi '26"
    book.defined_names[finding_sheet.MARK] = DefinedName(
        finding_sheet.MARK, attr_text="'Lỗi ''26'!$A$1"
    )

    again = annotated(saved(book), finding(2, "A (Mã)"))

    assert opened(again).sheetnames == ["Hộ tịch", "Lỗi '26"]
    assert [row[2] for row in listed(again, "Lỗi '26")] == ["Ô", "A2"]


def test_a_list_that_was_deleted_comes_back_and_is_pointed_to_once():
    book = opened(annotated(workbook(), finding(3, "B (Tên)")))
    del book[LIST]
    book.defined_names[finding_sheet.MARK] = DefinedName(finding_sheet.MARK, attr_text="#REF!$A$1")

    again = annotated(saved(book), finding(3, "B (Tên)"))

    with zipfile.ZipFile(io.BytesIO(again)) as parts:
        xml = parts.read("xl/workbook.xml").decode()
    assert opened(again).sheetnames == ["Hộ tịch", LIST]
    assert re.findall(r"<definedName [^>]*>([^<]*)", xml) == ["'Liên thông'!$A$1"]


def test_a_name_that_points_to_a_sheet_that_is_read_is_not_ours():
    once = annotated(workbook(), finding(3, "B (Tên)"))

    again = annotated(once, finding(3, "B (Tên)"), sheet=LIST)

    assert opened(again).sheetnames == ["Hộ tịch", LIST, "Liên thông 2"]


def test_nothing_wrong_makes_no_list():
    assert opened(annotated(workbook())).sheetnames == ["Hộ tịch"]


def test_what_concerns_the_file_or_a_sheet_that_is_not_there_has_no_link():
    copy = annotated(workbook(), finding(None, sheet=None), finding(3, "B (Tên)", sheet="Khác"))

    assert [row[1:3] for row in listed(copy)[1:]] == [["", ""], ["Khác", "B3"]]
    assert all(cell.hyperlink is None for cell in opened(copy)[LIST]["C"])


def test_no_line_is_a_formula_and_none_breaks_the_xml():
    copy = annotated(workbook(), finding(2, "A (Mã)", vi="=HYPERLINK(\x01\ufffe]]>&lt;\"'\nb"))

    cell = opened(copy)[LIST]["E2"]
    assert cell.data_type == "s"
    assert cell.value == "'=HYPERLINK( ]]>&lt;\"' b"


def test_a_workbook_in_an_old_font_has_its_list_in_one_of_unicode():
    book = opened(workbook())
    book._fonts[0] = Font(name=".VnTime", sz=12)

    copy = annotated(saved(book), finding(3, "B (Tên)"))

    assert opened(copy)["Hộ tịch"]["A1"].font.name == ".VnTime"
    assert {cell.font.name for row in opened(copy)[LIST] for cell in row} == {"Calibri"}


def test_a_list_that_is_too_long_says_how_many_more_there_are(monkeypatch):
    monkeypatch.setattr("lienthong.annotated.workbook_copy.MOST_LISTED", 1)

    copy = annotated(workbook(), *(finding(3, "B (Tên)") for _ in range(5)))

    assert [row[0] for row in listed(copy)] == ["Mức độ", "Lỗi", "và 4 mục khác"]


def test_english_is_spoken_when_asked_for():
    copy = annotated(workbook(), finding(3), language=Language.EN)

    assert listed(copy)[1] == ["Error", "Hộ tịch", "row 3", "H29-1", "wrong", "mend"]
