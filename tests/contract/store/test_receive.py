"""Receiving: durable before it is acknowledged, once per key, nothing left over."""

import errno
import os
from dataclasses import dataclass
from datetime import timedelta
from io import BufferedReader, BytesIO

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from broker.port import BrokerUnavailable
from lienthong.flows.hints import EXPAND
from lienthong.flows.receive import (
    KeyConflict,
    Offer,
    receive,
    receive_many,
    receive_together,
    small_offer,
)
from lienthong.flows.sweep import sweep
from lienthong.store.database import reading
from lienthong.store.pieces import PIECE_BYTES, PieceReader
from lienthong.store.results import pending
from lienthong.store.tables import audit, results, submission_pieces, submissions
from lienthong.store.vault import SealBroken
from schemas.errors import InputError

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


@dataclass
class Door:
    exchange: object

    @property
    def parts(self):
        exchange = self.exchange
        return {"store": exchange.store, "broker": exchange.broker, "clock": exchange.clock}

    def receive(self, body=b"abc", *, source=None, key=None, agency="land", **more):
        offer = Offer(
            source=source or BytesIO(body),
            file_name="a.csv",
            agency=agency,
            door="file",
            sender="an",
            key=key,
        )
        return receive(offer, **self.parts, **more)

    def receive_together(self, *bodies, agencies=("land",)):
        offers = [
            small_offer(
                body,
                file_name="DongBoHoSoMC.json",
                agency=agencies[number % len(agencies)],
                door="portal-json",
                sender="portal",
                key=key,
                service="DongBoHoSoMC",
            )
            for number, (key, body) in enumerate(bodies)
        ]
        return receive_together(offers, **self.parts)

    def receive_many(self, *bodies, agency="land"):
        offers = [
            small_offer(body, file_name="a.csv", agency=agency, door="amqp", sender="an", key=key)
            for key, body in bodies
        ]
        return receive_many(offers, **self.parts)

    def select(self, *columns):
        with reading(self.exchange.store) as connection:
            return [tuple(row) for row in connection.execute(select(*columns))]

    def rows(self):
        return self.select(submissions.c.id)

    def pieces(self):
        return self.select(submission_pieces.c.submission_id, submission_pieces.c.number)

    def bytes_of(self, taken):
        return PieceReader(self.exchange.store, taken.submission_id, size=taken.size).readall()


@pytest.fixture
def door(exchange):
    return Door(exchange)


def test_what_was_received_is_in_the_store_and_hinted_at(door):
    taken = door.receive()

    assert (taken.size, taken.sha256, taken.is_repeat) == (3, ABC, False)
    assert door.rows() == [(taken.submission_id,)]
    assert door.bytes_of(taken) == b"abc"
    assert door.exchange.broker.depth(EXPAND) == 1


def test_nothing_of_it_lies_there_in_the_clear(door):
    door.receive(b"Nguyen Van An")

    ((body,),) = door.select(submission_pieces.c.body)
    assert b"Nguyen" not in body


@pytest.mark.parametrize(
    "size",
    [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, 2 * PIECE_BYTES + 7],
)
def test_a_file_of_any_size_comes_back_as_it_was(door, size):
    body = os.urandom(size)

    taken = door.receive(body)

    assert taken.size == size
    assert door.bytes_of(taken) == body


def test_a_file_can_be_read_from_any_place(door):
    body = os.urandom(2 * PIECE_BYTES + 100)
    taken = door.receive(body)
    reader = BufferedReader(PieceReader(door.exchange.store, taken.submission_id, size=taken.size))

    reader.seek(-150, os.SEEK_END)
    assert reader.read(100) == body[-150:-50]
    reader.seek(PIECE_BYTES - 5)
    assert reader.read(10) == body[PIECE_BYTES - 5 : PIECE_BYTES + 5]


@pytest.mark.parametrize(
    "change",
    [
        submission_pieces.delete().where(submission_pieces.c.number == 1),
        submission_pieces.delete().where(submission_pieces.c.number == 2),
        submission_pieces.update().where(submission_pieces.c.number == 1).values(number=7),
    ],
    ids=["middle gone", "end gone", "moved"],
)
def test_pieces_that_are_missing_or_moved_are_noticed(door, change):
    taken = door.receive(os.urandom(2 * PIECE_BYTES + 1))
    with door.exchange.store.engine.begin() as connection:
        connection.execute(change)

    with pytest.raises((OSError, SealBroken)):
        door.bytes_of(taken)


def test_a_source_that_gives_little_at_a_time_is_cut_all_the_same(door):
    class Dripping(BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 300_000))

    body = os.urandom(2 * PIECE_BYTES + 1)

    taken = door.receive(source=Dripping(body))

    assert door.bytes_of(taken) == body
    assert len(door.pieces()) == 3


def test_a_source_that_breaks_off_takes_nothing_over(door):
    class Broken(BytesIO):
        def read(self, size=-1):
            if self.tell() > 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    with pytest.raises(InputError, match="Input/output"):
        door.receive(source=Broken(bytes(3 * PIECE_BYTES)))

    assert door.rows() == door.pieces() == []


def test_a_kill_while_copying_leaves_pieces_that_are_removed_after_a_while(door):
    def kill(_bytes):
        raise Killed

    with pytest.raises(Killed):
        door.receive(bytes(3 * PIECE_BYTES), progress=kill)
    assert len(door.pieces()) == 1
    assert sweep(door.exchange.store, clock=door.exchange.clock) == 0

    door.exchange.clock.tick(hours=2)

    assert sweep(door.exchange.store, clock=door.exchange.clock) == 1
    assert door.pieces() == []


