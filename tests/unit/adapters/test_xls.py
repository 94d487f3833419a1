# ruff: noqa: DTZ001 - a date of a workbook has no zone
from __future__ import annotations

import io
import random
import struct
import tracemalloc
from datetime import datetime

import pytest
import xlwt


def book_of(*rows, name="Hồ sơ"):
    book = xlwt.Workbook()
    sheet = book.add_sheet(name)
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(number, column, *(value if isinstance(value, tuple) else (value,)))
    return book


def saved(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def styled(code):
    return xlwt.easyxf(num_format_str=code)


def test_values_are_what_the_format_says(read):
    row = (
        "007",
        12,
        84.5,
        True,
        (datetime(2021, 3, 5, 8, 15), styled("dd/mm/yyyy hh:mm")),
        (7919000123, styled("000000000000")),
        "05/03/2021",
        None,
        xlwt.Formula("1+1"),
    )

    found = read(saved(book_of(list("abcdefghi"), row)), format="xls")

    assert dict(found.values[0]) == {
        "a": "007",
        "b": 12,
        "c": 84.5,
        "d": True,
        "e": datetime(2021, 3, 5, 8, 15),
        "f": "007919000123",
        "g": "05/03/2021",
        "h": None,
        # xlwt stores no result of a formula, which looks like an empty text; Excel stores 2.
        "i": None,
    }
    assert str(found.records[0].place_of("g")) == "f, sheet Hồ sơ, row 2, column G (g)"


def test_a_sheet_of_nothing_but_formulas_without_a_result_is_no_empty_sheet(read):
    sums = xlwt.Formula("1+1")

    found = read(saved(book_of(["a", "b"], [sums, None], [None, sums])), format="xls")

    assert found.problems == [
        ("xls.formula_without_value", "f, sheet Hồ sơ, row 2, column A (a)"),
        ("xls.formula_without_value", "f, sheet Hồ sơ, row 3, column B (b)"),
    ]
    assert found.values == []


def test_rows_prepared_with_formulas_below_the_data_are_blank(read):
    empty = xlwt.Formula('""')

    found = read(saved(book_of(["a", "b"], [1, empty], [empty, empty])), format="xls")

    assert (found.values, found.problems) == ([{"a": 1, "b": None}], [])


def test_the_font_of_a_text_says_what_its_letters_are(read):
    font = xlwt.easyxf("font: name .VnTime")
    typed = "NguyÔn V¨n ¢n"
    mixed = (("Nguyễn ", xlwt.easyfont("name Arial")), ("V¨n", xlwt.easyfont("name .VnTime")))
    book = book_of(["a", "b", "c"], [(typed, font), "Lê", None])
    book.get_sheet(0).write_rich_text(1, 2, mixed, font)

    found = read(saved(book), format="xls", repair="on")

    assert dict(found.values[0]) == {"a": "Nguyễn Văn Ân", "b": "Lê", "c": "Nguyễn V¨n"}


def test_the_1904_system_counts_from_1904(read):
    book = book_of(["a"], [(0.5 + 42_797, styled("dd/mm/yyyy"))])
    book.dates_1904 = 1

    assert read(saved(book), format="xls").values == [{"a": datetime(2021, 3, 4, 12)}]


def test_a_cell_with_an_error_is_never_empty(read):
    book = book_of(["a", "b"], [1, None], [2, "x"])
    book.get_sheet(0).row(1).set_cell_error(1, 0x2A)

    found = read(saved(book), format="xls")

    assert found.problems == [("xls.cell_error", "f, sheet Hồ sơ, row 2, column B (b)")]
    assert found.records[0].problems[0].message.en == "the cell shows #N/A"
    assert found.values == [{"a": 2, "b": "x"}]


def test_the_first_sheet_that_can_be_seen_is_the_default(read):
    book = book_of(["ẩn"], ["x"], name="Ẩn")
    book.get_sheet(0).visibility = 1
    seen = book.add_sheet("Thấy")
    seen.write(0, 0, "a")
    seen.write(1, 0, "y")
    book.active_sheet = 1

    assert read(saved(book), format="xls").values == [{"a": "y"}]
    assert read(saved(book), format="xls", sheet="Ẩn").values == [{"ẩn": "x"}]
    assert read(saved(book), format="xls", sheet="Khác").code == "xls.sheet_missing"


def test_two_cells_far_apart_take_no_rectangle_of_memory(read):
    book = book_of(["a"], [1])
    book.get_sheet(0).write(65_535, 255, "x")
    data = saved(book)

    tracemalloc.start()
    found = read(data, format="xls")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found.values[1]["IV"] == "x"
    assert peak < 40_000_000


def record(number, data):
    return struct.pack("<HH", number, len(data)) + data


def test_a_link_over_all_cells_takes_no_place_for_each(read, monkeypatch):
    link = struct.pack("<4H", 0, 65_535, 0, 255) + bytes(24)
    plain = xlwt.Worksheet.get_biff_data
    # Before the end of the sheet (EOF takes four bytes).
    linked = lambda sheet: plain(sheet)[:-4] + record(0x1B8, link) + plain(sheet)[-4:]  # noqa: E731
    monkeypatch.setattr(xlwt.Worksheet, "get_biff_data", linked)
    data = saved(book_of(["a"], [1]))

    tracemalloc.start()
    found = read(data, format="xls")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found.values == [{"a": 1}]
    assert peak < 10_000_000


def compound(*, short_next, entries=1):
    """Return an OLE file whose workbook lies in short sectors, and who follows whom among them."""
    stream = saved(book_of(["a"], [1]))[512:]
    stream = stream[: stream.rindex(record(10, b"")) + 4]
    count = -(-len(stream) // 64)
    shorts = stream + bytes(-len(stream) % 512)
    names = ["Root Entry", "Workbook", *(f"x{n}" for n in range(entries - 1))]
    directory = b""
    for number, name in enumerate(names):
        text = name.encode("utf-16-le") + b"\0\0"
        near = min(number + 1, entries) if number else -1
        near = near if near > number else -1
        fields = (5, 1, -1, -1, 1) if not number else (2, 1, near, near, -1)
        at = 2 + -(-len(names) // 4) if not number else 0
        size = len(shorts) if not number else len(stream)
        directory += text.ljust(64, b"\0") + struct.pack("<HBBiii", len(text), *fields)
        directory += bytes(36) + struct.pack("<iII", at, size, 0)
    directory += bytes(-len(directory) % 512)
    table = [-3, -2, *range(3, 2 + len(directory) // 512), -2]
    table += [*range(len(table) + 1, len(table) + len(shorts) // 512), -2]
    fat = struct.pack("<128i", *table, *[-1] * (128 - len(table)))
    ring = [*range(1, count), short_next]
    mini = struct.pack("<128i", *ring, *[-1] * (128 - count))
    head = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 65_534, 9, 6)
    )
    head += bytes(10) + struct.pack("<iiIIiiii", 1, 2, 0, 4096, 1, 1, -2, 0)
    head += struct.pack("<109i", 0, *[-1] * 108)
    return head + fat + mini + directory + shorts


def test_a_workbook_in_short_sectors_is_read(read):
    assert read(compound(short_next=-2), format="xls").values == [{"a": 1}]


@pytest.mark.parametrize("at", [48, 60, 68, 76])
def test_tables_beyond_the_end_of_the_file_are_damage(read, at):
    data = bytearray(compound(short_next=-2))
    data[at : at + 4] = struct.pack("<i", 1_000_000)

    assert read(bytes(data), format="xls").code == "xls.damaged"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("harm", [{"short_next": 0}, {"short_next": -2, "entries": 60}])
def test_a_ring_of_sectors_or_a_thicket_of_entries_holds_nobody_up(read, harm):
    found = read(compound(**harm), format="xls")

    assert found.code == ("xls.damaged" if harm["short_next"] == 0 else None)


def test_a_file_beyond_the_limit_is_refused(read):
    data = saved(book_of(["a"], *(["x" * 50 + str(n)] for n in range(500))))

    assert read(data, format="xls", max_file_bytes=20_000).code == "xls.too_large"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<html><table><tr><td>So</td></tr></table></html>", "xls.not_workbook"),
        (b"So,Ten\n1,An\n", "xls.not_workbook"),
        (b"PK\x03\x04" + bytes(100), "xls.not_workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "xls.damaged"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            + bytes(600)
            + "EncryptedPackage".encode("utf-16-le"),
            "xls.encrypted",
        ),
        (b"", "input.empty"),
    ],
)
def test_what_is_no_old_workbook_is_refused_in_words(read, data, code):
    found = read(data, format="xls")

    assert (found.records, found.code) == ([], code)
    assert found.refusal.suggestion is not None


def test_a_workbook_under_a_password_is_told_from_a_damaged_one(read):
    data = bytearray(saved(book_of(["a"], [1])))
    start = data.index(b"\x09\x08\x10\x00")
    # A FILEPASS record (RC4) in the place of the record behind the beginning.
    at = start + 4 + 16
    size = int.from_bytes(data[at + 2 : at + 4], "little")
    assert size >= 2
    data[at : at + 2] = b"\x2f\x00"

    assert read(bytes(data), format="xls").code == "xls.encrypted"


def test_a_damaged_workbook_is_refused_and_never_a_crash(read, capfd):
    whole = saved(book_of(["a", "b"], *([n, f"giá trị {n}"] for n in range(50))))
    chance = random.Random(5)

    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        read(bytes(data[: chance.choice([len(data), chance.randrange(len(data))])]), format="xls")

    assert capfd.readouterr() == ("", "")
