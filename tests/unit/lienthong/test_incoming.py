"""What a message must be before it is taken over: every way to be refused, and what is not one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters import (
    CsvOptions,
    DbfOptions,
    FixedOptions,
    JsonLinesOptions,
    JsonOptions,
    OdsOptions,
    XlsOptions,
    XlsxOptions,
    XmlOptions,
    ZipOptions,
)
from broker.port import Incoming
from lienthong.flows.incoming import CONTENT_TYPES, Sender, check, file_name_of, format_of

LAND = Sender(name="land-registration", code="000.15.29.H29", format="csv")
GOOD = Incoming(
    tag="1",
    agency="land-registration",
    claimed_agency=None,
    message_id="2026-17",
    content_type="text/csv; charset=utf-8",
    content_encoding=None,
    headers={},
    unreadable=False,
    body=b"a;b",
    redelivered=False,
    delivery_count=0,
)


def code(sender=LAND, **changes):
    problem = check(replace(GOOD, **changes), sender, largest_bytes=10)
    return None if problem is None else problem.code


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"content_type": None},
        {"content_type": "application/octet-stream"},
        {"content_type": "TEXT/CSV"},
        {"claimed_agency": "land-registration"},
        {"claimed_agency": "000.15.29.H29"},
        {"content_encoding": "identity"},
        {"content_encoding": "UTF-8"},
        {"message_id": "hồ sơ/17 №4"},
        {"body": b"x" * 10},
    ],
)
def test_what_keeps_the_contract_is_taken(changes):
    assert code(**changes) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"message_id": None}, "message.id_missing"),
        ({"message_id": "a\0b"}, "message.id_unusable"),
        ({"message_id": "a\nb"}, "message.id_unusable"),
        ({"unreadable": True}, "message.headers_unreadable"),
        ({"claimed_agency": "health-department"}, "message.agency_mismatch"),
        ({"claimed_agency": ""}, "message.agency_mismatch"),
        ({"body": b""}, "message.empty"),
        ({"body": b"x" * 11}, "message.too_large"),
        ({"content_encoding": "gzip"}, "message.encoding_unsupported"),
        ({"content_type": "application/json"}, "message.content_type_other"),
        ({"content_type": "application/pdf"}, "message.content_type_unknown"),
        ({"content_type": "csv"}, "message.content_type_unknown"),
    ],
)
def test_what_does_not_is_refused_with_its_code(changes, expected):
    assert code(**changes) == expected


def test_a_refusal_says_what_to_do_in_both_languages_and_shows_nothing_of_the_body():
    problem = check(replace(GOOD, body=b"Nguyen Van An" * 9), LAND, largest_bytes=10)

    assert problem.suggestion.vi != problem.suggestion.en
    assert "Nguyen" not in repr(problem)


def test_while_the_mapping_cannot_be_used_only_what_it_says_goes_unchecked():
    assert code(sender=None, content_type="application/pdf") is None
    assert code(sender=None, claimed_agency="000.15.29.H29") == "message.agency_mismatch"
    assert code(sender=None, message_id=None) == "message.id_missing"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (CsvOptions(), "csv"),
        (FixedOptions(), "fixed"),
        (DbfOptions(encoding="tcvn3"), "dbf"),
        (XlsxOptions(), "xlsx"),
        (XlsOptions(), "xls"),
        (OdsOptions(), "ods"),
        (JsonOptions(), "json"),
        (JsonLinesOptions(), "jsonl"),
        (XmlOptions(records="/a/b"), "xml"),
        (ZipOptions(source=CsvOptions()), "zip"),
    ],
)
def test_every_format_of_the_adapters_has_its_content_types(options, expected):
    assert format_of(options) == expected
    assert CONTENT_TYPES[expected]


def test_no_content_type_means_two_formats():
    # edXML is XML, and nobody has published a type of its own.
    assert CONTENT_TYPES["edxml"] == CONTENT_TYPES["xml"]
    every = [name for one, names in CONTENT_TYPES.items() for name in names if one != "edxml"]

    assert len(every) == len(set(every))


def test_places_are_told_under_the_senders_own_id():
    assert file_name_of(GOOD, LAND) == "2026-17.csv"
    assert file_name_of(replace(GOOD, message_id="a/b\\c"), None) == "a_b_c"
