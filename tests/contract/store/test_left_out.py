"""Records that the mapping leaves out: no message is made of them, and none is forgotten."""

import json

import pytest
from sqlalchemy import select

from lienthong.conversion import Prepared
from lienthong.flows.expand import BATCH
from lienthong.flows.reread import Source
from lienthong.store.database import reading
from lienthong.store.hand_overs import submission_values
from lienthong.store.queries import count_agencies, list_messages
from lienthong.store.results import list_results, result_values
from lienthong.store.selection import Selection
from lienthong.store.tables import audit
from schemas.errors import InputError
from schemas.problem import Place


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


@pytest.fixture
def left_out():
    """Make one record of the dossier D-1 that is left out."""

    def make(number):
        return Prepared(
            record=number,
            place=Place(file="a.csv", row=number + 1),
            dossier_code="D-1",
            events=(),
            problems=(),
            is_left_out=True,
        )

    return make


def left_out_of(desk, submission):
    store = desk.exchange.store
    with reading(store) as connection:
        values = submission_values(connection, submission, agency="land", vault=store.vault)
    return values["left_out"], values["records"], values["messages"]


def told(desk, kind):
    results = list_results(
        desk.exchange.store, agency="land", after=0, limit=1_000, clock=desk.exchange.clock
    )
    return [result_values(result) for result in results if result.kind == kind]


def noted(desk, action):
    with reading(desk.exchange.store) as connection:
        rows = connection.execute(
            select(audit).where(audit.c.action == action).order_by(audit.c.id)
        )
        return [(row.subject, json.loads(row.detail)) for row in rows]


def test_it_makes_no_message_and_is_counted_told_and_written_down(desk):
    desk.pipeline.leaves_out = {"D-2"}
    submission = desk.receive("D-1,a", "D-2,b", "D-3,c")

    desk.run()

    assert desk.records() == [(1, "D-1", "ready"), (3, "D-3", "ready")]
    assert desk.submissions() == [("expanded", 3)]
    assert left_out_of(desk, submission) == (1, 3, {"ready": 2})


def test_the_agency_is_told_of_each_with_its_record_and_dossier(desk):
    desk.pipeline.leaves_out = {"D-2"}
    submission = desk.receive("D-1,a", "D-2,b")

    desk.run()

    (result,) = told(desk, "left_out")
    assert (result["submission"], result["record"], result["dossier"]) == (submission, 2, "D-2")
    assert (result["message_id"], result["state"], result["errors"]) == (None, None, [])
    assert told(desk, "rejected") == []
    assert noted(desk, "record.left_out") == [(submission, {"mapping": "fake@1", "record": 2})]


def test_status_counts_it_beside_what_was_read(desk):
    desk.pipeline.leaves_out = {"D-1", "D-2"}
    desk.receive("D-1,a", "D-2,b", "D-3,c")
    desk.receive("D-1,a")

    desk.run()

    with reading(desk.exchange.store) as connection:
        (counts,) = count_agencies(connection)
    assert (counts.records, counts.left_out, sum(counts.states.values())) == (4, 3, 1)


@pytest.mark.parametrize("killed_at", [1, BATCH, BATCH + 1, 2 * BATCH + 1])
def test_a_killed_worker_s_successor_counts_none_twice_and_passes_none_over(desk, killed_at):
    rows = 2 * BATCH + 1
    submission = desk.receive(*(f"D-{number},a" for number in range(1, rows + 1)))
    desk.pipeline.leaves_out = {f"D-{number}" for number in range(2, rows + 1, 2)}
    odd = killed_at if killed_at % 2 else killed_at - 1
    desk.pipeline.surprises[f"D-{odd}"] = Killed()
    with pytest.raises(Killed):
        desk.run()
    desk.pipeline.surprises.clear()

    desk.wait(minutes=3)

    assert left_out_of(desk, submission)[:2] == (BATCH, rows)
    assert [result["record"] for result in told(desk, "left_out")] == list(range(2, rows + 1, 2))
    assert len(noted(desk, "record.left_out")) == BATCH


def test_a_file_of_nothing_else_is_expanded_and_not_refused(desk):
    desk.pipeline.leaves_out = {"D-1"}
    submission = desk.receive("D-1,a", "D-1,a")

    desk.run()

    assert desk.submissions() == [("expanded", 2)]
    assert left_out_of(desk, submission) == (2, 2, {})


def test_it_is_no_second_row_of_its_dossier(exchange, event, record, left_out):
    exchange.take(record(1, event("m1")), left_out(2), one_row=True)
    exchange.take(left_out(1), record(2, event("m2", content="b")), one_row=True)

    assert [state for _, state in exchange.states("D-1")] == ["ready", "held"]


def test_it_corrects_nothing_that_was_rejected_before(exchange, event, record, left_out):
    exchange.take(record(1, event("m1")))
    exchange.take(record(1, dossier="D-1"))

    exchange.take(left_out(1))

    assert sorted(state for _, state in exchange.states("D-1")) == ["ready", "rejected"]


def test_a_rejected_record_that_is_left_out_by_now_cannot_be_reissued(desk):
    desk.pipeline.surprises["D-1"] = ValueError("a bug")
    desk.receive("D-1,a")
    desk.run()
    desk.pipeline.surprises.clear()
    desk.pipeline.leaves_out = {"D-1"}
    with reading(desk.exchange.store) as connection:
        (line,) = list_messages(connection, Selection(), vault=desk.exchange.store.vault)
    source = Source(desk.exchange.store, desk.agency, clock=desk.exchange.clock)

    source.read([line.id])

    with pytest.raises(InputError) as refused:
        source.made_from(line.id)
    assert refused.value.problem.code == "reissue.left_out"
