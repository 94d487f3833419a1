"""What of a file's findings an agency is shown: what is to be mended first, and nothing unread."""

import json
from pathlib import Path

import openpyxl
import pytest

MAPPING = """
mapping: land-registration
version: 1
schema: dvcqg-2020
agency: {code: "000.15.29.H29", name: "Phường Mẫu"}
source: {format: xlsx, repair: REPAIR}
event_key: "{so}"
dossier:
  MaHoSo: so
  MaTTHC: {constant: "1.001612"}
  TenTTHC: {constant: Thủ tục}
  MaLinhVuc: {constant: G01-TN01}
  TenLinhVuc: {constant: Lĩnh vực}
  ChuHoSo: ten
  LoaiDoiTuong: {constant: "1"}
  NgayTiepNhan: {from: nhan, date: {formats: [dd/MM/yyyy]}}
  NgayHenTra: {from: hen, date: {formats: [dd/MM/yyyy]}}
  TrangThaiHoSo: {constant: "2"}
  HinhThuc: {constant: "0"}
  DonViXuLy: {constant: Đơn vị}
tests: []
"""
ROWS = [
    ("H29.15-260302-0001", "NguyÔn V¨n H¶i", "02/03/2026", "09/03/2026", "TrÇn ThÞ H¶i"),
    ("H29.15-260302-0002", "NguyÔn ThÞ Ph\u00adîng", "02/03/2026", "01/02/2026", "Lª ThÞ H¶i"),
    ("H29.15-260302-0003", "Nguy&#7877;n A", "31/02/2026", "09/03/2026", "NguyÔn V¨n H¶i"),
]


@pytest.fixture
def convert(quick):
    """Convert ROWS with `repair` as given; everything that the command tells and writes."""
    book = openpyxl.Workbook()
    book.active.append(["so", "ten", "nhan", "hen", "noibo"])
    for row in ROWS:
        book.active.append(row)

    def run(repair, *, lang="en"):
        book.save("hs.xlsx")
        Path("a.yaml").write_text(MAPPING.replace("REPAIR", repair), encoding="utf-8")
        words = ("convert", "hs.xlsx", "-a", "a.yaml", "--report", "r.json")
        result = quick(*words, "--annotated", "loi.xlsx", lang=lang)
        assert result.code == 1, result.err
        return result.out, json.loads(Path("r.json").read_text(encoding="utf-8"))

    return run


def column_letters(report):
    return [(e["code"], e["source"]["column"][0]) for e in report["errors"]]


def test_a_column_that_no_rule_reads_is_not_reported(convert):
    _, report = convert('"on"')

    assert sorted(column_letters(report)) == [
        ("mapping.date_invalid", "C"),
        ("text.repaired", "B"),
        ("text.repaired", "B"),
        ("text.repaired", "B"),
        ("value.date_order", "D"),
    ]


def test_it_is_not_reported_either_where_texts_are_left_as_they_are(convert):
    _, report = convert("report")

    found = {place for code, place in column_letters(report) if code.startswith("text.")}
    assert found == {"B"}


def test_text_check_still_looks_at_every_column(convert, quick):
    convert('"on"')

    assert "noibo" in quick("text", "check", "hs.xlsx").out


def test_the_terminal_tells_errors_then_warnings_and_repairs_in_its_last_line(convert):
    shown, _ = convert('"on"')

    lines = [line.strip().split("  ")[0] for line in shown.splitlines() if " × " in line]
    repaired = shown.splitlines()[-1].strip()
    assert lines[:2] == ["1 × error: mapping.date_invalid", "1 × warning: value.date_order"]
    assert repaired == ("3 × repaired while it was read, nothing to be done: tcvn3 2, references 1")


def test_vietnamese_says_the_severity_too(convert):
    shown, _ = convert('"on"', lang="vi")

    assert "1 × lỗi: mapping.date_invalid" in shown
    assert "1 × cảnh báo: value.date_order" in shown
    assert shown.splitlines()[-1].strip().startswith("3 × đã tự sửa chữ khi đọc")


def test_the_copy_marks_what_is_to_be_mended_and_nothing_that_was_repaired(convert):
    convert('"on"', lang="vi")

    sheet, listed = openpyxl.load_workbook("loi.xlsx").worksheets
    marked = {
        cell.coordinate: (cell.fill.fgColor.rgb, cell.comment.text.split(":")[1].strip())
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment
    }
    assert marked == {"C4": ("FFFFC7CE", "Lỗi"), "D3": ("FFFFEB9C", "Cảnh báo")}
    assert [(row[0].value, row[2].value) for row in listed.iter_rows(min_row=2)] == [
        ("Lỗi", "C4"),
        ("Cảnh báo", "D3"),
    ]
