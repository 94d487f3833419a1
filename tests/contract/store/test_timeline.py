"""One dossier's timeline: nothing that happened is missing, and nobody's data is in it."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.evidence.gathering import find_codes
from lienthong.flows.hints import DELIVER, hint
from lienthong.store.database import reading
from lienthong.store.work import begin
from lienthong.timeline import tell_timeline
from schemas.errors import InputError
from schemas.problem import Language

LOST = Answer(outcome=Outcome.UNKNOWN, detail="read timeout")
REJECTED = Answer(outcome=Outcome.REJECTED, code="-1", message="Nguyễn Văn Bí Mật")


def send(exchange, *records, rounds=6):
    due = exchange.take(*records)
    exchange.clock.tick(seconds=1)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    exchange.step(rounds)
    exchange.clock.tick(seconds=1)


def told(exchange, dossier="D-1", *, limit=200):
    store = exchange.store
    with reading(store) as connection:
        return tell_timeline(connection, dossier, agency=None, limit=limit, vault=store.vault)


def words(timeline):
    return [step.text.say(Language.EN) for step in timeline.steps]


def test_what_happened_stands_in_its_order(exchange, event, record):
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [LookUp(found=Found.PRESENT)]

    send(exchange, record(1, event("m1"), event("m2", content="p", packet=Packet.PROGRESS)))

    found = told(exchange)
    assert [step.at for step in found.steps] == sorted(step.at for step in found.steps)
    assert words(found)[0] == "the agency's file was received"
    assert "send 1: not known" in words(found)
    assert "look-up 1: it is there" in words(found)
    assert words(found).count("delivered") == 2
    assert words(found).index("send 1: not known") < words(found).index("look-up 1: it is there")
    assert [(one.id, one.state.value) for one in found.messages] == [
        ("m1", "delivered"),
        ("m2", "delivered"),
    ]
    assert found.acknowledged
    assert [one.en for one in found.next] == ["Nothing is left to do"]


def test_a_rejected_record_is_left_to_somebody_until_a_later_one_is_delivered(
    exchange, event, record
):
    send(exchange, record(1, dossier="D-1"))
    ((said,), (rejected,)) = told(exchange).next, told(exchange).messages

    send(exchange, record(2, event("m2")))

    assert said.en.startswith(f"Message {rejected.id} is rejected: its agency sends a new record")
    assert [one.en for one in told(exchange).next] == ["Nothing is left to do"]


def test_what_operators_did_and_why_is_told_with_their_names(exchange, event, record):
    exchange.portal.answers = [REJECTED]
    send(exchange, record(1, event("m1")))
    with begin(exchange.store, at=exchange.clock(), actor="bình") as work:
        work.note("message.viewed", "m1")
        work.note("evidence.exported", "m1")

    exchange.act("resend", "m1")

    steps = {(step.name, step.actor): step for step in told(exchange).steps}
    assert ("message.viewed", "bình") in steps
    assert ("evidence.exported", "bình") in steps
    resent = [step for (_, actor), step in steps.items() if actor == "an"]
    assert [(step.name, step.detail.en) for step in resent] == [("message.ready", "why not")]


def test_neither_values_nor_the_portals_words_are_in_it(exchange, event, record):
    exchange.portal.answers = [REJECTED]

    send(exchange, record(1, event("m1")))

    assert "Bí Mật" not in str(asdict(told(exchange)))


@pytest.mark.parametrize(
    ("answer", "begins"),
    [
        (REJECTED, "The agency sends a better one"),
        (Answer(outcome=Outcome.BUSY), "It is sent by itself from"),
        (LOST, "The portal is asked by itself from"),
    ],
    ids=["parked", "busy", "lost"],
)
def test_it_says_what_happens_next(exchange, event, record, answer, begins):
    exchange.portal.answers = [answer]

    send(exchange, record(1, event("m1")), rounds=1)

    assert told(exchange).next[0].en.startswith(begins)


def test_it_stays_small_however_much_happened(exchange, event, record):
    for number in range(1, 8):
        send(exchange, record(1, event(f"m{number}", content=f"c{number}")))

    whole, end = told(exchange), told(exchange, limit=5)

    assert end.steps == whole.steps[-5:]
    assert end.steps_before == len(whole.steps) - 5
    assert len(end.messages) == 5
    assert end.messages_before == 2


def test_repeats_and_superseded_snapshots_are_part_of_it(exchange, event, record):
    exchange.portal.answers = [REJECTED]
    send(exchange, record(1, event("m1")))
    send(exchange, record(1, event("m2", content="b")))

    send(exchange, record(1, event("m3", content="b")))

    assert "a newer one takes its place" in words(told(exchange))
    assert "the event came again" in words(told(exchange))


def test_a_dossier_is_found_by_the_agencys_own_key(exchange, event, record):
    send(exchange, record(1, event("m1", key="so-tay-7")))

    with reading(exchange.store) as connection:
        assert find_codes(connection, "so-tay-7") == ["D-1"]
        assert find_codes(connection, "so-tay-7", agency="other") == []
        assert find_codes(connection, "D-1") == ["D-1"]
        assert find_codes(connection, "nobody") == []


def test_a_dossier_that_nobody_sent_is_an_error(exchange):
    with pytest.raises(InputError) as caught:
        told(exchange, "D-9")

    assert caught.value.problem.code == "evidence.no_dossier"


def test_a_moment_between_steps_changes_nothing(exchange, event, record):
    send(exchange, record(1, event("m1")))
    before = told(exchange)
    exchange.clock.now += timedelta(days=1)

    assert told(exchange) == before
