"""
The sandbox's own record: every arrival, and every effect an arrival had.

All writing is done by one thread that puts whatever waits into one transaction, so that full
durability (`synchronous=FULL`) costs one flush for many requests. `run` returns after the commit:
what a client was answered survives `kill -9`.
"""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

TABLES = """
CREATE TABLE IF NOT EXISTS arrivals (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    operation TEXT,
    message_id TEXT,
    dossier_code TEXT,
    digest TEXT,
    is_updating INTEGER,
    attempt INTEGER,
    outcome TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS arrivals_message ON arrivals (message_id);
CREATE TABLE IF NOT EXISTS effects (
    id INTEGER PRIMARY KEY,
    arrival_id INTEGER NOT NULL REFERENCES arrivals (id),
    at TEXT NOT NULL,
    message_id TEXT NOT NULL,
    dossier_code TEXT NOT NULL,
    packet TEXT NOT NULL,
    digest TEXT NOT NULL,
    status TEXT,
    receipt BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS effects_message ON effects (message_id);
CREATE INDEX IF NOT EXISTS effects_dossier ON effects (dossier_code);
CREATE TABLE IF NOT EXISTS filings (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    service TEXT NOT NULL,
    dossier_code TEXT,
    unit TEXT NOT NULL,
    message_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    is_updating INTEGER NOT NULL,
    item BLOB,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    repeats_left INTEGER NOT NULL,
    answer TEXT NOT NULL
);
"""
PENDING = "pending"
"""Outcome of an arrival that is not judged yet, or whose judging was killed."""
BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request as it came, before anything was checked."""

    at: str
    """ISO 8601, UTC."""
    operation: str | None
    message_id: str | None
    dossier_code: str | None
    digest: str | None
    """Hex SHA-256 of the document as it arrived."""
    is_updating: bool | None
    attempt: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one accepted arrival changed."""

    arrival_id: int
    """0: nothing arrived; it was filed at the portal itself."""
    at: str
    message_id: str
    dossier_code: str
    packet: str
    digest: str
    status: str | None
    receipt: bytes


class SandboxStore:
    """One SQLite file with one writing thread; thread-safe."""

    def __init__(self, file: Path) -> None:
        self.file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        self._jobs: SimpleQueue[tuple[Callable[[sqlite3.Connection], Any], Future[Any]] | None]
        self._jobs = SimpleQueue()
        self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(TABLES)
        self._thread = Thread(target=self._write, name="sandbox-store", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `job` returned, after the transaction it ran in is on the disk."""
        result: Future[T] = Future()
        self._jobs.put((job, result))
        return result.result()

    def close(self) -> None:
        """Commit what waits and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _write(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch = [first]
            is_last = False
            while len(batch) < BATCH:
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    break
                if job is None:
                    is_last = True
                    break
                batch.append(job)
            self._commit(batch)
            if is_last:
                return

    def _commit(self, batch: list[tuple[Callable[[sqlite3.Connection], Any], Future[Any]]]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            done.extend((future, job(self._connection)) for job, future in batch)
            self._connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - handed to every caller that waits
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            for _, future in batch:
                future.set_exception(error)
            return
        for future, value in done:
            future.set_result(value)


def add_arrival(connection: sqlite3.Connection, arrival: Arrival) -> int:
    """Write one arrival down and return its number."""
    cursor = connection.execute(
        "INSERT INTO arrivals (at, operation, message_id, dossier_code, digest, is_updating,"
        " attempt, outcome) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            arrival.at,
            arrival.operation,
            arrival.message_id,
            arrival.dossier_code,
            arrival.digest,
            arrival.is_updating,
            arrival.attempt,
            PENDING,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def set_outcome(connection: sqlite3.Connection, arrival_id: int, *, outcome: str) -> None:
    """Note how an arrival was answered."""
    connection.execute("UPDATE arrivals SET outcome = ? WHERE id = ?", (outcome, arrival_id))


def add_effect(connection: sqlite3.Connection, effect: Effect) -> None:
    """Write one effect down."""
    connection.execute(
        "INSERT INTO effects (arrival_id, at, message_id, dossier_code, packet, digest, status,"
        " receipt) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            effect.arrival_id,
            effect.at,
            effect.message_id,
            effect.dossier_code,
            effect.packet,
            effect.digest,
            effect.status,
            effect.receipt,
        ),
    )


def first_effect_of(connection: sqlite3.Connection, message_id: str) -> tuple[str, bytes] | None:
    """Return digest and receipt of a message's first effect, or None."""
    row = connection.execute(
        "SELECT digest, receipt FROM effects WHERE message_id = ? ORDER BY id LIMIT 1",
        (message_id,),
    ).fetchone()
    return None if row is None else (row[0], row[1])


def count_arrivals_of(connection: sqlite3.Connection, message_id: str) -> int:
    """Return how often a message arrived."""
    return int(
        connection.execute(
            "SELECT count(*) FROM arrivals WHERE message_id = ?", (message_id,)
        ).fetchone()[0]
    )


def delete_effects_on(connection: sqlite3.Connection, dossier_code: str) -> None:
    """Forget a dossier."""
    connection.execute("DELETE FROM effects WHERE dossier_code = ?", (dossier_code,))


def effects_on(connection: sqlite3.Connection, dossier_code: str) -> list[tuple[str, ...]]:
    """Return (packet, message id, digest, status, time) of a dossier's effects, in order."""
    return connection.execute(
        "SELECT packet, message_id, digest, status, at FROM effects WHERE dossier_code = ?"
        " ORDER BY id",
        (dossier_code,),
    ).fetchall()


_COLUMNS = (
    "id",
    "at",
    "operation",
    "message_id",
    "dossier_code",
    "is_updating",
    "attempt",
    "outcome",
)


def last_arrivals(connection: sqlite3.Connection, *, limit: int) -> list[dict[str, Any]]:
    """Return the last arrivals, newest first."""
    rows = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM arrivals ORDER BY id DESC LIMIT ?",  # noqa: S608
        (limit,),
    )
    return [dict(zip(_COLUMNS, row, strict=True)) for row in rows]


def find_arrival(connection: sqlite3.Connection, number: int) -> dict[str, Any] | None:
    """Return one arrival."""
    row = connection.execute(
        f"SELECT {', '.join(_COLUMNS)} FROM arrivals WHERE id = ?",  # noqa: S608
        (number,),
    ).fetchone()
    return None if row is None else dict(zip(_COLUMNS, row, strict=True))


def count_rows(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many arrivals and effects there are."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM arrivals), (SELECT count(*) FROM effects)"
    ).fetchone()
    return row[0], row[1]
