"""A rate limit lets no more start than it says, and not less for long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lienthong.bucket import Bucket

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_a_full_bucket_gives_its_burst_and_then_the_rate():
    bucket = Bucket(rate=2, burst=5)
    assert bucket.available(NOW) == 5

    bucket = bucket.take(5, now=NOW)

    assert bucket.available(NOW) == 0
    assert bucket.available(NOW + timedelta(milliseconds=499)) == 0
    assert bucket.available(NOW + timedelta(milliseconds=500)) == 1
    assert bucket.available(NOW + timedelta(hours=1)) == 5


def test_taking_leaves_the_bucket_it_was_taken_from():
    bucket = Bucket(rate=1, burst=1)
    bucket.take(1, now=NOW)

    assert bucket.available(NOW) == 1


def test_more_than_there_was_is_a_debt():
    bucket = Bucket(rate=1, burst=2).take(4, now=NOW)

    assert bucket.next_at(NOW) == NOW + timedelta(seconds=3)
    assert bucket.available(NOW + timedelta(seconds=2)) == 0


def test_a_clock_that_goes_back_brings_no_tokens():
    bucket = Bucket(rate=10, burst=1).take(1, now=NOW)
    back = NOW - timedelta(hours=1)

    assert bucket.available(back) == 0
    bucket = bucket.take(0, now=back)
    assert bucket.available(NOW) == 0


RATES = st.floats(0.01, 5000)
STEPS = st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(0, 50)), max_size=80)


@given(RATES, st.integers(1, 100), STEPS)
def test_in_no_stretch_of_time_more_than_rate_and_burst(rate, burst, steps):
    bucket, now, taken = Bucket(rate=rate, burst=burst), NOW, []
    for microseconds, wanted in steps:
        now += timedelta(microseconds=microseconds)
        count = min(wanted, bucket.available(now))
        bucket = bucket.take(count, now=now)
        taken.append((now, count))

    for index, (begins, _) in enumerate(taken):
        total = 0
        for at, count in taken[index:]:
            total += count
            assert total <= rate * (at - begins).total_seconds() + burst + 0.001


@given(RATES, st.integers(1, 100), STEPS)
def test_a_call_may_start_when_it_says_and_not_a_moment_before(rate, burst, steps):
    bucket, now = Bucket(rate=rate, burst=burst), NOW
    for microseconds, count in steps:
        now += timedelta(microseconds=microseconds)
        bucket = bucket.take(count, now=now)
        next_at = bucket.next_at(now)

        assert bucket.available(next_at) >= 1
        if next_at > now + timedelta(milliseconds=1):
            assert bucket.available(next_at - timedelta(milliseconds=1)) == 0


@pytest.mark.parametrize("rate", [0.1, 1 / 3, 7, 1000])
def test_whoever_always_wants_more_gets_the_whole_rate(rate):
    bucket, now, taken = Bucket(rate=rate, burst=1), NOW, 0
    end = NOW + timedelta(seconds=100 / rate)
    while now <= end:
        count = bucket.available(now)
        bucket = bucket.take(count, now=now)
        taken += count
        now = max(bucket.next_at(now), now)

    assert 100 <= taken <= 101
