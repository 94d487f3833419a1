"""The judge of the crash matrix finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.states import State
from lienthong.testing.chaos.feeding import Truth
from lienthong.testing.chaos.listening import Told
from lienthong.testing.chaos.load import DOSSIER, Effect, Fate, Sent, Submission
from lienthong.testing.chaos.verdict import (
    Came,
    Done,
    PortalList,
    Stored,
    StoredMessage,
    judge,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
FOUR, FIVE = Effect(DOSSIER, "4"), Effect(DOSSIER, "5")
CLEAN = {"lost": 0, "doubled": 0, "disordered": 0, "misreported": 0, "stuck": 0}


def submission(number, fate, effects):
    return Submission(
        agency="a",
        number=number,
        file_name=f"a-{number}.csv",
        content=b"",
        records=(Sent(dossier="d", fate=fate, effects=effects),),
    )


@pytest.fixture
def truth():
    """One dossier that went 4, 5, 4, handed over in three submissions."""
    made = Truth()
    for number, effect in enumerate((FOUR, FIVE, FOUR), start=1):
        made.add(submission(number, Fate.EFFECT, (effect,)))
    return made


@pytest.fixture
def portal():
    return PortalList(
        effects=[
            Done("m1", "d", FOUR, "x"),
            Done("m2", "d", FIVE, "x"),
            Done("m3", "d", FOUR, "x"),
        ],
        deliveries=[Came("m1", 1), Came("m2", 1), Came("m3", 1)],
    )


def message(number, state=State.DELIVERED):
    return StoredMessage(
        id=f"m{number}",
        dossier="d",
        state=state,
        digest="x",
        event=(f"a-{number}", 1, 0),
        receipt_at=NOW,
        sends={1: NOW - timedelta(seconds=1)},
    )


@pytest.fixture
def stored():
    return Stored(messages=[message(1), message(2), message(3)], repeated=frozenset())


def result(number, kind, **changes):
    values = {
        "id": f"{kind}-{number}",
        "kind": kind,
        "queue_of": "a",
        "agency": "a",
        "file": f"a-{number}.csv",
        "record": None if kind == "received" else 1,
        "item": None if kind == "received" else 0,
        "message_id": None if kind == "received" else f"m{number}",
    }
    return Told(**(values | changes))


@pytest.fixture
def told():
    return [result(n, kind) for n in (1, 2, 3) for kind in ("received", "delivered")]


def counts(*parts):
    return {kind: n for kind, n in judge(*parts).counts.items() if n}


def test_what_is_as_it_should_be_is_not_complained_of(truth, portal, stored, told):
    assert judge(truth, portal, stored, told).counts == CLEAN
    assert judge(truth, portal, stored, told).holds


def test_a_status_that_did_not_come_back_is_lost(truth, portal, stored):
    portal = replace(portal, effects=portal.effects[:2], deliveries=portal.deliveries[:2])
    found = judge(truth, portal, stored, None)
    assert found.lost == [f"d: {DOSSIER} with status 4"]
    assert found.misreported == ["d: m3 is delivered, without an effect"]
    assert found.disordered == []


def test_a_second_effect_of_one_message_is_doubled(truth, portal, stored):
    again = replace(portal, effects=[*portal.effects, Done("m3", "d", FOUR, "x")])
    assert judge(truth, again, stored, None).doubled == ["d: m3 took effect again"]


def test_an_effect_that_nobody_asked_for_is_doubled(truth, portal, stored):
    effects = [*portal.effects, Done("m4", "d", FIVE, "x")]
    stored = replace(stored, messages=[*stored.messages, message(4)])
    found = judge(truth, replace(portal, effects=effects), stored, None)
    assert found.doubled == [f"d: {DOSSIER} with status 5, which was not asked for"]
    assert found.disordered == []


def test_another_order_is_told_even_with_the_same_effects(truth, portal, stored):
    first, second, third = portal.effects
    found = counts(truth, replace(portal, effects=[second, first, third]), stored, None)
    assert found == {"disordered": 1}


def test_a_request_under_a_number_that_came_before_is_doubled(truth, portal, stored):
    again = replace(portal, deliveries=[*portal.deliveries, Came("m1", 1)])
    assert judge(truth, again, stored, None).doubled == ["m1: attempt 1 came 2 times"]


def test_a_request_that_was_never_written_down_is_doubled(truth, portal, stored):
    unwritten = replace(portal, deliveries=[*portal.deliveries, Came("m1", 2)])
    assert counts(truth, unwritten, stored, None) == {"doubled": 1}


def test_a_send_after_the_receipt_is_doubled(truth, portal, stored):
    late = replace(message(1), sends={1: NOW - timedelta(seconds=9), 2: NOW + timedelta(seconds=1)})
    stored = replace(stored, messages=[late, *stored.messages[1:]])
    assert judge(truth, portal, stored, None).doubled == [
        "m1: attempt 2 began after its receipt was stored"
    ]


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (State.UNKNOWN, {"stuck": 1}),
        (State.HELD, {"stuck": 1}),
        (State.QUARANTINED, {"stuck": 1}),
        (State.PARKED, {"misreported": 2}),
        (State.REJECTED, {"misreported": 2}),
    ],
)
def test_a_good_message_that_is_not_delivered_is_told(truth, portal, stored, state, found):
    stored = replace(stored, messages=[message(1, state), *stored.messages[1:]])
    assert counts(truth, portal, stored, None) == found


def test_progress_rows_wait_behind_a_dossier_that_the_portal_refuses(truth, portal, stored):
    refused = Sent(dossier="r", fate=Fate.REFUSED, effects=())
    truth.add(replace(submission(4, Fate.REFUSED, ()), records=(refused,)))
    parked = replace(message(4, State.PARKED), dossier="r", receipt_at=None)
    waiting = replace(parked, id="m5", state=State.HELD, event=("a-4", 1, 1))
    both = replace(stored, messages=[*stored.messages, parked, waiting])
    assert counts(truth, portal, both, None) == {}
    snapshot = replace(waiting, event=("a-4", 1, 0))
    alone = replace(stored, messages=[*stored.messages, snapshot])
    assert counts(truth, portal, alone, None) == {"stuck": 1}


def test_a_record_that_is_nowhere_is_lost(truth, portal, stored):
    stored = replace(stored, messages=stored.messages[:2])
    found = judge(truth, portal, stored, None)
    assert "a-3 record 1 is not in the store" in found.lost


def test_a_repeat_that_was_not_recognised_is_told(truth, portal, stored):
    truth.add(submission(4, Fate.REPEAT, ()))
    assert counts(truth, portal, stored, None) == {"misreported": 1}
    known = replace(stored, repeated=frozenset({("a-4", 1)}))
    assert counts(truth, portal, known, None) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told[1:],
        lambda told: told[:1] + told[2:],
        lambda told: [*told, result(1, "rejected")],
        lambda told: [*told, result(1, "parked")],
        lambda told: [*told, result(9, "delivered", file="a-1.csv")],
        lambda told: [replace(told[0], queue_of="b"), *told[1:]],
    ],
    ids=["not received", "not delivered", "rejected", "parked", "without effect", "to another"],
)
def test_what_an_agency_is_told_wrongly_is_found(truth, portal, stored, told, change):
    assert counts(truth, portal, stored, change(told)) == {"misreported": 1}


def test_why_a_message_is_not_what_it_should_be_is_said(truth, portal, stored):
    first = replace(message(1, State.REJECTED), codes=("conversion.kills_worker",))
    stored = replace(stored, messages=[first, *stored.messages[1:]])

    found = judge(truth, portal, stored, None)

    assert "a-1 record 1 is rejected (conversion.kills_worker), and should be effect" in (
        found.misreported
    )
