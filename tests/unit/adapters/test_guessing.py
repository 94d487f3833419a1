"""How a file is to be read that nobody has described."""

import io
import struct
import zipfile
from dataclasses import replace

import pytest
import xlwt

from adapters import (
    CsvOptions,
    DbfOptions,
    JsonLinesOptions,
    JsonOptions,
    OdsOptions,
    XlsOptions,
    XmlOptions,
    charsets,
)
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


def old_workbook():
    book, out = xlwt.Workbook(), io.BytesIO()
    sheet = book.add_sheet("x")
    for row, values in enumerate(
        [["DANH SÁCH"], ["Số hồ sơ", "Họ tên", "Ghi chú"], ["A", "B", "C"]]
    ):
        for column, value in enumerate(values):
            sheet.write(row, column, value)
    book.save(out)
    return out.getvalue()


def open_workbook(*, has_type=True):
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{name}</text:p></table:table-cell>'
        for name in ("Số hồ sơ", "Họ tên", "Ghi chú")
    )
    row = f"<table:table-row>{cells}</table:table-row>"
    namespaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        if has_type:
            archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f"<office:document-content {namespaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="x">{row * 2}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr("META-INF/manifest.xml", f"<manifest>{' ' * 100_000}</manifest>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (old_workbook(), XlsOptions(sheet="x", header_row=2)),
        (open_workbook(), OdsOptions(sheet="x")),
        (open_workbook(has_type=False), OdsOptions(sheet="x")),
    ],
    ids=["xls", "ods", "ods without its type"],
)
def test_workbooks_are_told_apart_by_their_content(data, options):
    assert find(data, sheet="x") == (options, [])


def test_the_encoding_of_a_table_is_that_of_its_values_not_of_its_header():
    name = struct.pack("<11sc4xBBB13x", b"TEN", b"C", 60, 0, 0)
    rows = [f"Nguyễn Thị {name}, phường Bến Nghé" for name in ("Hạnh", "Bưởi", "Mẫu", "Ước")]
    data = struct.pack("<B3xLHH20x", 3, len(rows), 65, 61) + name + b"\r"
    data += b"".join(b" " + charsets.encode(row, "tcvn3").ljust(60) for row in rows) + b"\x1a"

    options, _ = find_source(io.BytesIO(data), file_name="HOSO.DBF", is_known=KNOWN)

    assert options == DbfOptions(encoding="tcvn3")


def test_an_archive_is_to_be_unpacked():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    data.seek(0)

    with pytest.raises(FormatUnknown, match="unpack it"):
        find_source(data, file_name="x.ZIP", is_known=KNOWN)


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


def test_a_line_without_end_is_not_read_for_every_row_that_may_be_the_header():
    source = io.BytesIO("Mã,Ghi chú\n1,".encode() + b"x" * 2 * MAX_SAMPLE_BYTES)
    read = 0

    class Counting(io.RawIOBase):
        def readable(self):
            return True

        def seekable(self):
            return True

        def seek(self, offset, whence=0):
            return source.seek(offset, whence)

        def readinto(self, buffer):
            nonlocal read
            count = source.readinto(buffer)
            read += count
            return count

    find_source(io.BufferedReader(Counting()), file_name="x", is_known=KNOWN)

    assert read < 2 * MAX_SAMPLE_BYTES


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
