from __future__ import annotations

import io
import zlib

import pytest

from adapters import charsets, make_options, read_records
from adapters.options import OptionsWrong
from schemas.errors import InputError

SIMPLE = {
    "format": "fixed",
    "fields": {"So": "1-5", "Ten": "6-15", "Phi": {"at": "16-22", "fill": "0", "align": "right"}},
    "length": 22,
}
BATCH = {
    "format": "fixed",
    "type_at": "1-2",
    "types": {
        "HD": {"role": "header", "name": "dau", "fields": {"DonVi": "3-6"}},
        "10": {"fields": {"So": "3-5", "Phi": "6-9"}},
        "20": {"role": "detail", "parent": "10", "name": "Giay", "fields": {"Ten": "3-9"}},
        "21": {"role": "detail", "parent": "20", "fields": {"Trang": "3-4"}},
        "TR": {
            "role": "trailer",
            "fields": {"Dong": "3-5", "Tong": "6-11"},
            "checks": [
                {"field": "Dong", "count": ["10", "20", "21"]},
                {"field": "Tong", "sum": "10.Phi"},
            ],
        },
    },
}
LINES = ["HDH29 ", "10001 250", "20Don   ", "2101", "2102", "20CCCD  ", "10002  50", "TR006   300"]


def batch(lines=LINES):
    return "".join(f"{line:<11}\r\n" for line in lines).encode()


def test_fields_come_without_their_fill(read):
    found = read("A0001Nguyễn An 0012500\nA0002     Ân   0000000\n".encode(), **SIMPLE)

    assert found.values == [
        {"So": "A0001", "Ten": "Nguyễn An", "Phi": "12500"},
        {"So": "A0002", "Ten": "Ân", "Phi": "0"},
    ]
    assert str(found.records[1].place_of("Ten")) == "f, row 2, column 6-15 (Ten)"


def test_a_fill_before_left_aligned_text_stays():
    options = {"format": "fixed", "fields": {"Ma": {"at": "1-6", "fill": "*"}}}

    records = list(
        read_records(io.BytesIO(b"007***\n"), file_name="f", options=make_options(options))
    )

    assert records[0].values == {"Ma": "007"}


def test_blank_lines_and_the_end_mark_of_dos_are_no_records(read):
    found = read(b"\nA0001An        0000001\r\n   \r\n\x1a", **SIMPLE)

    assert [str(r.place) for r in found.records] == ["f, row 2"]


@pytest.mark.parametrize(
    ("line", "code"),
    [("A0001An        000000", "fixed.short"), ("A0001An        0000001X", "fixed.long")],
)
def test_a_line_of_another_length_is_unreadable(read, line, code):
    found = read(f"{line}\nA0002Bình      0000002\n".encode(), **SIMPLE)

    assert found.problems == [(code, "f, row 1")]
    assert [v["So"] for v in found.values] == ["A0002"]


def test_spaces_cut_off_at_the_end_may_be_declared(read):
    found = read(b"A0001An\n", **SIMPLE, trimmed=True)

    assert found.values == [{"So": "A0001", "Ten": "An", "Phi": ""}]


VNI = {"format": "fixed", "encoding": "vni", "unit": "bytes", "length": 14}


def test_positions_may_count_the_bytes_of_the_encoding(read):
    line = charsets.encode("Trần Ân", "vni").ljust(12) + b"7 "
    assert len(line) == 14

    found = read(line + b"\n", **VNI, fields={"Ten": "1-12", "Loai": "13"})

    assert found.values == [{"Ten": "Trần Ân", "Loai": "7"}]


def test_a_boundary_in_the_middle_of_a_vni_pair_is_an_error_at_its_place(read):
    line = charsets.encode("Trần", "vni") + b"7".rjust(9)
    assert line[2:4] == b"a\xe0"

    found = read(line + b"\n", **VNI, fields={"Dau": "1-3", "Sau": "4-14"})

    assert found.problems == [("fixed.undecodable", "f, row 1, column 4-14 (Sau)")]
    assert "may cut a letter" in found.records[0].problems[0].suggestion.en


def test_a_line_that_ends_in_the_middle_of_a_vni_pair_is_cut_short(read):
    whole = charsets.encode("Đỗ Thị Vần", "vni")
    options = {**VNI, "length": len(whole), "fields": {"Ten": f"1-{len(whole)}"}}
    cut = whole[: whole.rindex(b"a") + 1]

    found = read(cut + b"\n" + whole + b"\n", **options)

    assert found.problems == [("fixed.short", "f, row 1")]
    assert found.values == [{"Ten": "Đỗ Thị Vần"}]


