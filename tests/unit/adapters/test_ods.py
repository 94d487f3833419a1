# ruff: noqa: DTZ001 - a date of a workbook has no zone
from __future__ import annotations

import io
import random
import time
import tracemalloc
import zipfile
from datetime import datetime

import pytest

OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"
MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


def document(body, styles=""):
    return (
        f'<office:document-content xmlns:office="{OFFICE}" xmlns:table="{TABLE}"'
        f' xmlns:text="{TEXT}" xmlns:style="{STYLE}" xmlns:calcext="{CALC}">'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body>"
        f"<office:spreadsheet>{body}</office:spreadsheet></office:body></office:document-content>"
    )


def packed(content, *, manifest=None, name="content.xml"):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        if manifest is not None:
            archive.writestr("META-INF/manifest.xml", manifest)
    return out.getvalue()


def sheet(rows, name="Hồ sơ", more=""):
    return f'<table:table table:name="{name}"{more}>{rows}</table:table>'


def row(*cells, more=""):
    return f"<table:table-row{more}>{''.join(cells)}</table:table-row>"


def cell(text="", more='office:value-type="string"'):
    return f"<table:table-cell {more}>{text and f'<text:p>{text}</text:p>'}</table:table-cell>"


HEAD = row(cell("a"), cell("b"))


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (cell("007"), "007"),
        (cell("12", 'office:value-type="float" office:value="12"'), 12),
        (cell("84,5", 'office:value-type="float" office:value="84.5"'), 84.5),
        (cell("000012", 'office:value-type="float" office:value="12"'), "000012"),
        (cell("12 đ", 'office:value-type="currency" office:value="12"'), 12),
        (cell("5 %", 'office:value-type="percentage" office:value="0.05"'), 0.05),
        (cell("ĐÚNG", 'office:value-type="boolean" office:boolean-value="true"'), True),
        (
            cell("05/03/21", 'office:value-type="date" office:date-value="2021-03-05"'),
            datetime(2021, 3, 5),
        ),
        (
            cell("x", 'office:value-type="date" office:date-value="2021-03-05T08:15:00"'),
            datetime(2021, 3, 5, 8, 15),
        ),
        (cell("x", 'office:value-type="time" office:time-value="PT06H00M00S"'), 0.25),
        (cell("a</text:p><text:p>b"), "a\nb"),
        (cell("a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d"), "a  b\tc\nd"),
        (cell("a<text:s text:c='²'/>b"), "a b"),
        (cell(f"a<text:s text:c='{'9' * 5000}'/>b"), "a b"),
        (cell("Nguyễn <text:span>Văn</text:span> <text:a>Ân</text:a>"), "Nguyễn Văn Ân"),
        (cell("Nguye\u0302\u0303n"), "Nguyễn"),
        (cell("3", 'table:formula="of:=1+2" office:value-type="float" office:value="3"'), 3),
        (cell("", 'table:formula="of:=&quot;&quot;" office:value-type="string"'), None),
        (
            cell("x").replace(
                "<text:p>",
                "<office:annotation><text:p>ghi chú</text:p></office:annotation><text:p>",
            ),
            "x",
        ),
    ],
)
def test_a_cell_has_the_value_that_the_agency_sees(read, content, value):
    data = packed(document(sheet(HEAD + row(cell("1"), content))))

    found = read(data, format="ods")

    assert found.values == [{"a": "1", "b": value}]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (cell("#N/A", 'office:value-type="string" calcext:value-type="error"'), "cell_error"),
        (
            cell("#DIV/0!", 'table:formula="of:=1/0" office:value-type="float" office:value="0"'),
            "cell_error",
        ),
        (cell("", 'table:formula="of:=1/0"'), "formula_without_value"),
        (cell("x", 'office:value-type="float" office:value="x"'), "number_invalid"),
        (cell("x", 'office:value-type="float"'), "number_invalid"),
        (cell("x", 'office:value-type="date" office:date-value="2021-02-31"'), "number_invalid"),
        (cell("x", 'office:value-type="time" office:time-value="8:15"'), "number_invalid"),
        (cell("x", 'office:value-type="void"'), "number_invalid"),
    ],
)
def test_a_cell_that_cannot_be_read_is_never_blank(read, content, code):
    data = packed(document(sheet(HEAD + row(cell("1"), content) + row(cell("2"), cell("y")))))

    found = read(data, format="ods")

    assert found.problems == [(f"ods.{code}", "f, sheet Hồ sơ, row 2, column B (b)")]
    assert found.values == [{"a": "2", "b": "y"}]


def test_a_row_tells_a_hundred_of_its_faults(read):
    faults = cell("", 'table:formula="of:=1/0"') * 50_000

    found = read(packed(document(sheet(HEAD + row(faults)))), format="ods", max_ratio=1032)

    assert len(found.problems) == 100


