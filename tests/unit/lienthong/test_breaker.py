"""Backing off, and leaving a target in trouble alone."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from lienthong.breaker import Breaker
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


def test_a_failed_probe_opens_it_for_longer(breaker):
    trouble(breaker, times=4)

    assert breaker.allowance(NOW + timedelta(seconds=3), free=8) == 0
    assert breaker.allowance(NOW + timedelta(seconds=4), free=8) == 1


@pytest.mark.parametrize(
    "outcome", [Outcome.DELIVERED, Outcome.REJECTED, Outcome.BUSY, Outcome.EXISTS]
)
def test_an_answer_to_the_message_closes_it(breaker, outcome):
    trouble(breaker, times=5)
    breaker.record(outcome, now=NOW)

    assert breaker.allowance(NOW, free=8) == 8


@pytest.mark.parametrize("outcome", [Outcome.TARGET, Outcome.UNKNOWN, Outcome.UNRECOGNISED])
def test_every_kind_of_trouble_counts(breaker, outcome):
    trouble(breaker, times=3, outcome=outcome)

    assert breaker.allowance(NOW, free=8) == 0
