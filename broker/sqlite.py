"""
The embedded broker: one SQLite file that any number of processes of one machine share.

A `publish` that returned is on the disk (write-ahead log, synced at every commit) and survives
kill -9 and power loss. A message is lent by moving its due time to the end of the lease, so a
lending that nobody settles is due again by itself; nothing has to run for that. The tag holds the
message's number, never used twice, and the count of its lendings, so that an old tag fits nothing.
"""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from broker.port import BrokerError, Delivery, Message, Parked, StaleDelivery
from broker.sqlite_errors import primary_code, translated
from broker.waiting import naps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

SCHEMA_VERSION = 1
BUSY = timedelta(seconds=30)
"""How long a writer waits for another process's transaction before it gives up."""

# AUTOINCREMENT: the number of a removed message is never given again, or an old tag could fit.
# `due` while lent is the end of the lease, and once parked the time of that. Microseconds, UTC.
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    headers TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    due INTEGER NOT NULL,
    lent INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    reason TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS message_due ON message (queue, due, number) WHERE reason IS NULL;
CREATE INDEX IF NOT EXISTS message_parked ON message (due, number) WHERE reason IS NOT NULL;
CREATE INDEX IF NOT EXISTS message_parked_id ON message (id) WHERE reason IS NOT NULL;
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

_DUE = "FROM message WHERE queue = ? AND reason IS NULL AND due <= ?"


class _Lending(NamedTuple):
    """What a tag says; both are needed to find the row."""

    number: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.number}.{self.attempt}"