def test_rows_are_counted_as_a_spreadsheet_counts_them(read):
    rows = (
        f"<table:table-header-rows>{HEAD}</table:table-header-rows>"
        + row("<table:table-cell/>", more=' table:number-rows-repeated="3"')
        + "<table:table-row-group><table:table-row-group>"
        + row(cell("1"), cell("x"), more=' table:number-rows-repeated="2"')
        + "</table:table-row-group>"
        + row("<table:covered-table-cell/>", cell("y"))
        + "</table:table-row-group>"
        + row(cell("z", 'office:value-type="string" table:number-columns-repeated="2"'))
    )

    found = read(packed(document(sheet(rows))), format="ods")

    assert [(r.place.row, r.values["a"], r.values["b"]) for r in found.records] == [
        (5, "1", "x"),
        (6, "1", "x"),
        (7, None, "y"),
        (8, "z", "z"),
    ]


HIDDEN = (
    '<style:style style:name="ta2" style:family="table">'
    '<style:table-properties table:display="false"/></style:style>'
)


def test_the_first_sheet_that_can_be_seen_is_the_default(read):
    body = (
        sheet(row(cell("ẩn")) + row(cell("x")), "Ẩn", ' table:style-name="ta2"')
        + sheet(HEAD + row(cell("1"), cell("2")), "Thấy")
        + sheet(row(cell("sau")) + row(cell("x")), "Sau")
    )
    data = packed(document(body, HIDDEN))

    assert read(data, format="ods").values == [{"a": "1", "b": "2"}]
    assert read(data, format="ods", sheet="Ẩn").values == [{"ẩn": "x"}]
    refused = read(data, format="ods", sheet="Khác")
    assert refused.code == "ods.sheet_missing"
    assert "'Ẩn', 'Thấy', 'Sau'" in refused.refusal.message.en


def test_a_million_repeated_rows_of_many_cells_cost_neither_time_nor_memory(read):
    empty = row(
        '<table:table-cell table:style-name="ce1" table:number-columns-repeated="16384"/>',
        more=' table:number-rows-repeated="1048570"',
    )
    bomb = row(
        cell("x", 'office:value-type="string" table:number-columns-repeated="16384"'),
        more=' table:number-rows-repeated="1048570"',
    )

    tracemalloc.start()
    started = time.monotonic()
    found = read(packed(document(sheet(HEAD + empty + row(cell("1")) + bomb))), format="ods")
    taken, peak = time.monotonic() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found.values == [{"a": "1", "b": None}]
    assert [code for code, _ in found.problems] == ["ods.row_repeated"]
    assert taken < 5
    assert peak < 20_000_000


def test_a_cell_repeated_beyond_the_last_column_is_reported(read):
    wide = row(cell("x", 'office:value-type="string" table:number-columns-repeated="9999999"'))

    found = read(packed(document(sheet(HEAD + wide))), format="ods")

    assert [code for code, _ in found.problems] == ["ods.cell_damaged"]


ENCRYPTED = (
    f'<manifest:manifest xmlns:manifest="{MANIFEST}"><manifest:file-entry '
    'manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
    "</manifest:manifest>"
)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "input.empty"),
        (b"So,Ten\n", "ods.not_workbook"),
        (packed("x", name="xl/workbook.xml"), "ods.not_workbook"),
        (packed(document(sheet(HEAD)))[:300], "ods.truncated"),
        (packed("<a>"), "xml.syntax"),
        (packed("<!DOCTYPE a><a/>"), "xml.doctype"),
        (packed(b"\x9f\x80garbage", manifest=ENCRYPTED), "ods.encrypted"),
        (packed(document("")), "ods.sheet_missing"),
        (packed(document(sheet(""))), "ods.sheet_missing"),
        (packed(document(sheet(row("<table:table-cell/>")))), "ods.header_missing"),
    ],
)
def test_what_is_no_such_workbook_is_refused_in_words(read, data, code):
    found = read(data, format="ods")

    assert (found.records, found.code) == ([], code)
    assert found.refusal.suggestion is not None


def test_a_zip_bomb_is_refused_while_it_unpacks(read):
    rows = HEAD + (row("<table:table-cell/>") + " " * 1_000) * 100_000

    found = read(packed(document(sheet(rows))), format="ods", max_ratio=100)

    assert found.code == "ods.too_large"


def test_a_damaged_workbook_is_refused_and_never_a_crash(read):
    whole = packed(document(sheet(HEAD + row(cell("1"), cell("x")) * 20)))
    chance = random.Random(3)

    for _ in range(200):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        read(bytes(data), format="ods")
