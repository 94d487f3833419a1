"""Whether messages flow: one word for everything that may be known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.console import words
from lienthong.flowing import LONG, WORDS, Flowing, Judged, Signs, judge
from lienthong.pacing import Pace

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LONG_AGO = NOW - LONG
JUST_NOW = NOW - timedelta(seconds=30)
NOTHING = Signs(
    is_up=True,
    is_paused=False,
    moving=0,
    oldest_moving=None,
    others=0,
    reading=0,
    held=0,
    last_delivery=None,
    paces=(Pace.CLOSED,),
)
MOVES = replace(NOTHING, moving=3, oldest_moving=JUST_NOW)
WAITS = replace(NOTHING, moving=3, oldest_moving=LONG_AGO)


@pytest.mark.parametrize(
    ("signs", "flowing"),
    [
        (NOTHING, Flowing.QUIET),
        (replace(NOTHING, last_delivery=JUST_NOW), Flowing.FLOWING),
        (replace(NOTHING, last_delivery=LONG_AGO), Flowing.QUIET),
        (replace(NOTHING, reading=1), Flowing.FLOWING),
        (replace(NOTHING, reading=2, held=1, last_delivery=JUST_NOW), Flowing.STANDING),
        (replace(NOTHING, others=1), Flowing.STANDING),
        (replace(NOTHING, others=1, last_delivery=JUST_NOW), Flowing.FLOWING),
        (replace(NOTHING, paces=()), Flowing.QUIET),
        (replace(NOTHING, paces=(Pace.OPEN,)), Flowing.QUIET),
        (MOVES, Flowing.FLOWING),
        (replace(MOVES, paces=()), Flowing.FLOWING),
        (replace(MOVES, paces=(Pace.OPEN,)), Flowing.RESTING),
        (replace(MOVES, paces=(Pace.PROBING, Pace.WINDOW)), Flowing.RESTING),
        (replace(MOVES, paces=(Pace.OPEN, Pace.CLOSED)), Flowing.FLOWING),
        (replace(MOVES, paces=(Pace.OPEN,), is_up=False), Flowing.FLOWING),
        (WAITS, Flowing.STALLED),
        (replace(WAITS, last_delivery=JUST_NOW), Flowing.FLOWING),
        (replace(WAITS, paces=()), Flowing.UNATTENDED),
        (replace(WAITS, paces=(), is_up=False), Flowing.STALLED),
        (replace(WAITS, paces=(Pace.OPEN,)), Flowing.RESTING),
        (replace(WAITS, paces=(Pace.RATE,)), Flowing.STALLED),
        (replace(WAITS, is_paused=True, held=1), Flowing.PAUSED),
        (replace(NOTHING, is_paused=True), Flowing.PAUSED),
    ],
)
def test_the_first_rule_that_holds_decides(signs, flowing):
    assert judge(signs, now=NOW).flowing is flowing


def test_what_is_stalled_is_so_since_the_last_delivery_or_since_it_waits():
    delivered = NOW - timedelta(minutes=40)

    assert judge(WAITS, now=NOW) == Judged(Flowing.STALLED, LONG_AGO)
    assert judge(replace(WAITS, last_delivery=delivered), now=NOW).since == delivered


def test_every_word_is_said_in_both_languages_and_has_a_look():
    assert set(WORDS) == set(words.FLOWS) == set(Flowing)
    assert set(Flowing) - set(words.FLOW_TONES) == {Flowing.QUIET}
