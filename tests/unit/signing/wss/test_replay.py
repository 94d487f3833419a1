"""A memory forgets in time, never grows beyond its bound, and remembers all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from signing.wss import Recall, ReplayMemory, SecurityRefused

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=5)


def test_a_key_is_new_once_and_again_when_its_time_is_over():
    memory = ReplayMemory()

    assert memory.remember([b"a"], until=UNTIL, now=NOW) is Recall.NEW
    assert memory.remember([b"a"], until=UNTIL, now=UNTIL) is Recall.SEEN
    after = UNTIL + timedelta(microseconds=1)
    assert memory.remember([b"a"], until=after, now=after) is Recall.NEW


def test_of_several_keys_all_are_remembered_or_none():
    memory = ReplayMemory()
    memory.remember([b"a"], until=UNTIL, now=NOW)

    assert memory.remember([b"b", b"a"], until=UNTIL, now=NOW) is Recall.SEEN
    assert memory.remember([b"b"], until=UNTIL, now=NOW) is Recall.NEW


def test_a_full_memory_takes_nothing_until_something_is_forgotten():
    memory = ReplayMemory(capacity=2)
    memory.remember([b"a", b"b"], until=UNTIL, now=NOW)

    assert memory.remember([b"c"], until=UNTIL, now=NOW) is Recall.FULL
    assert memory.remember([b"a"], until=UNTIL, now=NOW) is Recall.SEEN
    later = UNTIL + timedelta(seconds=1)
    assert memory.remember([b"c"], until=later, now=later) is Recall.NEW


def test_of_many_threads_one_is_first():
    memory = ReplayMemory()
    found = []

    def ask():
        found.append(memory.remember([b"a"], until=UNTIL, now=NOW))

    threads = [Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found.count(Recall.NEW) == 1


def test_who_cannot_remember_takes_nothing(sender, receiver):
    receiver.memory = ReplayMemory(capacity=0)

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(sender.write())

    assert refused.value.code == "wss.memory_full"