def test_half_of_a_utf8_letter_is_an_error_at_its_place(read):
    found = read("ộ1\n".encode(), format="fixed", unit="bytes", fields={"A": "1-2", "B": "3-4"})

    assert found.problems == [
        ("fixed.undecodable", "f, row 1, column 1-2 (A)"),
        ("fixed.undecodable", "f, row 1, column 3-4 (B)"),
    ]


def test_detail_lines_become_lists_in_the_record_above_them(read):
    found = read(batch(), **BATCH)

    assert found.values == [
        {
            "So": "001",
            "Phi": "250",
            "Giay": [
                {"Ten": "Don", "21": [{"Trang": "01"}, {"Trang": "02"}]},
                {"Ten": "CCCD", "21": []},
            ],
            "dau": {"DonVi": "H29"},
        },
        {"So": "002", "Phi": "50", "Giay": [], "dau": {"DonVi": "H29"}},
    ]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("Phi", "f, row 2, column 6-9 (Phi)"),
        ("Giay[1].Ten", "f, row 6, column 3-9 (Ten)"),
        ("Giay[0].21[1].Trang", "f, row 5, column 3-4 (Trang)"),
        ("dau.DonVi", "f, row 1, column 3-6 (DonVi)"),
    ],
)
def test_a_field_of_a_detail_has_the_place_of_its_own_line(read, path, place):
    assert str(read(batch(), **BATCH).records[0].place_of(path)) == place


def test_a_trailer_that_disagrees_holds_the_whole_file_and_names_the_differences(read):
    found = read(batch([line for line in LINES if line != "10002  50"]), **BATCH)

    assert found.records == []
    assert found.code == "fixed.control_wrong"
    assert str(found.refusal.place) == "f, row 7"
    assert found.refusal.message.en == (
        "3-5 (Dong) says 6, the file has 5 (10, 20, 21): off by -1; "
        "6-11 (Tong) says 300, the file has 250 (10.Phi): off by -50"
    )


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (LINES[:-1], "fixed.trailer_missing"),
        (LINES[1:], "fixed.header_missing"),
        ([LINES[1], LINES[0], *LINES[2:]], "fixed.header_misplaced"),
        ([*LINES, "10003   0"], "fixed.after_trailer"),
        ([*LINES, *LINES], "fixed.after_trailer"),
        ([*LINES[:-1], "TR      300"], "fixed.number_invalid"),
        ([*LINES[:-1], "TR00A   300"], "fixed.number_invalid"),
        ([*LINES[:-2], "10002  5O", LINES[-1]], "fixed.number_invalid"),
    ],
)
def test_a_file_without_its_right_ends_is_refused_before_its_first_record(read, lines, code):
    found = read(batch(lines), **BATCH)

    assert (found.records, found.code) == ([], code)
    assert found.refusal.suggestion is not None


def test_a_number_that_cannot_be_added_up_is_named_with_its_place(read):
    found = read(batch([*LINES[:-2], "10002  5O", LINES[-1]]), **BATCH)

    assert str(found.refusal.place) == "f, row 7, column 6-9 (Phi)"


def test_a_pipe_is_checked_before_its_first_record_too():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    options = make_options(BATCH)

    assert len(list(read_records(Pipe(batch()), file_name="f", options=options))) == 2
    with pytest.raises(InputError):
        next(iter(read_records(Pipe(batch(LINES[:-1])), file_name="f", options=options)))


DIGEST = {
    "format": "fixed",
    "unit": "bytes",
    "type_at": "1",
    "types": {
        "D": {"fields": {"So": "2-4"}},
        "T": {
            "role": "trailer",
            "fields": {"Ma": "2-9"},
            "checks": [{"field": "Ma", "digest": "crc32"}],
        },
    },
}


def test_a_sum_of_forty_digits_is_compared_to_the_last(read):
    fields = {"Phi": "3-42"}
    checks = [{"field": "Phi", "sum": "10.Phi"}]
    types = {
        "10": {"fields": fields},
        "TR": {"role": "trailer", "fields": fields, "checks": checks},
    }
    rows = f"10{10**38:040}\n10{1:040}\n"
    options = {"format": "fixed", "type_at": "1-2", "types": types}

    wrong = read(f"{rows}TR{10**38:040}\n".encode(), **options)
    right = read(f"{rows}TR{10**38 + 1:040}\n".encode(), **options)

    assert wrong.code == "fixed.control_wrong"
    assert wrong.refusal.message.en.endswith("(10.Phi): off by +1")
    assert (right.code, len(right.values)) == (None, 2)


