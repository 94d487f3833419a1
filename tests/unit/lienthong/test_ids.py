"""Identifiers rise within one call, whatever else is made in between."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from lienthong.ids import make_id, make_ids

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def test_an_id_is_of_version_7_and_of_its_moment():
    made = uuid.UUID(make_id(AT))

    assert made.version == 7
    assert made.int >> 80 == int(AT.timestamp() * 1000)


def test_ids_of_one_moment_rise():
    made = [make_id(AT) for _ in range(1000)]

    assert made == sorted(set(made))


def test_ids_of_one_call_rise_while_others_are_made_for_other_moments():
    def make(number):
        return [make_ids(AT + timedelta(milliseconds=number), count=20) for _ in range(50)]

    with ThreadPoolExecutor(4) as threads:
        made = [ids for found in threads.map(make, range(4)) for ids in found]

    assert all(ids == sorted(set(ids)) for ids in made)
    assert len({one for ids in made for one in ids}) == 4 * 50 * 20
