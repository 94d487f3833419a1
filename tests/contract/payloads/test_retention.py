"""Retention erases what nobody needs, keeps the proof, and touches nothing that has not ended."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from lienthong.flows.retain import PayloadClass, retain
from lienthong.states import State
from lienthong.store.tables import (
    attempts,
    messages,
    receipts,
    results,
    submission_pieces,
    submissions,
)
from lienthong.store.unqueued import set_aside

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
AGES = {
    PayloadClass.SUBMISSIONS: timedelta(days=90),
    PayloadClass.DOCUMENTS: timedelta(days=3650),
    PayloadClass.ANSWERS: timedelta(days=365),
    PayloadClass.RESULTS: timedelta(days=30),
}
NOT_ENDED = sorted(
    {State.HELD, State.READY, State.SENDING, State.UNKNOWN, State.RETRYING}
    | {State.PARKED, State.QUARANTINED, State.REJECTED},
    key=lambda state: state.value,
)
ENDED = [State.DELIVERED, State.REISSUED, State.DISCARDED, State.SUPERSEDED]


def run(payloads, *, apply=True, ages=AGES, unqueued=()):
    """Return {class: (erased, kept)}."""
    done = retain(
        payloads.store, ages=ages, unqueued=unqueued, clock=lambda: NOW, apply=apply, actor="lan"
    )
    return {line.payloads.value: (line.erased, line.kept) for line in done}


@pytest.mark.parametrize("state", ENDED, ids=lambda state: state.value)
def test_what_ended_long_ago_loses_its_payloads_and_keeps_its_proof(payloads, state):
    payloads.submission("s1", size=2_500_000)
    payloads.message("m1", state=state.value)
    payloads.result("r1", age=31)

    done = run(payloads)

    assert done == {
        "submissions": (1, 0),
        "documents": (1, 0),
        "answers": (1, 0),
        "results": (1, 0),
    }
    assert payloads.column(submission_pieces.c.number) == []
    assert payloads.column(submissions.c.problems) == [None]
    assert payloads.column(submissions.c.erased_at) == [NOW]
    assert payloads.column(messages.c.document) == [None]
    assert payloads.column(messages.c.problems) == [None]
    assert payloads.column(attempts.c.answer) == [None]
    assert payloads.column(attempts.c.message) == [None]
    # They would tell who can guess what the answer and the payload were.
    assert payloads.column(attempts.c.answer_digest) == [None]
    assert payloads.column(attempts.c.payload_digest) == [None]
    assert payloads.column(attempts.c.headers) == [None]
    assert payloads.column(attempts.c.answer_size) == [5]
    assert payloads.column(results.c.id) == []
    assert payloads.column(submissions.c.sha256) == ["00"]
    assert payloads.column(submissions.c.size) == [2_500_000]
    assert payloads.column(messages.c.document_digest) == ["sha-m1"]
    assert payloads.column(messages.c.state) == [state.value]
    assert payloads.column(attempts.c.outcome) == ["delivered"]
    assert payloads.column(attempts.c.code) == ["0"]
    assert len(payloads.column(receipts.c.document)) == 1


@pytest.mark.parametrize("state", NOT_ENDED, ids=lambda state: state.value)
def test_nothing_is_touched_of_a_message_that_has_not_ended(payloads, state):
    payloads.submission("s1")
    payloads.message("m1", state="delivered")
    payloads.message("m2", state=state.value)

    done = run(payloads)

    assert done["submissions"] == (0, 1)
    assert done["documents"] == (1, 1)
    assert done["answers"] == (1, 1)
    assert payloads.column(submission_pieces.c.number) == [0]
    assert [value is None for value in payloads.column(messages.c.document)] == [True, False]
    assert [value is None for value in payloads.column(messages.c.problems)] == [True, False]
    assert [value is None for value in payloads.column(attempts.c.answer)] == [True, False]


def test_every_state_is_either_ended_or_not():
    assert set(State) == {*ENDED, *NOT_ENDED, State.RECEIVED}


@pytest.mark.parametrize("state", ["received", "held", "expanded"])
def test_a_submission_that_is_not_read_to_its_end_keeps_its_bytes(payloads, state):
    payloads.submission("s1", state=state, due_at=NOW, expanded_at=None)

    assert run(payloads)["submissions"] == (0, 0)
    assert payloads.column(submission_pieces.c.number) == [0]


def test_a_refused_file_goes_when_its_time_is_over(payloads):
    payloads.submission("s1", state="refused")

    assert run(payloads)["submissions"] == (1, 0)


def test_nothing_goes_before_its_time(payloads):
    payloads.submission("s1", age=89)
    payloads.message("m1", age=364)
    payloads.result("r1", age=29)
    payloads.result("r2", age=None)

    assert set(run(payloads).values()) == {(0, 0)}
    assert payloads.column(results.c.id) == ["r1", "r2"]


def test_a_class_may_be_kept_for_ever(payloads):
    payloads.submission("s1")
    payloads.message("m1")

    assert run(payloads, ages={PayloadClass.DOCUMENTS: None}) == {}
    assert payloads.column(messages.c.document) != [None]


def test_a_dry_run_counts_and_changes_nothing(payloads):
    payloads.submission("s1")
    payloads.message("m1")
    payloads.submission("s2")
    payloads.message("m2", of="s2", state="parked")

    assert run(payloads, apply=False)["submissions"] == (1, 1)
    assert payloads.column(submission_pieces.c.submission_id) == ["s1", "s2"]
    assert None not in payloads.column(messages.c.document)
    assert payloads.logged("retention.erased") == []


def test_each_erasure_is_written_to_the_audit_log_and_a_second_run_finds_nothing(payloads):
    payloads.submission("s1")
    payloads.message("m1")

    run(payloads)
    again = run(payloads)

    assert payloads.logged("retention.erased") == [
        ("lan", "submissions", '{"before":"2025-12-02T08:00:00+00:00","count":1}'),
        ("lan", "documents", '{"before":"2016-03-04T08:00:00+00:00","count":1}'),
        ("lan", "answers", '{"before":"2025-03-02T08:00:00+00:00","count":1}'),
    ]
    assert set(again.values()) == {(0, 0)}


def test_many_go_in_transactions_of_a_few(payloads):
    for number in range(45):
        payloads.submission(f"s{number}")

    assert run(payloads)["submissions"] == (45, 0)
    assert len(payloads.logged("retention.erased")) == 3
    assert payloads.column(submission_pieces.c.number) == []


def test_what_a_worker_is_holding_is_left_for_the_next_time(payloads):
    if payloads.engine.dialect.name == "sqlite":
        pytest.skip("has one writer at a time")
    payloads.submission("s1")
    payloads.submission("s2")

    with payloads.engine.begin() as connection:
        connection.execute(update(submissions).where(submissions.c.id == "s1").values(sender="x"))
        assert run(payloads)["submissions"] == (1, 0)

    assert payloads.column(submission_pieces.c.submission_id) == ["s1"]
    assert run(payloads)["submissions"] == (1, 0)


def test_results_of_an_agency_without_a_queue_go_by_their_age(payloads):
    payloads.result("r1", age=None)
    payloads.result("r2", age=None, made=29)

    assert run(payloads, unqueued=("land",)) == {
        "submissions": (0, 0),
        "documents": (0, 0),
        "answers": (0, 0),
        "results": (1, 0),
    }
    assert payloads.column(results.c.id) == ["r2"]


def test_what_was_set_aside_goes_by_its_age_too(payloads):
    payloads.result("r1", age=None)
    set_aside(payloads.store, queued=(), clock=lambda: NOW)

    assert run(payloads)["results"] == (0, 0)
    assert run(payloads, unqueued=("land",))["results"] == (1, 0)


def test_what_an_agency_was_not_told_stays_where_its_mapping_is_missing(payloads):
    payloads.result("r1", age=None)
    set_aside(payloads.store, queued=(), clock=lambda: NOW)

    assert run(payloads, unqueued=("another",))["results"] == (0, 0)
    assert payloads.column(results.c.id) == ["r1"]
