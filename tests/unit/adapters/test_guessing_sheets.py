"""The sheets of a workbook without a mapping: which there are, and how each is read."""

import io

import openpyxl
import pytest
from openpyxl.workbook import Workbook

from adapters import CsvOptions, XlsxOptions
from adapters.guessing_sheets import MAX_SHEETS, find_sheets

KNOWN = {"Mã hồ sơ", "Họ tên", "Ngày nhận", "Mã giấy tờ", "Tên giấy tờ"}


def saved(book):
    target = io.BytesIO()
    book.save(target)
    target.seek(0)
    return target


def found_in(source, options):
    return find_sheets(source, file_name="a.xlsx", options=options, is_known=KNOWN.__contains__)


@pytest.fixture
def book():
    book = openpyxl.Workbook()
    book.active.title = "HOSO"
    book.active.append(["Mã hồ sơ", "Họ tên"])
    book.active.append(["1", "A"])
    papers = book.create_sheet("Giấy tờ")
    papers.append(["Danh sách giấy tờ"])
    papers.append([])
    papers.append(["Mã hồ sơ", "Mã giấy tờ", "Tên giấy tờ"])
    papers.append(["1", "GT1", "Đơn"])
    book.create_sheet("Trống")
    return book


def test_every_sheet_is_found_with_the_row_of_its_names_and_the_main_one_first(book):
    source = saved(book)

    found = found_in(source, XlsxOptions(header_row=1))

    assert list(found) == ["HOSO", "Giấy tờ", "Trống"]
    assert found["HOSO"] == XlsxOptions(header_row=1)
    assert found["Giấy tờ"] == XlsxOptions(sheet="Giấy tờ", header_row=3)
    assert found["Trống"] is None
    assert source.tell() == 0


def test_the_sheet_that_was_chosen_is_the_main_one(book):
    found = found_in(saved(book), XlsxOptions(sheet="Giấy tờ ", header_row=3))

    assert list(found) == ["Giấy tờ", "HOSO", "Trống"]
    assert found["Giấy tờ"] == XlsxOptions(sheet="Giấy tờ ", header_row=3)


def test_a_hidden_first_sheet_is_not_the_main_one(book):
    book["HOSO"].sheet_state = "hidden"

    assert next(iter(found_in(saved(book), XlsxOptions(header_row=3)))) == "Giấy tờ"


def test_of_hundreds_of_sheets_only_some_are_looked_at():
    book = Workbook()
    for number in range(100):
        book.create_sheet(f"S{number}").append(["Mã hồ sơ", "Họ tên"])
    book.active.append(["a"])
    book.active.append(["1"])

    assert len(found_in(saved(book), XlsxOptions())) <= MAX_SHEETS


def test_what_is_no_workbook_has_no_sheets():
    assert found_in(io.BytesIO(b"a;b\n1;2\n"), CsvOptions()) == {}
