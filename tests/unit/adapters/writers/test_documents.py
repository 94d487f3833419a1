"""JSON, XML, workbooks and lines: what is written reads back; what could not be is refused."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from adapters import OptionsWrong, make_options, read_records
from adapters.writers import Column, ValueRefused, make_target, make_writer

ENCODINGS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "tcvn3", "vni", "viscii",
    "windows-1258",
)  # fmt: skip
FILES = Column(name="tep", columns=(Column(name="so"), Column(name="ten")))
FLAT = (Column(name="so"), Column(name="ten"))
TEXTS = st.text(
    alphabet="aăâbcđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậừửữứự 0123456789.,;<>&\"'=+-@_x{}[]\\/",
    max_size=12,
).map(str.strip)


def writer(columns, **settings):
    return make_writer(make_target(settings), columns)


def read(document, **settings):
    options = make_options(settings)
    records = list(read_records(io.BytesIO(document), file_name="f", options=options))
    return [dict(record.values) for record in records]


def test_json_nests_by_dots_and_keeps_numbers_digit_for_digit():
    columns = [
        Column(name="nguoi.ten"),
        Column(name="nguoi.so"),
        Column(name="loai", kind="number"),
        Column(name="tien", kind="number"),
        Column(name="xoa", kind="boolean"),
        Column(name="trong"),
        FILES,
    ]
    row = {
        "nguoi.ten": "Mẫu",
        "nguoi.so": "0790",
        "loai": "0",
        "tien": "12.50",
        "xoa": "false",
        "tep": [{"so": "1", "ten": "a"}, {"ten": "b"}],
    }

    assert writer(columns, format="json").write([row]).decode() == (
        '{"nguoi":{"ten":"Mẫu","so":"0790"},"loai":0,"tien":12.50,"xoa":false,'
        '"tep":[{"so":"1","ten":"a"},{"ten":"b"}]}\n'
    )


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, '{"so":"1"}'),
        ({"empty": "null"}, '{"so":"1","ten":null,"tep":[]}'),
        ({"empty": "text"}, '{"so":"1","ten":"","tep":[]}'),
        ({"array": True}, '[{"so":"1"}]'),
        ({"records": "ketQua.data", "array": True}, '{"ketQua":{"data":[{"so":"1"}]}}'),
        ({"records": "data"}, '{"data":{"so":"1"}}'),
    ],
)
def test_json_has_the_shape_and_the_emptiness_that_the_mapping_names(settings, expected):
    document = writer([*FLAT, FILES], format="json", **settings).write([{"so": "1"}])

    assert document.decode() == expected + "\n"


def test_xml_has_the_names_the_namespace_and_the_order_of_the_mapping():
    columns = [Column(name="so"), Column(name="thuTuc.@ma"), Column(name="thuTuc.#text"), FILES]
    row = {"so": "1", "thuTuc.@ma": "1.2", "thuTuc.#text": "Tên <&>", "tep": [{"ten": "a"}]}

    document = writer(
        columns,
        format="xml",
        records="/hs:danhSach/hs:hoSo",
        namespaces={"hs": "urn:hs"},
    ).write([row])

    assert document.decode() == (
        "<?xml version='1.0' encoding='utf-8'?>\n"
        '<hs:danhSach xmlns:hs="urn:hs"><hs:hoSo><hs:so>1</hs:so>'
        '<hs:thuTuc ma="1.2">Tên &lt;&amp;&gt;</hs:thuTuc><hs:tep><hs:ten>a</hs:ten></hs:tep>'
        "</hs:hoSo></hs:danhSach>"
    )


def test_xml_writes_local_elements_without_a_namespace_and_empty_ones_where_it_is_told():
    document = writer(
        [*FLAT, Column(name="a.b")],
        format="xml",
        records="/h:hoSo",
        namespaces={"h": "urn:h"},
        qualified=False,
        empty="text",
    ).write([{"so": "1"}])

    assert document.decode().partition("\n")[2] == (
        '<h:hoSo xmlns:h="urn:h"><so>1</so><ten/><a><b/></a></h:hoSo>'
    )


def test_a_workbook_has_texts_numbers_dates_and_sheets_and_fixed_times():
    columns = [
        Column(name="so"),
        Column(name="tien", kind="number"),
        Column(name="ngay", kind="date"),
        Column(name="xoa", kind="boolean"),
        FILES,
    ]
    row = {
        "so": "0042",
        "tien": "1250000",
        "ngay": "20260305081500",
        "xoa": "true",
        "tep": [{"so": "0042", "ten": "a"}, {"so": "0042", "ten": "b"}],
    }
    made = writer(columns, format="xlsx", sheet="Hồ sơ")
    document = made.write([row])

    assert document == made.write([row])
    assert {one.date_time for one in zipfile.ZipFile(io.BytesIO(document)).infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }
    (values,) = read(
        document, format="xlsx", key="so", children={"tep": {"sheet": "tep", "key": "so"}}
    )
    assert values["so"] == "0042"
    assert values["tien"] == 1250000
    assert values["ngay"] == datetime(2026, 3, 5, 8, 15)  # noqa: DTZ001 - a cell has no zone
    assert values["xoa"] is True
    assert [one["ten"] for one in values["tep"]] == ["a", "b"]


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x","y")', "@SUM(A1)", "-2+cmd|'x'!A"])
def test_a_formula_is_a_text_in_a_workbook_and_stays_one(text):
    document = writer(FLAT, format="xlsx").write([{"so": text}])

    cell = load_workbook(io.BytesIO(document)).active["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)
    assert read(document, format="xlsx")[0]["so"] == text


@pytest.mark.parametrize("text", ["x" * 32_768, "a\x01b"])
def test_what_a_cell_cannot_hold_is_refused(text):
    made = writer(FLAT, format="xlsx")

    assert made.fault(FLAT[0], text) is not None
    with pytest.raises(ValueRefused):
        made.write([{"so": text}])


def test_a_number_that_a_workbook_would_round_is_refused():
    column = Column(name="so", kind="number")

    assert writer([column], format="xlsx").fault(column, "12345678901234567890") is not None
    assert writer([column], format="json").fault(column, "12345678901234567890") is None


FIELDS = {"so": {"at": "1-8", "fill": "0", "align": "right"}, "ten": "9-20"}


@pytest.mark.parametrize("day", ["19000101000000", "19000101080000", "18991231235959", "18500101"])
def test_a_day_that_a_workbook_would_blank_is_refused(day):
    column = Column(name="ngay", kind="date")
    book = writer([column], format="xlsx")

    assert book.fault(column, day).code == "target.not_a_date"
    with pytest.raises(ValueRefused):
        book.write([{"ngay": day}])
    (row,) = read(book.write([{"ngay": "19000102000000"}]), format="xlsx")
    assert row == {"ngay": datetime(1900, 1, 2)}  # noqa: DTZ001 - a cell has no zone


def test_lines_have_their_fields_at_their_positions():
    document = writer(FLAT, format="fixed", fields=FIELDS, length=22).write(
        [{"so": "42", "ten": "Mẫu"}, {"ten": "An"}]
    )

    assert document.decode() == ("00000042Mẫu           \r\n        An            \r\n")


def test_lines_may_count_bytes():
    fields = {"so": "1-2", "ten": "3-8"}
    made = writer(FLAT, format="fixed", fields=fields, unit="bytes", encoding="vni")

    # In VNI a letter and its mark are two bytes.
    assert made.write([{"so": "1", "ten": "Mẫu"}]) == b"1 Ma\xe3u  \r\n"
    assert made.fault(FLAT[1], "Mẫu Mẫu").code == "target.too_long"


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        (FLAT[0], "123456789", "target.too_long"),
        (FLAT[0], "007", "target.fill_in_value"),
        (FLAT[1], "a\nb", "target.line_break"),
    ],
)
def test_what_a_field_would_lose_is_refused_never_cut(column, text, code):
    assert writer(FLAT, format="fixed", fields=FIELDS).fault(column, text).code == code


WRONG = {
    "a path over a value": ([Column(name="a"), Column(name="a.b")], {"format": "json"}, ["a.b"]),
    "a value over a path": ([Column(name="a.b"), Column(name="a")], {"format": "json"}, ["a"]),
    "an empty step": ([Column(name="a..b")], {"format": "json"}, ["a..b"]),
    "a date cell": ([Column(name="a", kind="date")], {"format": "json"}, ["a"]),
    "no element": (
        [Column(name="số hồ sơ"), Column(name="1a")],
        {"format": "xml", "records": "/a/b"},
        ["số hồ sơ", "1a"],
    ),
    "a field without place": (
        [*FLAT, Column(name="c")],
        {"format": "fixed", "fields": FIELDS},
        ["c"],
    ),
    "fields over each other": (
        list(FLAT),
        {"format": "fixed", "fields": {"so": "1-8", "ten": "8-9"}},
        ["ten"],
    ),
    "a list in a line": ([*FLAT, FILES], {"format": "fixed", "fields": FIELDS}, ["tep", "tep"]),
    "a list in a sheet of a list": (
        [Column(name="a", columns=(Column(name="b", columns=(Column(name="c"),)),))],
        {"format": "xlsx"},
        ["b"],
    ),
    "two sheets of one name": (
        [Column(name="sheet1", columns=(Column(name="b"),))],
        {"format": "xlsx"},
        ["sheet1"],
    ),
    "a name of no sheet": (
        [Column(name="a/b", columns=(Column(name="b"),))],
        {"format": "xlsx"},
        ["a/b"],
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_columns_that_a_format_cannot_hold_are_named_before_any_row(name):
    columns, settings, named = WRONG[name]

    with pytest.raises(OptionsWrong) as caught:
        writer(columns, **settings)

    assert [key for key, _ in caught.value.faults] == named


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_document_of_one_record_takes_no_two(form):
    settings = {"json": {}, "xml": {"records": "/hoSo"}}[form]

    with pytest.raises(ValueRefused):
        writer(FLAT, format=form, **settings).write([{"so": "1"}, {"so": "2"}])


ROWS = st.lists(st.tuples(TEXTS, TEXTS).filter(all), min_size=1, max_size=4)


def written(made, rows):
    rows = [dict(zip(("so", "ten"), row, strict=True)) for row in rows]
    good = [row for row in rows if not any(made.fault(column, row[column.name]) for column in FLAT)]
    return made.write(good), good


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(rows=ROWS)
def test_json_reads_back_in_every_charset(encoding, rows):
    document, good = written(writer(FLAT, format="json", array=True, encoding=encoding), rows)

    assert read(document, format="json", encoding=encoding) == good


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(rows=ROWS)
def test_json_lines_read_back_in_every_charset(encoding, rows):
    document, good = written(writer(FLAT, format="jsonl", encoding=encoding), rows)

    assert not good or read(document, format="jsonl", encoding=encoding) == good


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@given(rows=ROWS)
def test_xml_reads_back(encoding, rows):
    document, good = written(writer(FLAT, format="xml", records="/a/b", encoding=encoding), rows)

    assert read(document, format="xml", records="/a/b") == good


@given(rows=ROWS)
def test_a_workbook_reads_back(rows):
    document, good = written(writer(FLAT, format="xlsx"), rows)

    assert read(document, format="xlsx") == good


@pytest.mark.parametrize("unit", ["characters", "bytes"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@given(rows=ROWS)
def test_lines_read_back_in_every_charset(encoding, unit, rows):
    if unit == "bytes" and encoding.startswith("utf-16"):
        return
    options = {"fields": FIELDS, "unit": unit, "encoding": encoding}
    document, good = written(writer(FLAT, format="fixed", **options), rows)

    assert not good or read(document, format="fixed", **options) == good
