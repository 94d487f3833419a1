"""How a file is to be read that nobody has described."""

import io
from dataclasses import replace

import pytest

from adapters import CsvOptions, JsonLinesOptions, JsonOptions, XmlOptions
from adapters.guessing import MAX_SAMPLE_BYTES, FormatUnknown, find_source
from schemas.errors import InputError

NAMES = {"Số hồ sơ", "Họ tên", "Ghi chú", "Mã"}
KNOWN = NAMES.__contains__


def find(data, **given):
    options, doubts = find_source(io.BytesIO(data), file_name="x", is_known=KNOWN, **given)
    return options, [doubt.en for doubt in doubts]


@pytest.mark.parametrize(
    ("data", "options"),
    [
        ("Số hồ sơ\tHọ tên\nA\tB\n", CsvOptions(delimiter="\t")),
        ("TIÊU ĐỀ\n\nSố hồ sơ,Họ tên,Ghi chú\nA,B,C\n", CsvOptions(header_row=3)),
        ('{"soHoSo": "A"}\n{"soHoSo": "B"}\n', JsonLinesOptions()),
        ('[{"soHoSo": "A"}, {"soHoSo": "B"}]', JsonOptions()),
        ('{"kq": {"ds": [{"soHoSo": "A"}]}, "tt": [1, 2, 3]}', JsonOptions(records="kq.ds")),
        ("<a><b><c>1</c></b><b><c>2</c></b></a>", XmlOptions(records="/a/b")),
    ],
)
def test_a_format_is_told_by_its_content(data, options):
    found, _ = find_source(io.BytesIO(data.encode()), file_name="x", is_known=KNOWN)

    assert replace(found, repair=options.repair) == options


def test_the_row_with_most_known_names_is_the_header_and_blank_rows_do_no_harm():
    text = "\n;;\nTên;Mã;x\n\nMã;Họ tên;Ghi chú\n1;2;3\n"

    options, _ = find(text.encode())

    assert (options.header_row, options.delimiter) == (5, ";")


def test_without_a_known_name_the_first_row_is_the_header():
    assert find(b"a;b\n1;2\n3;4\n")[0].header_row == 1


def test_an_encoding_that_may_be_another_is_a_doubt_and_a_given_one_is_none():
    data = "Mã;Họ tên\n1;Bùi Thị É\n".encode("cp1258", "replace")

    assert find(data, encoding="windows-1258") == (
        CsvOptions(encoding="windows-1258", delimiter=";"),
        [],
    )


def test_the_source_is_put_back():
    source = io.BytesIO(b"a;b\n1;2\n")

    find_source(source, file_name="x", is_known=KNOWN)

    assert source.tell() == 0


def test_xml_too_large_to_look_through_is_refused_by_its_size():
    with pytest.raises(FormatUnknown, match="give a part of the file"):
        find(b"<a>" + b"<b>1</b>" * (MAX_SAMPLE_BYTES // 8 + 1) + b"</a>")


def test_a_workbook_that_is_none_is_refused_once():
    with pytest.raises(InputError):
        find(b"PK\x03\x04junk")
