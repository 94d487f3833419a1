"""A snapshot whose status was never seen to follow the one before: it goes on, with a warning."""

from dataclasses import replace

import pytest
from sqlalchemy.event import listen

from lienthong.channels.port import Answer, Outcome, Packet
from lienthong.flows.hints import DELIVER, hint
from lienthong.store.database import reading
from lienthong.store.queries import list_messages
from lienthong.store.results import list_results
from lienthong.store.selection import Selection
from lienthong.store.vault import Vault
from mappings.statuses import Status
from schemas.problem import Place

CELL = Place(file="a.csv", row=2, column="TINHTRANG")


@pytest.fixture
def snapshot(event):
    """Make one snapshot: snapshot("m1", "9")."""

    def make(message_id, code, **fields):
        status = Status(code=code, place=CELL, value=f"tt{code}") if code else None
        return event(message_id, content=message_id, status=status, **fields)

    return make


@pytest.fixture
def warned(exchange):
    """Return the ids of the messages with such a warning."""

    def read():
        with reading(exchange.store) as connection:
            lines = list_messages(connection, Selection(), vault=exchange.store.vault)
        return {
            line.id: [problem.message.en for problem in line.problems]
            for line in lines
            if any(problem.code == "value.status_transition" for problem in line.problems)
        }

    return read


def test_it_is_told_to_the_agency_at_its_cell_and_the_message_goes_on(exchange, record, snapshot):
    exchange.take(record(1, snapshot("m1", "2")))
    due = exchange.take(record(1, snapshot("m2", "10")))
    exchange.portal.answers = [Answer(outcome=Outcome.DELIVERED)] * 2
    exchange.broker.publish(DELIVER, [hint("D-1", at=exchange.clock())])
    exchange.step(rounds=3)

    results = list_results(exchange.store, agency="land", after=0, limit=100, clock=exchange.clock)

    assert due == []
    by_message = {r.message_id: r for r in results if r.kind == "delivered"}
    assert by_message["m1"].problems == ()
    (problem,) = by_message["m2"].problems
    assert (problem.code, problem.severity.value) == ("value.status_transition", "warning")
    assert (problem.place, problem.field, problem.value) == (CELL, "TrangThaiHoSo", "tt10")
    assert problem.message.en == ("status 2 of the snapshot before → 10 of this one was never seen")


@pytest.mark.parametrize("apart", [True, False], ids=["two transactions", "one"])
@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["2", "4", "5", "4", "9", "10"], set()),
        (["2", "2"], set()),
        (["2", "10"], {"m2"}),
        (["10", "2", "4"], {"m2"}),
        (["3", "4", "9"], {"m2"}),
        # What was not kept is not known, and what stood before that says nothing.
        (["2", None, "10"], set()),
        ([None, "10"], set()),
    ],
)
def test_a_status_is_compared_with_that_of_the_snapshot_before(
    exchange, record, snapshot, warned, codes, expected, apart
):
    records = [
        record(number, snapshot(f"m{number}", code)) for number, code in enumerate(codes, start=1)
    ]

    exchange.take(*records, apart=apart)

    assert set(warned()) == expected


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        # (version, status) as they come.
        ([("1", "2"), ("2", "4"), ("3", "9")], set()),
        # Late, but right in the agency's order.
        ([("1", "2"), ("3", "4"), ("2", "4")], set()),
        ([("9", "4"), ("10", "9")], set()),
        # Late, and wrong in it: 2 → 9 is what the agency says happened.
        ([("1", "2"), ("3", "4"), ("2", "9")], {"m3"}),
        # Before everything that is there: nobody knows what it follows.
        ([("5", "10"), ("1", "2")], set()),
        # Behind the late one it follows, not behind the last that came.
        ([("1", "2"), ("5", "5"), ("3", "4"), ("4", "9")], set()),
        ([("2024-01-02", "4"), ("2024-01-10", "2")], {"m2"}),
    ],
)
def test_where_the_agency_orders_its_snapshots_that_order_counts(
    exchange, record, snapshot, warned, arrivals, expected
):
    for number, (version, code) in enumerate(arrivals, start=1):
        exchange.take(record(1, snapshot(f"m{number}", code, version=version)))

    assert set(warned()) == expected


def test_a_rejected_record_between_could_have_said_anything(exchange, record, snapshot, warned):
    exchange.take(record(1, snapshot("m1", "2")))
    exchange.take(record(1, dossier="D-1"))

    exchange.take(record(1, snapshot("m2", "9")))
    exchange.take(record(1, snapshot("m3", "2")))

    assert set(warned()) == {"m3"}


def test_what_an_operator_discarded_is_not_followed(exchange, record, snapshot, warned):
    exchange.take(record(1, snapshot("m1", "4")), record(2, snapshot("m2", "10")))
    exchange.act("discard", "m2")

    exchange.take(record(1, snapshot("m3", "9")))

    assert set(warned()) == {"m2"}


def test_other_dossiers_and_progress_rows_say_nothing_of_it(
    exchange, record, event, snapshot, warned
):
    exchange.take(record(1, snapshot("m1", "2")), record(2, snapshot("n1", "10", dossier="D-2")))

    exchange.take(record(1, snapshot("m2", "4"), event("p1", content="p", packet=Packet.PROGRESS)))
    exchange.take(record(1, snapshot("m3", "9")))

    assert warned() == {}


def test_the_message_keeps_its_own_warnings_beside_it(exchange, record, snapshot, warned):
    exchange.take(record(1, snapshot("m1", "2")))
    own = replace(record(1, snapshot("m2", "10")), problems=record(1).problems)

    exchange.take(own)

    assert warned() == {
        "m2": ["missing", "status 2 of the snapshot before → 10 of this one was never seen"]
    }


def test_a_repeat_is_no_step(exchange, record, snapshot, warned):
    exchange.take(record(1, snapshot("m1", "2")))

    exchange.take(record(1, replace(snapshot("m2", "10"), content_digest="m1")))

    assert (warned(), len(exchange.states())) == ({}, 1)


def test_nothing_sealed_is_opened_for_it(exchange, record, snapshot, warned, monkeypatch):
    exchange.take(record(1, snapshot("m1", "2")))
    opened = []
    with monkeypatch.context() as patched:
        patched.setattr(Vault, "open", lambda *_, **more: opened.append(more))
        exchange.take(record(1, snapshot("m2", "10")))

    assert opened == []
    assert set(warned()) == {"m2"}


def test_a_batch_asks_no_more_often_for_many_dossiers_than_for_one(exchange, record, snapshot):
    asked = []
    listen(exchange.store.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))

    def questions(count, code):
        asked.clear()
        exchange.take(
            *(
                record(n, snapshot(f"{count}-{n}-{code}", code, dossier=f"D-{count}-{n}"))
                for n in range(1, count + 1)
            )
        )
        return sum(statement.lstrip().startswith("SELECT") for statement in asked)

    questions(1, "2"), questions(50, "2")

    assert questions(50, "10") == questions(1, "10")
