from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters import SourceRecord
from mappings import compile_mapping, load_agencies, load_mapping
from mappings.tables import packaged, read_index
from schemas.building import DocumentBuilder
from schemas.problem import Place
from schemas.validation import Validator

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(["1.001612", "05/03/2021", "CN", "2021-03-05T08:15:00Z", "\x00", "\ud800"]),
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "ten", "@ma", "#text", "url"]), inner, max_size=3)
    ),
    max_leaves=6,
)
INDEX = read_index("agencies")
MESSAGE_ID = "0197e1c2-3f4a-7b5c-8d6e-0123456789ab"


def keys_of(name):
    """Return every key that the tests of an agency use at the top of a record."""
    file = load_mapping(packaged("agencies", name))
    return sorted({key for test in file.tests for key in test.record})


@pytest.mark.parametrize("entry", INDEX, ids=[str(entry["name"]) for entry in INDEX])
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_record_gives_events_or_problems_or_is_left_out_and_never_a_crash(entry, data):
    converter = compile_mapping(load_mapping(packaged("agencies", entry["file"])))
    keys = st.sampled_from(keys_of(entry["file"]))
    values = data.draw(st.dictionaries(keys, NESTED, max_size=12))

    conversion = converter.convert(
        SourceRecord(number=1, values=values, place=Place(file="x", row=2))
    )

    fates = (bool(conversion.events), bool(conversion.problems), conversion.is_left_out)
    assert fates.count(True) == 1
    assert all(p.place.file == "x" and p.message.vi and p.message.en for p in conversion.problems)


@pytest.mark.parametrize("entry", INDEX, ids=[str(entry["name"]) for entry in INDEX])
def test_what_an_agencys_tests_convert_is_valid_by_the_portals_schema(entry):
    file = load_mapping(packaged("agencies", entry["file"]))
    converter = compile_mapping(file)
    now = datetime(2025, 7, 7, tzinfo=UTC)
    documents = [
        DocumentBuilder(converter.schema, event.packet).build(
            event.values, message_id=MESSAGE_ID, agency_code=converter.agency_code, created_at=now
        )
        for test in file.tests
        for event in converter.convert(
            SourceRecord(number=1, values=test.record, place=Place())
        ).events
    ]

    assert documents
    validator = Validator(converter.schema)
    assert [problem for document in documents for problem in validator.problems(document)] == []


def test_a_number_nobody_can_write_is_refused_and_not_a_crash(convert):
    huge = 10 ** (sys.get_int_max_str_digits() + 1)

    (problem,) = convert({"a": huge}, {"GhiChu": "a"}).problems

    assert (problem.code, problem.place.path) == ("mapping.not_a_value", "a")


def test_one_converter_serves_several_threads():
    converter = load_agencies(None).get("land-registration")
    file = load_mapping(load_agencies(None).path("land-registration"))
    record = SourceRecord(number=1, values=file.tests[0].record, place=Place())
    expected = [event.digest for event in converter.convert(record).events]
    found = []

    def run():
        results = (converter.convert(record) for _ in range(50))
        found.extend([event.digest for event in result.events] for result in results)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [expected] * 200
