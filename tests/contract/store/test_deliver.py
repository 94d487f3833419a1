"""Delivering: the promises P3, P4, P6 and P7 against a portal that does anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event as events
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from broker.port import BrokerUnavailable
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.decisions import Next
from lienthong.flows.deliver import _Call
from lienthong.flows.hints import DELIVER, hint
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.outcomes import Ending, finish
from lienthong.store.queries import list_messages
from lienthong.store.selection import Selection
from lienthong.store.tables import attempts, audit, dossiers, messages
from lienthong.store.work import begin
from schemas.errors import ConfigError
from schemas.problem import Text

BUSY = Answer(outcome=Outcome.BUSY)
LOST = Answer(outcome=Outcome.UNKNOWN, detail="read timeout")
EXISTS = Answer(outcome=Outcome.EXISTS, code="3")
REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")
REFUSED = Answer(outcome=Outcome.NOT_SENT)
STRANGE = Answer(outcome=Outcome.UNRECOGNISED, code="77")
PRESENT = LookUp(found=Found.PRESENT)
ABSENT = LookUp(found=Found.ABSENT)


def send(exchange, *records, rounds=6):
    due = exchange.take(*records)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    exchange.step(rounds)


def attempt_rows(exchange):
    with reading(exchange.store) as connection:
        return connection.execute(
            select(attempts).order_by(
                attempts.c.started_at, attempts.c.kind.desc(), attempts.c.number
            )
        ).all()


def test_a_dossier_and_its_progress_go_in_order(exchange, event, record):
    progress = [event(f"m{n}", content=f"p{n}", packet=Packet.PROGRESS) for n in (2, 3)]

    send(exchange, record(1, event("m1"), *progress))

    assert [request.message_id for request in exchange.portal.sent] == ["m1", "m2", "m3"]
    assert [state for _, state in exchange.states()] == ["delivered"] * 3
    with reading(exchange.store) as connection:
        lines = list_messages(connection, Selection(limit=10_000), vault=exchange.store.vault)
    assert not [line for line in lines if line.due_at is not None]


def test_the_store_says_what_time_it_is_and_not_the_worker(exchange, event, record):
    """The portal's receipt is judged by it, and a worker's clock may be wrong by months."""
    if exchange.store.engine.dialect.name == "sqlite":
        pytest.skip("it has no clock of its own")
    exchange.deliverer._store = replace(exchange.store, has_clock=True)

    send(exchange, record(1, event("m1")))

    (request,) = exchange.portal.sent
    assert abs(datetime.now(UTC) - request.sent_at) < timedelta(minutes=1)


def test_a_dossier_whose_row_is_held_in_this_moment_is_taken_up_at_once(exchange, event, record):
    """The expansion of its next snapshot holds it for some milliseconds: no reason to wait long."""
    if exchange.store.engine.dialect.name == "sqlite":
        pytest.skip("one writes at a time")
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    with exchange.store.engine.begin() as other:
        other.execute(select(dossiers).with_for_update())
        exchange.step()
        assert exchange.portal.sent == []
    exchange.step()

    assert [request.message_id for request in exchange.portal.sent] == ["m1"]


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
    progress = event("m2", content="p", packet=Packet.PROGRESS)

    send(exchange, record(1, event("m1"), progress), rounds=1)
    send(exchange, record(1, event("m3", "D-2")))

    assert exchange.states() == [("m1", "parked"), ("m2", "held"), ("m3", "delivered")]


def test_a_corrected_snapshot_supersedes_the_parked_one(exchange, event, record):
    exchange.portal.answers = [REJECTED]

    send(exchange, record(1, event("m1")))
    send(exchange, record(1, event("m2", content="b")))

    assert exchange.states() == [("m1", "superseded"), ("m2", "delivered")]


def test_a_snapshot_that_is_parked_gives_way_to_the_newer_one_behind_it(exchange, event, record):
    exchange.portal.answers = [REJECTED]
    progress = event("m3", content="p", packet=Packet.PROGRESS)

    send(exchange, record(1, event("m1")), record(2, event("m2", content="b"), progress))

    assert exchange.states() == [("m1", "superseded"), ("m2", "delivered"), ("m3", "delivered")]
    assert [request.is_updating for request in exchange.portal.sent] == [False, False, False]


def test_a_quarantined_snapshot_gives_way_to_nobody(exchange, event, record):
    exchange.portal.answers = [STRANGE]

    send(exchange, record(1, event("m1")), record(2, event("m2", content="b")))

    assert exchange.states() == [("m1", "quarantined"), ("m2", "held")]


def test_a_parked_progress_row_gives_way_to_nobody(exchange, event, record):
    exchange.portal.answers = [Answer(outcome=Outcome.DELIVERED), REJECTED]
    progress = event("m2", content="p", packet=Packet.PROGRESS)

    send(exchange, record(1, event("m1"), progress), record(2, event("m3", content="b")))

    assert exchange.states() == [("m1", "delivered"), ("m2", "parked"), ("m3", "held")]


def test_an_answer_never_seen_before_is_quarantined(exchange, event, record):
    exchange.portal.answers = [STRANGE]

    send(exchange, record(1, event("m1")))

    assert exchange.state_of("m1") == "quarantined"


def test_a_bug_in_the_channel_is_logged_without_its_words(exchange, event, record, capsys):
    exchange.portal.answers = [ValueError("Nguyễn Văn An")]

    send(exchange, record(1, event("m1")), rounds=1)

    told = "".join(capsys.readouterr())
    assert "delivery.failed" in told
    assert "lienthong/flows/deliver.py:" in told
    assert "Văn An" not in told


def test_a_bug_in_the_channel_stops_at_a_person_and_not_at_the_others(exchange, event, record):
    exchange.portal.answers = [ValueError("boom")]

    send(exchange, record(1, event("m1")), rounds=1)
    send(exchange, record(1, event("m2", "D-2")))

    assert exchange.states() == [("m1", "quarantined"), ("m2", "delivered")]


def _mapping_gone(_agency):
    raise ConfigError(Text(vi="thiếu", en="mapping\nis gone"), code="mapping.invalid")


def test_sending_needs_no_mapping(exchange, event, record):
    exchange.deliverer._agency_codes = _mapping_gone

    send(exchange, record(1, event("m1")))

    assert exchange.state_of("m1") == "delivered"


def test_a_look_up_waits_until_its_mapping_is_mended(exchange, event, record):
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT]
    mended, exchange.deliverer._agency_codes = exchange.deliverer._agency_codes, _mapping_gone

    send(exchange, record(1, event("m1")))
    for _ in range(8):
        exchange.clock.tick(minutes=6)
        exchange.step()
    assert exchange.state_of("m1") == "unknown"
    assert exchange.portal.asked == []
    assert exchange.deliverer._pacer.breaker.troubles == 1
    assert attempt_rows(exchange)[-1].detail == "nothing was asked: mapping is gone"

    exchange.deliverer._agency_codes = mended
    exchange.clock.tick(minutes=6)
    exchange.step(2)
    assert exchange.state_of("m1") == "delivered"
    assert len(exchange.portal.sent) == 1


def test_what_was_withheld_for_a_reason_of_ours_goes_later_and_blames_no_portal(
    exchange, event, record
):
    exchange.portal.answers = [Answer(outcome=Outcome.WITHHELD, detail="no such version")] * 6
    batch = [record(n, event(f"m{n}", f"D-{n}")) for n in range(1, 7)]

    send(exchange, *batch)

    assert {state for _, state in exchange.states()} == {"retrying"}
    assert exchange.deliverer._pacer.breaker.troubles == 0
    exchange.clock.tick(minutes=6)
    exchange.step(4)
    assert {state for _, state in exchange.states()} == {"delivered"}


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


def test_what_no_hint_names_is_found(exchange, event, record):
    exchange.take(record(1, event("m1")))
    exchange.clock.tick(seconds=2)

    exchange.step(2)

    assert exchange.state_of("m1") == "delivered"


def test_what_no_hint_names_is_found_when_the_clock_was_set_back(exchange, event, record):
    exchange.clock.jump(minutes=30)
    exchange.step()
    exchange.clock.jump(minutes=-60)
    exchange.take(record(1, event("m1")))
    exchange.clock.tick(seconds=2)

    exchange.step(2)

    assert exchange.state_of("m1") == "delivered"


def test_doubled_hints_do_nothing_twice(exchange, event, record):
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due * 5])

    exchange.step(5)

    assert len(exchange.portal.sent) == 1


def test_a_worker_that_vanished_while_sending_leaves_an_unknown(exchange, event, record):
    exchange.take(record(1, event("m1")))
    exchange.start("D-1")
    exchange.clock.tick(minutes=3)
    exchange.portal.look_ups = [PRESENT]

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

    exchange.act("resend", "m1")
    exchange.step(2)

    first, second = exchange.portal.sent
    assert (first.message_id, first.document) == (second.message_id, second.document)
    assert exchange.state_of("m1") == "delivered"


def test_a_discarded_message_lets_the_next_go(exchange, event, record):
    exchange.portal.answers = [Answer(outcome=Outcome.DELIVERED), REJECTED]
    rows = [event(f"m{n}", content=f"p{n}", packet=Packet.PROGRESS) for n in (2, 3)]
    send(exchange, record(1, event("m1"), *rows))
    assert exchange.states() == [("m1", "delivered"), ("m2", "parked"), ("m3", "held")]

    exchange.act("discard", "m2")
    exchange.step(2)

    assert exchange.states() == [("m1", "delivered"), ("m2", "discarded"), ("m3", "delivered")]


def test_a_delivered_message_can_be_neither_resent_nor_discarded(exchange, event, record):
    send(exchange, record(1, event("m1")))

    acted = [*exchange.act("resend", "m1"), *exchange.act("discard", "m1")]

    assert [one.problem.code for one in acted] == ["message.wrong_state"] * 2
    assert exchange.state_of("m1") == "delivered"


def test_one_that_cannot_be_resent_stops_no_other(exchange, event, record):
    exchange.portal.answers = [REJECTED, Answer(outcome=Outcome.DELIVERED), REJECTED]
    batch = [record(n, event(f"m{n}", f"D-{n}")) for n in range(1, 4)]
    for one in batch:
        send(exchange, one)

    acted = exchange.act("resend", "m1", "m2", "nobody", "m3")
    exchange.step(3)

    problems = {one.message_id: one.problem and one.problem.code for one in acted}
    assert problems == {
        "m1": None,
        "m2": "message.wrong_state",
        "nobody": "message.not_found",
        "m3": None,
    }
    assert exchange.states() == [(f"m{n}", "delivered") for n in range(1, 4)]


def test_every_change_of_state_is_in_the_audit_log(exchange, event, record):
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT]

    send(exchange, record(1, event("m1")))

    with reading(exchange.store) as connection:
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
    late = exchange.start("D-1")
    exchange.clock.tick(minutes=3)
    current = exchange.start("D-1")

    delivered = Next(state=State.DELIVERED, portal_has_dossier=True)
    parked = Next(state=State.PARKED)
    with begin(exchange.store, at=exchange.clock()) as work:
        endings = [
            Ending(task=late, result=REJECTED, next=parked, due_at=None),
            Ending(task=current, result=PRESENT, next=delivered, due_at=None),
        ]
        finish(work, endings)

    assert exchange.state_of("m1") == "delivered"


def test_an_abandoned_look_up_does_not_look_as_if_it_were_still_out(exchange, event, record):
    exchange.portal.answers = [LOST]
    send(exchange, record(1, event("m1")), rounds=1)
    task = exchange.start("D-1")
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
    call = _Call(
        task=exchange.start("D-1"),
        hint=None,
        started_at=exchange.clock(),
        claimed_at=exchange.clock.steady(),
        steady_zero=datetime.fromtimestamp(0, UTC),
    )
    exchange.clock.tick(seconds=90)

    (answer,) = exchange.deliverer._ask_portal([call])

    assert answer.outcome is Outcome.WITHHELD
    assert exchange.portal.sent == []


def test_a_lease_counts_from_when_the_lock_was_had(exchange, event, record):
    exchange.take(record(1, event("m1")))
    moments = []

    def clock():
        moments.append(exchange.store.engine.pool.checkedout())
        return exchange.clock()

    with begin(exchange.store, at=clock):
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
        assert exchange.deliverer._pacer.breaker.troubles == 1
        exchange.deliverer.drain()
        assert exchange.state_of("m1") == "unknown"
        exchange.deliverer.step(calls)
        exchange.deliverer.drain()

    assert exchange.state_of("m1") == "delivered"
    assert len(exchange.portal.sent) == 1


def test_hints_wait_in_hand_and_no_more_are_taken_while_the_store_is_away(
    exchange, event, record, monkeypatch
):
    batch = [record(n, event(f"m{n}", f"D-{n}")) for n in range(1, 7)]
    due = exchange.take(*batch)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    with exchange.deliverer.open_calls() as calls:
        with monkeypatch.context() as patched:
            patched.setattr("lienthong.flows.deliver.begin", _failing)
            for _ in range(25):
                with pytest.raises(OperationalError):
                    exchange.deliverer.step(calls)
                exchange.clock.tick(minutes=3)
        for _ in range(4):
            exchange.deliverer.step(calls)
            exchange.deliverer.drain()
            exchange.clock.tick(seconds=2)

    assert {state for _, state in exchange.states()} == {"delivered"}
    assert len(exchange.portal.sent) == 6


def test_after_an_outage_no_hint_has_been_taken_more_than_once(
    exchange, event, record, monkeypatch
):
    batch = [record(n, event(f"m{n}", f"D-{n}")) for n in range(1, 7)]
    due = exchange.take(*batch)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    monkeypatch.setattr("lienthong.flows.deliver.begin", _failing)
    with exchange.deliverer.open_calls() as calls:
        for _ in range(25):
            with pytest.raises(OperationalError):
                exchange.deliverer.step(calls)
            exchange.clock.tick(minutes=3)

    hints = exchange.broker.receive(
        DELIVER, limit=10, lease=timedelta(seconds=1), wait=timedelta(0)
    )

    assert sorted(one.attempt for one in hints) == [1, 1, 2, 2, 2, 2]


def test_hints_in_hand_are_given_back_by_a_worker_that_is_told_to_stop(
    exchange, event, record, monkeypatch
):
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    with exchange.deliverer.open_calls() as calls:
        with monkeypatch.context() as patched:
            patched.setattr("lienthong.flows.deliver.begin", _failing)
            with pytest.raises(OperationalError):
                exchange.deliverer.step(calls)
        exchange.deliverer.drain()

    (back,) = exchange.broker.receive(
        DELIVER, limit=10, lease=timedelta(seconds=1), wait=timedelta(0)
    )
    assert back.message.body == b"D-1"


def _failing(*_args, **_named):
    raise OperationalError("BEGIN", {}, Exception("disk I/O error"))


def test_a_long_outage_leaves_no_hints_lying(exchange, event, record):
    exchange.portal.answers = [REFUSED] * 1000
    batch = [record(n, event(f"m{n:02}", f"D-{n}")) for n in range(1, 41)]
    due = exchange.take(*batch)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])

    for _ in range(20):
        exchange.clock.tick(seconds=20)
        exchange.step(3)

    assert exchange.broker.depth(DELIVER) <= 1
    exchange.portal.answers.clear()
    for _ in range(60):
        exchange.clock.tick(seconds=20)
        exchange.step(4)
    assert {state for _, state in exchange.states()} == {"delivered"}


def test_while_the_exchange_is_away_deliveries_go_on(exchange, event, record, monkeypatch):
    progress = [event(f"m{n}", content=f"p{n}", packet=Packet.PROGRESS) for n in (2, 3)]
    exchange.portal.answers = [BUSY]
    exchange.take(record(1, event("m1"), *progress))

    def away(*_args, **_named):
        raise BrokerUnavailable("no server")

    for call in ("receive", "ack", "retry_later", "publish"):
        monkeypatch.setattr(exchange.broker, call, away)
    for _ in range(8):
        exchange.clock.tick(seconds=15)
        exchange.step()

    assert [state for _, state in exchange.states()] == ["delivered"] * 3


def test_the_exchange_is_used_again_once_it_is_back(exchange, event, record, monkeypatch):
    def away(*_args, **_named):
        raise BrokerUnavailable("no server")

    with monkeypatch.context() as patched:
        patched.setattr(exchange.broker, "receive", away)
        exchange.step(2)
    exchange.broker.publish(DELIVER, [hint("D-1", at=exchange.clock())])
    exchange.take(record(1, event("m1")))
    exchange.clock.tick(seconds=16)

    exchange.step(1)

    assert exchange.broker.depth(DELIVER) == 0
    assert exchange.state_of("m1") == "delivered"


def test_after_an_outage_the_most_urgent_go_first(exchange, event, record):
    days = {"m1": 9, "m2": None, "m3": 1, "m4": 5}
    for number, (message, day) in enumerate(days.items(), start=1):
        deadline = None if day is None else exchange.clock() + timedelta(days=day)
        made = replace(record(number, event(message, f"D-{number}")), deadline=deadline)
        exchange.take(made)
    exchange.clock.tick(minutes=5)
    exchange.deliverer._rules = replace(exchange.deliverer._rules, slots=1)

    exchange.step(8)

    assert [request.message_id for request in exchange.portal.sent] == ["m3", "m4", "m1", "m2"]


def test_fresh_ones_do_not_wait_behind_a_backlog(exchange, event, record):
    old = [record(n, event(f"m{n:02}", f"D-{n}")) for n in range(1, 41)]
    exchange.take(*old)
    exchange.clock.tick(minutes=5)
    exchange.step(2)

    (code,) = exchange.take(record(1, event("fresh", "D-99")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock())])
    exchange.step(1)

    assert "fresh" in [request.message_id for request in exchange.portal.sent]
    assert len(exchange.portal.sent) < 20


def test_a_message_that_kills_its_worker_again_and_again_is_parked(exchange, event, record):
    exchange.take(record(1, event("m1")), record(2, event("m2", "D-2")))
    exchange.portal.look_ups = [ABSENT] * 10
    for _ in range(3):
        exchange.start("D-1")
        exchange.clock.tick(minutes=3)
        look_up = exchange.start("D-1")
        goes_again = Next(state=State.READY, portal_has_dossier=False)
        with begin(exchange.store, at=exchange.clock()) as work:
            ending = Ending(task=look_up, result=ABSENT, next=goes_again, due_at=work.at)
            finish(work, [ending])

    exchange.clock.tick(minutes=3)
    exchange.step(3)

    assert exchange.state_of("m1") == "parked"
    assert exchange.state_of("m2") == "delivered"
    assert "m1" not in [request.message_id for request in exchange.portal.sent]


def test_a_document_that_was_damaged_in_the_store_is_parked_and_not_sent(exchange, event, record):
    exchange.take(record(1, event("m1")), record(2, event("m2", "D-2")))
    with exchange.store.engine.begin() as connection:
        of_other = select(messages.c.document).where(messages.c.id == "m2").scalar_subquery()
        connection.execute(update(messages).where(messages.c.id == "m1").values(document=of_other))
    exchange.clock.tick(seconds=2)

    exchange.step(3)

    assert exchange.states() == [("m1", "parked"), ("m2", "delivered")]
    assert [request.message_id for request in exchange.portal.sent] == ["m2"]


def test_a_damaged_document_gives_way_to_the_newer_snapshot_behind_it(exchange, event, record):
    exchange.take(record(1, event("m1")), record(2, event("m2", content="b")))
    with exchange.store.engine.begin() as connection:
        connection.execute(update(messages).where(messages.c.id == "m1").values(document=b"x"))
    exchange.clock.tick(seconds=2)

    for _ in range(4):
        exchange.clock.tick(seconds=2)
        exchange.step()

    assert exchange.states() == [("m1", "superseded"), ("m2", "delivered")]


def test_what_was_written_down_by_a_commit_whose_answer_got_lost_is_not_written_twice(
    exchange, event, record
):
    exchange.take(record(1, event("m1")))
    task = exchange.start("D-1")
    answer = Answer(outcome=Outcome.DELIVERED, receipt=b"<BienNhan/>")
    delivered = Next(state=State.DELIVERED, portal_has_dossier=True)
    ending = Ending(task=task, result=answer, next=delivered, due_at=None)

    for _ in range(2):
        with begin(exchange.store, at=exchange.clock()) as work:
            finish(work, [ending])

    assert exchange.state_of("m1") == "delivered"


def test_a_resend_while_a_look_up_is_out_wins(exchange, event, record):
    exchange.portal.answers = [LOST]
    send(exchange, record(1, event("m1")), rounds=1)
    look_up = exchange.start("D-1")

    exchange.act("resend", "m1")
    with begin(exchange.store, at=exchange.clock()) as work:
        delivered = Next(state=State.DELIVERED)
        finish(work, [Ending(task=look_up, result=PRESENT, next=delivered, due_at=None)])

    assert exchange.state_of("m1") == "ready"


def test_no_table_is_read_from_end_to_end_whatever_the_planner_knows(exchange, event, record):
    engine = exchange.store.engine
    if engine.dialect.name == "sqlite":
        pytest.skip("it has no planner that goes by statistics")
    read = {}

    def count(connection):
        rows = text("SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables")
        for table, found in connection.execute(rows):
            read[table] = read.get(table, 0) + found

    exchange.take(*(record(n, event(f"m{n}", f"D-{n}")) for n in range(1, 301)))
    exchange.clock.tick(seconds=2)
    # Somebody looks at the statistics when there is next to nothing, and never again.
    with engine.begin() as connection:
        for table in ("messages", "attempts", "dossiers", "results"):
            connection.execute(text(f"ANALYZE {table}"))
    events.listen(engine, "commit", count)
    exchange.step(90)

    assert [state for _, state in exchange.states()] == ["delivered"] * 300
    read.pop("paces")  # one row per worker
    assert {table: found for table, found in read.items() if found} == {}
