"""From the agencies' queues into the store: once, in order, refused with reasons, never lost."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pika
import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError, OperationalError

from broker.port import BrokerError
from broker.rabbitmq import RabbitBroker, RabbitInbox, declare
from broker.rabbitmq.settings import connection_parameters
from broker.rabbitmq.topology import RECORDS
from lienthong.flows import take as take_module
from lienthong.flows.hints import EXPAND
from lienthong.flows.incoming import Sender
from lienthong.flows.take import Taker
from lienthong.pause_watch import PauseWatch
from lienthong.pauses import What
from lienthong.store.database import reading
from lienthong.store.pauses import end_pauses, make_pause
from lienthong.store.pieces import PieceReader
from lienthong.store.tables import audit, results, submissions
from lienthong.store.work import begin
from schemas.errors import ConfigError
from schemas.problem import Text

A, B = "land-registration", "health-department"
SENDERS = {
    A: Sender(name=A, code="000.15.29.H29", format="csv"),
    B: Sender(name=B, code="000.00.15.H29", format="json"),
}
WAIT = timedelta(seconds=1)


def now():
    return datetime.now(UTC)


@pytest.fixture
def here(settings):
    plan = replace(settings.plan, agencies=(A, B), queues=(EXPAND,), delivery_limit=3)
    made = replace(settings, plan=plan)
    declare(made)
    return made


class Door:
    """A taker with its parts, and short words for what tests do with them."""

    def __init__(self, settings, store, **how):
        self.settings = settings
        self.store = store
        self.inbox = RabbitInbox(settings, clock=now)
        self.broker = RabbitBroker(settings, clock=now)
        self.taker = Taker(
            inbox=self.inbox,
            store=store,
            broker=self.broker,
            **{"senders": SENDERS.__getitem__, "clock": now} | how,
        )

    def close(self):
        self.inbox.close()
        self.broker.close()

    def send(self, agency, *messages, **properties):
        with pika.BlockingConnection(connection_parameters(self.settings)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for id_, body in messages:
                given = {"message_id": id_, "delivery_mode": 2} | properties
                channel.basic_publish(
                    self.settings.plan.inbound(agency),
                    RECORDS,
                    body,
                    pika.BasicProperties(**given),
                    mandatory=True,
                )

    def take(self, count, *, seconds=20):
        """Step until `count` messages are settled, surviving what a role survives."""
        ends = time.monotonic() + seconds
        while count > 0:
            assert time.monotonic() < ends, f"{count} are missing"
            try:
                count -= self.taker.step(wait=WAIT)
            except BrokerError:
                continue

    def rows(self, *columns, by=None):
        with reading(self.store) as connection:
            query = select(*columns).order_by(columns[0] if by is None else by)
            return [tuple(row) for row in connection.execute(query)]

    def keys(self):
        return [key for _, key in self.rows(submissions.c.arrival, submissions.c.key)]

    def told(self):
        rows = self.rows(results.c.id, results.c.agency, results.c.kind, results.c.detail)
        return [(agency, kind, json.loads(detail).get("code")) for _, agency, kind, detail in rows]


@pytest.fixture
def open_door(here, store):
    opened = []

    def once(**how):
        opened.append(Door(here, store, **how))
        return opened[-1]

    yield once
    for door in opened:
        door.close()


@pytest.fixture
def door(open_door):
    return open_door()


def test_a_message_becomes_a_submission_under_its_senders_key(door):
    door.send(A, ("2026/17", b"a;b"), content_type="text/csv")

    door.take(1)

    ((_, agency, via, sender, key, name, size),) = door.rows(
        submissions.c.id,
        submissions.c.agency,
        submissions.c.door,
        submissions.c.sender,
        submissions.c.key,
        submissions.c.file_name,
        submissions.c.size,
    )
    assert (agency, via, sender, key) == (A, "amqp", A, "2026/17")
    assert (name, size) == ("2026_17.csv", 3)
    assert door.told() == [(A, "received", None)]
    (hint,) = door.broker.receive(EXPAND, limit=9, lease=WAIT, wait=WAIT)
    assert hint.message.body.decode() == A


def test_each_agencys_order_is_the_order_of_its_submissions(door):
    door.send(A, *((f"a{n:03}", b"a;b") for n in range(150)))

    door.take(150)

    assert door.keys() == [f"a{n:03}" for n in range(150)]


@pytest.mark.parametrize(
    ("id_", "body", "properties", "code"),
    [
        (None, b"a", {}, "message.id_missing"),
        ("k", b"", {}, "message.empty"),
        ("k", b"x" * 101, {}, "message.too_large"),
        ("k", b"a", {"headers": {"agency": B}}, "message.agency_mismatch"),
        ("k", b"a", {"content_type": "application/pdf"}, "message.content_type_unknown"),
        ("k", b"a", {"content_type": "application/json"}, "message.content_type_other"),
        ("k", b"a", {"content_encoding": "gzip"}, "message.encoding_unsupported"),
        ("k\0", b"a", {}, "message.id_unusable"),
    ],
)
def test_what_breaks_the_contract_is_refused_and_reported_and_never_processed(
    open_door, id_, body, properties, code
):
    door = open_door(largest_bytes=100)
    door.send(A, (id_, body), **properties)
    door.send(A, ("good", b"a;b"))

    door.take(2)

    assert door.keys() == ["good"]
    assert sorted(door.told()) == [(A, "received", None), (A, "refused", code)]
    ((_, subject, detail),) = [
        row
        for row in door.rows(audit.c.id, audit.c.subject, audit.c.detail)
        if "message." in row[2]
    ]
    assert (subject, json.loads(detail)["code"]) == (A, code)
    door.close()
    with RabbitInbox(door.settings, clock=now) as again:
        assert again.receive(limit=9, wait=timedelta(seconds=0.5)) == []


def test_a_refusal_goes_to_who_sent_it_whatever_the_message_claims(door):
    door.send(A, ("k", b"a"), headers={"agency": B})

    door.take(1)

    assert [agency for agency, *_ in door.told()] == [A]


def test_the_same_message_again_is_acknowledged_with_the_first_answer(door):
    for _ in range(2):
        door.send(A, ("k", b"a;b"))
        door.take(1)

    ((first,),) = door.rows(submissions.c.id)
    told = door.rows(results.c.id, results.c.kind, results.c.submission_id, results.c.detail)
    assert [(kind, id_) for _, kind, id_, _ in told] == [("received", first), ("received", first)]
    assert json.loads(told[1][3]) == {"repeated": True}


def test_the_same_key_with_other_bytes_is_refused_as_a_conflict(door):
    door.send(A, ("k", b"a;b"))
    door.take(1)
    door.send(A, ("k", b"a;c"))
    door.send(B, ("k", b"{}"))

    door.take(2)

    assert len(door.keys()) == 2
    assert (A, "refused", "submission.key_conflict") in door.told()
    assert (B, "received", None) in door.told()


def test_nothing_is_lost_or_doubled_when_the_worker_dies_between_commit_and_ack(
    open_door, monkeypatch
):
    first = open_door()
    first.send(A, *((f"a{n}", b"a;b") for n in range(20)))

    def die(_self, _messages):
        raise KeyboardInterrupt

    monkeypatch.setattr(RabbitInbox, "ack", die)
    with pytest.raises(KeyboardInterrupt):
        first.take(1)
    monkeypatch.undo()
    first.close()

    open_door().take(20)

    assert first.keys() == [f"a{n}" for n in range(20)]


def test_a_store_that_fails_keeps_the_messages_in_the_hand_and_takes_no_more(door, monkeypatch):
    door.send(A, *((f"a{n}", b"a;b") for n in range(5)))
    broken = {"left": 3}
    real = take_module.receive_many

    def failing(*args, **how):
        if broken["left"]:
            broken["left"] -= 1
            raise OperationalError("INSERT", {}, Exception("the server closed the connection"))
        return real(*args, **how)

    monkeypatch.setattr(take_module, "receive_many", failing)
    for _ in range(3):
        with pytest.raises(OperationalError):
            door.take(1)
    door.take(5)

    assert door.keys() == [f"a{n}" for n in range(5)]
    assert [kind for _, kind, _ in door.told()] == ["received"] * 5


def test_before_the_store_has_answered_nothing_is_taken(store):
    class Gone:
        def receive(self, **_how):
            raise AssertionError("nothing may be taken")

    taker = Taker(
        inbox=Gone(), store=replace(store, engine=_Broken()), broker=None, senders=None, clock=now
    )
    with pytest.raises(OperationalError):
        taker.step(wait=WAIT)


class _Broken:
    """An engine whose server is away."""

    def connect(self):
        raise OperationalError("", {}, Exception("connection refused"))


def test_what_the_store_never_takes_is_parked_whole_and_holds_up_nobody(door, monkeypatch):
    door.send(A, ("a1", b"1"), ("poison", b"2"), ("a2", b"3"))
    real = take_module.receive_many

    def picky(offers, **how):
        if any(offer.key == "poison" for offer in offers):
            raise DataError("INSERT", {}, Exception("invalid byte sequence"))
        return real(offers, **how)

    monkeypatch.setattr(take_module, "receive_many", picky)
    door.take(3)

    assert door.keys() == ["a1", "a2"]
    (parked,) = door.broker.parked()
    assert parked.message.id == f"{A}/poison"
    assert parked.reason == "the store does not take it (DataError)"


def test_an_agency_whose_mapping_cannot_be_used_waits_in_the_store(open_door):
    def unusable(_name):
        raise ConfigError(Text(vi="sai", en="wrong"), code="mapping.invalid")

    door = open_door(senders=unusable)
    door.send(A, ("k", b"a;b"), content_type="text/csv")

    door.take(1)

    assert door.keys() == ["k"]


def test_a_connection_cut_in_the_middle_loses_and_doubles_nothing(here, store, proxy, open_door):
    through = replace(here, urls=(f"amqp://127.0.0.1:{proxy.port}/%2F",))
    door = Door(through, store)
    expected = [f"a{n:03}" for n in range(300)]
    door.send(A, *((key, b"a;b") for key in expected))
    stop = threading.Event()

    def cut():
        while not stop.wait(0.15):
            proxy.cut()

    cutter = threading.Thread(target=cut)
    cutter.start()
    ends = time.monotonic() + 3
    while time.monotonic() < ends:
        try:
            door.taker.step(wait=timedelta(seconds=0.1))
        except BrokerError:
            continue
    stop.set()
    cutter.join()
    while len(door.keys()) < 300:
        assert time.monotonic() < ends + 20
        try:
            door.taker.step(wait=timedelta(seconds=0.1))
        except BrokerError:
            continue
    door.close()

    assert door.keys() == expected
    assert [item.message.id for item in open_door().broker.parked()] == []


def test_messages_of_eight_mebibytes_go_in_portions(door):
    body = b"x" * (8 * 1024 * 1024)
    door.send(A, *((f"a{n}", body) for n in range(5)))

    door.take(5)

    assert door.keys() == [f"a{n}" for n in range(5)]
    ((_, id_, size), *_) = door.rows(submissions.c.arrival, submissions.c.id, submissions.c.size)
    assert PieceReader(door.store, id_, size=size).readall() == body


def test_a_thousand_messages_are_taken_over_quickly(door, capsys):
    door.send(A, *((f"a{n}", b"x" * 2_000) for n in range(2_000)))
    started = time.perf_counter()
    door.take(2_000)
    rate = 2_000 / (time.perf_counter() - started)

    with capsys.disabled():
        name = door.store.engine.dialect.name
        print(f"\nTaker on {name}: {rate:,.0f} messages/s")  # noqa: T201 - to read


def test_the_queue_of_an_agency_whose_intake_is_paused_waits_and_the_others_flow(store, open_door):
    watch = PauseWatch(lambda: store, clock=now)
    first, second = (open_door(pauses=watch.look) for _ in range(2))
    names = [f"a{n}" for n in range(60)]
    first.send(A, *((name, b"a;b") for name in names[:30]))
    first.take(30)
    with begin(store, at=now) as work:
        make_pause(work, A, What.INTAKE, reason="bảo trì", until=None)
    time.sleep(1.1)
    first.send(A, *((name, b"a;b") for name in names[30:]))
    first.send(B, ("b1", b"{}"))

    for _ in range(3):
        first.taker.step(wait=WAIT)
        second.taker.step(wait=WAIT)

    taken = first.keys()
    # What was on its way when the pause came is taken, the rest waits outside.
    assert [key for key in taken if key != "b1"] == names[:30]
    assert "b1" in taken
    # A worker that dies meanwhile takes nothing of it along.
    second.close()
    with begin(store, at=now) as work:
        end_pauses(work, A, tuple(What), reason="xong")
    time.sleep(1.1)
    first.take(30)
    arrivals = first.rows(submissions.c.arrival, submissions.c.key, submissions.c.agency)
    assert [key for _, key, agency in arrivals if agency == A] == names
