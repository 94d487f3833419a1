"""Delivering: the promises P3, P4, P6 and P7 against a portal that does anything."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.decisions import Next
from lienthong.flows.hints import DELIVER, hint
from lienthong.flows.replay import discard, resend
from lienthong.flows.sweep import sweep
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.delivery import Ending, finish, start
from lienthong.store.queries import list_messages
from lienthong.store.tables import attempts, audit
from lienthong.store.work import begin
from schemas.errors import InputError

BUSY = Answer(outcome=Outcome.BUSY)
LOST = Answer(outcome=Outcome.UNKNOWN, detail="read timeout")
EXISTS = Answer(outcome=Outcome.EXISTS, code="3")
REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
REFUSED = Answer(outcome=Outcome.NOT_SENT)
STRANGE = Answer(outcome=Outcome.UNRECOGNISED, code="77")
PRESENT = LookUp(found=Found.PRESENT)
ABSENT = LookUp(found=Found.ABSENT)
PATIENCE = timedelta(seconds=30)


def send(exchange, *records, rounds=6):
    due = exchange.take(*records)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    exchange.step(rounds)


def attempt_rows(exchange):
    with reading(exchange.engine) as connection:
        return connection.execute(select(attempts).order_by(attempts.c.id)).all()


def test_a_dossier_and_its_progress_go_in_order(exchange, event, record):
    progress = [event(f"m{n}", content=f"p{n}", packet=Packet.PROGRESS) for n in (2, 3)]

    send(exchange, record(1, event("m1"), *progress))

    assert [request.message_id for request in exchange.portal.sent] == ["m1", "m2", "m3"]
    assert [state for _, state in exchange.states()] == ["delivered"] * 3
    with reading(exchange.engine) as connection:
        assert not [line for line in list_messages(connection) if line.due_at is not None]


def test_the_second_snapshot_updates(exchange, event, record):
    send(exchange, record(1, event("m1")), record(2, event("m2", content="b")))

    assert [(r.message_id, r.is_updating) for r in exchange.portal.sent] == [
        ("m1", False),
        ("m2", True),
    ]


def test_a_busy_portal_is_tried_again_after_the_backoff_only(exchange, event, record):
    exchange.portal.answers = [BUSY]

    send(exchange, record(1, event("m1")), rounds=1)
    assert exchange.state_of("m1") == "retrying"

    exchange.clock.tick(seconds=11)
    exchange.step(3)
    assert exchange.state_of("m1") == "delivered"
    assert [row.number for row in attempt_rows(exchange)] == [1, 2]


def test_a_lost_answer_is_asked_for_before_anything_is_sent_again(exchange, event, record):
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT]

    send(exchange, record(1, event("m1")))

    assert exchange.portal.asked == ["D-1"]
    assert len(exchange.portal.sent) == 1
    assert exchange.state_of("m1") == "delivered"


def test_an_absence_counts_only_after_the_quiet_period(exchange, event, record):
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [ABSENT, ABSENT]

    send(exchange, record(1, event("m1")), rounds=3)
    assert exchange.state_of("m1") == "unknown"
    assert len(exchange.portal.sent) == 1

    exchange.clock.tick(minutes=11)
    exchange.step(3)
    assert [request.document for request in exchange.portal.sent] == [b"<a/>", b"<a/>"]
    assert exchange.state_of("m1") == "delivered"


def test_an_update_that_existence_cannot_prove_goes_again(exchange, event, record):
    send(exchange, record(1, event("m1")))
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT]

    send(exchange, record(1, event("m2", content="b")))

    assert [request.message_id for request in exchange.portal.sent] == ["m1", "m2", "m2"]


def test_a_progress_row_that_nothing_can_prove_stays_unknown(exchange, event, record):
    exchange.portal.answers = [Answer(outcome=Outcome.DELIVERED), LOST]
    exchange.portal.look_ups = [PRESENT]

    send(exchange, record(1, event("m1"), event("m2", content="p", packet=Packet.PROGRESS)))

    assert exchange.state_of("m2") == "unknown"
    exchange.clock.tick(days=3)
    exchange.step(3)
    assert exchange.state_of("m2") == "unknown"
    assert len(exchange.portal.sent) == 2


def test_exists_turns_the_add_into_an_update(exchange, event, record):
    exchange.portal.answers = [EXISTS]

    send(exchange, record(1, event("m1")))

    assert [request.is_updating for request in exchange.portal.sent] == [False, True]
    assert exchange.state_of("m1") == "delivered"


def test_a_refusal_parks_and_holds_up_only_its_own_dossier(exchange, event, record):
    exchange.portal.answers = [REJECTED]

    send(exchange, record(1, event("m1")), record(2, event("m2", content="b")), rounds=1)
    send(exchange, record(1, event("m3", "D-2")))

    assert exchange.states() == [("m1", "parked"), ("m2", "held"), ("m3", "delivered")]


def test_a_corrected_snapshot_supersedes_the_parked_one(exchange, event, record):
    exchange.portal.answers = [REJECTED]

    send(exchange, record(1, event("m1")))
    send(exchange, record(1, event("m2", content="b")))

    assert exchange.states() == [("m1", "superseded"), ("m2", "delivered")]


def test_an_answer_never_seen_before_is_quarantined(exchange, event, record):
    exchange.portal.answers = [STRANGE]

    send(exchange, record(1, event("m1")))

    assert exchange.state_of("m1") == "quarantined"


def test_a_bug_in_the_channel_stops_at_a_person_and_not_at_the_others(exchange, event, record):
    exchange.portal.answers = [ValueError("boom")]

    send(exchange, record(1, event("m1")), rounds=1)
    send(exchange, record(1, event("m2", "D-2")))

    assert exchange.states() == [("m1", "quarantined"), ("m2", "delivered")]


def test_while_the_target_is_down_messages_stay_ready_and_one_probe_goes(exchange, event, record):
    exchange.portal.answers = [REFUSED] * 100
    batch = [record(n, event(f"m{n:02}", f"D-{n}")) for n in range(1, 21)]

    send(exchange, *batch, rounds=10)

    tried = len(exchange.portal.sent)
    assert 5 <= tried <= 8
    assert sum(state == "ready" for _, state in exchange.states()) == 20 - tried

    exchange.portal.answers.clear()
    for _ in range(40):
        exchange.clock.tick(seconds=20)
        exchange.step(4)
    assert {state for _, state in exchange.states()} == {"delivered"}


def test_lost_hints_are_found_by_the_sweeper(exchange, event, record):
    exchange.take(record(1, event("m1")))
    exchange.clock.tick(minutes=1)

    sweep(exchange.engine, exchange.broker, now=exchange.clock(), patience=PATIENCE)
    exchange.step(2)

    assert exchange.state_of("m1") == "delivered"


def test_doubled_hints_do_nothing_twice(exchange, event, record):
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due * 5])

    exchange.step(5)

    assert len(exchange.portal.sent) == 1


def test_a_worker_that_vanished_while_sending_leaves_an_unknown(exchange, event, record):
    exchange.take(record(1, event("m1")))
    with begin(exchange.engine, at=exchange.clock()) as work:
        start(work, ["D-1"], lease=timedelta(minutes=2))
    exchange.clock.tick(minutes=3)
    exchange.portal.look_ups = [PRESENT]

    sweep(exchange.engine, exchange.broker, now=exchange.clock(), patience=PATIENCE)
    exchange.step(3)

    assert exchange.portal.sent == []
    assert exchange.portal.asked == ["D-1"]
    assert exchange.state_of("m1") == "delivered"
    assert [(row.kind, row.outcome) for row in attempt_rows(exchange)] == [
        ("send", "unknown"),
        ("lookup", "present"),
    ]


def test_a_resend_is_the_same_document_under_the_same_id(exchange, event, record):
    exchange.portal.answers = [REJECTED]
    send(exchange, record(1, event("m1")))

    resend(
        "m1",
        engine=exchange.engine,
        broker=exchange.broker,
        actor="an",
        reason="portal repaired",
        at=exchange.clock(),
    )
    exchange.step(2)

    first, second = exchange.portal.sent
    assert (first.message_id, first.document) == (second.message_id, second.document)
    assert exchange.state_of("m1") == "delivered"


def test_a_discarded_message_lets_the_next_go(exchange, event, record):
    exchange.portal.answers = [Answer(outcome=Outcome.DELIVERED), REJECTED]
    rows = [event(f"m{n}", content=f"p{n}", packet=Packet.PROGRESS) for n in (2, 3)]
    send(exchange, record(1, event("m1"), *rows))
    assert exchange.states() == [("m1", "delivered"), ("m2", "parked"), ("m3", "held")]

    discard(
        "m2",
        engine=exchange.engine,
        broker=exchange.broker,
        actor="an",
        reason="withdrawn",
        at=exchange.clock(),
    )
    exchange.step(2)

    assert exchange.states() == [("m1", "delivered"), ("m2", "discarded"), ("m3", "delivered")]


def test_a_delivered_message_can_be_neither_resent_nor_discarded(exchange, event, record):
    send(exchange, record(1, event("m1")))

    for act in (resend, discard):
        with pytest.raises(InputError, match="delivered"):
            act(
                "m1",
                engine=exchange.engine,
                broker=exchange.broker,
                actor="an",
                reason="why not",
                at=exchange.clock(),
            )


def test_every_change_of_state_is_in_the_audit_log(exchange, event, record):
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT]

    send(exchange, record(1, event("m1")))

    with reading(exchange.engine) as connection:
        actions = connection.execute(
            select(audit.c.action).where(audit.c.subject == "m1").order_by(audit.c.id)
        ).scalars()
        assert list(actions) == [
            "message.ready",
            "message.sending",
            "message.unknown",
            "message.looked_up",
            "message.delivered",
        ]


def test_an_update_whose_answers_keep_getting_lost_backs_off(exchange, event, record):
    send(exchange, record(1, event("m1")))
    exchange.portal.answers = [LOST] * 50
    exchange.portal.look_ups = [PRESENT] * 50

    send(exchange, record(1, event("m2", content="b")), rounds=40)
    assert len(exchange.portal.sent) == 3

    exchange.portal.answers.clear()
    exchange.clock.tick(minutes=5)
    exchange.step(3)
    assert exchange.state_of("m2") == "delivered"


def test_a_late_answer_and_a_new_one_in_the_same_turn_are_kept_apart(exchange, event, record):
    exchange.take(record(1, event("m1")))
    lease = timedelta(minutes=2)
    with begin(exchange.engine, at=exchange.clock()) as work:
        (late,) = start(work, ["D-1"], lease=lease)
    exchange.clock.tick(minutes=3)
    with begin(exchange.engine, at=exchange.clock()) as work:
        (current,) = start(work, ["D-1"], lease=lease)

    delivered = Next(state=State.DELIVERED, portal_has_dossier=True)
    parked = Next(state=State.PARKED)
    with begin(exchange.engine, at=exchange.clock()) as work:
        endings = [
            Ending(task=late, result=REJECTED, next=parked, due_at=None),
            Ending(task=current, result=PRESENT, next=delivered, due_at=None),
        ]
        finish(work, endings)

    assert exchange.state_of("m1") == "delivered"


def test_an_abandoned_look_up_does_not_look_as_if_it_were_still_out(exchange, event, record):
    exchange.portal.answers = [LOST]
    send(exchange, record(1, event("m1")), rounds=1)
    with begin(exchange.engine, at=exchange.clock()) as work:
        (task,) = start(work, ["D-1"], lease=timedelta(minutes=2))
    assert task.is_look_up
    exchange.clock.tick(minutes=3)
    exchange.portal.look_ups = [PRESENT]

    exchange.step(3)

    assert [(row.kind, row.outcome) for row in attempt_rows(exchange)] == [
        ("send", "unknown"),
        ("lookup", "failed"),
        ("lookup", "present"),
    ]


def test_a_worker_that_froze_before_the_call_does_not_make_it(exchange, event, record):
    exchange.take(record(1, event("m1")))
    with begin(exchange.engine, at=exchange.clock()) as work:
        (task,) = start(work, ["D-1"], lease=timedelta(minutes=2))
    exchange.clock.tick(seconds=90)

    answer = exchange.deliverer._call(task)

    assert answer.outcome is Outcome.NOT_SENT
    assert exchange.portal.sent == []


def test_a_lease_counts_from_when_the_lock_was_had(exchange, event, record):
    exchange.take(record(1, event("m1")))
    moments = []

    def clock():
        moments.append(exchange.engine.pool.checkedout())
        return exchange.clock()

    with begin(exchange.engine, at=clock):
        assert moments == [1]


def test_a_store_that_fails_for_a_while_loses_no_answer(exchange, event, record, monkeypatch):
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT]
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    with exchange.deliverer.open_calls() as calls:
        exchange.deliverer.step(calls)
        with monkeypatch.context() as patched:
            patched.setattr("lienthong.flows.deliver.begin", _failing)
            for _ in range(7):
                with pytest.raises(OperationalError):
                    exchange.deliverer.step(calls)
        assert exchange.deliverer._breaker.troubles == 1
        exchange.deliverer.drain()
        assert exchange.state_of("m1") == "unknown"
        exchange.deliverer.step(calls)
        exchange.deliverer.drain()

    assert exchange.state_of("m1") == "delivered"
    assert len(exchange.portal.sent) == 1


def _failing(*_args, **_named):
    raise OperationalError("BEGIN", {}, Exception("disk I/O error"))


def test_a_long_outage_does_not_flood_the_exchange_with_hints(exchange, event, record):
    batch = [record(n, event(f"m{n:02}", f"D-{n}")) for n in range(1, 21)]
    due = exchange.take(*batch)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])

    for _ in range(50):
        exchange.clock.tick(minutes=1)
        sweep(exchange.engine, exchange.broker, now=exchange.clock(), patience=PATIENCE)

    assert exchange.broker.depth(DELIVER) <= 40


def test_an_exchange_that_lost_its_disk_is_filled_again(exchange, event, record):
    exchange.take(*[record(n, event(f"m{n:02}", f"D-{n}")) for n in range(1, 21)])

    for _ in range(2):
        exchange.clock.tick(minutes=1)
        sweep(exchange.engine, exchange.broker, now=exchange.clock(), patience=PATIENCE)
        lost = exchange.broker.receive(DELIVER, limit=100, lease=timedelta(0), wait=timedelta(0))
        exchange.broker.ack(lost)
        assert len(lost) == 20


def test_a_resend_while_a_look_up_is_out_wins(exchange, event, record):
    exchange.portal.answers = [LOST]
    send(exchange, record(1, event("m1")), rounds=1)
    with begin(exchange.engine, at=exchange.clock()) as work:
        (look_up,) = start(work, ["D-1"], lease=timedelta(minutes=2))

    resend(
        "m1",
        engine=exchange.engine,
        broker=exchange.broker,
        actor="an",
        reason="asked by telephone",
        at=exchange.clock(),
    )
    with begin(exchange.engine, at=exchange.clock()) as work:
        delivered = Next(state=State.DELIVERED)
        finish(work, [Ending(task=look_up, result=PRESENT, next=delivered, due_at=None)])

    assert exchange.state_of("m1") == "ready"
