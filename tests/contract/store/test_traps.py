"""Failures that other systems are known for; docs/traps.md has the list, and the other tests."""

import threading

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from lienthong.channels.port import Answer, Outcome
from lienthong.evidence.sealing import _SEALER
from lienthong.flows.hints import DELIVER, hint
from lienthong.store.database import reading
from lienthong.store.results import list_results, result_values
from lienthong.store.tables import audit, messages
from lienthong.testing.notary import make_notary

REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")


def told(desk):
    found = list_results(
        desk.exchange.store, agency="land", after=0, limit=100, clock=desk.exchange.clock
    )
    return [result_values(result) for result in found]


def audit_rows(store):
    with reading(store) as connection:
        return connection.execute(select(audit).order_by(audit.c.id)).all()


def test_a_due_time_that_lies_in_the_past_is_due(exchange, event, record):
    """Convoy 1667: a next attempt in the past never ran."""
    exchange.take(record(1, event("m1")))
    with exchange.store.engine.begin() as connection:
        connection.execute(messages.update().values(due_at=exchange.clock().replace(year=2020)))
    exchange.clock.tick(seconds=2)

    exchange.step(2)

    assert exchange.state_of("m1") == "delivered"


def test_the_repeat_of_a_parked_message_is_told_that_it_is_parked(desk):
    """Holodeck 142: a receipt went out for the duplicate of a message that had failed."""
    desk.exchange.portal.answers = [REJECTED]
    desk.receive("D-1,a")
    desk.run()
    desk.exchange.clock.tick(seconds=2)
    desk.exchange.step(2)

    desk.receive("D-1,a")
    desk.run()

    (repeated,) = [result for result in told(desk) if result["kind"] == "repeated"]
    assert repeated["state"] == "parked"
    assert repeated["receipt"] is None


def test_a_sealer_that_stands_still_holds_up_no_delivery(exchange, event, record):
    """X-Road joint-development 152: the evidence path stopped the traffic."""
    store = exchange.store
    if store.engine.dialect.name == "sqlite":
        pytest.skip("one writer at a time: the sealer's transaction is over in milliseconds")
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    with store.engine.begin() as standing:
        standing.execute(select(func.pg_advisory_xact_lock(_SEALER)))
        standing.execute(text("LOCK TABLE seals IN EXCLUSIVE MODE"))
        sealing = threading.Thread(
            target=make_notary().seal, args=(store.engine,), kwargs={"now": exchange.clock()}
        )
        sealing.start()

        exchange.step(2)

        assert exchange.state_of("m1") == "delivered"
    sealing.join(10)
    assert make_notary().check(store).faults == []


def test_a_resend_changes_no_row_of_the_audit_log(exchange, event, record):
    """Domibus 4.1.5: a resend wrote its user into the rows of the first sending."""
    exchange.portal.answers = [REJECTED]
    due = exchange.take(record(1, event("m1")))
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    exchange.step(2)
    before = audit_rows(exchange.store)

    exchange.act("resend", "m1")
    exchange.step(2)

    after = audit_rows(exchange.store)
    assert after[: len(before)] == before
    assert {row.actor for row in before} == {"lienthong"}
    assert after[len(before)].actor == "an"


def test_what_a_failed_statement_carried_is_in_no_error(store):
    """OpenCPS, Zato: values and passwords went into logs with the error's words."""
    with pytest.raises(DBAPIError) as caught, store.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO nowhere VALUES (:citizen)"), {"citizen": "079000000017"}
        )

    assert "079000000017" not in str(caught.value)
