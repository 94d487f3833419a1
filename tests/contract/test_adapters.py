"""One suite for every format: what a mapping may rely on wherever its records come from."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import unicodedata
import zipfile

import openpyxl
import pytest
import xlwt

from adapters import SourceRecord, UnreadableRecord, charsets, make_options, read_records
from schemas.errors import InputError

WHOLE = ["dbf", "xlsx", "xls", "ods", "zip"]
"""Formats that are read from any place, so a pipe of them is copied first."""
STREAMED = ["csv", "csv-tcvn3", "csv-utf16", "fixed", "fixed-vni", "json", "jsonl", "xml"]
FORMATS = [*STREAMED, *WHOLE]

RECORDS = [
    {"So": "001", "Ten": "Nguyễn Thị Ước", "GhiChu": ""},
    {"So": "002", "Ten": "đặng văn ẩn", "GhiChu": "a, b; c\td"},
    {"So": "003", "Ten": "", "GhiChu": 'nói "được"'},
    {"So": "004", "Ten": "Lê & Trần <con>", "GhiChu": "ghi chú"},
    {"So": "005", "Ten": "Võ Hoàng", "GhiChu": "hết"},
]
OPTIONS = {
    "csv": {"format": "csv", "required": ["So", "Ten"]},
    "csv-tcvn3": {"format": "csv", "encoding": "tcvn3", "delimiter": ";"},
    "csv-utf16": {"format": "csv", "encoding": "utf-16", "delimiter": "\t"},
    "fixed": {"format": "fixed", "fields": {"So": "1-9", "Ten": "10-39", "GhiChu": "40-59"}},
    "fixed-vni": {
        "format": "fixed",
        "encoding": "vni",
        "unit": "bytes",
        "fields": {"So": "1-9", "Ten": "10-39", "GhiChu": "40-59"},
    },
    "dbf": {"format": "dbf", "encoding": "tcvn3", "required": ["So", "Ten"]},
    "xlsx": {"format": "xlsx", "required": ["So", "Ten"]},
    "xls": {"format": "xls", "required": ["So", "Ten"]},
    "ods": {"format": "ods", "required": ["So", "Ten"]},
    "zip": {"format": "zip", "source": {"format": "csv", "required": ["So", "Ten"]}},
    "json": {"format": "json", "records": "ket_qua.ho_so"},
    "jsonl": {"format": "jsonl"},
    "xml": {"format": "xml", "records": "/d:ds/d:hs", "namespaces": {"d": "urn:ds"}},
}


def as_csv(records, delimiter=","):
    lines = [delimiter.join(records[0])]
    lines += [delimiter.join(quoted(value) for value in r.values()) for r in records]
    return "".join(f"{line}\r\n" for line in lines)


def quoted(value):
    return '"' + value.replace('"', '""') + '"'


def as_fixed(records, encode):
    widths = {"So": 9, "Ten": 30, "GhiChu": 20}
    return b"".join(
        b"".join(pad(encode(value), widths[k], encode) for k, value in r.items()) + encode("\r\n")
        for r in records
    )


def pad(value, width, encode):
    # In UTF-8 positions count characters, in VNI bytes.
    length = width if encode is vni else width + len(value) - len(value.decode())
    return value.ljust(length)


def vni(text):
    return charsets.encode(text, "vni")


def as_dbf(records):
    size = 30
    columns = b"".join(
        struct.pack("<11sc4xBB14x", name.encode(), b"C", size, 0) for name in records[0]
    )
    header_bytes, record_bytes = 32 + len(columns) + 1, 1 + size * len(records[0])
    head = struct.pack("<B3xLHH20x", 3, len(records), header_bytes, record_bytes)
    rows = (
        b" " + b"".join(charsets.encode(v, "tcvn3").ljust(size) for v in r.values())
        for r in records
    )
    return head + columns + b"\r" + b"".join(rows) + b"\x1a"


def as_xlsx(records):
    book = openpyxl.Workbook()
    for row in [list(records[0]), *(list(r.values()) for r in records)]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls(records):
    book = xlwt.Workbook()
    sheet = book.add_sheet("Sheet")
    for number, row in enumerate([list(records[0]), *(list(r.values()) for r in records)]):
        for column, value in enumerate(row):
            if value == "#N/A":
                sheet.row(number).set_cell_error(column, 0x2A)
            else:
                sheet.write(number, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_ods(records):
    rows = "".join(
        "<table:table-row>" + "".join(ods_cell(value) for value in row) + "</table:table-row>"
        for row in [list(records[0]), *(list(r.values()) for r in records)]
    )
    oasis = "urn:oasis:names:tc:opendocument:xmlns"
    content = (
        f'<office:document-content xmlns:office="{oasis}:office:1.0"'
        f' xmlns:table="{oasis}:table:1.0" xmlns:text="{oasis}:text:1.0"'
        ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
        '<office:body><office:spreadsheet><table:table table:name="Sheet">'
        f"{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.xml", content)
    return out.getvalue()


def ods_cell(value):
    kind = ' calcext:value-type="error"' if value == "#N/A" else ""
    text = escaped(value).replace("\t", "<text:tab/>")
    return (
        f'<table:table-cell office:value-type="string"{kind}><text:p>{text}</text:p>'
        "</table:table-cell>"
    )


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def as_zip(records):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", as_csv(records[:2]))
        archive.writestr("b.csv", as_csv(records[2:]))
    return out.getvalue()


def as_xml(records):
    items = "".join(
        "<hs>" + "".join(f"<{k}>{escaped(v)}</{k}>" for k, v in r.items()) + "</hs>\n"
        for r in records
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<ds xmlns="urn:ds">\n{items}</ds>\n'.encode()


def build(name, records):
    if name == "csv":
        return as_csv(records).encode()
    if name == "csv-tcvn3":
        return charsets.encode(as_csv(records, ";"), "tcvn3")
    if name == "csv-utf16":
        return as_csv(records, "\t").encode("utf-16")
    if name in ("fixed", "fixed-vni"):
        return as_fixed(records, vni if name == "fixed-vni" else str.encode)
    if name == "dbf":
        return as_dbf(records)
    if name == "xlsx":
        return as_xlsx(records)
    if name == "xls":
        return as_xls(records)
    if name == "ods":
        return as_ods(records)
    if name == "zip":
        return as_zip(records)
    if name == "json":
        return json.dumps({"tong": len(records), "ket_qua": {"ho_so": records}}).encode()
    if name == "jsonl":
        return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()
    return as_xml(records)


def read(data, name, **more):
    data = io.BytesIO(data) if isinstance(data, bytes) else data
    options = make_options({**OPTIONS[name], **more})
    return read_records(data, file_name="hồ sơ.dat", options=options)


def until_refused(records):
    """Return what came before the input was refused, and the refusal."""
    good = []
    with pytest.raises(InputError) as caught:
        good.extend(records)
    return good, caught.value.problem


class Pipe(io.RawIOBase):
    """Hands out chunks of its own size and cannot seek."""

    def __init__(self, chunks):
        self._chunks = filter(None, chunks)
        self._left = b""
        self.handed_out = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        chunk = self._left or next(self._chunks, b"")
        self._left = chunk[len(buffer) :]
        chunk = chunk[: len(buffer)]
        buffer[: len(chunk)] = chunk
        self.handed_out += len(chunk)
        return len(chunk)


def pipe_of(data, size=7):
    return Pipe(data[at : at + size] for at in range(0, len(data), size))


def shown(value):
    """An empty cell of a workbook is None, as the format says; elsewhere it is an empty text."""
    return value or ""


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_records_come_out_of_every_format(name):
    found = list(read(build(name, RECORDS), name))

    assert [{k: shown(v) for k, v in record.values.items()} for record in found] == RECORDS
    assert [record.number for record in found] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", FORMATS)
def test_a_pipe_gives_the_same_records_as_a_file(name):
    found = list(read(pipe_of(build(name, RECORDS)), name))

    assert [{k: shown(v) for k, v in record.values.items()} for record in found] == RECORDS


@pytest.mark.parametrize(
    "name", [name for name in FORMATS if name not in ("csv-tcvn3", "fixed-vni")]
)
def test_decomposed_text_comes_out_composed(name):
    loose = [{k: unicodedata.normalize("NFD", v) for k, v in r.items()} for r in RECORDS]

    found = list(read(build(name, loose), name))

    assert [{k: shown(v) for k, v in record.values.items()} for record in found] == RECORDS


@pytest.mark.parametrize("name", FORMATS)
def test_a_document_inside_a_field_is_read_in_every_format(name):
    records = [{**record, "GhiChu": '{"x": "ộ"}'} for record in RECORDS]
    more = {"embedded": {"GhiChu": "json"}}
    if name == "zip":
        more = {"source": {**OPTIONS["zip"]["source"], **more}}

    found = list(read(build(name, records), name, **more))

    assert [record.values["GhiChu"] for record in found] == [{"x": "ộ"}] * 5


PLACES = {
    "csv": "hồ sơ.dat, row 4, column B (Ten)",
    "csv-tcvn3": "hồ sơ.dat, row 4, column B (Ten)",
    "csv-utf16": "hồ sơ.dat, row 4, column B (Ten)",
    "fixed": "hồ sơ.dat, row 3, column 10-39 (Ten)",
    "fixed-vni": "hồ sơ.dat, row 3, column 10-39 (Ten)",
    "dbf": "hồ sơ.dat, row 3, column B (Ten)",
    "xlsx": "hồ sơ.dat, sheet Sheet, row 4, column B (Ten)",
    "xls": "hồ sơ.dat, sheet Sheet, row 4, column B (Ten)",
    "ods": "hồ sơ.dat, sheet Sheet, row 4, column B (Ten)",
    "zip": "hồ sơ.dat/b.csv, row 2, column B (Ten)",
    "json": "hồ sơ.dat, ket_qua.ho_so[2].Ten",
    "jsonl": "hồ sơ.dat, line 3, Ten",
    "xml": "hồ sơ.dat, line 5, /ds/hs[3].Ten",
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_field_has_the_place_its_agency_finds_it_at(name):
    third = list(read(build(name, RECORDS), name))[2]

    assert str(third.place_of("Ten")) == PLACES[name]


BAD = {
    "csv": (b'"003"', b'"003","x"', "csv.ragged"),
    "csv-tcvn3": (b'"003"', b'"\xc3"', "csv.undecodable"),
    "csv-utf16": ('"003"'.encode("utf-16-le"), b'"\0\0\0"\0', "csv.nul"),
    "fixed": (b"003    ", b"003\xff   ", "fixed.undecodable"),
    "fixed-vni": (b"003    ", b"003\xd8   ", "fixed.undecodable"),
    "dbf": (b" 003 ", b"*003 ", "dbf.deleted"),
    "json": (b'"003"', b'"003", "So": "004"', "json.key_repeated"),
    "jsonl": (b'{"So": "003"', b'{"So: "003"', "jsonl.syntax"),
    "xml": (b"<hs><So>003</So><Ten></Ten><GhiChu>", b"<hs>003</hs><hs><GhiChu>", ""),
}


@pytest.mark.parametrize("name", [name for name in BAD if name != "xml"])
def test_a_bad_record_does_not_harm_the_others(name):
    good, bad, code = BAD[name]
    data = build(name, RECORDS)
    assert data.count(good) == 1

    found = list(read(data.replace(good, bad), name))

    assert [record.number for record in found] == [1, 2, 3, 4, 5]
    assert [isinstance(record, UnreadableRecord) for record in found] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert {problem.code for problem in found[2].problems} == {code}
    for problem in found[2].problems:
        assert str(problem.place).startswith("hồ sơ.dat, ")
        assert problem.message.vi != problem.message.en
        assert problem.suggestion is not None
    assert found[3].values == RECORDS[3]


@pytest.mark.parametrize("name", ["xlsx", "xls", "ods"])
def test_a_bad_cell_of_a_workbook_does_not_harm_other_rows(name):
    records = [dict(r) for r in RECORDS]
    records[2]["Ten"] = "#N/A"

    found = list(read(build(name, records), name))

    assert [p.code for p in found[2].problems] == [f"{name}.cell_error"]
    assert str(found[2].problems[0].place) == PLACES[name]
    assert [isinstance(r, SourceRecord) for r in found] == [True, True, False, True, True]


def test_an_xml_record_without_elements_does_not_harm_the_others():
    data = build("xml", RECORDS).replace(b"<hs><So>003", b"<hs>003</hs><hs><So>003")

    found = list(read(data, "xml"))

    assert [isinstance(r, SourceRecord) for r in found] == [True, True, False, True, True, True]
    assert found[2].problems[0].code == "xml.not_a_record"


CUT = {
    "csv": ('ghi ch', "csv.quote_unclosed", 3),
    "csv-tcvn3": ('ghi ch', "csv.quote_unclosed", 3),
    "json": ('"005"', "json.truncated", 4),
    "xml": ("<So>005", "xml.syntax", 4),
}  # fmt: skip


@pytest.mark.parametrize("name", list(CUT))
def test_a_truncated_input_gives_what_was_good_and_then_says_so(name):
    mark, code, whole = CUT[name]
    data = build(name, RECORDS)
    data = data[: data.index(mark.encode()) + len(mark)]

    good, problem = until_refused(read(data, name))

    assert [record.values for record in good] == RECORDS[:whole]
    assert problem.code == code
    assert problem.place.file == "hồ sơ.dat"
    assert problem.suggestion is not None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("dbf", "dbf.count_wrong"),
        ("xlsx", "xlsx.truncated"),
        ("xls", "xls.damaged"),
        ("ods", "ods.truncated"),
        ("zip", "zip.truncated"),
    ],
)
def test_what_is_read_from_any_place_is_refused_when_it_is_truncated(name, code):
    data = build(name, RECORDS)

    good, problem = until_refused(read(data[: len(data) // 2], name))

    assert (good, problem.code) == ([], code)
    assert problem.suggestion is not None


def test_the_last_line_of_truncated_json_lines_is_unreadable():
    found = list(read(build("jsonl", RECORDS)[:-20], "jsonl"))

    assert [isinstance(r, SourceRecord) for r in found] == [True, True, True, True, False]


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_input_is_refused(name):
    good, problem = until_refused(read(b"", name))

    assert (good, problem.code) == ([], "input.empty")
    assert problem.suggestion is not None


def image_bytes():
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20


WRONG = [
    ("csv", build("json", RECORDS), "csv.columns_missing"),
    ("csv", as_xlsx(RECORDS), "input.not_text"),
    ("csv", image_bytes(), "input.encoding_wrong"),
    ("csv-utf16", as_csv(RECORDS).encode(), "input.encoding_wrong"),
    ("csv-tcvn3", b"\xef\xbb\xbf" + as_csv(RECORDS).encode(), "input.encoding_wrong"),
    ("csv", as_csv(RECORDS, ";").encode(), "csv.columns_missing"),
    ("fixed", as_xlsx(RECORDS), "input.not_text"),
    ("dbf", as_csv(RECORDS).encode(), "dbf.not_dbf"),
    ("dbf", as_xlsx(RECORDS), "input.not_text"),
    ("xlsx", as_csv(RECORDS).encode(), "xlsx.not_workbook"),
    ("xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "xlsx.old"),
    ("xlsx", as_xls(RECORDS), "xlsx.old"),
    ("xlsx", as_ods(RECORDS), "xlsx.not_workbook"),
    ("xls", as_xlsx(RECORDS), "xls.not_workbook"),
    ("xls", as_csv(RECORDS).encode(), "xls.not_workbook"),
    ("ods", as_xlsx(RECORDS), "ods.not_workbook"),
    ("ods", as_csv(RECORDS).encode(), "ods.not_workbook"),
    ("zip", as_csv(RECORDS).encode(), "zip.not_zip"),
    ("zip", as_xlsx(RECORDS), "zip.workbook"),
    ("json", as_csv(RECORDS).encode(), "json.syntax"),
    ("json", as_xml(RECORDS), "json.syntax"),
    ("json", as_xlsx(RECORDS), "input.not_text"),
    ("json", b'{"loi": "khong co quyen"}', "json.records_missing"),
    ("jsonl", as_csv(RECORDS).encode(), "jsonl.not_json_lines"),
    ("jsonl", json.dumps(RECORDS, indent=1).encode(), "jsonl.not_json_lines"),
    ("xml", as_csv(RECORDS).encode(), "xml.syntax"),
    ("xml", as_xlsx(RECORDS), "input.not_text"),
    ("xml", b"<ds><hs/></ds>", "xml.records_missing"),
]


@pytest.mark.parametrize(
    ("name", "data", "code"), WRONG, ids=[f"{n}-{c}-{i}" for i, (n, _, c) in enumerate(WRONG)]
)
def test_what_is_not_the_declared_format_is_refused_with_a_remedy(name, data, code):
    good, problem = until_refused(read(data, name))

    assert (good, problem.code) == ([], code)
    assert problem.message.vi != problem.message.en
    assert problem.suggestion is not None


PARTS = {
    "csv": ("So,Ten\n", "{n},Nguyễn\n", ""),
    "csv-tcvn3": ("So;Ten\n", "{n};x\n", ""),
    "csv-utf16": ("\ufeffSo\tTen\n", "{n}\tNguyễn\n", ""),
    "fixed": ("", "{n:<9}Nguyễn", ""),
    "fixed-vni": ("", "{n:<9}x", ""),
    "json": ('{{"ket_qua":{{"ho_so":[', '{comma}{{"So":{n},"Ten":"Nguyễn"}}', "]}}}}"),
    "jsonl": ("", '{{"So":{n},"Ten":"Nguyễn"}}\n', ""),
    "xml": ('<ds xmlns="urn:ds">', "<hs><So>{n}</So><Ten>Nguyễn</Ten></hs>", "</ds>"),
}


def generated(name, count, filling=""):
    head, record, tail = PARTS[name]
    encoding = {"csv-utf16": "utf-16-le", "csv-tcvn3": "ascii"}.get(name, "utf-8")
    end = " " * 59 + "\n" if name.startswith("fixed") else ""
    yield head.format().encode(encoding)
    for number in range(count):
        text = record.format(n=number, comma="," if number else "")
        text = text.replace("Nguyễn", "Nguyễn" + filling).replace("x", "x" + filling)
        yield (text + end).encode(encoding)
    yield tail.format().encode(encoding)


@pytest.mark.parametrize("name", STREAMED)
def test_the_first_record_comes_before_the_rest_is_read(name):
    source = Pipe(generated(name, 10**9))

    first = next(read(source, name))

    assert str(first.values["So"]) == "0"
    assert source.handed_out < 1024 * 1024


def peak_of(records):
    tracemalloc.start()
    try:
        count = sum(1 for _ in records)
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", STREAMED)
def test_memory_does_not_grow_with_the_input(name):
    filling = f" {'0123456789' * 10}" * 22
    source = Pipe(generated(name, 10_000, filling))

    count, peak = peak_of(read(source, name))

    assert count == 10_000
    assert source.handed_out > 20_000_000
    assert peak < 6_000_000


def test_memory_does_not_grow_with_a_table(tmp_path):
    path = tmp_path / "lớn.dbf"
    record = {"So": "1", "Ten": "x" * 30, **{f"C{n}": "ơ" * 30 for n in range(60)}}
    small = as_dbf([record])
    header_bytes, record_bytes = struct.unpack_from("<HH", small, 8)
    with path.open("wb") as out:
        out.write(small[:4] + struct.pack("<L", 500) + small[8:header_bytes])
        for _ in range(500):
            out.write(small[header_bytes : header_bytes + record_bytes])

    # The tables by which texts are judged are read once in a process, whatever is read.
    assert len(list(read(small, "dbf"))) == 1
    with path.open("rb") as source:
        count, peak = peak_of(read(source, "dbf"))

    assert count == 500
    assert peak < 1_000_000


def test_memory_does_not_grow_with_a_workbook(tmp_path):
    path = tmp_path / "lớn.xlsx"
    write_large_workbook(path, rows=4_000)

    with path.open("rb") as source:
        count, peak = peak_of(read(source, "xlsx"))

    assert count == 4_000
    assert peak < 12_000_000


def write_large_workbook(path, rows):
    empty = io.BytesIO(as_xlsx([{"So": "", "Ten": ""}]))
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    filling = "".join(
        f"<c t='inlineStr'><is><t>giá trị {n} {'ơ' * 450}</t></is></c>" for n in range(5)
    )
    with zipfile.ZipFile(empty) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if not name.endswith("sheet1.xml"):
                new.writestr(name, old.read(name))
        with new.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(f'<worksheet xmlns="{namespace}"><sheetData>'.encode())
            for row in range(rows + 1):
                so, ten = (row, row) if row else ("So", "Ten")
                cells = f"<c t='str'><v>{so}</v></c><c t='str'><v>{ten}</v></c>"
                part.write(f"<row>{cells}{filling if row else ''}</row>".encode())
            part.write(b"</sheetData></worksheet>")
