"""Another text in the place of one value of a record."""

from datetime import datetime

import pytest

from adapters.record import SourceRecord
from mappings.correcting import EncodedPlace, NoSuchPlace, value_at, with_value
from mappings.values import NotAValue
from schemas.problem import Place

VALUES = {
    "name": "An",
    "a.b": "a name with a dot",
    "a": {"b": "inside"},
    "when": datetime(2026, 3, 2, 8, 0),  # noqa: DTZ001 - a workbook's
    "fees": [{"amount": 5}, {"amount": 7}],
    "words": ["one", "two"],
    "person": {"id": "x", "note": {"@lang": "vi", "#text": "ghi chú"}},
    "single": {"amount": 1},
    "file": {"content": "AAAA"},
}


@pytest.fixture
def record():
    return SourceRecord(
        number=1,
        values=VALUES,
        place=Place(file="a.json"),
        fonts={"name": ".VnTime", "when": ".VnTime"},
        encoded=frozenset({"file.content"}),
    )


@pytest.mark.parametrize(
    ("path", "before"),
    [
        ("name", "An"),
        ("a.b", "a name with a dot"),
        ("fees[1].amount", "7"),
        ("words[0]", "one"),
        ("person.id", "x"),
        ("person.note", "ghi chú"),
        ("person.note.#text", "ghi chú"),
        ("person.id.#text", "x"),
        ("single[0].amount", "1"),
        ("missing", ""),
        ("person.missing", ""),
    ],
)
def test_a_value_is_found_and_replaced_where_the_mapping_reads_it(record, path, before):
    changed = with_value(record, path, "new")

    assert value_at(record, path) == before
    assert value_at(changed, path) == "new"
    assert record.values == VALUES


def test_everything_else_stays(record):
    changed = with_value(record, "fees[1].amount", "8")

    assert changed.values == VALUES | {"fees": [{"amount": 5}, {"amount": "8"}]}
    assert changed.fonts == record.fonts


def test_a_new_text_is_in_no_legacy_font(record):
    assert with_value(record, "name", "Ân").fonts == {"when": ".VnTime"}


def test_a_date_stays_a_date_where_the_text_is_one(record):
    moved = with_value(record, "when", "2026-03-09")

    assert moved.values["when"] == datetime(2026, 3, 9)  # noqa: DTZ001 - a workbook's
    assert with_value(record, "when", "09/03/2026").values["when"] == "09/03/2026"


@pytest.mark.parametrize("path", ["fees[2].amount", "nobody.id", "name.id", "a..c", ""])
def test_what_the_record_has_no_place_for_is_refused(record, path):
    with pytest.raises(NoSuchPlace):
        with_value(record, path, "x")


@pytest.mark.parametrize("path", ["fees", "person", "words"])
def test_several_values_are_not_replaced_by_one(record, path):
    with pytest.raises(NotAValue):
        with_value(record, path, "x")


def test_the_bytes_of_a_file_are_not_typed(record):
    with pytest.raises(EncodedPlace):
        with_value(record, "file.content", "BBBB")
