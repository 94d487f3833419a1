"""Retry-After: seconds or a date, within a limit; whatever else is ignored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.channels.retry_after import parse_retry_after

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def parse(value, *, date=None, longest=HOUR):
    wait = parse_retry_after(value, date=date, now=NOW, longest=longest)
    return None if wait is None else wait.total_seconds()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("3600", 3600),
        ("3601", 3600),
        ("999999999999999", 3600),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("١٢٠", None),
        ("120, 240", None),
        ("9" * 5000, None),
        ("Tue, 24 Nov 2026 03:02:00 GMT", 120),
        ("Tue Nov 24 03:02:00 2026", 120),
        ("Tuesday, 24-Nov-26 03:02:00 GMT", 120),
        ("Tue, 24 Nov 2026 10:02:00 +0700", 120),
        ("Tue, 24 Nov 2026 02:00:00 GMT", None),
        ("Fri, 24 Nov 2056 03:00:00 GMT", 3600),
        ("Tue, 99 Nov 2026 03:02:00 GMT", None),
        ("Tue, 24 Nov 99999 03:02:00 GMT", None),
    ],
)
def test_a_header_says(value, seconds):
    assert parse(value) == seconds


def test_a_date_is_measured_by_the_clock_of_the_one_who_wrote_it():
    value = "Thu, 24 Dec 2026 09:01:00 GMT"

    assert parse(value, date="Thu, 24 Dec 2026 09:00:00 GMT") == 60
    assert parse(value, date="garbage", longest=timedelta(days=365)) == 30 * 86_400 + 6 * 3600 + 60


@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ \S*"), st.text())
def test_no_header_is_a_failure_or_longer_than_the_limit(value, date):
    wait = parse_retry_after(value, date=date, now=NOW, longest=HOUR)

    assert wait is None or timedelta(0) < wait <= HOUR
