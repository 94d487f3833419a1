from __future__ import annotations

import time

import pytest

from adapters import charsets


def test_rows_are_counted_as_a_spreadsheet_shows_them_and_lines_as_an_editor_does(read):
    data = b'a,b\n1,"x\ny"\n\n2,z\n'

    found = read(data, format="csv").records

    assert [(r.place.row, r.place.line) for r in found] == [(2, 2), (4, 5)]
    assert found[0].values == {"a": "1", "b": "x\ny"}


def test_title_rows_above_the_header_are_skipped(read):
    data = "BÁO CÁO,\nNgày 1,\nSố,Tên\n1,An\n".encode()

    found = read(data, format="csv", header_row=3, required=["Số"])

    assert found.values == [{"Số": "1", "Tên": "An"}]
    assert found.records[0].place.row == 4


def test_a_file_without_header_takes_the_names_of_its_mapping(read):
    found = read(b"1,An\n2,Ba\n", format="csv", header=False, columns=["So", "Ten"])

    assert found.values == [{"So": "1", "Ten": "An"}, {"So": "2", "Ten": "Ba"}]
    assert str(found.records[0].place_of("Ten")) == "f, row 1, column B (Ten)"


@pytest.mark.parametrize("row", [b"1", b"1,2,3"])
def test_a_ragged_row_is_reported_with_both_counts(read, row):
    found = read(b"a,b\n" + row + b"\n3,4\n", format="csv")

    assert found.problems == [("csv.ragged", "f, row 2")]
    assert f"{row.count(b',') + 1} fields" in found.records[0].problems[0].message.en
    assert found.values == [{"a": "3", "b": "4"}]


def test_a_quote_that_never_closes_is_named_by_its_line(read):
    data = b'a,b\n1,"x\nx"\n2,"y""y\n3,z\n4,z\n'

    found = read(data, format="csv")

    assert found.values == [{"a": "1", "b": "x\nx"}]
    assert (found.code, found.refusal.place.line) == ("csv.quote_unclosed", 4)


def test_a_quote_that_never_closes_does_not_eat_memory(read):
    data = b'a,b\n1,"x\n' + b"2,y\n" * 5000

    found = read(data, format="csv", max_record_bytes=1024)

    assert (found.code, found.refusal.place.line) == ("csv.quote_unclosed", 2)


def test_text_after_a_closing_quote_makes_one_record_unreadable(read):
    found = read(b'a,b\n1,"x"y\n2,z\n', format="csv")

    assert found.problems == [("csv.quote_misplaced", "f, row 2")]
    assert found.values == [{"a": "2", "b": "z"}]


def test_a_quote_in_the_middle_of_a_plain_field_is_text(read):
    assert read(b'a,b\n1,x"y\n', format="csv").values == [{"a": "1", "b": 'x"y'}]


def test_quotes_can_be_switched_off(read):
    assert read(b'a,b\n1,"x\n', format="csv", quote="").values == [{"a": "1", "b": '"x'}]


def test_an_escape_takes_the_next_character_literally(read):
    found = read(b"a,b\n1,x\\,y\n", format="csv", quote="", escape="\\")

    assert found.values == [{"a": "1", "b": "x,y"}]


def test_a_line_beyond_the_limit_costs_one_record(read):
    data = b"a,b\n1," + b"x" * 5000 + b"\n2,y\n"

    found = read(data, format="csv", max_record_bytes=1024)

    assert found.problems == [("csv.too_large", "f, row 2")]
    assert found.values == [{"a": "2", "b": "y"}]


def test_a_row_tells_a_hundred_of_its_faults(read):
    found = read(b"a,b\n" + b"\0," * 400_000 + b"\n1,2\n", format="csv")

    assert len(found.problems) == 100
    assert found.values == [{"a": "1", "b": "2"}]


def test_of_many_repeated_columns_the_first_are_named(read):
    found = read(b",".join([b"a"] * 100_000) + b"\n", format="csv")

    assert found.code == "csv.columns_repeated"
    assert found.refusal.message.en.startswith("columns have the same name: A, B: 'a'; A, C: 'a'")
    assert len(found.refusal.message.en) < 1000


def test_many_short_lines_in_an_open_quote_are_counted_once_each(read):
    start = time.monotonic()

    found = read(b'a,b\n"' + b"x\n" * 1_000_000, format="csv")

    assert found.code == "csv.quote_unclosed"
    assert time.monotonic() - start < 20


def test_a_long_field_within_the_limit_is_read(read):
    data = b"a,b\n1," + b"x" * 200_000 + b"\n"

    assert len(read(data, format="csv").values[0]["b"]) == 200_000


def test_bad_bytes_are_reported_per_cell_with_their_column(read):
    found = read(b"So,Ten\n\xff,\xfe\n2,An\n", format="csv")

    assert found.problems == [
        ("csv.undecodable", "f, row 2, column A (So)"),
        ("csv.undecodable", "f, row 2, column B (Ten)"),
    ]
    assert "byte FE" in found.records[0].problems[1].message.en
    assert found.values == [{"So": "2", "Ten": "An"}]


def test_nul_is_reported(read):
    found = read(b"a,b\n1,x\0y\n2,z\n", format="csv")

    assert found.problems == [("csv.nul", "f, row 2, column B (b)")]


