"""Receiving: durable before it is acknowledged, and nothing left over by what was not."""

import errno
import os
from dataclasses import dataclass
from io import BytesIO

import pytest
from sqlalchemy import select

from broker.port import BrokerUnavailable
from lienthong.flows.hints import EXPAND
from lienthong.flows.receive import Offer, Spool, receive, remove_orphans
from lienthong.store.database import reading
from lienthong.store.tables import submissions
from schemas.errors import InputError


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


@dataclass
class Door:
    exchange: object
    spool: Spool
    folder: object

    def receive(self, source=None, **more):
        offer = Offer(
            source=source or BytesIO(b"abc"),
            file_name="a.csv",
            agency="land",
            door="file",
            sender="an",
        )
        parts = {"engine": self.exchange.engine, "broker": self.exchange.broker}
        return receive(offer, spool=self.spool, at=self.exchange.clock(), **parts, **more)

    def rows(self):
        with reading(self.exchange.engine) as connection:
            return list(connection.execute(select(submissions.c.id)).scalars())

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def start_again(self):
        return remove_orphans(Spool(self.folder), engine=self.exchange.engine)


@pytest.fixture
def door(exchange, tmp_path):
    return Door(exchange, Spool(tmp_path / "spool"), tmp_path / "spool")


def test_what_was_received_is_on_the_disk_in_the_store_and_hinted_at(door):
    submission = door.receive()

    assert (door.folder / submission.id).read_bytes() == b"abc"
    assert submission.size == 3
    assert submission.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert door.rows() == door.files() == [submission.id]
    assert door.exchange.broker.depth(EXPAND) == 1


def test_a_full_disk_takes_nothing_over_and_leaves_nothing(door, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(InputError, match="No space left"):
        door.receive()

    assert door.rows() == door.files() == []


def test_a_source_that_breaks_off_takes_nothing_over(door):
    class Broken(BytesIO):
        def read(self, _size=-1):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(InputError, match="Input/output"):
        door.receive(Broken(b"abc"))

    assert door.rows() == door.files() == []


def test_a_kill_while_copying_leaves_a_file_that_the_next_start_removes(door):
    def kill(_bytes):
        raise Killed

    with pytest.raises(Killed):
        door.receive(progress=kill)
    assert len(door.files()) == 1

    assert door.start_again() == 1
    assert door.rows() == door.files() == []


def test_a_kill_before_the_row_leaves_a_file_that_the_next_start_removes(door, monkeypatch):
    def kill(*_args):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("lienthong.flows.receive.insert_submission", kill)
        with pytest.raises(Killed):
            door.receive()
    assert len(door.files()) == 1

    assert door.start_again() == 1
    assert door.files() == []


def test_a_start_leaves_alone_what_another_process_is_receiving(door, monkeypatch):
    removed = []
    monkeypatch.setattr(
        "lienthong.flows.receive.insert_submission",
        lambda *_args: removed.append(door.start_again()),
    )

    submission = door.receive(progress=lambda _bytes: removed.append(door.start_again()))

    assert removed == [0, 0]
    assert door.files() == [submission.id]


def test_a_start_leaves_alone_what_has_a_row(door):
    submission = door.receive()

    assert door.start_again() == 0
    assert door.files() == [submission.id]


def test_a_row_written_between_the_look_and_the_lock_is_seen(door):
    submission = door.receive()
    looks = [set(), {submission.id}]

    assert door.spool.remove_orphans(lambda _ids: looks.pop(0)) == 0
    assert door.files() == [submission.id]


def test_an_exchange_that_fails_refuses_nobody_what_is_durable_already(door, monkeypatch):
    def fail(*_args):
        raise BrokerUnavailable("disk full")

    monkeypatch.setattr(door.exchange.broker, "publish", fail)

    submission = door.receive()

    assert door.rows() == [submission.id]