class SqliteBroker:
    """
    The port on one SQLite file; one instance per thread, any number of processes.

    Args:
        path: The file, made when missing; its directory must exist and be on a local disk.
        clock: Tells the time, aware; leases and delays end by it, so all processes must share it.
        sleep: Waits the given seconds between two looks of `receive`.
        busy: How long to wait for another process's transaction.

    Raises:
        BrokerUnavailable: The file cannot be opened or written now; says why.
        BrokerError: The file is damaged or was made by a newer release.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        busy: timedelta = BUSY,
    ) -> None:
        self._path = path
        self._clock = clock
        self._sleep = sleep
        with translated(path):
            self._connection = sqlite3.connect(
                path, timeout=busy.total_seconds(), isolation_level=None
            )
        try:
            with translated(path):
                self._prepare(busy)
        except BrokerError:
            self._connection.close()
            raise
        self._closed = False

    def publish(self, queue: str, messages: Sequence[Message]) -> None:
        """See `Broker.publish`; all messages in one transaction."""
        now = _microseconds(self._clock())
        rows = [
            (queue, message.id, message.body, json.dumps(dict(message.headers)), now, now)
            for message in messages
        ]
        if rows:
            with self._writing() as connection:
                connection.executemany(
                    "INSERT INTO message (queue, id, body, headers, first_seen, due)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    rows,
                )

    def receive(
        self, queue: str, *, limit: int, lease: timedelta, wait: timedelta
    ) -> list[Delivery]:
        """See `Broker.receive`; an idle consumer only reads."""
        if limit < 1:
            return []
        deliveries = self._lend(queue, limit=limit, lease=lease)
        for nap in naps(wait):
            if deliveries:
                break
            self._sleep(nap)
            deliveries = self._lend(queue, limit=limit, lease=lease)
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Broker.ack`; all deliveries in one transaction."""
        if not deliveries:
            return
        with self._writing() as connection:
            removed = sum(
                connection.execute(
                    "DELETE FROM message WHERE number = ? AND attempt = ? AND lent = 1",
                    _lending(delivery),
                ).rowcount
                for delivery in deliveries
            )
        if removed < len(deliveries):
            raise StaleDelivery(
                f"{len(deliveries) - removed} of {len(deliveries)} deliveries are stale"
            )

    def retry_later(self, delivery: Delivery, *, delay: timedelta) -> None:
        """See `Broker.retry_later`."""
        self._give_back(delivery, due_at=self._clock() + delay, reason=None)

    def park(self, delivery: Delivery, *, reason: str) -> None:
        """See `Broker.park`."""
        self._give_back(delivery, due_at=self._clock(), reason=reason)

    def parked(self, *, limit: int = 100) -> list[Parked]:
        """See `Broker.parked`."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT id, body, headers, queue, reason, attempt, due FROM message"
                " WHERE reason IS NOT NULL ORDER BY due, number LIMIT ?",
                (max(limit, 0),),
            ).fetchall()
        return [
            Parked(
                message=Message(id=id_, body=body, headers=json.loads(headers)),
                queue=queue,
                reason=reason,
                attempt=attempt,
                parked_at=_moment(due),
            )
            for id_, body, headers, queue, reason, attempt, due in rows
        ]

    def replay(self, message_ids: Sequence[str]) -> int:
        """See `Broker.replay`."""
        now = _microseconds(self._clock())
        with self._writing() as connection:
            return sum(
                connection.execute(
                    "UPDATE message SET reason = NULL, due = ? WHERE id = ? AND reason IS NOT NULL",
                    (now, message_id),
                ).rowcount
                for message_id in message_ids
            )

    def depth(self, queue: str) -> int:
        """See `Broker.depth`."""
        now = _microseconds(self._clock())
        with self._reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM message"
                " WHERE queue = ? AND reason IS NULL AND (lent = 0 OR due <= ?)",
                (queue, now),
            ).fetchone()
        return int(count)

    def close(self) -> None:
        """See `Broker.close`."""
        self._closed = True
        self._connection.close()

    def __enter__(self) -> SqliteBroker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self, busy: timedelta) -> None:
        self._turn_log_on(busy)
        self._connection.execute("PRAGMA synchronous = FULL")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise BrokerError(
                f"the broker file {self._path} was made by a newer release (version {version}, "
                f"this one knows {SCHEMA_VERSION}); use that release, or another data directory",
                vi=f"tệp hàng đợi {self._path} do một bản phát hành mới hơn tạo ra (phiên bản "
                f"{version}, bản này chỉ biết {SCHEMA_VERSION}); hãy dùng bản mới hơn đó, hoặc một "
                "thư mục dữ liệu khác",
            )
        if version < SCHEMA_VERSION:
            self._connection.executescript(_SCHEMA)

    def _turn_log_on(self, busy: timedelta) -> None:
        # This takes the whole file, and SQLite refuses at once instead of waiting when several
        # processes open a new file together.
        for nap in naps(busy):
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_BUSY:
                    raise
                self._sleep(nap)
            else:
                return
        self._connection.execute("PRAGMA journal_mode = WAL")

    def _lend(self, queue: str, *, limit: int, lease: timedelta) -> list[Delivery]:
        now = self._clock()
        due = (queue, _microseconds(now))
        with self._reading() as connection:
            if connection.execute(f"SELECT 1 {_DUE} LIMIT 1", due).fetchone() is None:
                return []
        with self._writing() as connection:
            rows = connection.execute(
                f"SELECT number, attempt + 1, id, body, headers, first_seen {_DUE}"
                " ORDER BY due, number LIMIT ?",
                (*due, limit),
            ).fetchall()
            ends = _microseconds(now + lease)
            connection.executemany(
                "UPDATE message SET lent = 1, due = ?, attempt = ? WHERE number = ?",
                [(ends, attempt, number) for number, attempt, *_ in rows],
            )
        return [
            Delivery(
                tag=str(_Lending(number, attempt)),
                queue=queue,
                message=Message(id=id_, body=body, headers=json.loads(headers)),
                attempt=attempt,
                first_seen_at=_moment(first_seen),
            )
            for number, attempt, id_, body, headers, first_seen in rows
        ]

    def _give_back(self, delivery: Delivery, *, due_at: datetime, reason: str | None) -> None:
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE message SET lent = 0, due = ?, reason = ?"
                " WHERE number = ? AND attempt = ? AND lent = 1",
                (_microseconds(due_at), reason, *_lending(delivery)),
            ).rowcount
        if not changed:
            raise StaleDelivery("the delivery was settled before or lent to another consumer")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection, connection:
            # IMMEDIATE: a lock asked for in the middle could be refused without waiting.
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if self._closed:
            raise BrokerError("this broker was closed; open a new one")
        with translated(self._path):
            yield self._connection


def _lending(delivery: Delivery) -> _Lending:
    number, _, attempt = delivery.tag.partition(".")
    return _Lending(int(number), int(attempt))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