def test_a_wrong_encoding_throughout_ends_the_input(read):
    data = b"So,Ten\n" + b"1,Nguy\xd4n\n" * 1000

    found = read(data, format="csv")

    assert len(found.records) == 100
    assert found.code == "input.encoding_wrong"


def test_utf_16_without_mark_read_as_utf_8_is_refused_as_encoding(read):
    found = read("So,Tên\n1,An\n".encode("utf-16-le"), format="csv")

    assert found.code == "input.encoding_wrong"


MARKS = [
    ("utf-8-sig", "utf-8"),
    ("utf-8-sig", "utf-8-sig"),
    ("utf-16", "utf-16"),
    ("utf-16", "utf-16-le"),
]


@pytest.mark.parametrize(("written", "declared"), MARKS)
def test_a_byte_order_mark_is_no_part_of_the_first_name(read, written, declared):
    found = read("Số,b\n1,ế\n".encode(written), format="csv", encoding=declared)

    assert found.values == [{"Số": "1", "b": "ế"}]


def test_utf_16_big_endian_without_mark(read):
    found = read("Số,b\n1,ế\n".encode("utf-16-be"), format="csv", encoding="utf-16-be")

    assert found.values == [{"Số": "1", "b": "ế"}]


def test_utf_16_without_mark_needs_its_byte_order(read):
    found = read("a,b\n".encode("utf-16-le"), format="csv", encoding="utf-16")

    assert found.code == "input.encoding_wrong"


def test_letters_of_viscii_that_look_like_line_breaks_stay_letters(read):
    text = "Số,Tên\n1,ỴẦÕẲẴ\n"
    data = charsets.encode(text, "viscii")
    assert b"\x1e\x85\xa0\x02\x05" in data

    assert read(data, format="csv", encoding="viscii").values == [{"Số": "1", "Tên": "ỴẦÕẲẴ"}]


def test_the_soft_hyphen_of_tcvn3_is_a_letter(read):
    found = read(b"a,b\n1,M\xad\xeang\n", format="csv", encoding="tcvn3")

    assert found.values == [{"a": "1", "b": "Mường"}]


def test_separators_of_other_alphabets_do_not_split(read):
    # NFC turns U+037E into a semicolon; U+2028 and U+0085 are line breaks to some.
    text = "a;b\n1;x\u037ey\u2028z\u0085\n"

    found = read(text.encode(), format="csv", delimiter=";")

    assert found.values == [{"a": "1", "b": "x;y\u2028z\u0085"}]


def test_a_wrong_delimiter_is_recognised_without_required_columns(read):
    found = read(b"a;b\n1;2\n", format="csv")

    assert found.code == "csv.delimiter_wrong"
    assert "delimiter: ';'" in found.refusal.for_integrator.en


def test_missing_columns_are_all_listed_with_near_names(read):
    data = b"SoHoSo,NgayNhan_\n"

    found = read(data, format="csv", required=["SoHoSo", "NgayNhan", "TrangThai"])

    assert found.code == "csv.columns_missing"
    assert found.refusal.message.en == (
        "columns missing: 'NgayNhan', 'TrangThai'; found: 'SoHoSo', 'NgayNhan_'; "
        "similar: 'NgayNhan' ~ 'NgayNhan_'"
    )


def test_columns_of_the_same_name_are_refused(read):
    found = read(b"a,b,a\n1,2,3\n", format="csv")

    assert found.code == "csv.columns_repeated"
    assert "A, C: 'a'" in found.refusal.message.en


def test_a_column_without_a_name_goes_by_its_letter(read):
    assert read(b"a,,c\n1,2,3\n", format="csv").values == [{"a": "1", "B": "2", "c": "3"}]


def test_a_name_over_two_lines_is_one_name(read):
    found = read('"Ngày\r\n nhận",b\n1,2\n'.encode(), format="csv")

    assert found.values == [{"Ngày nhận": "1", "b": "2"}]
    assert found.records[0].columns["Ngày nhận"] == "A (Ngày nhận)"


def test_a_header_alone_is_an_input_without_records(read):
    found = read(b"a,b\r\n", format="csv")

    assert (found.records, found.code) == ([], None)


@pytest.mark.parametrize("data", [b"\n", b"a,b\n"])
def test_a_header_that_is_not_there_is_refused(read, data):
    assert read(data, format="csv", header_row=2).code == "csv.header_missing"


def test_rows_of_delimiters_only_are_blank(read):
    assert read(b"a,b\n , \n1,2\n,\n", format="csv").values == [{"a": "1", "b": "2"}]
    found = read(b"a,b\n\n1,2\n", format="csv", skip_blank=False)
    assert found.problems == [("csv.ragged", "f, row 2")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_counts_as_one(read, end):
    found = read(end.join([b"a,b", b"1,2", b"3,4"]), format="csv")

    assert [(r.place.row, r.place.line) for r in found.records] == [(2, 2), (3, 3)]


def test_columns_beyond_z_have_two_letters(read):
    names = ",".join(f"c{number}" for number in range(30))

    found = read(f"{names}\n{names}\n".encode(), format="csv")

    assert found.records[0].columns["c27"] == "AB (c27)"
