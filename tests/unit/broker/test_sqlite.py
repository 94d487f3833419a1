from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.port import BrokerError, BrokerUnavailable, Message
from broker.sqlite import SqliteBroker

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
LEASE = timedelta(seconds=60)
NOW = timedelta(0)


def start_clock():
    return START


@pytest.fixture
def path(tmp_path):
    return tmp_path / "broker.sqlite"


def take(broker, *, limit=100):
    return broker.receive("deliver", limit=limit, lease=LEASE, wait=NOW)


@contextmanager
def nobody():
    """Act as an ordinary user: root may write everywhere, permissions or not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_everything_survives_closing_and_opening(path):
    with SqliteBroker(path, clock=start_clock) as broker:
        broker.publish("deliver", [Message(id=id_, body=b"x") for id_ in "abc"])
        _, parked = take(broker, limit=2)
        broker.park(parked, reason="no")

    later = START + LEASE
    with SqliteBroker(path, clock=lambda: later) as broker:
        lent = take(broker)

        assert [(d.message.id, d.attempt, d.first_seen_at) for d in lent] == [
            ("c", 1, START),
            ("a", 2, START),
        ]
        assert [p.message.id for p in broker.parked()] == ["b"]


def test_the_file_is_as_durable_as_promised(path):
    with SqliteBroker(path, clock=start_clock) as broker:
        settings = {
            name: broker._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "user_version")
        }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "user_version": 1}


def test_an_idle_consumer_needs_no_write_lock(path):
    with (
        SqliteBroker(path, clock=start_clock, busy=NOW) as broker,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")

        assert take(broker) == []
        assert broker.depth("deliver") == 0
        assert broker.parked() == []


def test_a_file_locked_for_too_long_is_unavailable_and_nothing_was_published(path):
    with (
        SqliteBroker(path, clock=start_clock, busy=timedelta(milliseconds=20)) as broker,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BrokerUnavailable, match="another process keeps it locked"):
            broker.publish("deliver", [Message(id="a", body=b"")])
        other.execute("ROLLBACK")

        assert broker.depth("deliver") == 0
        broker.publish("deliver", [Message(id="a", body=b"")])
        assert broker.depth("deliver") == 1


def test_a_new_file_that_somebody_else_keeps_locked_is_not_opened_half(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BrokerUnavailable, match="another process keeps it locked"):
            SqliteBroker(path, clock=start_clock, busy=timedelta(milliseconds=30))
        other.execute("ROLLBACK")

    with SqliteBroker(path, clock=start_clock, busy=NOW) as broker:
        assert broker._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_full_disk_is_unavailable_and_none_of_the_batch_is_there(path):
    with SqliteBroker(path, clock=start_clock) as broker:
        broker.publish("deliver", [Message(id="before", body=b"")])
        (pages,) = broker._connection.execute("PRAGMA page_count").fetchone()
        broker._connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(BrokerUnavailable, match=r"broker\.sqlite: the disk is full; free some"):
            broker.publish("deliver", [Message(id=str(i), body=bytes(5_000)) for i in range(20)])
        broker._connection.execute("PRAGMA max_page_count = 100000")

        assert [delivery.message.id for delivery in take(broker)] == ["before"]
        broker.publish("deliver", [Message(id="after", body=bytes(100_000))])


def test_a_read_only_directory_is_unavailable_in_words():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o555)
        with nobody(), pytest.raises(BrokerUnavailable, match="may be written by this user"):
            SqliteBroker(directory / "broker.sqlite", clock=start_clock)
        assert list(directory.iterdir()) == []


def test_a_file_of_another_user_is_unavailable_in_words():
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with SqliteBroker(directory / "broker.sqlite", clock=start_clock) as broker:
            broker.publish("deliver", [Message(id="a", body=b"")])
        (directory / "broker.sqlite").chmod(0o444)
        directory.chmod(0o555)
        with nobody(), pytest.raises(BrokerUnavailable, match="check"):
            SqliteBroker(directory / "broker.sqlite", clock=start_clock)


def test_a_missing_directory_is_unavailable_in_words(tmp_path):
    missing = tmp_path / "not there" / "broker.sqlite"

    with pytest.raises(
        BrokerUnavailable, match=r"not there.*check that its directory exists"
    ) as raised:
        SqliteBroker(missing, clock=start_clock)

    assert raised.value.code == "broker.unavailable"
    assert "hãy kiểm tra thư mục có tồn tại" in raised.value.vi


def test_a_damaged_file_is_no_passing_trouble(path):
    path.write_bytes(b"this was a broker once" * 1_000)

    with pytest.raises(BrokerError, match=r"damaged.*move it and its -wal file away") as raised:
        SqliteBroker(path, clock=start_clock)

    assert not isinstance(raised.value, BrokerUnavailable)
    assert raised.value.code == "broker.failed"
    assert raised.value.vi.startswith(f"tệp hàng đợi {path} bị hỏng; hãy chuyển tệp này")


def test_damage_inside_the_file_is_told_when_it_is_met(path):
    with SqliteBroker(path, clock=start_clock) as broker:
        broker.publish("deliver", [Message(id=str(i), body=bytes(2_000)) for i in range(100)])
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)

    with (
        SqliteBroker(path, clock=start_clock) as broker,
        pytest.raises(BrokerError, match="damaged"),
    ):
        take(broker)


def test_a_file_of_a_newer_release_is_left_alone(path):
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 2")

    with pytest.raises(BrokerError, match="newer release"):
        SqliteBroker(path, clock=start_clock)


def test_wrong_use_is_a_bug_and_not_the_exchange_s_fault(path):
    with SqliteBroker(path, clock=start_clock) as broker:
        with pytest.raises(sqlite3.IntegrityError):
            broker.publish("deliver", [Message(id="a", body="text, not bytes")])

        assert broker.depth("deliver") == 0
