"""
Anything, in any order: events, lost answers, killed workers, lost hints, operators.

Two workers share a store, an exchange and a portal that commits before it loses answers. Whatever
happened, once the portal is well everything comes to rest, and every promise still holds.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from broker.memory import MemoryBroker, MemoryExchange
from lienthong.breaker import Breaker
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.conversion import Prepared, PreparedEvent
from lienthong.decisions import LookUpRules
from lienthong.flows.deliver import Deliverer, DeliveryRules, _Call
from lienthong.flows.hints import DELIVER, hint
from lienthong.flows.replay import Order, Replayer
from lienthong.pacing import Pacer
from lienthong.retry import Backoff
from lienthong.states import State
from lienthong.store.database import open_sqlite, open_store, reading
from lienthong.store.delivery import Claiming, start
from lienthong.store.intake import Origin, take_in
from lienthong.store.submissions import (
    Submission,
    insert_submissions,
    note_received,
    take_places,
)
from lienthong.store.tables import attempts, audit, dossiers, messages
from lienthong.store.work import begin
from lienthong.testing.notary import make_notary
from schemas.problem import Place, Problem, Text

LEASE = timedelta(seconds=120)
QUIET = timedelta(seconds=60)
DOSSIERS = ("D-1", "D-2", "D-3")
BACKOFF = Backoff(first=timedelta(seconds=2), longest=timedelta(seconds=60))


@dataclass
class Portal:
    """Commits what it takes, and shows it; something goes wrong with a share of the calls."""

    share: float = 0.4
    random: Random = field(default_factory=lambda: Random(1))
    effects: list = field(default_factory=list)
    """(dossier, packet, digest, message id), as they happened."""
    too_early: list = field(default_factory=list)
    """Progress rows that came before their dossier."""

    def send(self, request):
        order = self.mood()
        if order in ANSWERS:
            return ANSWERS[order]
        return self.take(request, order)

    def send_rows(self, requests):
        """Of a call with several rows all are taken; of one whose answer is lost, perhaps some."""
        order = self.mood()
        answer = ANSWERS.get(order) or Answer(outcome=Outcome.DELIVERED)
        if order == "committed, answer lost":
            requests_taken = requests[: self.random.randint(0, len(requests))]
            answer = Answer(outcome=Outcome.UNKNOWN)
        else:
            requests_taken = [] if order in ANSWERS else requests
        for request in requests_taken:
            self.take(request, order)
        return [replace(answer, rows=len(requests))] * len(requests)

    def mood(self):
        return self.random.choice(TROUBLES) if self.random.random() < self.share else "well"

    def take(self, request, order):
        has = any(e[:2] == (request.dossier_code, Packet.DOSSIER) for e in self.effects)
        if request.packet is Packet.DOSSIER and has and not request.is_updating:
            return Answer(outcome=Outcome.EXISTS)
        if request.packet is Packet.PROGRESS and not has:
            self.too_early.append(request)
        digest = sha256(request.document).hexdigest()
        self.effects.append((request.dossier_code, request.packet, digest, request.message_id))
        if order == "committed, answer lost":
            return Answer(outcome=Outcome.UNKNOWN)
        return Answer(outcome=Outcome.DELIVERED)

    def look_up(self, *, agency_code, dossier_code):
        if self.random.random() < self.share:
            return LookUp(found=Found.FAILED)
        mine = [effect for effect in self.effects if effect[0] == dossier_code]
        if not mine:
            return LookUp(found=Found.ABSENT)
        snapshots = [digest for _, packet, digest, _ in mine if packet is Packet.DOSSIER]
        rows = frozenset(digest for _, packet, digest, _ in mine if packet is Packet.PROGRESS)
        return LookUp(found=Found.PRESENT, digest=snapshots[-1], progress_digests=rows)

    def close(self):
        pass


ANSWERS = {
    "lost before": Answer(outcome=Outcome.UNKNOWN),
    "busy": Answer(outcome=Outcome.BUSY),
    "down": Answer(outcome=Outcome.NOT_SENT),
    "refused": Answer(outcome=Outcome.REJECTED),
    "strange": Answer(outcome=Outcome.UNRECOGNISED),
}
TROUBLES = [*ANSWERS, *["committed, answer lost"] * 3]


class FlakyBroker(MemoryBroker):
    """Loses hints while told to, as a crash between commit and publish does."""

    loses = False

    def publish(self, queue, hints):
        if not self.loses:
            super().publish(queue, hints)


class ExchangeMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        self.elapsed = 0.0
        self.folder = TemporaryDirectory()
        folder = Path(self.folder.name)
        engine = open_sqlite(folder / "store.sqlite")
        self.store = open_store(engine, key_file=folder / "store.keys", now=self.now)
        self.hints = MemoryExchange()
        self.broker = FlakyBroker(clock=self.clock, sleep=self.sleep, exchange=self.hints)
        self.portal = Portal()
        self.workers = [self.worker(number) for number in range(2)]
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("lienthong.flows.deliver.sleep", self.sleep)
        self.count = 0
        self.good = set()
        """Ids of every message that was ever taken in as new."""

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.elapsed += max(seconds, 0)

    def worker(self, number):
        rules = LookUpRules(shows_content=True, quiet_period=QUIET, resend_unproven_progress=False)
        return Deliverer(
            store=self.store,
            broker=MemoryBroker(clock=self.clock, sleep=self.sleep, exchange=self.hints),
            channel=self.portal,
            rules=DeliveryRules(
                slots=2,
                lease=LEASE,
                longest_call=timedelta(seconds=60),
                crash_limit=1_000,
                backoff=BACKOFF,
                look_ups=rules,
                # One of the two lets rows go together.
                rows_per_call=1 + 2 * number,
            ),
            pacer=Pacer(breaker=Breaker(threshold=3, backoff=BACKOFF, random=Random(number))),
            agency_codes=lambda _name: "000.00.15.H29",
            clock=self.clock,
            steady=self.steady,
            random=Random(number),
        )

    def steady(self):
        return self.elapsed

    def start(self, code):
        self.claimed_at = self.elapsed
        claiming = Claiming(lease=LEASE, crash_limit=1_000, grace=timedelta(seconds=1))
        with begin(self.store, at=self.clock) as work:
            (task,) = start(work, [code], backlog={}, claiming=claiming).hinted
        return task

    def rows(self):
        with reading(self.store) as connection:
            query = select(messages).order_by(messages.c.dossier_code, messages.c.sequence)
            return connection.execute(query).all()

    @initialize(seed=st.integers(0, 1000))
    def a_first_day(self, seed):
        self.portal.random = Random(seed)
        for code in DOSSIERS:
            self.events_come_in(code, ["row", "good", "row", "good"], loses=False)
            self.work(self.count % 2, 2)

    @rule(
        code=st.sampled_from(DOSSIERS),
        kinds=st.lists(st.sampled_from(["good", "again", "bad", "row"]), min_size=1, max_size=4),
        loses=st.booleans(),
    )
    def some_events_come_in(self, code, kinds, loses):
        self.events_come_in(code, kinds, loses=loses)
        self.work(self.count % 2, 2)

    @rule()
    def a_progress_row_of_every_dossier_comes_in(self):
        for code in DOSSIERS:
            self.events_come_in(code, ["row"], loses=False)
        self.work(1, 2)

    def events_come_in(self, code, kinds, *, loses):
        prepared = [self.record(n, code, kind) for n, kind in enumerate(kinds, start=1)]
        self.count += 1
        with begin(self.store, at=self.clock) as work:
            submission = Submission(
                id=f"s{self.count}",
                agency="land",
                door="file",
                sender="test",
                file_name="a.csv",
                sha256="00",
                size=1,
                received_at=self.now,
            )
            note_received(work, submission)
            insert_submissions(work, [(submission, take_places(work, {"land": 1})["land"])])
            origin = Origin(
                submission_id=submission.id, agency="land", mapping="m@1", one_row_per_dossier=False
            )
            due = take_in(work, [(origin, record) for record in prepared])
        if not loses:
            self.broker.publish(DELIVER, [hint(code, at=self.now) for code in due])
        self.good |= {row.id for row in self.rows()}

    def record(self, number, code, kind):
        self.count += 1
        content = "same" if kind == "again" else f"c{self.count}"
        event = PreparedEvent(
            message_id=f"m{self.count:04}",
            packet=Packet.PROGRESS if kind == "row" else Packet.DOSSIER,
            dossier_code=code,
            key=None,
            version=None,
            content_digest=content,
            document=f"{content}/{self.count}".encode(),
            document_digest=sha256(f"{content}/{self.count}".encode()).hexdigest(),
        )
        problem = Problem(code="mapping.field_missing", message=Text(vi="thiếu", en="missing"))
        return Prepared(
            record=number,
            place=Place(file="a.csv"),
            dossier_code=code,
            events=() if kind == "bad" else (event,),
            problems=(problem,) if kind == "bad" else (),
        )

    @rule(share=st.sampled_from([0, 0.5, 0.9]), seed=st.integers(0, 1000))
    def the_portal_changes_its_mood(self, share, seed):
        self.portal.share, self.portal.random = share, Random(seed)

    @rule(number=st.integers(0, 1), rounds=st.integers(1, 4))
    def a_worker_works(self, number, rounds):
        self.work(number, rounds)

    def work(self, number, rounds):
        worker = self.workers[number]
        with worker.open_calls() as calls:
            for _ in range(rounds):
                worker.step(calls)
                worker.drain()

    def call(self, task):
        return _Call(
            task=task,
            hint=None,
            started_at=self.now,
            claimed_at=self.claimed_at,
            steady_zero=self.now,
        )

    @rule(number=st.integers(0, 1), code=st.sampled_from(DOSSIERS), called=st.booleans())
    def a_worker_is_killed_in_the_middle_of_a_call(self, number, code, called):
        task = self.start(code)
        if called and hasattr(task, "document"):
            self.workers[number]._ask_portal([self.call(task)])
        self.workers[number] = self.worker(number)

    @rule(number=st.integers(0, 1), code=st.sampled_from(DOSSIERS))
    def a_worker_is_frozen_during_the_call(self, number, code):
        task = self.start(code)
        if not hasattr(task, "document"):
            return
        (result,) = self.workers[number]._ask_portal([self.call(task)])
        self.sleep(LEASE.total_seconds())
        self.broker.publish(DELIVER, [hint(code, at=self.now)])
        self.work(1 - number, 2)
        self.broker.publish(DELIVER, [hint(code, at=self.now)])
        taken = self.broker.receive(DELIVER, limit=1, lease=LEASE, wait=timedelta(0))
        self.broker.ack(taken)
        self.workers[number]._came.append((self.call(task), result))
        self.work(number, 2)

    @rule(number=st.integers(0, 1), code=st.sampled_from(DOSSIERS))
    def a_worker_is_frozen_past_its_lease_before_the_call(self, number, code):
        task = self.start(code)
        self.sleep(LEASE.total_seconds())
        self.work(1 - number, 2)
        if hasattr(task, "document"):
            (answer,) = self.workers[number]._ask_portal([self.call(task)])
            assert answer.detail.startswith("the lease")

    @rule(seconds=st.sampled_from([1, 10, 61, 130]))
    def time_passes(self, seconds):
        self.sleep(seconds)

    @rule(seconds=st.integers(1, 30))
    def the_clock_goes_back(self, seconds):
        self.sleep(-seconds)

    @rule()
    def the_exchange_loses_its_disk(self):
        self.hints.held.clear()

    @rule()
    def the_sealer_seals(self):
        make_notary().seal(self.store.engine, now=self.now)

    @precondition(lambda self: self.good)
    @rule(data=st.data(), verb=st.sampled_from(["resend", "discard"]), loses=st.booleans())
    def an_operator_acts(self, data, verb, loses):
        message = data.draw(st.sampled_from(sorted(self.good)))
        self.broker.loses = loses
        replayer = Replayer(store=self.store, broker=self.broker, clock=self.clock)
        order = Order(actor="an", reason="why not")
        assert len(list(getattr(replayer, verb)([message], order=order))) == 1
        self.broker.loses = False

    @invariant()
    def nothing_is_lost(self):
        assert {row.id for row in self.rows()} == self.good

    @invariant()
    def progress_comes_after_its_dossier(self):
        assert self.portal.too_early == []

    @invariant()
    def one_message_of_a_dossier_moves_at_a_time(self):
        moving = (State.READY, State.SENDING, State.RETRYING, State.UNKNOWN)
        values = {state.value for state in moving}
        by_dossier = Counter(row.dossier_code for row in self.rows() if row.state in values)
        assert all(count == 1 for count in by_dossier.values()), by_dossier

    @invariant()
    def what_waits_for_its_turn_has_something_to_wait_for(self):
        with reading(self.store) as connection:
            known = {row.code: row.acknowledged for row in connection.execute(select(dossiers))}
        ends = {"delivered", "superseded", "discarded", "reissued", "held"}
        for row in self.rows():
            if row.state != "held":
                continue
            waits_for_dossier = row.packet == Packet.PROGRESS.value and not known[row.dossier_code]
            assert waits_for_dossier or any(
                other.dossier_code == row.dossier_code and other.state not in ends
                for other in self.rows()
                if other.sequence is not None
            )

    def teardown(self):
        self.portal.share = 0
        self.come_to_rest()
        self.check_the_end()
        self.patch.undo()
        self.store.dispose()
        self.folder.cleanup()

    def come_to_rest(self):
        for _ in range(200):
            with reading(self.store) as connection:
                if is_idle_apart_from_submissions(connection):
                    return
            self.sleep(35)
            self.work(0, 3)
            self.work(1, 3)
        raise AssertionError([(row.id, row.state, row.due_at) for row in self.rows()])

    def check_the_end(self):
        rows = {row.id: row for row in self.rows()}
        effects = self.portal.effects
        in_force = Counter(message for *_, message in effects)
        for row in rows.values():
            if row.state == "delivered":
                assert in_force[row.id] >= 1, row
            elif row.state in ("held", "ready", "rejected"):
                assert in_force[row.id] == 0, row
        resent = self.resent()
        assert all(count == 1 or id_ in resent for id_, count in in_force.items()), in_force
        for code in DOSSIERS:
            first = dict.fromkeys(m for dossier, *_, m in effects if dossier == code)
            for packet in Packet:
                order = [rows[id_].sequence for id_ in first if rows[id_].packet == packet.value]
                assert order == sorted(order), (code, order)
        with reading(self.store) as connection:
            open_ones = connection.execute(select(attempts).where(attempts.c.ended_at.is_(None)))
            assert open_ones.all() == []
        assert make_notary().check(self.store).faults == []

    def resent(self):
        """What a person let go again although the portal may have had it."""
        with reading(self.store) as connection:
            rows = connection.execute(select(audit).where(audit.c.actor == "an"))
            return {row.subject for row in rows if row.action == "message.ready"}


def is_idle_apart_from_submissions(connection):
    moving = select(messages.c.id).where(
        messages.c.due_at.is_not(None) | (messages.c.state == State.SENDING.value)
    )
    return connection.execute(moving.limit(1)).first() is None


TestExchange = ExchangeMachine.TestCase
TestExchange.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