def test_a_checksum_covers_every_byte_before_the_trailer(read):
    body = b"D001\r\nD002\r\n"
    trailer = f"T{zlib.crc32(body):08X}".encode()

    assert len(read(body + trailer, **DIGEST).values) == 2
    found = read(body.replace(b"2", b"3") + trailer, **DIGEST)
    assert (found.records, found.code) == ([], "fixed.control_wrong")


UNCHECKED = {
    "format": "fixed",
    "type_at": "1-2",
    "types": {key: BATCH["types"][key] for key in ("10", "20", "21")},
}


def test_an_unknown_line_makes_the_record_above_it_unreadable(read):
    found = read(batch(["10001 250", "2OCCCD", "10002  50"]), **UNCHECKED)

    assert found.problems == [("fixed.type_unknown", "f, row 2")]
    assert [v["So"] for v in found.values] == ["002"]


def test_a_detail_without_its_line_above_is_reported(read):
    found = read(batch(["20Don", "10001 250", "2101", "10002  50"]), **UNCHECKED)

    assert found.problems == [("fixed.orphan", "f, row 1"), ("fixed.orphan", "f, row 3")]
    assert [r.number for r in found.records] == [1, 2, 3]
    assert [v["So"] for v in found.values] == ["002"]


def test_a_bad_detail_makes_its_record_unreadable_with_its_own_place(read):
    data = batch(["10001 250", "20Don", "20"]).replace(b"20Don", b"20D\xffn")

    found = read(data, **UNCHECKED)

    assert found.problems == [("fixed.undecodable", "f, row 2, column 3-9 (Ten)")]


def test_a_record_with_too_many_details_is_let_go(read):
    lines = ["10001 250", *["20giay  "] * 30, "10002  50"]

    found = read(batch(lines), **UNCHECKED, max_record_bytes=1024)

    assert found.problems == [("fixed.too_large", "f, row 1")]
    assert [v["So"] for v in found.values] == ["002"]


def test_another_kind_of_file_is_given_up_after_a_while(read):
    found = read(b"a,b,c\n" * 200, **SIMPLE)

    assert len(found.records) == 100
    assert found.code == "fixed.none_readable"


WRONG = [
    ({}, "fields"),
    ({"fields": {"So": "5-3"}}, "fields"),
    ({"fields": {"So": "0-3"}}, "fields"),
    ({"fields": {"So": {"at": "1-3", "fil": "0"}}}, "fields"),
    ({"fields": {"So": "1"}, "unit": "byte"}, "unit"),
    ({"fields": {"So": "1"}, "unit": "bytes", "encoding": "utf-16-le"}, "unit"),
    ({"fields": {"So": "1"}, "type_at": "1"}, "type_at"),
    ({"type_at": "1", "types": {1: {"fields": {"So": "1"}}}}, "types"),
    ({"type_at": "1", "types": {"1": {"fields": {"So": "1"}, "role": "row"}}}, "types"),
    ({"type_at": "1", "types": {"1": {"role": "header", "fields": {"So": "1"}}}}, "types"),
]


@pytest.mark.parametrize(("settings", "key"), WRONG)
def test_an_impossible_setting_is_named(settings, key):
    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "fixed", **settings})

    assert {name for name, _ in caught.value.faults} >= {key}


def test_everything_wrong_in_the_types_is_told_at_once():
    kinds = {
        "10": {"fields": {"So": "3-5", "Giay": "6"}},
        "20": {"role": "detail", "parent": "1O", "fields": {"Ten": "3-9"}},
        "30": {"role": "detail", "parent": "10", "name": "Giay", "fields": {"Ten": "3-9"}},
        "40": {"role": "detail", "parent": "40", "fields": {"Ten": "3-9"}},
        "TR": {
            "role": "trailer",
            "fields": {"Dong": "3-5"},
            "checks": [
                {"field": "Don", "count": ["10"]},
                {"field": "Dong", "sum": "10.Phi"},
                {"field": "Dong", "digest": "crc32"},
            ],
        },
    }

    with pytest.raises(OptionsWrong) as caught:
        make_options({"format": "fixed", "type_at": "1-2", "types": kinds})

    assert [text.en.partition(";")[0] for _, text in caught.value.faults] == [
        "20: parent: unknown value '1O'",
        "30: 'Giay' is a field of 10",
        "40: its parents go in a circle",
        "TR: field: unknown value 'Don'",
        "TR: sum: unknown value '10.Phi'",
        "TR: digest needs unit: bytes",
    ]
