"""Which fields of a sample hold documents that nobody has named."""

import io
import json

import pytest

from adapters import CsvOptions, JsonOptions, read_records
from adapters.guessing_documents import find_documents

XML = '<?xml version="1.0" encoding="utf-16"?>\n<a><tep><ten>Đơn.pdf</ten></tep></a>'


def find(records, limit=1000):
    data = io.BytesIO(json.dumps(records).encode())
    options, doubts = find_documents(data, file_name="x", options=JsonOptions(), limit=limit)
    assert data.tell() == 0
    return options, [doubt.en for doubt in doubts]


@pytest.mark.parametrize(
    ("record", "documents"),
    [
        ({"a": XML}, {"a": "xml"}),
        ({"a": ' {"b": 1}'}, {"a": "json"}),
        ({"a": '[{"b": 1}]'}, {"a": "json"}),
        ({"a": {"b": XML}}, {"a.b": "xml"}),
        ({"a": [{"b": XML}, {"b": ""}]}, {"a.b": "xml"}),
        ({"a": json.dumps({"b": {"c": XML}})}, {"a": "json", "a.b.c": "xml"}),
        ({"a.b": XML}, {"a.b": "xml"}),
    ],
)
def test_a_text_that_is_a_document_is_told_by_reading_it(record, documents):
    options, doubts = find([record, record])

    assert (options.embedded, doubts) == (documents, [])


@pytest.mark.parametrize(
    "text",
    [
        "<chưa rõ>",
        "<b>quan trọng</b>",
        "<p>Nội dung <i>nghiêng</i> và <b>đậm</b></p>",
        "<div><p>Một</p><p>Hai</p></div>",
        "[1]",
        "[Đã xử lý]",
        "{}",
        "{chưa rõ}",
        '{"a": 1, "a": 2}',
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a><b>&x;</b></a>",
        "[" * 5000,
        "<a>" * 5000,
        '{"a": ' + "9" * 5000 + "}",
        "đơn",
        7,
        None,
    ],
)
def test_what_only_looks_like_a_document_stays_text(text):
    assert find([{"a": text}, {"a": text}]) == (JsonOptions(), [])


def test_a_few_faulty_documents_are_a_doubt_and_many_are_no_documents():
    good, bad = {"a": XML}, {"a": "<a><b></a>"}

    assert find([good] * 4 + [bad]) == (
        JsonOptions(embedded={"a": "xml"}),
        ["embedded a: 1 of 5 is no XML that can be read: its record is reported"],
    )
    assert find([good] * 3 + [bad] * 2) == (JsonOptions(), [])


def test_a_cell_of_a_table_may_hold_one():
    data = io.BytesIO(b'so,tep\nA,"{""ten"": ""x""}"\nB,\n')

    options, _ = find_documents(data, file_name="x", options=CsvOptions(), limit=10)

    assert options.embedded == {"tep": "json"}
    first, second = read_records(data, file_name="x", options=options)
    assert (first.values["tep"], second.values["tep"]) == ({"ten": "x"}, "")


def test_only_the_first_records_are_looked_at():
    options, _ = find([{"a": "đơn"}, {"a": XML}, {"a": XML}, {"a": XML}], limit=1)

    assert options.embedded == {}