def test_what_a_failing_store_may_still_commit_keeps_its_pieces_for_a_while(door):
    """The commit of a row may hang for long after its connection was cut."""

    def fail(_bytes):
        raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    with pytest.raises(OperationalError):
        door.receive(bytes(3 * PIECE_BYTES), progress=fail)

    assert len(door.pieces()) == 1
    door.exchange.clock.tick(hours=2)
    assert sweep(door.exchange.store, clock=door.exchange.clock) == 1


def test_what_was_taken_over_is_never_left_over(door):
    taken = door.receive(os.urandom(PIECE_BYTES + 1))
    door.exchange.clock.tick(days=30)

    assert sweep(door.exchange.store, clock=door.exchange.clock) == 0
    assert len(door.bytes_of(taken)) == taken.size


def test_a_sender_that_stood_still_too_long_takes_nothing_over(door):
    def stand_still(_bytes):
        door.exchange.clock.tick(hours=2)
        sweep(door.exchange.store, clock=door.exchange.clock)

    with pytest.raises(InputError, match="send it again"):
        door.receive(bytes(2 * PIECE_BYTES), progress=stand_still)

    assert door.rows() == door.pieces() == []


def test_an_exchange_that_fails_refuses_nobody_what_is_durable_already(door, monkeypatch):
    def fail(*_args):
        raise BrokerUnavailable("disk full")

    monkeypatch.setattr(door.exchange.broker, "publish", fail)

    taken = door.receive()

    assert door.rows() == [(taken.submission_id,)]


def test_the_same_key_and_bytes_are_the_same_submission(door):
    first = door.receive(key="k1")
    again = door.receive(key="k1")

    assert (again.submission_id, again.is_repeat) == (first.submission_id, True)
    assert len(door.rows()) == len(door.pieces()) == 1


def test_the_same_key_with_other_bytes_is_refused(door):
    door.receive(key="k1")

    with pytest.raises(InputError, match="k1"):
        door.receive(os.urandom(PIECE_BYTES + 1), key="k1")

    assert len(door.rows()) == len(door.pieces()) == 1


def test_another_agency_has_keys_of_its_own(door):
    door.receive(key="k1")
    other = door.receive(b"x", key="k1", agency="health")

    assert not other.is_repeat


def test_without_a_key_every_hand_over_is_a_new_one(door):
    door.receive()
    door.receive()

    assert len(door.rows()) == 2


def test_an_agency_is_told_of_the_first_before_its_repeat_in_the_same_batch(door):
    door.receive_many(("a", b"1"), ("a", b"1"))

    store = door.exchange.store
    with reading(store) as connection:
        told = pending(connection, vault=store.vault, limit=9)
    assert [(one.kind, one.is_again) for one in told] == [("received", False), ("received", True)]


def test_many_small_ones_are_taken_in_their_order(door):
    outcomes = door.receive_many(("a", b"1"), ("b", b"2"), ("a", b"1"), ("b", b"3"), (None, b"4"))

    first, second, again, conflict, last = outcomes
    assert (again.submission_id, again.is_repeat) == (first.submission_id, True)
    assert isinstance(conflict, KeyConflict)
    order = [
        row[0]
        for row in sorted(
            door.select(submissions.c.id, submissions.c.arrival), key=lambda row: row[1]
        )
    ]
    assert order == [first.submission_id, second.submission_id, last.submission_id]
    assert [door.bytes_of(taken) for taken in (first, second, last)] == [b"1", b"2", b"4"]


def test_arrival_decides_the_order_whatever_the_clock_says(door):
    later = door.receive(b"1")
    door.exchange.clock.now -= timedelta(hours=1)
    earlier = door.receive(b"2")

    by_arrival = sorted(door.select(submissions.c.arrival, submissions.c.id))
    assert [row[1] for row in by_arrival] == [later.submission_id, earlier.submission_id]


def test_the_agency_is_told_of_every_hand_over_and_of_its_repeats(door):
    taken = door.receive(key="k1")
    door.receive(key="k1")

    told = sorted(door.select(results.c.kind, results.c.submission_id, results.c.detail))
    assert told == [
        ("received", taken.submission_id, '{"repeated": true}'),
        ("received", taken.submission_id, "{}"),
    ]


def test_what_belongs_together_is_taken_over_whole_or_not_at_all(door):
    first = door.receive_together(("a", b"1"), ("b", b"2"), agencies=("land", "health"))

    outcomes = door.receive_together(("c", b"3"), ("a", b"other"), ("d", b"4"))

    assert [outcome.is_repeat for outcome in first] == [False, False]
    assert [isinstance(outcome, KeyConflict) for outcome in outcomes] == [False, True, False]
    assert outcomes[1].submission_id == first[0].submission_id
    assert sorted(door.select(submissions.c.key)) == [("a",), ("b",)]
    assert len(door.select(submission_pieces.c.submission_id)) == 2
    noted = [
        row
        for row in door.select(audit.c.action, audit.c.subject)
        if row[0] == "submission.key_conflict"
    ]
    assert noted == [("submission.key_conflict", first[0].submission_id)]


def test_a_part_of_it_that_was_here_before_is_a_repeat(door):
    door.receive_together(("a", b"1"))

    outcomes = door.receive_together(("a", b"1"), ("b", b"2"))

    assert [outcome.is_repeat for outcome in outcomes] == [True, False]
    assert door.select(submissions.c.key) == [("a",), ("b",)]


def test_a_peers_keys_and_an_agencys_do_not_meet(door):
    door.receive(b"mine", key="a")

    (outcome,) = door.receive_together(("a", b"theirs"))

    assert not outcome.is_repeat
    assert door.select(submissions.c.key) == [("a",), ("a",)]
