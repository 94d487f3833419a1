"""Backing off, and leaving a target in trouble alone."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.breaker import HEALTH, Breaker, Phase, SlidingCounts
from lienthong.channels.port import Outcome
from lienthong.retry import Backoff

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BACKOFF = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=5))


class Fixed(Random):
    def __init__(self, value):
        super().__init__(0)
        self.value = value

    def random(self):
        return self.value


@pytest.fixture
def breaker():
    return Breaker(threshold=3, backoff=BACKOFF, random=Fixed(1.0))


def trouble(breaker, *, times, now=NOW, outcome=Outcome.NOT_SENT):
    for _ in range(times):
        breaker.record(outcome, now=now)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (10_000, 300)]
)
def test_waits_double_up_to_the_longest(failures, seconds):
    assert BACKOFF.delay(failures, random=Fixed(1.0)) == timedelta(seconds=seconds)
    assert BACKOFF.delay(failures, random=Fixed(0.0)) == timedelta(seconds=seconds / 2)


def test_a_closed_breaker_lets_everything_go(breaker):
    trouble(breaker, times=2)

    assert breaker.allowance(NOW, free=8) == 8


def test_troubles_in_a_row_open_it_for_a_while_and_then_let_one_probe_go(breaker):
    trouble(breaker, times=3)

    assert breaker.allowance(NOW + timedelta(seconds=1), free=8) == 0
    assert breaker.allowance(NOW + timedelta(seconds=2), free=8) == 1
    assert breaker.allowance(NOW + timedelta(seconds=2), free=0) == 0


def test_while_a_probe_is_out_nothing_else_goes(breaker):
    trouble(breaker, times=3)
    breaker.let_out(NOW + timedelta(seconds=2))

    assert breaker.allowance(NOW + timedelta(seconds=3), free=8) == 0


def test_a_probe_that_never_reports_is_followed_by_another(breaker):
    trouble(breaker, times=3)
    breaker.let_out(NOW)

    assert breaker.allowance(NOW + timedelta(minutes=5), free=8) == 1


def test_each_failed_probe_makes_the_pause_longer(breaker):
    trouble(breaker, times=3)
    pauses = []
    for _ in range(4):
        pauses.append((breaker.open_until - breaker.opened_at).total_seconds())
        probe(breaker, outcome=Outcome.UNKNOWN)

    assert pauses == [2, 4, 8, 16]


def probe(breaker, *, outcome, started_at=None):
    """Wait for the pause to end, let the probe go, and have it end so."""
    now = breaker.open_until
    assert breaker.allowance(now, free=8) == 1
    breaker.let_out(now)
    breaker.record(outcome, now=now, started_at=started_at)
    return now


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.REJECTED, Outcome.EXISTS])
def test_a_healthy_probe_reopens_it_step_by_step(breaker, outcome):
    breaker.allowance(NOW, free=8)
    trouble(breaker, times=3)
    now = probe(breaker, outcome=outcome)

    rounds = []
    while breaker.phase is Phase.REOPENING:
        allowed = breaker.allowance(now, free=8)
        rounds.append(allowed)
        breaker.let_out(now, count=allowed)
        assert breaker.allowance(now, free=8 - allowed) == 0
        for _ in range(allowed):
            breaker.record(outcome, now=now)

    assert rounds == [1, 2, 4]
    assert breaker.allowance(now, free=8) == 8


def test_trouble_on_the_way_closes_it_down_again_for_longer(breaker):
    breaker.allowance(NOW, free=8)
    trouble(breaker, times=3)
    now = probe(breaker, outcome=Outcome.DELIVERED)
    breaker.record(Outcome.DELIVERED, now=now)
    assert breaker.allowance(now, free=8) == 2

    breaker.record(Outcome.UNKNOWN, now=now)

    assert breaker.phase is Phase.OPEN
    assert breaker.open_until - now == timedelta(seconds=4)
    now = probe(breaker, outcome=Outcome.DELIVERED)
    assert breaker.allowance(now, free=8) == 1


def test_a_lost_call_now_and_then_does_not_keep_many_slots_from_being_used(breaker):
    breaker.allowance(NOW, free=256)
    trouble(breaker, times=3)
    now = probe(breaker, outcome=Outcome.DELIVERED)

    calls = 0
    while breaker.phase is not Phase.CLOSED:
        calls += 1
        breaker.record(Outcome.UNKNOWN if calls % 10 == 9 else Outcome.DELIVERED, now=now)
        assert calls < 1000

    assert breaker.allowance(now, free=256) == 256


def test_pauses_begin_short_again_once_it_was_closed(breaker):
    trouble(breaker, times=3)
    probe(breaker, outcome=Outcome.UNKNOWN)
    now = probe(breaker, outcome=Outcome.DELIVERED)
    while breaker.phase is Phase.REOPENING:
        breaker.record(Outcome.DELIVERED, now=now)

    trouble(breaker, times=3, now=now)

    assert breaker.open_until - now == timedelta(seconds=2)


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.BUSY])
def test_troubles_in_a_row_of_every_kind_count(breaker, outcome):
    trouble(breaker, times=2, outcome=outcome)
    assert breaker.allowance(NOW, free=8) == 8

    trouble(breaker, times=1, outcome=outcome)
    assert breaker.allowance(NOW, free=8) == 0


def test_one_healthy_answer_ends_a_row(breaker):
    for _ in range(6):
        trouble(breaker, times=2)
        breaker.record(Outcome.REJECTED, now=NOW)

    assert breaker.allowance(NOW, free=8) == 8


def test_it_opens_on_a_share_of_a_window_though_no_row_is_long(breaker):
    later = NOW
    for number in range(19):
        later = NOW + timedelta(seconds=number)
        breaker.record(Outcome.UNKNOWN if number % 2 else Outcome.DELIVERED, now=later)
    assert breaker.phase is Phase.CLOSED

    breaker.record(Outcome.UNKNOWN, now=later)

    assert breaker.phase is Phase.OPEN


def test_what_is_older_than_the_window_is_forgotten(breaker):
    for number in range(200):
        at = NOW + timedelta(seconds=2 * number)
        breaker.record(Outcome.UNKNOWN if number % 2 else Outcome.DELIVERED, now=at)

    assert breaker.phase is Phase.CLOSED, "there are never 20 calls in 30 seconds"


def test_a_window_takes_no_more_memory_for_more_calls():
    counts = SlidingCounts(window=timedelta(seconds=30))
    for number in range(50_000):
        counts.add(is_trouble=False, now=NOW + timedelta(milliseconds=number))

    assert len(counts._slices) <= 10


def test_a_refusal_of_us_as_a_whole_opens_it_at_once(breaker):
    breaker.record(Outcome.TARGET, now=NOW)

    assert breaker.allowance(NOW, free=8) == 0


def test_the_pause_after_busy_is_short_however_long_it_lasts(breaker):
    trouble(breaker, times=3, outcome=Outcome.BUSY)
    for _ in range(10):
        probe(breaker, outcome=Outcome.BUSY)

    assert breaker.open_until - breaker.opened_at == timedelta(seconds=30)


def test_a_target_that_says_how_long_is_left_alone_at_once_and_so_long(breaker):
    breaker.record(Outcome.BUSY, now=NOW, retry_after=timedelta(seconds=90))

    assert breaker.allowance(NOW + timedelta(seconds=89), free=8) == 0
    assert breaker.allowance(NOW + timedelta(seconds=90), free=8) == 1


def test_a_shorter_word_of_a_call_that_was_still_out_does_not_shorten_the_pause(breaker):
    breaker.record(Outcome.BUSY, now=NOW, retry_after=timedelta(seconds=90))
    breaker.record(Outcome.BUSY, now=NOW, retry_after=timedelta(seconds=10))
    assert breaker.open_until == NOW + timedelta(seconds=90)

    breaker.record(Outcome.BUSY, now=NOW, retry_after=timedelta(seconds=120))
    assert breaker.open_until == NOW + timedelta(seconds=120)


def test_calls_that_were_out_when_it_opened_do_not_change_the_pause(breaker):
    trouble(breaker, times=3)
    trouble(breaker, times=5)
    breaker.record(Outcome.DELIVERED, now=NOW)

    assert (breaker.phase, breaker.open_until) == (Phase.OPEN, NOW + timedelta(seconds=2))


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.DELIVERED])
def test_a_call_from_before_is_not_taken_for_the_probe(breaker, outcome):
    trouble(breaker, times=3)
    now = breaker.open_until
    breaker.let_out(now)

    breaker.record(outcome, now=now, started_at=NOW - timedelta(seconds=1))

    assert breaker.phase is Phase.PROBING


# ---- never-seen answers


def test_never_seen_answers_in_a_row_open_it_before_other_troubles_would():
    breaker = Breaker(threshold=50, backoff=BACKOFF, random=Fixed(1.0))
    trouble(breaker, times=2, outcome=Outcome.UNRECOGNISED)
    assert (breaker.is_suspect, breaker.phase) == (False, Phase.CLOSED)

    trouble(breaker, times=1, outcome=Outcome.UNRECOGNISED)

    assert (breaker.is_suspect, breaker.phase) == (True, Phase.OPEN)


@pytest.mark.parametrize("outcome", [Outcome.DELIVERED, Outcome.REJECTED, Outcome.EXISTS])
def test_a_single_never_seen_answer_among_healthy_ones_is_its_messages_own(breaker, outcome):
    for _ in range(100):
        breaker.record(Outcome.UNRECOGNISED, now=NOW)
        breaker.record(outcome, now=NOW)
        assert not breaker.is_suspect

    for _ in range(2):
        breaker.record(Outcome.UNRECOGNISED, now=NOW)
        breaker.record(Outcome.UNKNOWN, now=NOW)
    assert not breaker.is_suspect


def test_look_ups_that_work_do_not_clear_a_target_whose_answers_are_strange(breaker):
    breaker.allowance(NOW, free=8)
    trouble(breaker, times=3, outcome=Outcome.UNRECOGNISED)
    now = breaker.open_until
    breaker.let_out(now)
    for _ in range(100):
        breaker.record(Outcome.DELIVERED, now=now, is_look_up=True)
        assert (breaker.is_suspect, breaker.allowance(now, free=8)) == (True, 1)

    breaker.record(Outcome.UNRECOGNISED, now=now)
    assert breaker.phase is Phase.OPEN

    now = probe(breaker, outcome=Outcome.DELIVERED)
    assert not breaker.is_suspect
    breaker.record(Outcome.DELIVERED, now=now)
    assert breaker.allowance(now, free=8) == 2


# ---- whatever happens

HEALTHY = st.sampled_from(sorted(HEALTH, key=lambda outcome: outcome.value))
ANY = st.sampled_from(list(Outcome))
WAITS = st.none() | st.integers(1, 3600).map(lambda seconds: timedelta(seconds=seconds))


@given(st.lists(st.tuples(HEALTHY, st.integers(0, 60))), st.integers(1, 64))
def test_health_alone_never_opens_it(steps, slots):
    breaker = Breaker(threshold=1, backoff=BACKOFF, random=Random(1), minimum_calls=1)
    now = NOW
    for outcome, seconds in steps:
        now += timedelta(seconds=seconds)
        breaker.record(outcome, now=now)
        assert breaker.allowance(now, free=slots) == slots


@given(
    st.lists(
        st.tuples(ANY, WAITS, st.booleans(), st.integers(0, 400_000), st.integers(0, 8)),
        max_size=60,
    ),
    st.integers(1, 16),
)
def test_whatever_happens_the_allowance_is_bounded_and_a_call_goes_in_the_end(steps, slots):
    breaker = Breaker(threshold=2, backoff=BACKOFF, random=Random(1))
    now, out = NOW, []
    for outcome, wait, is_look_up, milliseconds, ending in steps:
        allowed = breaker.allowance(now, free=slots - len(out))
        assert 0 <= allowed <= slots - len(out)
        if breaker.phase is Phase.REOPENING:
            assert allowed + len(out) <= max(breaker.limit, len(out))
        if breaker.open_until is not None:
            assert allowed <= 1
        breaker.let_out(now, count=allowed)
        out += [now] * allowed
        now += timedelta(milliseconds=milliseconds)
        for _ in range(min(ending, len(out))):
            trouble_only = wait if outcome not in HEALTH else None
            breaker.record(
                outcome,
                now=now,
                retry_after=trouble_only,
                is_look_up=is_look_up,
                started_at=out.pop(),
            )

    later = now + timedelta(seconds=3600) + BACKOFF.longest
    assert breaker.allowance(later, free=slots) >= 1


@given(st.lists(ANY, max_size=40), st.integers(1, 32))
def test_a_target_that_works_again_gets_all_slots_again(outcomes, slots):
    breaker = Breaker(threshold=2, backoff=BACKOFF, random=Random(1))
    now = NOW
    for outcome in outcomes:
        breaker.let_out(now, count=breaker.allowance(now, free=slots))
        breaker.record(outcome, now=now)

    for _ in range(20):
        now += BACKOFF.longest
        allowed = breaker.allowance(now, free=slots)
        breaker.let_out(now, count=allowed)
        for _ in range(allowed):
            breaker.record(Outcome.DELIVERED, now=now)

    assert (breaker.phase, breaker.allowance(now, free=slots)) == (Phase.CLOSED, slots)
