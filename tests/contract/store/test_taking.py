"""The door of the messages, where it is the store that cannot: nothing is parked for that."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError

from broker.port import Incoming
from lienthong.flows import take as take_module
from lienthong.flows.incoming import Sender
from lienthong.flows.take import Taker
from lienthong.store.database import make_tables, open_postgresql, open_store, reading
from lienthong.store.work import begin
from lienthong.testing.postgresql import PrivatePostgres, find_programs
from lienthong.trouble import passes


class Inbox:
    missing = ()

    def __init__(self, *keys):
        self.waiting = [incoming(key) for key in keys]
        self.acknowledged = []
        self.parked = []
        self.is_resting = None

    def rest(self, is_resting):
        self.is_resting = is_resting

    def receive(self, *, limit, wait):
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def ack(self, messages):
        self.acknowledged += [message.message_id for message in messages]

    def park(self, message, *, reason):
        self.parked.append((message.message_id, reason))


def incoming(key):
    return Incoming(
        tag=key,
        agency="land",
        claimed_agency=None,
        message_id=key,
        content_type=None,
        content_encoding=None,
        headers={},
        unreadable=False,
        body=b"x",
        redelivered=False,
        delivery_count=0,
    )


@pytest.fixture
def inbox():
    return Inbox("a1", "a2", "a3")


@pytest.fixture
def taker(exchange, inbox):
    return Taker(
        inbox=inbox,
        store=exchange.store,
        broker=exchange.broker,
        senders=lambda name: Sender(name=name, code="H29", format="csv"),
        clock=exchange.clock,
    )


@pytest.fixture
def on_postgresql(store):
    if store.engine.dialect.name != "postgresql":
        pytest.skip("only PostgreSQL says this")


def _read_only(store):
    _at_connecting(store, "SET default_transaction_read_only = on")


def _no_right(store):
    reader = f"reader_{uuid4().hex}"
    with store.engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {reader}"))
        connection.execute(text(f"GRANT SELECT ON submissions TO {reader}"))
    _at_connecting(store, f"SET ROLE {reader}")


def _no_table(store):
    with store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE submissions RENAME TO submissions_before"))


def _at_connecting(store, statement):
    def say(connection, _entry):
        connection.execute(statement)
        connection.commit()

    event.listen(store.engine, "connect", say)
    store.engine.dispose()


@pytest.mark.usefixtures("on_postgresql")
@pytest.mark.parametrize("trouble", [_read_only, _no_right, _no_table])
def test_a_store_that_cannot_take_anything_gets_the_same_messages_again(
    taker, inbox, store, trouble
):
    trouble(store)
    # It answered a moment ago.
    taker._store_answered = True

    for _ in range(2):
        with pytest.raises(DBAPIError) as raised:
            taker.step(wait=timedelta(0))
        assert passes(raised.value)

    assert (inbox.parked, inbox.acknowledged, inbox.waiting) == ([], [], [])
    assert len(taker._waiting) == 3


@pytest.mark.usefixtures("on_postgresql")
def test_a_standby_gets_everything_again_and_every_writer_waits_for_it(exchange, inbox, tmp_path):
    if find_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    server = PrivatePostgres()
    try:
        server.start()
        engine = open_postgresql(server.create_database("lienthong"))
        make_tables(engine)
        store = open_store(engine, key_file=tmp_path / "standby.keys", now=exchange.clock())
        server.kill()
        (server.data / "standby.signal").touch(0o666)
        server.start()
        taker = Taker(
            inbox=inbox,
            store=store,
            broker=exchange.broker,
            senders=lambda name: Sender(name=name, code="H29", format="csv"),
            clock=exchange.clock,
        )
        taker._store_answered = True

        for _ in range(4):
            with pytest.raises(DBAPIError) as raised:
                taker.step(wait=timedelta(0))
            assert passes(raised.value)
        with reading(store):
            pass
        with pytest.raises(NotSupportedError) as raised, begin(store, at=exchange.clock):
            pass
        assert passes(raised.value)

        assert (inbox.parked, inbox.acknowledged) == ([], [])
        store.dispose()
    finally:
        server.stop()


def test_a_row_that_another_made_meanwhile_parks_nothing(taker, inbox, monkeypatch):
    real = take_module.receive_many
    failures = [IntegrityError("INSERT", {}, Exception("duplicate key"))]

    def once_unlucky(offers, **how):
        if failures:
            raise failures.pop()
        return real(offers, **how)

    monkeypatch.setattr(take_module, "receive_many", once_unlucky)
    with pytest.raises(IntegrityError):
        taker.step(wait=timedelta(0))
    taker.step(wait=timedelta(0))

    assert (inbox.parked, inbox.acknowledged) == ([], ["a1", "a2", "a3"])


def test_what_the_store_never_takes_is_parked_alone(taker, inbox, monkeypatch):
    real = take_module.receive_many

    def picky(offers, **how):
        if any(offer.key == "a2" for offer in offers):
            raise DataError("INSERT", {}, Exception("invalid byte sequence"))
        return real(offers, **how)

    monkeypatch.setattr(take_module, "receive_many", picky)
    taker.step(wait=timedelta(0))

    assert inbox.parked == [("a2", "the store does not take it (DataError)")]
    assert inbox.acknowledged == ["a1", "a3"]
