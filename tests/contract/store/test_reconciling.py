"""Comparing agency, store and portal: what is told is so, and what goes again is missing."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from lienthong.breaker import Breaker
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.discrepancies import Kind
from lienthong.flows.hints import DELIVER, hint
from lienthong.flows.replay import Missing
from lienthong.pacing import Pacer
from lienthong.reconciliation.asking import GIVE_UP, PoliteAsker, Stopped
from lienthong.reconciliation.comparing import CompareRules
from lienthong.reconciliation.nightly import Nightly, day_of
from lienthong.reconciliation.reconciler import Reconciler
from lienthong.retry import Backoff
from lienthong.settings import ReconcileSettings
from lienthong.store.database import reading
from lienthong.store.reconciliations import (
    LeaseLost,
    Wanted,
    claim_run,
    count_findings,
    last_run,
    latest_results,
    read_findings,
)
from lienthong.store.standings import Scope
from lienthong.store.tables import audit
from lienthong.store.work import begin
from lienthong.timeline import tell_timeline
from schemas.errors import InputError, PeerError

ABSENT = LookUp(found=Found.ABSENT)
FAILED = LookUp(found=Found.FAILED)
REJECTED = Answer(outcome=Outcome.REJECTED, code="-1")


@dataclass
class Desk:
    """Compares what an exchange delivered with what a portal says, on the clock of the test."""

    exchange: object
    says: dict = field(default_factory=dict)
    """By dossier; of all others it has what was sent."""
    asked: list = field(default_factory=list)
    stops_after: int | None = None

    def look_up(self, *, agency_code, dossier_code):
        self.asked.append(dossier_code)
        self.exchange.clock.tick(milliseconds=100)
        return self.says.get(dossier_code, LookUp(found=Found.PRESENT))

    def wait(self, seconds):
        self.exchange.clock.tick(seconds=seconds)
        return self.stops_after is not None and len(self.asked) >= self.stops_after

    @property
    def reconciler(self):
        clock = self.exchange.clock
        backoff = Backoff(first=timedelta(seconds=1), longest=timedelta(seconds=10))
        return Reconciler(
            store=self.exchange.store,
            asker=PoliteAsker(
                channel=self,
                pacer=Pacer(breaker=Breaker(threshold=5, backoff=backoff, random=Random(1))),
                agency_codes=lambda _name: "000.00.15.H29",
                clock=clock,
                wait=self.wait,
            ),
            rules=CompareRules(shows_content=False, quiet_period=timedelta(minutes=10)),
            again_after=timedelta(minutes=1),
            clock=clock,
            actor="an",
            steady=clock.steady,
        )

    def begin(self, **wanted):
        return self.reconciler.begin(Wanted(scope=Scope(**wanted)))

    def compare(self, **wanted):
        return self.reconciler.work_off(self.begin(**wanted))

    def findings(self, run):
        with reading(self.exchange.store) as connection:
            return {(f.dossier_code, f.kind): f for f in read_findings(connection, run.id)}

    def send_missing(self, run):
        found = [one for one in self.findings(run).values() if one.is_proven]
        missing = [Missing(message_id=one.message_id, since=one.found_at) for one in found]
        return self.exchange.act("resend_missing", *missing, run_id=run.id)


@pytest.fixture
def desk(exchange, event, record):
    """Ten dossiers that were delivered long ago, the first with a progress row."""
    records = [record(n, event(f"m{n}", f"D-{n}")) for n in range(10)]
    progress = event("p0", "D-0", content="p", packet=Packet.PROGRESS)
    records[0] = record(0, event("m0", "D-0"), progress)
    deliver(exchange, *records)
    exchange.clock.tick(hours=1)
    return Desk(exchange)


def deliver(exchange, *records, rounds=8):
    due = exchange.take(*records)
    exchange.broker.publish(DELIVER, [hint(code, at=exchange.clock()) for code in due])
    exchange.step(rounds)


def test_what_agrees_is_no_finding(desk):
    run = desk.compare()

    assert desk.findings(run) == {}
    assert (run.total, run.compared, run.asked, run.present) == (10, 10, 10, 10)
    assert run.is_done


def test_a_clock_that_was_set_back_keeps_nothing_from_being_written_down(desk, monkeypatch):
    told = []

    def slow(_desk, **_which):
        if not desk.asked:
            desk.exchange.clock.jump(days=-30)
        desk.asked.append("")
        desk.exchange.clock.tick(seconds=6)
        return LookUp(found=Found.PRESENT)

    monkeypatch.setattr(Desk, "look_up", slow)
    desk.reconciler.work_off(desk.begin(), progress=lambda run: told.append(run.compared))

    assert told[:3] == [1, 2, 3]


def test_exactly_what_does_not_agree_is_found_and_asked_about_twice(desk):
    desk.says = {"D-3": ABSENT, "D-7": ABSENT, "D-8": LookUp(found=Found.FAILED, copies=2)}

    found = desk.findings(desk.compare())

    assert {key: one.times for key, one in found.items()} == {
        ("D-3", Kind.MISSING): 2,
        ("D-7", Kind.MISSING): 2,
        ("D-8", Kind.DOUBLED): 2,
    }
    assert found["D-3", Kind.MISSING].message_id == "m3"
    assert desk.asked.count("D-3") == 2


def test_what_was_only_just_changing_is_no_finding(desk):
    def answers(*, agency_code, dossier_code):
        desk.asked.append(dossier_code)
        first = desk.asked.count(dossier_code) == 1
        return ABSENT if first and dossier_code == "D-3" else LookUp(found=Found.PRESENT)

    desk.look_up = answers

    assert desk.findings(desk.compare()) == {}


def test_the_second_question_comes_after_a_pause(desk):
    desk.says = {"D-3": ABSENT}
    before = desk.exchange.clock()

    desk.compare()

    assert desk.exchange.clock() - before >= timedelta(minutes=1)


def test_a_killed_comparison_goes_on_where_it_was(desk):
    desk.says = {"D-1": ABSENT, "D-8": ABSENT}
    run = desk.begin()
    desk.stops_after = 5
    with pytest.raises(Stopped):
        desk.reconciler.work_off(run)
    first = list(desk.asked)
    desk.asked, desk.stops_after = [], None

    with reading(desk.exchange.store) as connection:
        left = last_run(connection)
    assert left.compared == 5
    done = desk.reconciler.work_off(desk.reconciler.resume(left))

    assert set(desk.findings(done)) == {("D-1", Kind.MISSING), ("D-8", Kind.MISSING)}
    assert not set(first) & set(desk.asked) - {"D-1"}
    assert done.compared == 10


def test_two_never_work_on_the_same_comparison(desk):
    run = desk.begin()

    with pytest.raises(InputError) as caught:
        desk.reconciler.resume(run)
    assert caught.value.problem.code == "reconcile.busy"

    desk.exchange.clock.tick(minutes=6)
    with begin(desk.exchange.store, at=desk.exchange.clock) as work:
        claim_run(work, run.id, lease=timedelta(minutes=5))
    with pytest.raises(LeaseLost):
        desk.reconciler.work_off(run)


def test_an_occasion_is_compared_for_once(desk):
    wanted = Wanted(scope=Scope(), occasion="2026-03-02")

    assert desk.reconciler.begin(wanted) is not None
    assert desk.reconciler.begin(wanted) is None


def test_a_portal_that_is_away_ends_it_and_nothing_is_lost(desk):
    desk.says = {f"D-{n}": FAILED for n in range(2, 10)}
    run = desk.begin()

    with pytest.raises(PeerError) as caught:
        desk.reconciler.work_off(run)

    assert caught.value.code == "reconcile.portal_away"
    assert len(desk.asked) == 2 + GIVE_UP
    with reading(desk.exchange.store) as connection:
        left = last_run(connection)
    assert left.compared < 10
    desk.says = {}
    assert desk.findings(desk.reconciler.work_off(desk.reconciler.resume(left))) == {}


def test_one_dossier_without_an_answer_is_unproven_and_stops_nothing(desk):
    desk.says = {"D-4": FAILED}

    assert set(desk.findings(desk.compare())) == {("D-4", Kind.UNPROVEN)}


def test_what_waits_is_listed_and_not_asked_about(desk, event, record):
    desk.exchange.portal.answers = [REJECTED]
    deliver(desk.exchange, record(1, event("w1", "W-1")))

    found = desk.findings(desk.compare())

    assert {(key, one.detail) for key, one in found.items()} == {(("W-1", Kind.WAITING), "parked")}
    assert "W-1" not in desk.asked


def test_only_what_moved_since_and_only_of_one_agency(desk, event, record):
    deliver(desk.exchange, record(1, event("n1", "N-1")))
    since = desk.exchange.clock() - timedelta(minutes=30)

    desk.compare(since=since)
    assert desk.asked == ["N-1"]

    assert desk.compare(agency="health").compared == 0


def test_every_comparison_is_written_down_with_who_and_what_came_of_it(desk):
    desk.says = {"D-3": ABSENT}
    run = desk.compare()

    with reading(desk.exchange.store) as connection:
        rows = connection.execute(select(audit).where(audit.c.subject == run.id)).all()
        assert count_findings(connection, run.id) == {Kind.MISSING: 1}
    assert [(row.action, row.actor) for row in rows] == [
        ("reconcile.begun", "an"),
        ("reconcile.ended", "an"),
    ]
    assert '"missing":1' in rows[-1].detail


def test_what_is_missing_goes_again_as_the_same_document_with_its_progress_behind(desk):
    desk.says = {"D-0": ABSENT}
    run = desk.compare()
    desk.exchange.portal.sent.clear()

    acted = desk.send_missing(run)
    desk.exchange.step(8)

    assert [one.problem for one in acted] == [None]
    sent = desk.exchange.portal.sent
    assert [(r.message_id, r.is_updating, r.attempt) for r in sent] == [
        ("m0", False, 2),
        ("p0", False, 2),
    ]
    assert sent[0].document == b"<a/>"
    assert desk.exchange.states("D-0") == [("m0", "delivered"), ("p0", "delivered")]
    assert desk.findings(run)["D-0", Kind.MISSING].sent_at is not None


def test_what_is_there_after_all_is_updated_and_never_doubled(desk):
    desk.says = {"D-3": ABSENT}
    run = desk.compare()
    desk.exchange.portal.sent.clear()
    desk.exchange.portal.answers = [Answer(outcome=Outcome.EXISTS, code="3")]

    desk.send_missing(run)
    desk.exchange.clock.tick(minutes=1)
    desk.exchange.step(8)

    sent = [(r.message_id, r.is_updating) for r in desk.exchange.portal.sent]
    assert sent == [("m3", False), ("m3", True)]
    assert desk.exchange.state_of("m3") == "delivered"


def test_what_moved_since_the_question_does_not_go_again(desk, event, record):
    desk.says = {"D-3": ABSENT}
    run = desk.compare()
    deliver(desk.exchange, record(1, event("m33", "D-3", content="b")))
    desk.exchange.portal.sent.clear()

    (acted,) = desk.send_missing(run)
    desk.exchange.step(4)

    assert acted.problem.code == "reconcile.moved"
    assert desk.exchange.portal.sent == []


def resend(desk, run, code):
    missing = desk.findings(run)[code, Kind.MISSING]
    order = [Missing(message_id=missing.message_id, since=missing.found_at)]
    return desk.exchange.act("resend_missing", *order, run_id=run.id)


def test_an_update_that_was_refused_because_nothing_was_there_goes_as_an_add(desk, event, record):
    desk.exchange.portal.answers = [REJECTED]
    deliver(desk.exchange, record(1, event("m33", "D-0", content="b")))
    desk.says = {"D-0": ABSENT}
    run = desk.compare()
    assert set(desk.findings(run)) == {("D-0", Kind.MISSING), ("D-0", Kind.WAITING)}
    desk.exchange.portal.sent.clear()

    (acted,) = resend(desk, run, "D-0")
    desk.exchange.step(8)

    assert acted.problem is None
    sent = [(r.message_id, r.is_updating) for r in desk.exchange.portal.sent]
    assert sent == [("m33", False), ("p0", False)]


def test_a_progress_row_that_waits_goes_behind_its_dossier(desk, event, record):
    desk.exchange.portal.answers = [REJECTED]
    late = event("p3", "D-3", content="late", packet=Packet.PROGRESS)
    deliver(desk.exchange, record(1, event("m3", "D-3"), late))
    desk.says = {"D-3": ABSENT}
    run = desk.compare()
    desk.exchange.portal.sent.clear()

    (acted,) = resend(desk, run, "D-3")
    desk.exchange.step(8)

    assert acted.problem is None
    assert [r.message_id for r in desk.exchange.portal.sent] == ["m3"]
    assert desk.exchange.state_of("p3") == "parked"


def test_what_is_out_does_not_go_again(desk, event, record):
    desk.says = {"D-3": ABSENT}
    run = desk.compare()
    desk.exchange.portal.answers = [Answer(outcome=Outcome.UNKNOWN)]
    deliver(desk.exchange, record(1, event("m33", "D-3", content="b")), rounds=1)

    (acted,) = resend(desk, run, "D-3")

    assert acted.problem.code == "reconcile.waits"


def test_a_dossiers_timeline_tells_what_was_found_and_done(desk):
    desk.says = {"D-3": ABSENT}
    desk.send_missing(desk.compare())
    desk.exchange.step(8)

    store = desk.exchange.store
    with reading(store) as connection:
        told = tell_timeline(connection, "D-3", agency=None, limit=50, vault=store.vault)
    names = [step.name for step in told.steps]
    assert names.index("reconcile.missing") < names.index("message.ready", 3)
    assert names[-1] == "message.delivered"


def test_letting_go_twice_lets_go_once(desk):
    desk.says = {"D-3": ABSENT}
    run = desk.compare()
    desk.send_missing(run)
    desk.exchange.step(8)

    (acted,) = desk.send_missing(run)

    assert acted.problem.code in {"reconcile.moved", "message.wrong_state"}


def test_a_comparison_that_ended_is_asked_about_once_more_and_not_begun_again(desk):
    desk.says = {"D-3": ABSENT, "D-4": ABSENT}
    run = desk.compare()
    desk.says = {"D-4": ABSENT}
    desk.asked = []

    again = desk.reconciler.work_off(desk.reconciler.resume(run))

    assert desk.asked == ["D-3", "D-4"]
    assert set(desk.findings(again)) == {("D-4", Kind.MISSING)}
    assert replace(again, asked=0, present=0, ended_at=None, fence=0) == replace(
        run, asked=0, present=0, ended_at=None, fence=0
    )


def nightly(desk, **settings):
    @contextmanager
    def reconcilers():
        yield desk.reconciler

    return Nightly(
        settings=ReconcileSettings(at="02:00", **settings),
        zone=ZoneInfo("Asia/Ho_Chi_Minh"),
        store=desk.exchange.store,
        clock=desk.exchange.clock,
        reconcilers=reconcilers,
        must_stop=lambda: False,
    )


def test_each_day_is_compared_once_by_whichever_machine_comes_first(desk):
    here, there = nightly(desk), nightly(desk)

    for each in (here, there, here):
        each.step()
    assert len(desk.asked) == 10

    desk.exchange.clock.tick(days=1)
    for each in (there, here):
        each.step()
    assert len(desk.asked) == 20
    with reading(desk.exchange.store) as connection:
        assert last_run(connection).occasion == "2026-03-03"


def test_a_day_that_was_stopped_goes_on_with_whoever_comes_next(desk):
    desk.says = {"D-1": ABSENT}
    desk.stops_after = 4
    nightly(desk).step()
    desk.stops_after, first = None, len(desk.asked)

    nightly(desk).step()

    assert first == 4
    assert len(desk.asked) == 11
    with reading(desk.exchange.store) as connection:
        (run, counts), *others = latest_results(connection)
        assert others == []
    assert (run.is_done, counts) == (True, {Kind.MISSING: 1})


def test_a_portal_that_is_away_at_night_ends_no_role(desk):
    desk.says = {f"D-{n}": FAILED for n in range(10)}
    each = nightly(desk)

    each.step()
    desk.says = {}
    each.step()

    with reading(desk.exchange.store) as connection:
        assert last_run(connection).is_done


def test_each_agency_and_only_what_moved_of_late(desk, event, record):
    deliver(desk.exchange, record(1, event("n1", "N-1")))
    desk.exchange.clock.tick(days=3)
    deliver(desk.exchange, record(1, event("n2", "N-2")))

    nightly(desk, agencies=("land", "health"), days=1).step()

    assert desk.asked == ["N-2"]
    with reading(desk.exchange.store) as connection:
        assert {run.scope.agency for run, _ in latest_results(connection)} == {"land", "health"}


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-03-02T18:59:59+00:00", "2026-03-02"),
        ("2026-03-02T19:00:00+00:00", "2026-03-03"),
        ("2026-03-03T16:59:59+00:00", "2026-03-03"),
        ("2026-03-03T17:00:00+00:00", "2026-03-03"),
    ],
)
def test_a_day_begins_at_its_time_where_the_target_is(now, day):
    zone = ZoneInfo("Asia/Ho_Chi_Minh")

    assert day_of(datetime.fromisoformat(now), at=time(2, 0), zone=zone) == day
