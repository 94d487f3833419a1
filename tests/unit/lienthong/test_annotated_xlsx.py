"""The copy of a workbook: the agency's own but for colours and notes, and read back as before."""

import io
import json
import re
import zipfile
from dataclasses import replace

import openpyxl
import pytest
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill

from adapters import make_options, read_records
from lienthong.annotated import Marks, annotate
from lienthong.annotated import workbook_copy as limits
from schemas.problem import Language, Place, Problem, Severity, Text

RED, AMBER, GREEN = "FFFFC7CE", "FFFFEB9C", "FFC6EFCE"


def finding(row, column=None, *, vi="sai", sheet="Hộ tịch", severity=Severity.ERROR):
    return Problem(
        code="t.wrong",
        severity=severity,
        message=Text(vi=vi, en="wrong"),
        place=Place(file="a.xlsx", sheet=sheet, row=row, column=column),
        suggestion=Text(vi="sửa", en="mend"),
    )


def workbook(change=None):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Hộ tịch"
    sheet.append(["Mã", "Tên", "Ngày", "Tổng"])
    sheet.append(["1", "An", None, 1.5])
    sheet.append(["2", "Bình", None, 2.5])
    sheet.append([None, "Chi", None, None])
    if change:
        change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def edited(data, **parts):
    """Return the workbook with parts replaced: name (dots for slashes) to a function of text."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            body = old.read(name)
            if name in parts:
                body = parts[name](body.decode()).encode()
            new.writestr(name, body)
    return target.getvalue()


def annotated(data, *problems, expect_copy=True, language=Language.VI, **options):
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
    assert done.is_copy is expect_copy, done.why
    return target.getvalue()


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def noted(data, sheet="Hộ tịch"):
    cells = (cell for row in opened(data)[sheet].iter_rows() for cell in row)
    notes = {cell.coordinate: cell.comment.text for cell in cells if cell.comment}
    return {cell: text.removeprefix("Liên thông: ") for cell, text in notes.items()}


def coloured(data, color=RED):
    cells = (cell for row in opened(data)["Hộ tịch"].iter_rows() for cell in row)
    return {cell.coordinate for cell in cells if cell.fill.fgColor.rgb == color}


def records(data, **options):
    found = read_records(
        io.BytesIO(data), file_name="a.xlsx", options=make_options({"format": "xlsx"} | options)
    )
    return [(r.number, r.place, dict(r.values)) for r in found]


def test_bad_cells_are_coloured_and_say_what_is_wrong():
    copy = annotated(
        workbook(), finding(3, "B (Tên)", vi="tên lạ"), finding(3, "B (Tên)", vi="quá dài")
    )

    assert noted(copy) == {"B3": "Lỗi: tên lạ → sửa | Lỗi: quá dài → sửa"}
    assert coloured(copy) == {"B3"}
    assert opened(copy)["Hộ tịch"]["B3"].value == "Bình"


def test_warnings_have_a_colour_and_a_word_of_their_own_and_an_error_in_the_same_cell_wins():
    def warning(row, column, vi):
        return finding(row, column, vi=vi, severity=Severity.WARNING)

    copy = annotated(
        workbook(),
        warning(2, "B (Tên)", "tên hiếm"),
        warning(3, "B (Tên)", "tên hiếm"),
        finding(3, "B (Tên)", vi="tên lạ"),
        warning(4, None, "trùng"),
        warning(3, "A (Mã)", "mã cũ"),
        finding(3, None, vi="trùng"),
    )

    assert noted(copy) == {
        "B2": "Cảnh báo: tên hiếm → sửa",
        "A3": "Lỗi: trùng → sửa | Cảnh báo: mã cũ → sửa",
        "B3": "Lỗi: tên lạ → sửa | Cảnh báo: tên hiếm → sửa",
        "B4": "Cảnh báo: trùng → sửa",
    }
    assert coloured(copy) == {"A3", "B3"}
    assert coloured(copy, AMBER) == {"B2", "B4"}


def test_a_text_that_was_read_right_after_a_repair_is_not_marked():
    repaired = replace(finding(2, "B (Tên)", severity=Severity.WARNING), code="text.repaired")
    doubtful = replace(finding(3, "B (Tên)", severity=Severity.WARNING), code="text.doubtful")

    copy = annotated(workbook(), repaired, doubtful)

    assert set(noted(copy)) == {"B3"}
    assert coloured(copy, AMBER) == {"B3"}


def test_a_list_counts_repairs_and_does_not_list_them():
    repaired = replace(finding(2, "B (Tên)", severity=Severity.WARNING), code="text.repaired")

    listed = json.loads(annotated(b"no workbook", repaired, finding(3), expect_copy=False))

    assert [(one["code"], one["count"]) for one in listed["groups"]] == [
        ("t.wrong", 1),
        ("text.repaired", 1),
    ]
    assert [one["code"] for one in listed["errors"]] == ["t.wrong"]


def test_a_blank_cell_that_the_sheet_does_not_have_can_be_marked():
    copy = annotated(
        workbook(), finding(4, "A (Mã)"), finding(3, "C (Ngày)"), finding(4, "AB (xa)")
    )

    assert set(noted(copy)) == coloured(copy) == {"A4", "C3", "AB4"}


def test_what_is_wrong_with_a_row_stands_at_its_first_cell():
    copy = annotated(workbook(), finding(4, vi="trùng"), finding(3), finding(3, "A (Mã)"))

    assert noted(copy) == {"B4": "Lỗi: trùng → sửa", "A3": "Lỗi: sai → sửa | Lỗi: sai → sửa"}


def test_the_records_read_back_are_the_same_and_formulas_keep_their_results():
    def change(book):
        sheet = book.active
        sheet["C2"].number_format = "dd/mm/yyyy"
        sheet["C2"] = 45000
        sheet["D3"] = "=1+1"

    with_result = edited(
        workbook(change),
        **{
            "xl/worksheets/sheet1.xml": lambda xml: re.sub(
                r"<f>1\+1</f><v ?/?>(</v>)?", "<f>1+1</f><v>2</v>", xml
            )
        },
    )
    before = records(with_result)
    assert before[1][2]["Tổng"] == 2

    copy = annotated(
        with_result, *(finding(r, c) for r in (2, 3, 4) for c in ("C (x)", "D (x)", None))
    )

    assert records(copy) == before
    assert opened(copy)["Hộ tịch"]["D3"].value == "=1+1"


def test_a_format_keeps_everything_but_its_colour():
    def change(book):
        book.active["B3"].font = Font(name=".VnTimeH", bold=True)
        book.active["B3"].number_format = "0.00"
        book.active["B2"].font = Font(name=".VnTimeH", bold=True)

    cell = opened(annotated(workbook(change), finding(3, "B (Tên)")))["Hộ tịch"]["B3"]

    assert (cell.font.name, cell.font.bold, cell.number_format) == (".VnTimeH", True, "0.00")


def test_every_part_that_need_not_change_is_the_same_to_the_byte():
    def change(book):
        book.create_sheet("Khác").append(["=cmd|' /C calc'!A0"])

    data = workbook(change)
    with zipfile.ZipFile(io.BytesIO(data), "a") as more:
        more.writestr("xl/vbaProject.bin", b"\xcc\x61 macros")
        more.writestr("xl/externalLinks/externalLink1.xml", b"<x/>")
        more.writestr("xl/media/image1.png", b"\x89PNG")

    copy = annotated(data, finding(3, "B (Tên)"))

    changed = {
        "xl/worksheets/sheet1.xml",
        "xl/styles.xml",
        "[Content_Types].xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
    }
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(io.BytesIO(copy)) as new:
        assert new.testzip() is None
        for name in set(old.namelist()) - changed:
            assert new.read(name) == old.read(name), name
        assert len(new.namelist()) == len(set(new.namelist()))


def test_a_sheet_keeps_what_stands_around_its_cells():
    def change(book):
        sheet = book.active
        sheet.merge_cells("A6:B6")
        sheet.auto_filter.ref = "A1:D3"
        sheet.freeze_panes = "A2"
        sheet.conditional_formatting.add(
            "A1:A9", openpyxl.formatting.rule.CellIsRule(operator="equal", formula=['"<&>"'])
        )
        sheet["B2"] = ' <a> & "b"\n\tc  '
        sheet.oddHeader.center.text = "& <x>"

    copy = opened(annotated(workbook(change), finding(3, "B (Tên)")))["Hộ tịch"]

    assert copy.freeze_panes == "A2"
    assert copy.auto_filter.ref == "A1:D3"
    assert str(copy.merged_cells) == "A6:B6"
    assert copy["B2"].value == ' <a> & "b"\n\tc  '
    [rules] = [rule.rules for rule in copy.conditional_formatting]
    assert rules[0].formula == ['"<&>"']


def test_notes_of_the_agency_stay():
    def change(book):
        book.active["B2"].comment = Comment("của đơn vị", "Cán bộ")
        book.active["B3"].comment = Comment("cũng của đơn vị", "Cán bộ")

    copy = annotated(workbook(change), finding(3, "B (Tên)"), finding(4, "B (Tên)"))

    assert noted(copy) == {
        "B2": "của đơn vị",
        "B3": "cũng của đơn vị\nLiên thông: Lỗi: sai → sửa",
        "B4": "Lỗi: sai → sửa",
    }


def test_a_copy_that_was_mended_and_sent_again_says_what_is_mended():
    once = annotated(workbook(), finding(2, "B (Tên)"), finding(3, "B (Tên)"))

    twice = annotated(once, finding(3, "B (Tên)", vi="vẫn sai"), finding(4, "B (Tên)"))

    assert noted(twice) == {
        "B2": "Ô này không còn lỗi",
        "B3": "Lỗi: vẫn sai → sửa",
        "B4": "Lỗi: sai → sửa",
    }
    assert coloured(twice, GREEN) == {"B2"}
    assert coloured(twice) == {"B3", "B4"}


def test_notes_are_known_again_when_a_program_kept_no_authors():
    def forget(xml):
        return xml.replace("Liên thông</author>", " </author>").replace("Cán bộ", " ")

    def change(book):
        book.active["B3"].comment = Comment("của đơn vị", "Cán bộ")

    once = annotated(workbook(change), finding(2, "B (Tên)"), finding(3, "B (Tên)"))
    with zipfile.ZipFile(io.BytesIO(once)) as parts:
        [name] = [name for name in parts.namelist() if re.search("[Cc]omment.*xml$", name)]

    again = annotated(edited(once, **{name: forget}), finding(3, "B (Tên)", vi="vẫn sai"))

    assert noted(again) == {
        "B2": "Ô này không còn lỗi",
        "B3": "của đơn vị\nLiên thông: Lỗi: vẫn sai → sửa",
    }


def test_a_second_sheet_is_marked_by_its_own_name():
    def change(book):
        book.create_sheet("Phụ").append(["x"])

    copy = annotated(
        workbook(change), finding(3, "B (Tên)"), finding(1, "A (x)", sheet="Phụ", vi="hai")
    )

    assert noted(copy) == {"B3": "Lỗi: sai → sửa"}
    assert noted(copy, "Phụ") == {"A1": "Lỗi: hai → sửa"}


def test_a_note_is_never_a_formula_and_never_breaks_the_xml():
    copy = annotated(workbook(), finding(2, "A (Mã)", vi="=HYPERLINK(\x01\ufffe]]><&\"'"))

    assert noted(copy)["A2"].startswith("Lỗi: '=HYPERLINK(")


def test_a_prefixed_sheet_is_copied_by_its_prefix():
    def prefix(xml):
        return re.sub(r"<(/?)(?![?!])", r"<\1x:", xml).replace("xmlns=", "xmlns:x=")

    data = edited(workbook(), **{"xl/worksheets/sheet1.xml": prefix})

    copy = annotated(data, finding(3, "B (Tên)"), finding(4, "A (Mã)"))

    assert records(copy) == records(data)
    assert set(noted(copy)) == {"B3", "A4"}


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_ROWS"])
def test_what_is_too_large_comes_as_a_list_that_says_so(limit, monkeypatch):
    monkeypatch.setattr(limits, limit, 1)

    listed = annotated(
        workbook(), finding(3, "B (Tên)"), finding(4, "B (Tên)"), expect_copy=False
    ).decode()

    assert listed.startswith('{"file": "a.xlsx", "why": {"vi": "không tạo được bản sao')
    assert listed.count('"code": "t.wrong"') == 3


@pytest.mark.parametrize(
    "damage",
    [
        {"xl/styles.xml": lambda xml: "<styleSheet/>"},
        {"xl/styles.xml": lambda xml: xml.replace("2006/main", "2006/other")},
        {"xl/worksheets/sheet1.xml": lambda xml: xml[:-20]},
        {"xl/worksheets/sheet1.xml": lambda xml: "<!DOCTYPE a [<!ENTITY b 'c'>]>" + xml},
        {"xl/workbook.xml": lambda xml: xml.replace("spreadsheetml/2006", "x/2006")},
        {"_rels/.rels": lambda xml: xml.replace("officeDocument", "x")},
    ],
    ids=["no styles", "other styles", "cut", "doctype", "no workbook", "nothing refers to one"],
)
def test_a_damaged_workbook_comes_as_a_list(damage):
    listed = annotated(edited(workbook(), **damage), finding(3, "B"), expect_copy=False)

    assert b'"errors": [' in listed


@pytest.mark.parametrize(
    ("plain", "endless"),
    [('<row r="3"', f'<row r="{"9" * 9_000}"'), ('<c r="B2"', f'<c s="{"9" * 9_000}" r="B2"')],
    ids=["row", "format"],
)
def test_a_number_of_thousands_of_digits_is_none(plain, endless):
    data = edited(
        workbook(), **{"xl/worksheets/sheet1.xml": lambda xml: xml.replace(plain, endless)}
    )

    copy = annotated(data, finding(2, "B (Tên)"))

    assert b"sheetData" in zipfile.ZipFile(io.BytesIO(copy)).read("xl/worksheets/sheet1.xml")


def test_rows_and_cells_without_addresses_are_counted():
    def bare(xml):
        return re.sub(r'(<(?:row|c)\b[^>]*?) r="[^"]*"', r"\1", xml)

    data = edited(workbook(), **{"xl/worksheets/sheet1.xml": bare})

    copy = annotated(data, finding(3, "B (Tên)"))

    with zipfile.ZipFile(io.BytesIO(copy)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    third = re.findall(r"<row.*?</row>", sheet)[2]
    assert re.findall(r'<c[^>]*\bs="(\d+)"', third)


def test_a_fill_of_the_agency_elsewhere_stays():
    def change(book):
        book.active["A2"].fill = PatternFill("solid", fgColor="FF112233")

    copy = annotated(workbook(change), finding(3, "B (Tên)"))

    assert coloured(copy, "FF112233") == {"A2"}


def test_a_sheet_in_which_nothing_is_wrong_any_more_says_so_as_well():
    def change(book):
        book.create_sheet("Phụ").append(["x"])

    once = annotated(workbook(change), finding(3, "B (Tên)"), finding(1, "A (x)", sheet="Phụ"))

    twice = annotated(once, finding(1, "A (x)", sheet="Phụ"))

    assert noted(twice) == {"B3": "Ô này không còn lỗi"}
    assert coloured(twice, GREEN) == {"B3"}
    assert noted(twice, "Phụ") == {"A1": "Lỗi: sai → sửa"}


def test_new_notes_of_one_sheet_never_take_the_place_of_older_ones_of_another():
    def change(book):
        book.create_sheet("Phụ").append(["x"])

    once = annotated(workbook(change), finding(1, "A (x)", sheet="Phụ"))

    twice = annotated(once, finding(3, "B (Tên)"), finding(1, "A (x)", sheet="Phụ", vi="vẫn sai"))

    assert noted(twice) == {"B3": "Lỗi: sai → sửa"}
    assert noted(twice, "Phụ") == {"A1": "Lỗi: vẫn sai → sửa"}
    with zipfile.ZipFile(io.BytesIO(twice)) as parts:
        assert len(parts.namelist()) == len(set(parts.namelist()))
