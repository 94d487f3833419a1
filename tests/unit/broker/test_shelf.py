"""In which order the agencies' messages are handed over, and which are handed over alone."""

from __future__ import annotations

from random import Random

import pytest

from broker.port import Incoming
from broker.rabbitmq.shelf import Shelf


def message(id_, *, agency="a", count=0):
    return Incoming(
        tag=id_,
        agency=agency,
        claimed_agency=None,
        message_id=id_,
        content_type=None,
        content_encoding=None,
        headers={},
        unreadable=False,
        body=b"",
        redelivered=count > 0,
        delivery_count=count,
    )


@pytest.fixture
def shelf():
    made = Shelf(random=Random(1))
    made.reset(["a", "b"])
    return made


def put(shelf, *messages):
    for item in messages:
        shelf.put(item, deaths=item.delivery_count)


def take(shelf, *, limit=10):
    return [item.message_id for item in shelf.take(limit=limit)]


def test_messages_that_never_came_back_come_together_in_their_agencys_order(shelf):
    put(shelf, message("a1"), message("b1", agency="b"), message("a2"), message("a3"))

    found = take(shelf)

    assert sorted(found) == ["a1", "a2", "a3", "b1"]
    assert [name for name in found if name[0] == "a"] == ["a1", "a2", "a3"]
    assert take(shelf) == []


def test_no_agency_waits_for_another_that_has_much(shelf):
    put(shelf, *(message(f"a{n}") for n in range(10)), message("b1", agency="b"))

    assert "b1" in take(shelf, limit=5) + take(shelf, limit=5)


def test_what_came_back_comes_alone_and_before_what_is_behind_it(shelf):
    put(shelf, message("a1", count=1), message("a2", count=1), message("a3"), message("a4"))

    assert [take(shelf) for _ in range(4)] == [["a1"], ["a2"], ["a3", "a4"], []]


def test_what_came_back_and_what_did_not_take_turns(shelf):
    put(shelf, message("a1", count=1), message("a2", count=1), message("b1", agency="b"))

    assert [take(shelf) for _ in range(3)] == [["a1"], ["b1"], ["a2"]]


def test_which_agency_is_tried_first_is_drawn_anew_for_every_connection():
    shelf, first = Shelf(random=Random(1)), set()
    for _ in range(30):
        shelf.reset(["a", "b"])
        put(shelf, message("a1", count=1), message("b1", agency="b", count=1))
        first.add(take(shelf)[0])

    assert first == {"a1", "b1"}


def test_one_agencys_returns_are_tried_to_the_end_before_the_next_ones(shelf):
    for agency in ("a", "b"):
        put(shelf, *(message(f"{agency}{n}", agency=agency, count=1) for n in range(3)))

    found = "".join(name for _ in range(6) for name in take(shelf))

    assert found in ("a0a1a2b0b1b2", "b0b1b2a0a1a2")


def test_only_the_first_over_the_limit_is_guilty_and_those_behind_it_get_their_chance(shelf):
    put(shelf, message("a1", count=4), message("a2", count=4), message("a3"), message("a4"))

    guilty = shelf.guilty(limit=3)
    shelf.remove(guilty)

    assert guilty.message_id == "a1"
    assert shelf.guilty(limit=3) is None
    assert take(shelf) == ["a2"]
    assert take(shelf) == ["a3", "a4"]
    put(shelf, message("a5", count=4))
    assert shelf.guilty(limit=3).message_id == "a5"


def test_at_the_limit_there_is_still_one_chance(shelf):
    put(shelf, message("a1", count=3))

    assert shelf.guilty(limit=3) is None
    assert take(shelf) == ["a1"]


def test_a_return_that_nobody_died_of_makes_nothing_guilty(shelf):
    shelf.put(message("a1", count=9), deaths=0)

    assert shelf.guilty(limit=3) is None
    assert take(shelf) == ["a1"]
