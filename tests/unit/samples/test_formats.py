"""Each file read by other means than ours: the encodings and quirks it promises are really in."""

from __future__ import annotations

import csv
import html
import io
import json
import zipfile
from datetime import datetime

import openpyxl
from lxml import etree

from lienthong.samples.workbook import CellError, column_letter, write_workbook

NAMESPACES = {"dk": "urn:mau:dang-ky-kinh-doanh", "tl": "urn:mau:tai-lieu"}


def test_the_ward_book_opens_in_a_spreadsheet_program(samples):
    file = samples.of("ward-civil-status")
    book = openpyxl.load_workbook(file.path)

    rows = list(book["Hộ tịch"].iter_rows(values_only=True))

    assert rows[0][0] == "ỦY BAN NHÂN DÂN PHƯỜNG SÀI GÒN"
    assert rows[3][:3] == ("STT", "Số hồ sơ", "Mã thủ tục")
    assert len(rows) == 4 + 272
    received = [row[5] for row in rows[4:]]
    assert sum(isinstance(value, datetime) for value in received) > 80
    assert sum(isinstance(value, str) for value in received) > 80
    assert {type(row[8]) for row in rows[4:]} == {str}
    assert {row[8][:9] for row in rows[4:]} == {"079000000"}
    assert {type(row[14]) for row in rows[4:]} == {int, str, type(None)}


def test_rows_of_the_ward_book_are_the_ones_the_errors_name(samples):
    file = samples.of("ward-civil-status")
    sheet = openpyxl.load_workbook(file.path)["Hộ tịch"]

    unknown = next(error for error in file.expected if error.field == "TrangThaiHoSo")

    letter = unknown.place.column.split(" ")[0]
    assert unknown.place.column == "P (Trạng thái)"
    assert sheet[f"{letter}{unknown.place.row}"].value == "Đang sử lý"


def test_a_workbook_keeps_every_kind_of_cell(tmp_path):
    path = tmp_path / "book.xlsx"
    when = datetime(2025, 7, 7, 8, 15)  # noqa: DTZ001 - workbooks know no zones
    rows = [[" <a & b> ", None, 0, 1.5, when, CellError("#N/A")], [], ["Đ"]]

    write_workbook(path, sheet='A & "B"', rows=rows)

    sheet = openpyxl.load_workbook(path)['A & "B"']
    assert [cell.value for cell in sheet[1]] == [" <a & b> ", None, 0, 1.5, when, "#N/A"]
    assert sheet["A3"].value == "Đ"


def test_a_workbook_carries_no_time_of_its_making(tmp_path):
    write_workbook(tmp_path / "book.xlsx", sheet="S", rows=[["a"]])

    with zipfile.ZipFile(tmp_path / "book.xlsx") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_columns_are_lettered_as_in_a_spreadsheet():
    assert [column_letter(index) for index in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip


def test_the_land_table_is_written_in_tcvn3(samples):
    data = samples.of("land-registration").path.read_bytes()

    assert b"\xa7\xb7 tr\xb6 k\xd5t qu\xb6" in data
    assert b"m\xc9u" in data
    assert "Đã".encode() not in data
    assert b"\r\n" in data
    assert b";" in data


def test_the_land_table_has_quoted_line_breaks_and_one_ragged_row(samples):
    file = samples.of("land-registration")
    text = file.path.read_bytes().decode("latin-1")

    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))

    assert len(rows) == 1 + file.records
    assert [len(row) for row in rows].count(27) == file.records
    ragged = next(error for error in file.expected if error.code == "csv.ragged")
    assert len(rows[ragged.place.row - 1]) == 24
    assert any("\n" in cell for row in rows for cell in row)


def test_lines_of_the_land_table_are_the_ones_the_errors_name(samples):
    file = samples.of("land-registration")
    lines = file.path.read_bytes().split(b"\n")

    error = next(error for error in file.expected if error.code == "mapping.date_invalid")

    assert b";31/02/2025;" in lines[error.place.line - 1]
    assert error.place.line > error.place.row


def test_the_district_table_is_utf_16_with_character_references(samples):
    file = samples.of("district-portalqh")
    data = file.path.read_bytes()
    text = data.decode("utf-16")

    rows = [line.split("\t") for line in text.removesuffix("\r\n").split("\r\n")]

    assert data.startswith(b"\xff\xfe")
    assert text.isascii()
    assert len(rows) == 1 + 272
    assert rows[0][:3] == ["TINHTHANH", "SOBIENNHAN", "HOTEN"]
    assert all(html.unescape(row[2]).endswith("(mẫu)") for row in rows[1:])
    assert any("&#7841;" in row[2] for row in rows)


def test_the_health_page_has_wcf_dates_and_flags(samples):
    file = samples.of("health-department")
    page = json.loads(file.path.read_bytes())

    records = [record for record in page["Data"] if record]

    assert page["TotalItems"] == 272
    assert len(records) == 271
    assert {type(record["HoSoID"]) for record in records} == {int}
    assert {record["TraQuaBuuDien"] for record in records} == {"1", None}
    assert any(record["NgayNhan"].endswith("+0700)/") for record in records)
    assert any(record["NgayTra"] == "/Date(-62135596800000)/" for record in records)


def test_the_igate_page_has_files_fees_and_steps(samples):
    file = samples.of("igate-one-stop")
    page = json.loads(file.path.read_bytes())

    records = [record for record in page["data"] if record != 42]

    assert len(records) == 271
    assert {record["LoaiDoiTuong"] for record in records} >= {0, 1, 2}
    assert max(len(record["TepDinhKem"]) for record in records) == 4
    assert max(len(record["TienTrinh"]) for record in records) == 4
    steps = [step["ThoiDiemXuLy"] for record in records for step in record["TienTrinh"]]
    assert any(step.endswith("Z") for step in steps)
    assert any(step.endswith("+07:00") for step in steps)


def test_the_business_list_is_xml_with_two_namespaces(samples):
    file = samples.of("business-registration")
    root = etree.parse(file.path).getroot()

    dossiers = root.findall("dk:HoSo", NAMESPACES)

    assert len(dossiers) == file.records
    assert {dossier.get("maHoSo") for dossier in dossiers} - {None} >= set(file.dossiers)
    assert max(len(dossier.findall("tl:GiayTo", NAMESPACES)) for dossier in dossiers) == 3
    people = [len(dossier.findall("dk:Representatives", NAMESPACES)) for dossier in dossiers]
    assert set(people) == {1, 2}


def test_paths_of_the_business_list_are_the_ones_the_errors_name(samples):
    file = samples.of("business-registration")
    root = etree.parse(file.path).getroot()

    error = next(error for error in file.expected if error.code == "mapping.code_unknown")

    assert error.place.path == f"/DanhSachHoSo/HoSo[{error.record}].TrangThai.@ma"
    state = root.find(f"dk:HoSo[{error.record}]/dk:TrangThai", NAMESPACES)
    assert state.get("ma") == "DANGXULY"
