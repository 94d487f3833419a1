"""Logins from one address: so many may fail, and then there is a wait."""

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.access.attempts import MOST_ADDRESSES, Attempts, TooMany

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def attempts():
    return Attempts(most=3, window=timedelta(minutes=10))


def take(attempts, *addresses, at=NOW):
    for address in addresses:
        attempts.take(address, at=at)


def test_one_address_may_fail_so_often_and_others_still_may(attempts):
    take(attempts, "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2")

    with pytest.raises(TooMany) as told:
        take(attempts, "10.0.0.1", at=NOW + timedelta(minutes=4))
    assert told.value.retry_after == 361
    take(attempts, "10.0.0.1", at=NOW + timedelta(minutes=10))


def test_what_went_well_does_not_count(attempts):
    for _ in range(10):
        take(attempts, "10.0.0.1")
        attempts.give_back("10.0.0.1")
    take(attempts, "10.0.0.1", "10.0.0.1", "10.0.0.1")


def test_addresses_of_one_holder_are_one(attempts):
    take(attempts, "2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3", "2001:db8:0:1::1")
    take(attempts, "::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1")

    for address in ("2001:db8::4", "10.0.0.1"):
        with pytest.raises(TooMany):
            take(attempts, address)


def test_a_flood_of_addresses_takes_no_memory_without_end(attempts):
    for number in range(MOST_ADDRESSES + 100):
        take(attempts, f"address {number}")

    assert len(attempts._counts) == MOST_ADDRESSES
