"""A store, an exchange and a portal in memory, with a clock that only tests move."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from random import Random
from shutil import copyfile
from threading import Barrier
from types import SimpleNamespace

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from adapters import CsvOptions, SourceRecord
from broker.memory import MemoryBroker
from lienthong.access import passwords
from lienthong.breaker import Breaker
from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.conversion import Prepared, PreparedEvent
from lienthong.decisions import LookUpRules
from lienthong.flows.deliver import Deliverer, DeliveryRules
from lienthong.flows.expand import Expander
from lienthong.flows.receive import Offer, receive
from lienthong.flows.replay import Order, Replayer
from lienthong.pacing import Pacer
from lienthong.pause_watch import PauseWatch
from lienthong.retry import Backoff
from lienthong.store.database import (
    make_tables,
    open_postgresql,
    open_sqlite,
    open_store,
    reading,
)
from lienthong.store.delivery import Claiming, start
from lienthong.store.intake import Origin, take_in
from lienthong.store.queries import list_messages
from lienthong.store.selection import Selection
from lienthong.store.submissions import (
    Submission,
    insert_submissions,
    note_received,
    take_places,
)
from lienthong.store.tables import messages, submissions
from lienthong.store.work import begin
from schemas.errors import ConfigError, LienthongError
from schemas.problem import Place, Problem, Text

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CLAIMING = Claiming(lease=timedelta(minutes=2), crash_limit=3, grace=timedelta(seconds=1))


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch):
    """Have a password cost little: what it must cost is for the tests of passwords to say."""
    cheap = PasswordHasher(memory_cost=64, time_cost=1, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    passwords._nobodys.cache_clear()
    yield
    passwords._nobodys.cache_clear()


@dataclass
class Clock:
    now: datetime = START
    passed: timedelta = timedelta(0)

    def __call__(self):
        return self.now

    def tick(self, **parts):
        """Let time pass."""
        self.now += timedelta(**parts)
        self.passed += timedelta(**parts)

    def jump(self, **parts):
        """Be set, while no time passes."""
        self.now += timedelta(**parts)

    def steady(self):
        return self.passed.total_seconds()


@dataclass
class FakePortal:
    """Answers from a list, and remembers what reached it."""

    answers: list = field(default_factory=list)
    look_ups: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    """Dossiers of each call."""

    def send(self, request):
        return self.send_rows([request])[0]

    def send_rows(self, requests):
        self.sent += requests
        self.calls.append([request.dossier_code for request in requests])
        answer = self.answers.pop(0) if self.answers else Answer(outcome=Outcome.DELIVERED)
        if isinstance(answer, Exception):
            raise answer
        return [replace(answer, rows=len(requests))] * len(requests)

    def look_up(self, *, agency_code, dossier_code):
        self.asked.append(dossier_code)
        return self.look_ups.pop(0) if self.look_ups else LookUp(found=Found.FAILED)

    def close(self):
        pass


@dataclass
class Exchange:
    """Everything one delivery needs, and short words for what tests do with it."""

    store: object
    clock: Clock
    broker: MemoryBroker
    portal: FakePortal
    deliverer: Deliverer
    submissions: int = 0

    def take(self, *prepared, agency="land", one_row=False, apart=False):
        """
        Take records in as one submission; return the dossiers that are due.

        `apart`: each record in a batch, and so in a transaction, of its own.
        """
        self.submissions += 1
        submission_id = f"s{self.submissions}"
        with begin(self.store, at=self.clock()) as work:
            submission = Submission(
                id=submission_id,
                agency=agency,
                door="file",
                sender="test",
                file_name="a.csv",
                sha256="00",
                size=1,
                received_at=self.clock(),
            )
            place = take_places(work, {agency: 1})[agency]
            note_received(work, submission)
            insert_submissions(work, [(submission, place)])
        origin = Origin(
            submission_id=submission_id,
            agency=agency,
            mapping="land@1",
            one_row_per_dossier=one_row,
        )
        due = []
        for batch in [[record] for record in prepared] if apart else [prepared]:
            with begin(self.store, at=self.clock()) as work:
                due += take_in(work, [(origin, record) for record in batch])
        return due

    def states(self, dossier=None):
        """Return (message id, state) pairs, oldest message first."""
        with reading(self.store) as connection:
            lines = list_messages(
                connection, Selection(dossier_code=dossier, limit=10_000), vault=self.store.vault
            )
        return [(line.id, line.state.value) for line in sorted(lines, key=lambda line: line.id)]

    def state_of(self, message_id):
        return dict(self.states())[message_id]

    def start(self, code):
        """Claim a dossier and write its attempt down, as a worker does; return the task."""
        with begin(self.store, at=self.clock()) as work:
            (task,) = start(work, [code], backlog={}, claiming=CLAIMING).hinted
        return task

    def act(self, verb, *ids, **more):
        """Resend, reissue or discard; return what became of each."""
        replayer = Replayer(store=self.store, broker=self.broker, clock=self.clock)
        order = Order(actor="an", reason="why not")
        return list(getattr(replayer, verb)(ids, order=order, **more))

    def step(self, rounds=1):
        """Let the deliverer take what is hinted at and write down what came."""
        with self.deliverer.open_calls() as calls:
            for _ in range(rounds):
                self.deliverer.step(calls)
                self.deliverer.drain()


@pytest.fixture
def together():
    """Run functions at the same moment, each in a thread; return what each gave or raised."""

    def run(*functions):
        barrier = Barrier(len(functions))

        def one(function):
            barrier.wait()
            try:
                return function()
            except LienthongError as error:
                return error

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(one, functions))

    return run


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def _file_to_copy(tmp_path_factory):
    """Make the tables of a store in a file once."""
    path = tmp_path_factory.mktemp("tables") / "store.sqlite"
    engine = open_sqlite(path)
    make_tables(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    """Give an empty store of either kind, on the clock of the test."""
    if request.param == "sqlite":
        path = tmp_path / "store.sqlite"
        copyfile(request.getfixturevalue("_file_to_copy"), path)
        engine = open_sqlite(path)
    else:
        engine = open_postgresql(request.getfixturevalue("make_database")(tables=True))
    store = replace(
        open_store(engine, key_file=tmp_path / "store.keys", now=START), has_clock=False
    )
    yield store
    store.dispose()


@pytest.fixture
def exchange(store, clock, monkeypatch):
    monkeypatch.setattr("lienthong.flows.deliver.sleep", lambda _seconds: None)
    portal = FakePortal()
    broker = MemoryBroker(clock=clock, sleep=lambda seconds: clock.tick(seconds=seconds))
    backoff = Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=5))
    deliverer = Deliverer(
        store=store,
        broker=broker,
        channel=portal,
        rules=DeliveryRules(
            slots=4,
            lease=timedelta(seconds=120),
            longest_call=timedelta(seconds=60),
            crash_limit=3,
            backoff=backoff,
            look_ups=LookUpRules(
                shows_content=False,
                quiet_period=timedelta(minutes=10),
                resend_unproven_progress=False,
            ),
            portals=frozenset({"portal"}),
        ),
        pacer=Pacer(breaker=Breaker(threshold=5, backoff=backoff, random=Random(1))),
        agency_codes=lambda _name: "000.00.15.H29",
        clock=clock,
        steady=clock.steady,
        random=Random(1),
        pauses=PauseWatch(lambda: store, clock=clock, steady=clock.steady).look,
    )
    return Exchange(store, clock, broker, portal, deliverer)


@dataclass
class FakePipeline:
    """One snapshot per row `dossier,content`; does something else at rows it is told."""

    made: int = 0
    surprises: dict = field(default_factory=dict)
    mapped: str = "{}"
    """What the mapping makes of a content."""
    moments: list = field(default_factory=list)
    """At which it was asked."""
    leaves_out: set = field(default_factory=set)
    """Dossiers that are not for the portal."""

    def prepare(self, item, *, now):
        self.moments.append(now)
        if not isinstance(item, SourceRecord):
            return Prepared(
                record=item.number,
                place=item.problems[0].place,
                dossier_code=None,
                events=(),
                problems=tuple(item.problems),
            )
        dossier, content = item.values["dossier"], item.values["content"]
        if dossier in self.surprises:
            raise self.surprises[dossier]
        if dossier in self.leaves_out:
            return Prepared(
                record=item.number,
                place=item.place,
                dossier_code=dossier,
                events=(),
                problems=(),
                is_left_out=True,
            )
        content = self.mapped.format(content)
        self.made += 1
        event = PreparedEvent(
            message_id=f"m{self.made:04}",
            packet=Packet.DOSSIER,
            dossier_code=dossier,
            key=None,
            version=None,
            content_digest=content,
            document=f"<{content}/>".encode(),
            document_digest=sha256(f"<{content}/>".encode()).hexdigest(),
        )
        return Prepared(
            record=item.number,
            place=item.place,
            dossier_code=dossier,
            events=(event,),
            problems=(),
        )


@dataclass
class Desk:
    """Receiving and expanding for agencies that all share one pipeline."""

    exchange: object
    pipeline: FakePipeline
    unusable: set = field(default_factory=set)
    source: object = field(default_factory=CsvOptions)

    def agency(self, name, service=None):
        if name in self.unusable:
            raise ConfigError(Text(vi="khóa hết hạn", en="key expired"), code="key.expired")
        return SimpleNamespace(
            source=self.source,
            read_columns=frozenset({"dossier", "content"}),
            pipeline=self.pipeline,
            mapping_stamp="fake@1",
            one_row_per_dossier=False,
        )

    def expander(self):
        return Expander(
            store=self.exchange.store,
            broker=self.exchange.broker,
            agencies=self.agency,
            clock=self.exchange.clock,
            lease=timedelta(minutes=2),
            retry_after=timedelta(minutes=1),
        )

    def receive(self, *rows, agency="land", key=None, header="dossier,content"):
        self.exchange.clock.tick(seconds=1)
        text = "\n".join([header, *rows])
        offer = Offer(
            source=BytesIO(text.encode()),
            file_name="a.csv",
            agency=agency,
            door="file",
            sender="test",
            key=key,
        )
        parts = {"store": self.exchange.store, "broker": self.exchange.broker}
        return receive(offer, clock=self.exchange.clock, **parts).submission_id

    def run(self):
        """Expand until there is nothing to do."""
        expander = self.expander()
        while expander.step():
            pass
        expander.close()

    def wait(self, **parts):
        """Let time pass, and what was left lying be noticed."""
        self.exchange.clock.tick(**parts)
        self.run()

    def records(self):
        with reading(self.exchange.store) as connection:
            rows = connection.execute(select(messages).order_by(messages.c.record)).all()
        return [(row.record, row.dossier_code, row.state) for row in rows]

    def submissions(self):
        with reading(self.exchange.store) as connection:
            query = select(submissions).order_by(submissions.c.agency, submissions.c.arrival)
            return [(row.state, row.records_done) for row in connection.execute(query)]


@pytest.fixture
def desk(exchange):
    return Desk(exchange, FakePipeline())


@pytest.fixture
def event():
    """Make one event: event("m1", "D-1", content="a")."""

    def make(message_id, dossier="D-1", *, content="a", packet=Packet.DOSSIER, **fields):
        return PreparedEvent(
            message_id=message_id,
            packet=packet,
            dossier_code=dossier,
            key=fields.get("key"),
            version=fields.get("version"),
            content_digest=content,
            document=f"<{content}/>".encode(),
            document_digest=sha256(f"<{content}/>".encode()).hexdigest(),
            status=fields.get("status"),
            identities=fields.get("identities", ()),
        )

    return make


@pytest.fixture
def record():
    """Make one record of events, or, without any, a rejected one."""

    def make(number, *events, dossier=None):
        problem = Problem(code="mapping.field_missing", message=Text(vi="thiếu", en="missing"))
        return Prepared(
            record=number,
            place=Place(file="a.csv", row=number + 1),
            dossier_code=events[0].dossier_code if events else dossier,
            events=tuple(events),
            problems=() if events else (problem,),
        )

    return make
