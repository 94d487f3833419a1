"""Drifts in the store: once each, whoever finds them, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from sqlalchemy import select

from lienthong.drifts import Drift, Ending, Kind, Touched
from lienthong.store.contracts import (
    MOST_OPEN,
    accept,
    close_returned,
    count_open,
    find_events,
    list_events,
    raise_drifts,
    read_contract,
    write_contract,
)
from lienthong.store.database import reading
from lienthong.store.tables import audit
from lienthong.store.work import begin
from lienthong.trouble import passes

TARGET = "https://cong.example/portal"
GONE = Drift(
    subject="answer DongBoHoSoMC success",
    kind=Kind.KEY_GONE,
    place="message",
    patch={"key message": "sometimes"},
)


@pytest.fixture
def raise_(store, clock):
    def raise__(*drifts):
        with begin(store, at=clock) as work:
            return raise_drifts(work, TARGET, dict.fromkeys(drifts, (_touched(),)))

    return raise__


def _touched():
    return Touched(mapping="ward-civil-status", fields=("MaHoSo ← số hồ sơ",))


def audited(store):
    with reading(store) as connection:
        rows = connection.execute(select(audit).where(audit.c.action.like("drift.%")))
        return [(row.action, row.subject, row.actor) for row in rows.all()]


def events(store, *, only_open=True):
    with reading(store) as connection:
        return list_events(connection, only_open=only_open)


def test_a_drift_is_kept_with_what_it_touches(raise_, store):
    (raised,) = raise_(GONE)

    assert events(store) == [raised]
    assert raised.touched == (_touched(),)
    assert audited(store) == [("drift.found", raised.id, "lienthong")]


def test_several_processes_that_find_it_at_once_raise_it_once(store, clock):
    gate = Barrier(4)

    def find():
        gate.wait()
        for _ in range(20):
            try:
                with begin(store, at=clock) as work:
                    return raise_drifts(work, TARGET, {GONE: ()})
            except Exception as error:
                if not passes(error):
                    raise
        return None

    with ThreadPoolExecutor(4) as threads:
        raised = [each.result() for each in [threads.submit(find) for _ in range(4)]]

    assert sorted(len(one) for one in raised) == [0, 0, 0, 1]
    assert [action for action, _, _ in audited(store)] == ["drift.found"]


def test_a_drift_that_is_back_is_raised_again_as_the_same(raise_, store, clock):
    (first,) = raise_(GONE)
    clock.tick(hours=30)
    with begin(store, at=clock) as work:
        close_returned(work, TARGET, [GONE.subject], before=clock.now)

    (again,) = raise_(GONE)

    assert again.id == first.id
    assert again.found_at > first.found_at
    assert [action for action, _, _ in audited(store)] == [
        "drift.found",
        "drift.returned",
        "drift.found",
    ]


def test_what_is_still_seen_does_not_end(raise_, store, clock):
    raise_(GONE)
    clock.tick(hours=30)
    raise_(GONE)

    with begin(store, at=clock) as work:
        assert close_returned(work, TARGET, [GONE.subject], before=clock.now) == []
    assert len(events(store)) == 1


def test_accepting_changes_the_contract_and_says_who_and_why(raise_, store, clock):
    with begin(store, at=clock) as work:
        learnt = {"key message": "always", "size": "7"}
        write_contract(work, TARGET, GONE.subject, fingerprint=learnt, answers=20, settle=True)
    (event,) = raise_(GONE)

    with begin(store, at=clock, actor="an") as work:
        accept(work, event, reason="công văn 12")

    with reading(store) as connection:
        contract = read_contract(connection, TARGET, GONE.subject)
        (found,) = find_events(connection, event.id[:4])
    assert contract.fingerprint == {"key message": "sometimes", "size": "7"}
    assert (contract.answers, contract.is_settled) == (20, True)
    assert (found.ending, found.ended_by, found.reason) == (Ending.ACCEPTED, "an", "công văn 12")
    assert audited(store)[-1] == ("drift.accepted", event.id, "an")


def test_a_target_that_changes_with_every_answer_fills_no_store(raise_, store):
    raised = raise_(*(replace(GONE, place=f"truong-{n}") for n in range(MOST_OPEN + 50)))

    assert len(raised) == MOST_OPEN
    with reading(store) as connection:
        assert count_open(connection, TARGET) == MOST_OPEN
        assert count_open(connection, "https://khac.example/") == 0


def test_a_subject_that_has_told_enough_silences_no_other_and_ends_none_of_its_own(
    raise_, store, clock
):
    raise_(*(replace(GONE, place=f"truong-{n}") for n in range(MOST_OPEN)))
    other = replace(GONE, subject="document https://cong.example/portal?wsdl")
    (seen,) = raise_(other)
    clock.tick(seconds=3600)

    raised = raise_(replace(GONE, place="a new one"), replace(GONE, place="truong-7"))

    assert (seen.drift, raised) == (other, [])
    with begin(store, at=clock) as work:
        close_returned(work, TARGET, [GONE.subject], before=clock())
    assert [one.drift.place for one in events(store) if one.drift.subject == GONE.subject] == [
        "truong-7"
    ]


def test_an_id_is_looked_up_as_it_is_written(raise_, store):
    raise_(GONE)

    with reading(store) as connection:
        assert find_events(connection, "%") == []
        assert find_events(connection, "_") == []
