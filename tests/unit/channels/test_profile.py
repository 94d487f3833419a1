"""The profile of a target refuses what would make answers ambiguous or calls endless."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from lienthong.channels.profile import TargetProfile, says

URL = "https://portal.example/portal"


def test_the_defaults_quarantine_what_no_source_settles():
    profile = TargetProfile(endpoint=URL)

    assert profile.connect_timeout_seconds == 5
    assert profile.read_timeout_seconds == 30
    assert profile.success_codes == ("0", "00")
    assert profile.exists_codes == ("3", "-3")
    assert profile.busy_statuses == (429, 503)
    assert profile.receipts == "required"
    assert profile.rejected_codes == ()


def test_the_longest_call_bounds_a_lease():
    assert TargetProfile(endpoint=URL).longest_call == timedelta(seconds=60)


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://portal.example/x",
        "file:///etc/passwd",
        "portal.example/x",
        "https://",
        "https://user:secret@portal.example/x",
        "https://portal.example/x#y",
        "https://portal.example:port/x",
    ],
)
def test_refuses_an_endpoint_that_cannot_be_called(endpoint):
    with pytest.raises(ValidationError):
        TargetProfile(endpoint=endpoint)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"connect_timeout_seconds": 0}, "connect_timeout_seconds"),
        ({"read_timeout_seconds": -1}, "read_timeout_seconds"),
        ({"call_timeout_seconds": 10}, "call_timeout_seconds is less"),
        ({"success_codes": ["0"], "rejected_codes": ["0"]}, "code '0' stands in both"),
        ({"busy_codes": ["7"], "rejected_codes": ["7"]}, "code '7' stands in both"),
        (
            {"rejected_codes": ["3"], "exists_texts": []},
            "code '3' stands in both rejected_codes and exists_codes",
        ),
        ({"success_codes": []}, "success_codes"),
        ({"exists_texts": [" "]}, "part of every answer"),
        ({"client_key": "key.pem"}, "client_key without client_certificate"),
        ({"verify": False}, "verify"),
        ({"receipts": "maybe"}, "receipts"),
        ({"rate_per_second": 0}, "rate_per_second"),
        ({"rate_per_second": float("nan")}, "rate_per_second"),
        ({"rate_burst": 0}, "rate_burst"),
        ({"maintenance_windows": ["Sun 10-12"]}, "'Sun 10-12': expected a form like"),
        ({"maintenance_windows": ["daily 00:00-24:00"]}, "whole week"),
        ({"time_zone": "Asia/Saigonn"}, "no time zone 'Asia/Saigonn'"),
        ({"time_zone": "../../etc/passwd"}, "no time zone"),
        ({"time_zone": "Asia"}, "no time zone"),
        ({"time_zone": ""}, "no time zone"),
        ({"retry_after_limit_seconds": 0}, "retry_after_limit_seconds"),
    ],
)
def test_refuses_settings_that_disagree(settings, words):
    with pytest.raises(ValidationError, match=words):
        TargetProfile(endpoint=URL, **settings)


def test_by_default_nothing_holds_calls_back():
    profile = TargetProfile(endpoint=URL)

    assert (profile.rate_per_second, profile.maintenance_windows) == (None, ())
    assert profile.windows.closed_until(datetime(2026, 11, 29, tzinfo=UTC)) is None
    assert profile.retry_after_limit == timedelta(hours=1)


@pytest.mark.parametrize(
    ("settings", "burst"),
    [
        ({"rate_per_second": 0.2}, 1),
        ({"rate_per_second": 12.5}, 13),
        ({"rate_per_second": 12.5, "rate_burst": 2}, 2),
    ],
)
def test_without_a_word_the_burst_is_that_of_one_second(settings, burst):
    assert TargetProfile(endpoint=URL, **settings).burst == burst


def test_windows_are_in_the_time_of_the_targets_zone():
    profile = TargetProfile(endpoint=URL, maintenance_windows=["Sun 22:00-04:00"])

    until = profile.windows.closed_until(datetime(2026, 11, 29, 15, 0, tzinfo=UTC))

    assert until == datetime(2026, 11, 29, 21, 0, tzinfo=UTC)


def test_one_code_may_exist_and_reject_where_a_text_tells_them_apart():
    profile = TargetProfile(endpoint=URL, rejected_codes=["3"])

    assert profile.rejected_codes == ("3",)


def test_reports_every_disagreement_at_once():
    with pytest.raises(ValidationError) as caught:
        TargetProfile(
            endpoint=URL, call_timeout_seconds=1, rejected_codes=["0"], client_key="key.pem"
        )

    words = str(caught.value)
    assert "call_timeout_seconds" in words
    assert "code '0'" in words
    assert "client_key" in words


@pytest.mark.parametrize(
    "message",
    ["Hồ sơ ĐÃ TỒN TẠI", "Hồ sơ đã  tồn tại.", "Ho\u0302\u0300 sơ đã to\u0302\u0300n ta\u0323i"],
)
def test_a_text_is_found_whatever_its_case_spaces_and_unicode_form(message):
    assert says(message, texts=("đã tồn tại",))


def test_a_text_without_its_marks_is_another_text():
    assert not says("Ho so da ton tai", texts=("đã tồn tại",))


MEMBER = {"instance": "VN", "member_class": "GOV", "member_code": "H29"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"addressing": {"to": "a b"}}, "expected a URI"),
        ({"xroad": {"client": MEMBER | {"member_code": "a/b"}, "service": MEMBER}}, "code of X-R"),
        ({"xroad": {"client": MEMBER | {"member_code": ""}, "service": MEMBER}}, "code of X-Road"),
        ({"xroad": {"client": MEMBER, "service": MEMBER, "user_id": "a\nb"}}, "one line"),
        ({"xroad": {"client": MEMBER, "service": MEMBER, "protocol_version": "5.0"}}, "pattern"),
        (
            {"xroad": {"client": MEMBER, "service": MEMBER, "refused_faults": ["Server"]}},
            "a code with a dot",
        ),
        (
            {"xroad": {"client": MEMBER, "service": MEMBER}, "soap": "1.2"},
            "X-Road's message protocol 4.0 is of SOAP 1.1",
        ),
        (
            {
                "xroad": {"client": MEMBER, "service": MEMBER, "refused_faults": ["Client.X"]},
                "rejected_faults": ["Client", "Client.X"],
            },
            "'Client.X' stands in both xroad.refused_faults and rejected_faults",
        ),
        (
            {"security": {"signed_headers": ["wsa:To"]}},
            "'wsa:To' is not written; those that are: none",
        ),
        (
            {"addressing": {}, "security": {"signed_headers": ["wsa:To", "xroad:id"]}},
            "'xroad:id' is not written",
        ),
        (
            {
                "addressing": {},
                "security": {"signature": False, "signed_headers": ["wsa:To"]},
            },
            "signed_headers needs signature",
        ),
    ],
)
def test_headers_that_cannot_be_as_the_settings_say_are_told(settings, words):
    with pytest.raises(ValidationError, match=re.escape(words)):
        TargetProfile(endpoint="http://127.0.0.1/", **settings)
