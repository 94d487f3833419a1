"""Orders to misbehave begin, hit, and end as they say."""

from __future__ import annotations

from random import Random

import pytest
from pydantic import ValidationError

from lienthong.sandbox.misbehaviour import Misbehaviour, Mode
from lienthong.sandbox.orders import Misbehaviours


@pytest.fixture
def orders():
    return Misbehaviours(random=Random(1))


def strike(orders, *, now, is_delivery=True, dossier_code="A-1"):
    found = orders.strike(
        service="", is_delivery=is_delivery, dossier_codes=(dossier_code,), now=now
    )
    return None if found is None else found.mode


def test_nothing_ordered_hits_nothing(orders):
    assert strike(orders, now=0) is None


def test_an_order_holds_for_its_time_only(orders):
    orders.add(Misbehaviour(mode=Mode.FAULT, after_seconds=10, for_seconds=5), now=100)

    assert strike(orders, now=109.9) is None
    assert strike(orders, now=110) is Mode.FAULT
    assert strike(orders, now=114.9) is Mode.FAULT
    assert strike(orders, now=115) is None


def test_the_oldest_order_that_fits_is_taken(orders):
    orders.add(Misbehaviour(mode=Mode.REJECT, pattern="B-*"), now=0)
    orders.add(Misbehaviour(mode=Mode.FAULT, count=1), now=0)
    orders.add(Misbehaviour(mode=Mode.UNAVAILABLE), now=0)

    assert strike(orders, now=1, dossier_code="B-1") is Mode.REJECT
    assert strike(orders, now=1, dossier_code="A-1") is Mode.FAULT
    assert strike(orders, now=1, dossier_code="A-1") is Mode.UNAVAILABLE


@pytest.mark.parametrize(
    ("mode", "hits_look_ups"),
    [
        (Mode.SLOW, True),
        (Mode.FAULT, True),
        (Mode.UNAVAILABLE, True),
        (Mode.COMMIT_THEN_DROP, False),
        (Mode.DROP_BEFORE, False),
        (Mode.TOO_MANY, True),
        (Mode.MAINTENANCE, True),
        (Mode.UNKNOWN_CODE, False),
        (Mode.UNKNOWN_SUCCESS, False),
        (Mode.REJECT, False),
        (Mode.EXISTS, False),
    ],
)
def test_a_mode_of_deliveries_leaves_look_ups_alone(orders, mode, hits_look_ups):
    orders.add(Misbehaviour(mode=mode, count=1), now=0)

    assert (strike(orders, now=1, is_delivery=False) is mode) is hits_look_ups


def test_refusing_is_seen_by_nobody_and_ends(orders):
    orders.add(Misbehaviour(mode=Mode.REFUSE, for_seconds=5), now=0)

    assert strike(orders, now=1) is None
    assert orders.is_refusing(4.9)
    assert not orders.is_refusing(5)


def test_a_share_is_drawn_from_the_seed():
    def draw():
        orders = Misbehaviours(random=Random(42))
        orders.add(Misbehaviour(mode=Mode.FAULT, share=0.25), now=0)
        return [strike(orders, now=1) is Mode.FAULT for _ in range(400)]

    assert draw() == draw()
    assert 70 < sum(draw()) < 130


def test_clearing_ends_everything(orders):
    orders.add(Misbehaviour(mode=Mode.REFUSE), now=0)
    orders.add(Misbehaviour(mode=Mode.FAULT), now=0)

    orders.clear()

    assert not orders.is_refusing(1)
    assert strike(orders, now=1) is None


def test_what_is_over_is_not_described(orders):
    orders.add(Misbehaviour(mode=Mode.FAULT, for_seconds=1), now=0)
    orders.add(Misbehaviour(mode=Mode.EXISTS, after_seconds=9), now=0)
    orders.add(Misbehaviour(mode=Mode.SLOW), now=0)

    described = [(order["mode"], order["on"]) for order in orders.describe(5)]

    assert described == [("exists", False), ("slow", True)]


def test_refusing_takes_no_count():
    with pytest.raises(ValidationError, match="sees no requests"):
        Misbehaviour(mode=Mode.REFUSE, count=3)
