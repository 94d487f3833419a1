"""Rows as JSON lines."""

# ruff: noqa: DTZ001 - what databases give has no zone

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from lienthong.pull.rows import line_of

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (float("inf"), "inf"),
        (datetime(2026, 3, 2, 7, 0, tzinfo=UTC), "2026-03-02T14:00:00+07:00"),
        (datetime(9999, 12, 31, 23, 0, tzinfo=UTC), "9999-12-31T23:00:00+00:00"),
        (datetime(1960, 1, 1), "1960-01-01T00:00:00"),
        (timedelta(hours=-30, minutes=-15), "-30:15:00"),
        (timedelta(seconds=1, microseconds=5), "00:00:01.000005"),
        (memoryview(b"\xff\xfe"), "//4="),
        (("a", {"b": Decimal("0.10")}), ["a", {"b": "0.10"}]),
        ("a\ud800\n", "a\ud800\n"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_values_are_written_so_that_nothing_of_them_is_lost(value, written):
    line = line_of({"x": value}, zone=VIETNAM)

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"x": written}
