"""Maintenance windows: what is written is what is meant, over midnight and the week's end too."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.channels.windows import DAYS, WrongWindow, parse_window, parse_windows

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def closed_until(texts, at, *, zone=ZONE):
    return parse_windows(texts, zone=zone).closed_until(at)


# 2026-11-29 is a Sunday.
@pytest.mark.parametrize(
    ("window", "at", "until"),
    [
        ("Sun 22:00-04:00", "2026-11-29T21:59", None),
        ("Sun 22:00-04:00", "2026-11-29T22:00", "2026-11-30T04:00"),
        ("Sun 22:00-04:00", "2026-11-30T03:59", "2026-11-30T04:00"),
        ("Sun 22:00-04:00", "2026-11-30T04:00", None),
        ("Sun 22:00-04:00", "2026-11-30T22:30", None),
        ("Sun 22:00-04:00", "2026-11-29T03:00", None),
        ("sun  22:00 - 04:00", "2026-11-29T23:00", "2026-11-30T04:00"),
        ("Mon-Fri 12:00-12:30", "2026-11-27T12:29", "2026-11-27T12:30"),
        ("Mon-Fri 12:00-12:30", "2026-11-28T12:15", None),
        ("Sat-Mon 01:00-02:00", "2026-11-29T01:00", "2026-11-29T02:00"),
        ("Sat-Mon 01:00-02:00", "2026-12-01T01:00", None),
        ("Mon,Thu 01:00-02:00", "2026-11-26T01:30", "2026-11-26T02:00"),
        ("Mon, Wed-Thu 01:00-02:00", "2026-11-25T01:30", "2026-11-25T02:00"),
        ("daily 23:30-00:15", "2026-11-25T23:30", "2026-11-26T00:15"),
        ("daily 23:30-00:15", "2026-11-26T00:14", "2026-11-26T00:15"),
        ("Sat 20:00-24:00", "2026-11-28T23:59", "2026-11-29T00:00"),
        ("Sat 00:00-24:00", "2026-11-28T00:00", "2026-11-29T00:00"),
        ("2026-12-01T22:00/2026-12-02T04:00", "2026-12-01T21:59", None),
        ("2026-12-01T22:00/2026-12-02T04:00", "2026-12-01T22:00", "2026-12-02T04:00"),
        ("2026-12-01T22:00 / 2026-12-02T04:00", "2026-12-02T03:59", "2026-12-02T04:00"),
        ("2026-12-01T22:00/2026-12-02T04:00", "2026-12-02T04:00", None),
    ],
)
def test_a_window_closes_from_its_beginning_to_its_end(window, at, until):
    found = closed_until([window], local(at).astimezone(UTC))

    assert found == (None if until is None else local(until))


def test_windows_that_follow_or_overlap_each_other_end_with_the_last():
    texts = ["Sat 22:00-24:00", "Sun 00:00-06:00", "Sun 05:00-07:00", "daily 09:00-10:00"]

    assert closed_until(texts, local("2026-11-28T22:30")) == local("2026-11-29T07:00")


def test_the_zone_is_the_targets():
    at = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)

    assert closed_until(["Sun 22:00-23:00"], at) is None
    assert closed_until(["Sun 22:00-23:00"], at, zone=ZoneInfo("UTC")) == at + timedelta(minutes=30)


def test_a_window_over_a_change_of_the_clocks_ends_when_the_wall_clock_says():
    zone = ZoneInfo("Europe/Berlin")
    at = datetime(2026, 10, 24, 23, 30, tzinfo=zone)

    until = closed_until(["Sat 23:00-04:00"], at, zone=zone)

    assert until == datetime(2026, 10, 25, 3, 0, tzinfo=UTC), "an hour longer than on other days"


def test_without_windows_nothing_is_ever_closed():
    assert closed_until([], local("2026-11-29T00:00")) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a form like"),
        ("Sunday 22:00-04:00", "expected a form like"),
        ("CN 22:00-04:00", "expected a form like"),
        ("Sun 22-04", "expected a form like"),
        ("Sun 25:00-04:00", "expected a form like"),
        ("Sun 22:60-04:00", "expected a form like"),
        ("Sun 22:00", "expected a form like"),
        ("22:00-04:00", "expected a form like"),
        ("Sun 24:00-04:00", "expected a form like"),
        ("Mon- 01:00-02:00", "expected a form like"),
        ("Mon,,Tue 01:00-02:00", "expected a form like"),
        ("daily,Mon 01:00-02:00", "expected a form like"),
        ("Sun ٢٢:00-04:00", "expected a form like"),
        ("Sun 22:00-22:00", "00:00-24:00"),
        ("2026-12-01T22:00", "expected a form like"),
        ("2026-12-01T22:00Z/2026-12-02T04:00Z", "expected a form like"),
        ("2026-02-30T22:00/2026-03-02T04:00", "no such date"),
        ("2026-12-02T04:00/2026-12-01T22:00", "end after it begins"),
        ("2026-12-02T04:00/2026-12-02T04:00", "end after it begins"),
        ("2026-12-02T04:00/2062-12-02T05:00", "within 31 days"),
    ],
)
def test_a_wrong_window_is_named_with_what_was_expected(text, words):
    with pytest.raises(WrongWindow) as caught:
        parse_window(text)

    assert f"'{text}'" in caught.value.text.en
    assert f"«{text}»" in caught.value.text.vi
    assert words in caught.value.text.en


def test_all_wrong_windows_are_named_at_once():
    with pytest.raises(WrongWindow) as caught:
        parse_windows(["Sun 1-2", "daily 01:00-02:00", "Mon 3-4"], zone=ZONE)

    assert "'Sun 1-2'" in str(caught.value)
    assert "'Mon 3-4'" in str(caught.value)


@pytest.mark.parametrize(
    "texts", [["daily 00:00-24:00"], ["daily 12:00-06:00", "Mon-Sun 06:00-12:00"]]
)
def test_windows_without_an_open_moment_are_refused(texts):
    with pytest.raises(WrongWindow, match="whole week"):
        parse_windows(texts, zone=ZONE)


# ---- against a model that walks minute by minute

MONDAY = datetime(2026, 11, 30, tzinfo=ZONE)
CLOCKS = st.tuples(st.integers(0, 23), st.integers(0, 59))


@st.composite
def weekly(draw):
    days = sorted(draw(st.sets(st.integers(0, 6), min_size=1)))
    (hour, minute), (last_hour, last_minute) = draw(
        st.tuples(CLOCKS, CLOCKS).filter(lambda clocks: clocks[0] != clocks[1])
    )
    words = ",".join(DAYS[day].title() for day in days)
    text = f"{words} {hour:02}:{minute:02}-{last_hour:02}:{last_minute:02}"
    return text, days, hour * 60 + minute, last_hour * 60 + last_minute


def walk(windows):
    """Return for each minute of a week whether it is closed, going through every window."""
    closed = [False] * (7 * 24 * 60)
    for _, days, begins, ends in windows:
        for day in days:
            minute = begins
            while minute % 1440 != ends or minute == begins:
                closed[(day * 1440 + minute) % len(closed)] = True
                minute += 1
    return closed


@given(st.lists(weekly(), min_size=1, max_size=4), st.integers(0, 7 * 24 * 60 - 1))
def test_every_minute_is_as_in_a_walk_through_the_week(windows, minute):
    closed = walk(windows)
    texts = [text for text, *_ in windows]
    if all(closed):
        with pytest.raises(WrongWindow):
            parse_windows(texts, zone=ZONE)
        return

    until = parse_windows(texts, zone=ZONE).closed_until(MONDAY + timedelta(minutes=minute))

    length = 0
    while closed[(minute + length) % len(closed)]:
        length += 1
    expected = MONDAY + timedelta(minutes=minute + length) if length else None
    assert until == expected


@given(st.text(max_size=40))
def test_any_text_is_a_window_or_refused_in_words(text):
    with suppress(WrongWindow):
        parse_window(text)
