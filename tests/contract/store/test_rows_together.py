"""Several progress rows in one call: what a single row is promised holds for each of them."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from lienthong.bucket import Bucket
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.flows.hints import DELIVER, hint
from lienthong.store.database import reading
from lienthong.store.tables import attempts

LOST = Answer(outcome=Outcome.UNKNOWN, detail="read timeout")
REJECTED = Answer(outcome=Outcome.REJECTED, code="-1", http_status=200)
STRANGE = Answer(outcome=Outcome.UNRECOGNISED, code="77", http_status=200)
BUSY = Answer(outcome=Outcome.BUSY, http_status=503)
DONE = Answer(outcome=Outcome.DELIVERED, code="0", raw=b"{}", http_status=200)
PRESENT = LookUp(found=Found.PRESENT)


@pytest.fixture
def together(exchange, event, record):
    """An exchange whose calls may have three rows, and dossiers that the portal has."""
    set_rules(exchange, rows_per_call=3, slots=4)

    def begin(*dossiers, rows=1, agencies=("land",)):
        """Have dossiers of each agency delivered, and progress rows of each of them due."""
        codes = {agency: [f"D-{name}" for name in dossiers] for agency in agencies}
        if len(agencies) > 1:
            codes = {agency: [f"{code}-{agency}" for code in codes[agency]] for agency in agencies}

        def take(agency, numbers, packet):
            return exchange.take(
                *(
                    record(
                        n,
                        *(event(f"{c}.{i}", c, content=f"{c}{i}", packet=packet) for i in numbers),
                    )
                    for n, c in enumerate(codes[agency], start=1)
                ),
                agency=agency,
            )

        for agency in agencies:
            publish(exchange, take(agency, [0], Packet.DOSSIER))
        exchange.step(2 * len(dossiers) * len(agencies))
        exchange.portal.calls.clear()
        exchange.portal.sent.clear()
        for agency in agencies:
            publish(exchange, take(agency, range(1, rows + 1), Packet.PROGRESS))

    exchange.begin = begin
    return exchange


def set_rules(exchange, **changes):
    exchange.deliverer._rules = replace(exchange.deliverer._rules, **changes)


def publish(exchange, due):
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])


def tries(exchange, message_id):
    query = select(attempts).where(attempts.c.message_id == message_id)
    with reading(exchange.store) as connection:
        rows = connection.execute(query.order_by(attempts.c.started_at, attempts.c.kind.desc()))
        return [(row.kind, row.number, row.outcome) for row in rows]


def rows_in(exchange, *states):
    found = Counter(state for id_, state in exchange.states() if not id_.endswith(".0"))
    return [found[state] for state in states]


def test_rows_of_several_dossiers_share_a_call_and_each_has_its_own_attempt(together):
    exchange = together
    exchange.begin("A", "B", "C", "D")
    exchange.portal.answers = [DONE, DONE]

    exchange.step()

    assert sorted(len(call) for call in exchange.portal.calls) == [1, 3]
    assert rows_in(exchange, "delivered") == [4]
    for name in "ABCD":
        assert tries(exchange, f"D-{name}.1") == [("send", 1, "delivered")]


def test_rows_of_one_dossier_follow_each_other_and_share_no_call(together):
    exchange = together
    exchange.begin("A", "B", rows=3)

    exchange.step(6)

    assert all(len(set(call)) == len(call) for call in exchange.portal.calls)
    for code in ("D-A", "D-B"):
        sent = [one.message_id for one in exchange.portal.sent if one.dossier_code == code]
        assert sent == [f"{code}.1", f"{code}.2", f"{code}.3"]
    assert rows_in(exchange, "delivered") == [6]


def test_a_row_waits_for_its_dossier_whatever_call_has_room(together, event, record):
    exchange = together
    exchange.begin("A", "B")
    row = event("D-C.1", "D-C", content="r", packet=Packet.PROGRESS)
    due = exchange.take(record(1, row, event("D-C.0", "D-C", content="s")))
    publish(exchange, due)
    exchange.portal.answers = [BUSY] * 3

    exchange.step()

    assert exchange.state_of("D-C.1") == "held"
    exchange.clock.tick(minutes=2)
    exchange.step(6)
    sent = [one.message_id for one in exchange.portal.sent if one.dossier_code == "D-C"]
    assert sent[-2:] == ["D-C.0", "D-C.1"]


def test_of_refused_rows_each_goes_alone_and_only_the_bad_one_is_parked(together):
    exchange = together
    exchange.begin("A", "B", "C")
    exchange.portal.answers = [REJECTED, DONE, REJECTED, DONE]

    exchange.step(4)

    together_, *alone = exchange.portal.calls
    assert sorted(together_) == ["D-A", "D-B", "D-C"]
    assert [len(call) for call in alone] == [1, 1, 1]
    assert rows_in(exchange, "delivered", "parked") == [2, 1]
    parked = next(id_ for id_, state in exchange.states() if state == "parked")
    assert tries(exchange, parked) == [("send", 1, "rejected"), ("send", 2, "rejected")]


def test_rows_whose_answer_is_lost_are_open_each_as_a_single_one_is(together):
    exchange = together
    exchange.begin("A", "B", "C")
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT] * 3

    exchange.step(6)
    exchange.clock.tick(hours=1)
    exchange.step(3)

    assert len(exchange.portal.calls) == 1
    assert sorted(exchange.portal.asked) == ["D-A", "D-B", "D-C"]
    # Nothing that this portal shows proves a row, and its rule is to ask a person.
    assert rows_in(exchange, "unknown") == [3]
    assert tries(exchange, "D-A.1") == [("send", 1, "unknown"), ("lookup", 1, "present")]


def test_lost_rows_that_the_target_lets_go_again_go_alone_after_the_quiet_period(together):
    exchange = together
    rules = replace(exchange.deliverer._rules.look_ups, resend_unproven_progress=True)
    set_rules(exchange, look_ups=rules)
    exchange.begin("A", "B", "C")
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT] * 9

    exchange.step(6)
    assert len(exchange.portal.calls) == 1
    exchange.clock.tick(minutes=11)
    exchange.step(6)

    assert [len(call) for call in exchange.portal.calls] == [3, 1, 1, 1]
    assert rows_in(exchange, "delivered") == [3]


def test_an_answer_never_seen_before_neither_stops_the_rows_nor_lets_them_go_again(together):
    exchange = together
    exchange.begin("A", "B", "C")
    exchange.portal.answers = [STRANGE]
    exchange.portal.look_ups = [PRESENT] * 3

    exchange.step(4)

    assert [len(call) for call in exchange.portal.calls] == [3]
    assert rows_in(exchange, "unknown", "quarantined") == [3, 0]


def test_a_row_that_a_person_lets_go_again_goes_alone(together):
    exchange = together
    exchange.begin("A", "B")
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [PRESENT] * 2
    exchange.step(3)

    exchange.act("resend", "D-A.1", "D-B.1")
    exchange.step(2)

    assert [len(call) for call in exchange.portal.calls] == [2, 1, 1]
    assert rows_in(exchange, "delivered") == [2]


def test_a_bug_while_several_are_sent_leaves_all_of_them_open(together):
    exchange = together
    exchange.begin("A", "B")
    exchange.portal.answers = [ValueError("x")]
    exchange.portal.look_ups = [PRESENT] * 2

    exchange.step(3)

    assert rows_in(exchange, "unknown") == [2]


def test_a_worker_that_froze_before_the_call_makes_it_for_none_of_them(together):
    exchange = together
    exchange.begin("A", "B")
    set_rules(exchange, longest_call=timedelta(hours=1))

    exchange.step()

    assert exchange.portal.calls == []
    assert tries(exchange, "D-A.1") == tries(exchange, "D-B.1") == [("send", 1, "withheld")]


def test_rows_of_two_agencies_share_no_call(together):
    exchange = together
    exchange.begin("A", "B", agencies=("land", "health"))

    exchange.step()

    assert sorted(sorted(call) for call in exchange.portal.calls) == [
        ["D-A-health", "D-B-health"],
        ["D-A-land", "D-B-land"],
    ]


def test_a_call_counts_once_for_rate_and_breaker_and_takes_what_has_been_due(together):
    exchange = together
    exchange.begin(*"ABCDEFGH")
    exchange.clock.tick(seconds=5)
    bucket = Bucket(rate=0.001, burst=2).take(0, now=exchange.clock())
    exchange.deliverer._pacer.bucket = bucket
    breaker = exchange.deliverer._pacer.breaker
    exchange.portal.answers = [BUSY, BUSY]

    exchange.step(3)

    assert [len(call) for call in exchange.portal.calls] == [3, 3]
    assert (breaker.troubles, breaker._counts.add(is_trouble=False, now=exchange.clock())) == (
        2,
        # The dossiers of before, two calls, and the one just counted.
        (11, 2),
    )
    assert rows_in(exchange, "retrying", "ready") == [6, 2]


def test_what_is_due_beside_a_row_and_is_no_fresh_row_is_left_alone(together, event, record):
    exchange = together
    exchange.begin("A", "B")
    exchange.portal.answers = [LOST]
    exchange.portal.look_ups = [LookUp(found=Found.FAILED)] * 2
    exchange.step(2)
    publish(exchange, exchange.take(record(1, event("D-X.0", "D-X", content="x"))))
    exchange.begin("C")
    exchange.clock.tick(minutes=9)
    exchange.portal.calls.clear()
    exchange.portal.look_ups = [LookUp(found=Found.FAILED)] * 9

    exchange.step(3)

    assert all(len(call) == 1 for call in exchange.portal.calls)
    assert tries(exchange, "D-A.1")[0] == ("send", 1, "unknown")
    assert {kind for kind, *_ in tries(exchange, "D-A.1")[1:]} == {"lookup"}


def test_a_worker_that_vanished_leaves_every_row_of_its_call_open(together):
    exchange = together
    exchange.begin("A", "B")
    tasks = [exchange.start("D-A"), exchange.start("D-B")]
    assert [task.number for task in tasks] == [1, 1]
    exchange.portal.look_ups = [PRESENT] * 2
    exchange.clock.tick(minutes=3)

    exchange.step(3)

    assert exchange.portal.calls == []
    assert rows_in(exchange, "unknown") == [2]
