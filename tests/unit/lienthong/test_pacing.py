"""The pace of one target: windows, breaker and rate together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.breaker import Breaker, Phase
from lienthong.bucket import Bucket
from lienthong.channels.port import Answer, Found, LookUp, Outcome
from lienthong.channels.windows import parse_windows
from lienthong.pacing import Pace, Pacer, estimate_catch_up
from lienthong.retry import Backoff

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
WINDOW = "Wed 02:00-03:00"


class Longest(Random):
    def random(self):
        return 1.0


def make_pacer(*, rate=None, burst=1, windows=(), slots=8, threshold=3):
    pacer = Pacer(
        breaker=Breaker(
            threshold=threshold,
            backoff=Backoff(first=2 * SECOND, longest=300 * SECOND),
            random=Longest(),
            probe_patience=60 * SECOND,
        ),
        bucket=None if rate is None else Bucket(rate=rate, burst=burst),
        windows=parse_windows(windows, zone=UTC),
    )
    pacer.allowance(NOW - timedelta(days=1), free=slots)
    return pacer


def fail(pacer, *, times=3, now=NOW, outcome=Outcome.UNKNOWN):
    for _ in range(times):
        pacer.record(outcome, now=now)


def strange(**changes):
    return Answer(**({"outcome": Outcome.UNRECOGNISED, "http_status": 200} | changes))


# ---- each alone


def test_where_nothing_holds_it_back_every_free_slot_may_start():
    pacer = make_pacer()

    assert pacer.allowance(NOW, free=5) == 5
    assert pacer.pause_until(NOW) is None
    assert (pacer.state(NOW).pace, pacer.state(NOW).allowed) == (Pace.CLOSED, 8)


def test_the_rate_holds_calls_back_for_moments():
    pacer = make_pacer(rate=2, burst=3)
    assert pacer.allowance(NOW, free=8) == 3

    pacer.let_out(NOW, count=3)

    assert pacer.allowance(NOW, free=5) == 0
    assert pacer.pause_until(NOW) == NOW + SECOND / 2
    state = pacer.state(NOW)
    assert (state.pace, state.until, state.allowed) == (Pace.RATE, NOW + SECOND / 2, 0)


def test_in_a_window_nothing_starts_and_it_says_until_when():
    pacer = make_pacer(windows=[WINDOW])

    assert pacer.allowance(NOW - SECOND, free=8) == 8
    assert pacer.allowance(NOW, free=8) == 0
    assert pacer.pause_until(NOW) == NOW + HOUR
    assert (pacer.state(NOW).pace, pacer.state(NOW).until) == (Pace.WINDOW, NOW + HOUR)
    assert pacer.allowance(NOW + HOUR, free=8) == 8


@pytest.mark.parametrize(
    "result",
    [
        Answer(outcome=Outcome.WITHHELD),
        Answer(outcome=Outcome.UNSENDABLE),
        LookUp(found=Found.WITHHELD),
    ],
    ids=["send", "values it does not take", "look-up"],
)
def test_what_never_left_says_nothing_of_the_target(result):
    pacer = make_pacer()

    for _ in range(10):
        pacer.learn(result, now=NOW)

    assert pacer.state(NOW).pace is Pace.CLOSED


def test_in_a_window_no_failure_counts():
    pacer = make_pacer(windows=[WINDOW])
    fail(pacer, times=100, outcome=Outcome.TARGET)
    pacer.record(Outcome.BUSY, now=NOW, retry_after=5 * HOUR)
    fail(pacer, times=100, outcome=Outcome.UNRECOGNISED)

    assert pacer.breaker.troubles == 0
    assert pacer.allowance(NOW + HOUR, free=8) == 8
    assert not pacer.suspects(strange(), now=NOW + HOUR)


def test_a_never_seen_answer_in_a_window_is_not_its_messages_fault():
    pacer = make_pacer(windows=[WINDOW])

    assert pacer.suspects(strange(), now=NOW)
    assert not pacer.suspects(strange(), now=NOW - SECOND)


def test_a_window_leaves_an_open_breaker_as_it_was():
    pacer = make_pacer(windows=[WINDOW])
    pacer.record(Outcome.BUSY, now=NOW - SECOND, retry_after=2 * HOUR)
    pacer.record(Outcome.DELIVERED, now=NOW)

    assert pacer.state(NOW).pace is Pace.WINDOW
    assert pacer.pause_until(NOW) == NOW - SECOND + 2 * HOUR
    assert pacer.state(NOW + HOUR).pace is Pace.OPEN


def test_the_way_of_an_outage_is_told_step_by_step():
    pacer = make_pacer()

    def told(now):
        state = pacer.state(now)
        return (state.pace, state.allowed, state.until)

    fail(pacer)
    assert told(NOW) == (Pace.OPEN, 0, NOW + 2 * SECOND)
    now = NOW + 2 * SECOND
    assert told(now) == (Pace.PROBING, 1, None)
    pacer.let_out(now)
    assert told(now) == (Pace.PROBING, 0, now + 60 * SECOND)
    assert pacer.pause_until(now) == now + 60 * SECOND
    pacer.record(Outcome.DELIVERED, now=now)
    assert told(now) == (Pace.REOPENING, 1, None)
    assert pacer.pause_until(now) is None
    pacer.record(Outcome.DELIVERED, now=now)
    assert told(now) == (Pace.REOPENING, 2, None)


def test_every_pace_has_words_in_both_languages():
    pacer = make_pacer(windows=[WINDOW])
    words = {pacer.state(NOW).text, pacer.state(NOW - SECOND).text}

    assert len(words) == 2
    assert all(text.vi and text.en and text.vi != text.en for text in words)


# ---- what calls bring


def test_an_answer_that_says_how_long_pauses_the_whole_target():
    pacer = make_pacer()
    pacer.learn(Answer(outcome=Outcome.BUSY, http_status=503, retry_after=90 * SECOND), now=NOW)

    assert pacer.pause_until(NOW) == NOW + 90 * SECOND
    assert pacer.allowance(NOW + 90 * SECOND, free=8) == 1


def test_a_look_up_that_is_told_to_wait_pauses_it_as_well():
    pacer = make_pacer()
    pacer.learn(LookUp(found=Found.FAILED, retry_after=90 * SECOND), now=NOW)

    assert pacer.pause_until(NOW) == NOW + 90 * SECOND


def test_never_seen_answers_in_a_row_are_the_targets_trouble():
    pacer = make_pacer(threshold=100)
    told = []
    for _ in range(4):
        pacer.learn(strange(), now=NOW)
        told.append(pacer.suspects(strange(), now=NOW))

    assert told == [False, False, True, True]
    assert pacer.state(NOW).is_suspect
    assert pacer.allowance(NOW, free=8) == 0


def test_a_look_up_does_not_clear_the_target_and_a_delivery_does():
    pacer = make_pacer()
    for _ in range(3):
        pacer.learn(strange(), now=NOW)
    now = NOW + 2 * SECOND
    pacer.let_out(now)
    pacer.learn(LookUp(found=Found.ABSENT), now=now)
    assert pacer.suspects(strange(), now=now)

    pacer.learn(Answer(outcome=Outcome.DELIVERED, http_status=200), now=now)

    assert not pacer.suspects(strange(), now=now)


def test_what_was_never_sent_is_not_the_targets_fault():
    pacer = make_pacer()
    ours = strange(http_status=None)
    for _ in range(50):
        pacer.learn(ours, now=NOW)

    assert pacer.allowance(NOW, free=8) == 8
    for _ in range(3):
        pacer.learn(strange(), now=NOW)
    assert not pacer.suspects(ours, now=NOW)


# ---- clocks that are set


def test_a_clock_that_is_set_back_prolongs_no_pause():
    pacer = make_pacer(rate=1)
    pacer.let_out(NOW)
    fail(pacer)
    back = NOW - timedelta(days=30)
    assert pacer.allowance(back, free=8) == 0
    assert pacer.pause_until(back) == back + 2 * SECOND

    assert pacer.allowance(back + 2 * SECOND, free=8) == 1


def test_two_callers_who_read_the_clock_at_once_shorten_no_pause():
    pacer = make_pacer()
    fail(pacer)
    for number in range(1000):
        assert pacer.allowance(NOW + timedelta(milliseconds=number % 2 * 10), free=8) == 0

    assert pacer.allowance(NOW + 1.9 * SECOND, free=8) == 0


def test_a_call_from_before_the_clock_was_set_back_is_still_from_before():
    pacer = make_pacer()
    fail(pacer)
    back = NOW - HOUR
    pacer.allowance(back, free=8)
    pacer.let_out(back + 2 * SECOND)

    pacer.record(Outcome.UNKNOWN, now=back + 3 * SECOND, started_at=back - SECOND)

    assert pacer.breaker.phase is Phase.PROBING


STEPS = st.lists(
    st.tuples(st.sampled_from(list(Outcome)), st.integers(-4000, 4000), st.integers(0, 6)),
    max_size=50,
)


@given(STEPS, st.sampled_from([None, 0.5, 20.0]))
def test_whatever_the_clock_does_a_call_may_start_when_the_pause_ends(steps, rate):
    pacer, now, out = make_pacer(rate=rate, windows=[WINDOW]), NOW, 0
    for outcome, seconds, ending in steps:
        now += timedelta(seconds=seconds)
        allowed = pacer.allowance(now, free=8 - out)
        assert 0 <= allowed <= 8 - out
        assert not (allowed and pacer.pause_until(now))
        pacer.let_out(now, count=allowed)
        out += allowed
        for _ in range(min(ending, out)):
            out -= 1
            pacer.record(outcome, now=now)

    for _ in range(5):
        until = pacer.pause_until(now)
        if until is None:
            break
        assert now < until <= now + 2 * HOUR
        now = until
    assert pacer.allowance(now, free=8) >= 1


# ---- the estimate


@pytest.mark.parametrize(
    ("backlog", "delivered", "arrived", "minutes"),
    [
        (0, 0, 0, 0),
        (600, 300, 0, 10),
        (600, 300, 100, 15),
        (600, 0, 0, None),
        (600, 100, 100, None),
        (600, 100, 200, None),
    ],
)
def test_a_backlog_takes_as_long_as_the_pace_of_late_says(backlog, delivered, arrived, minutes):
    estimate = estimate_catch_up(
        backlog, delivered=delivered, arrived=arrived, during=timedelta(minutes=5)
    )

    assert estimate == (None if minutes is None else timedelta(minutes=minutes))
