"""Who is told of what, and when: begin, reminder, end; what flaps is one alert."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.alerting import Found, Kind, Severity, judge
from schemas.problem import Text

NOW = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
KEY = ("LienthongX", "land")
HOLD = timedelta(minutes=10)
HERE = Found(
    severity=Severity.WARNING, hold=HOLD, words=Text(vi="có", en="there"), step=Text(vi="", en="")
)


class Watch:
    """Judges minute by minute, and keeps what was told."""

    def __init__(self):
        self.known = {}
        self.told = []

    def look(self, minute, *found, remind=timedelta(days=1)):
        now = NOW + timedelta(minutes=minute)
        judged = judge(
            self.known,
            dict.fromkeys(found, HERE),
            now=now,
            gap=timedelta(minutes=5),
            remind=remind,
        )
        self.known = judged.known
        self.told += [(minute, notice.kind) for notice in judged.notices]


@pytest.fixture
def watch():
    return Watch()


def test_it_is_told_once_when_it_has_held_for_its_time(watch):
    for minute in range(30):
        watch.look(minute, KEY)

    assert watch.told == [(10, Kind.BEGAN)]


def test_what_does_not_hold_for_so_long_is_not_told(watch):
    for minute in range(60):
        watch.look(minute, *([KEY] if minute % 8 else []))

    assert watch.told == []


def test_that_it_ended_is_told_when_it_has_been_gone_for_as_long(watch):
    for minute in range(40):
        watch.look(minute, *([KEY] if minute < 15 else []))

    assert watch.told == [(10, Kind.BEGAN), (25, Kind.ENDED)]
    assert watch.known == {}


def test_what_flaps_is_one_alert(watch):
    for minute in range(200):
        is_here = minute < 20 or minute % 9 == 0
        watch.look(minute, *([KEY] if is_here else []))

    assert watch.told == [(10, Kind.BEGAN)]


def test_what_still_holds_is_told_again(watch):
    for minute in range(0, 200, 2):
        watch.look(minute, KEY, remind=timedelta(hours=1))

    assert watch.told == [
        (10, Kind.BEGAN),
        (70, Kind.REMINDER),
        (130, Kind.REMINDER),
        (190, Kind.REMINDER),
    ]


def test_a_pause_in_looking_begins_the_time_anew_but_forgets_nothing_that_was_told(watch):
    watch.look(0, KEY)
    watch.look(60, KEY)
    watch.look(61, KEY)

    assert watch.told == []

    for minute in range(62, 75):
        watch.look(minute, KEY)
    watch.look(300, KEY)

    assert watch.told == [(70, Kind.BEGAN)]


def test_each_subject_is_an_alert_of_its_own(watch):
    other = ("LienthongX", "health")
    for minute in range(20):
        watch.look(minute, KEY, *([other] if minute > 5 else []))

    assert watch.told == [(10, Kind.BEGAN), (16, Kind.BEGAN)]
