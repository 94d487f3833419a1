"""Watermarks: nothing before them is missed, and the future does not move them."""

# ruff: noqa: DTZ001 - what databases give has no zone

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from lienthong.pull.marks import (
    Overlap,
    advance,
    before,
    check_mark,
    decode,
    encode,
    parse_start,
    place_of,
)
from schemas.errors import ConfigError

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
OVERLAP = Overlap(time=timedelta(minutes=15), number=100)
MARKS = [
    7,
    -3,
    2**70,
    Decimal("12345678901234567890.123"),
    date(2026, 3, 2),
    datetime(2026, 3, 2, 14, 0, 0, 123456),
    datetime(2026, 3, 2, 14, 0, tzinfo=VIETNAM),
]


@pytest.mark.parametrize("mark", MARKS, ids=repr)
def test_a_mark_is_the_same_after_it_was_written_down(mark):
    found = decode(encode(mark))

    assert (found, type(found)) == (mark, type(mark))


@pytest.mark.parametrize(
    ("mark", "low"),
    [
        (1000, 900),
        (Decimal("1000.5"), Decimal("900.5")),
        (datetime(2026, 3, 2, 14, 0), datetime(2026, 3, 2, 13, 45)),
        (datetime(1, 1, 1, 0, 5), datetime(1, 1, 1)),
        (date(2026, 3, 2), date(2026, 3, 1)),
        (date(1, 1, 1), date(1, 1, 1)),
    ],
    ids=repr,
)
def test_reading_begins_an_overlap_before_the_mark(mark, low):
    assert before(mark, OVERLAP) == low


@pytest.mark.parametrize(
    ("known", "found", "after"),
    [
        (None, 5, 5),
        (7, 5, 7),
        (Decimal("7.5"), 8, 8),
        (None, datetime(2062, 1, 1), datetime(2026, 3, 2, 15, 0)),
        (None, date(2062, 1, 1), date(2026, 3, 2)),
        (None, datetime(2062, 1, 1, tzinfo=UTC), NOW),
        (date(2026, 1, 1), datetime(2025, 12, 31), datetime(2025, 12, 31)),
    ],
    ids=repr,
)
def test_a_mark_goes_on_and_never_into_the_future(known, found, after):
    assert advance(known, found, now=NOW, zone=VIETNAM) == after


def test_a_watermark_that_becomes_a_number_is_told():
    with pytest.raises(ConfigError) as told:
        advance(date(2026, 1, 1), 7, now=NOW, zone=VIETNAM)

    assert told.value.code == "pull.mark_changed"


@pytest.mark.parametrize("value", ["2026", None, True, 0.5, b"7", Decimal("NaN")], ids=repr)
def test_what_is_neither_number_nor_time_is_no_mark(value):
    with pytest.raises(ConfigError) as told:
        check_mark(value, column="sua_luc")

    assert told.value.code == "pull.mark_kind"


def test_places_order_marks_as_they_are():
    times = [datetime(2026, 3, 2, 14, 0, 0, n) for n in (0, 1, 999_999)]

    assert [place_of(time) for time in times] == sorted({place_of(time) for time in times})
    assert place_of(Decimal("-1.5")) == -2
    assert place_of(2**70) == place_of(2**71)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("42", 42),
        ("2026-03-02", date(2026, 3, 2)),
        ("2026-03-02T14:00:00", datetime(2026, 3, 2, 14, 0)),
        ("2026-03-02T14:00:00+07:00", datetime(2026, 3, 2, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_person_writes_a_number_a_day_or_a_time(text, mark):
    assert parse_start(text) == mark
