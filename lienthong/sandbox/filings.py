"""
What was filed at the sandbox's portal, in its record: how often it was sent, and what came back.

An item is kept only until nothing of it has to be sent any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from lienthong.sandbox.filing import DOSSIER, Filing

if TYPE_CHECKING:
    import sqlite3


class FilingState(Enum):
    """What became of a filing."""

    WAITING = "waiting"
    """Not acknowledged yet: it is sent until it is."""
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    """For what it says; it is not sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A filing that has to be sent."""

    id: int
    dossier_code: str | None
    tries: int
    filing: Filing


def add_filing(
    connection: sqlite3.Connection, filing: Filing, *, dossier_code: str | None, repeats: int
) -> int:
    """Write one filing down and return its number."""
    cursor = connection.execute(
        "INSERT INTO filings (at, service, dossier_code, unit, message_id, digest, is_updating,"
        " item, state, tries, repeats_left, answer) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, '')",
        (
            filing.filed_at.isoformat(),
            filing.service,
            dossier_code,
            filing.unit,
            filing.message_id,
            sha256(filing.item).hexdigest(),
            filing.is_updating,
            filing.item,
            FilingState.WAITING.value,
            repeats,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def due_filings(connection: sqlite3.Connection) -> list[Due]:
    """Return what has to be sent, oldest first."""
    rows = connection.execute(
        "SELECT id, dossier_code, tries, service, unit, message_id, at, item, is_updating"
        " FROM filings WHERE item IS NOT NULL ORDER BY id LIMIT 1000"
    ).fetchall()
    return [
        Due(
            id=row[0],
            dossier_code=row[1],
            tries=row[2],
            filing=Filing(
                service=row[3],
                unit=row[4],
                message_id=row[5],
                filed_at=datetime.fromisoformat(row[6]),
                item=row[7],
                is_updating=bool(row[8]),
            ),
        )
        for row in rows
    ]


def note_try(
    connection: sqlite3.Connection, *, number: int, state: FilingState, answer: str
) -> None:
    """Note how one attempt ended; what is acknowledged stays so, whatever a repeat is told."""
    connection.execute(
        "UPDATE filings SET tries = tries + 1, answer = ?,"
        " repeats_left = repeats_left - (state = 'acknowledged' AND ? != 'waiting'),"
        " state = CASE state WHEN 'acknowledged' THEN state ELSE ? END WHERE id = ?",
        (answer, state.value, state.value, number),
    )
    connection.execute(
        "UPDATE filings SET item = NULL WHERE id = ?"
        " AND (state = 'refused' OR (state = 'acknowledged' AND repeats_left <= 0))",
        (number,),
    )


def count_filings(connection: sqlite3.Connection) -> int:
    """Return how much was filed so far."""
    return int(connection.execute("SELECT count(*) FROM filings").fetchone()[0])


def list_filings(connection: sqlite3.Connection, *, limit: int) -> list[dict[str, Any]]:
    """Return the filings, newest first, with what the agency has sent of their dossiers since."""
    rows = connection.execute(
        "SELECT id, at, service, dossier_code, unit, message_id, state, tries, repeats_left, answer"
        " FROM filings ORDER BY id DESC LIMIT ?",
        (limit,),
    ).fetchall()
    names = ("id", "at", "service", "dossier_code", "unit", "message_id", "state", "tries")
    return [
        dict(zip((*names, "repeats_left", "answer"), row, strict=True))
        | {"came_up": _came_up(connection, row[3], since=row[1])}
        for row in rows
    ]


def list_dossiers(connection: sqlite3.Connection, *, limit: int) -> list[dict[str, Any]]:
    """Return the dossiers as the portal has them, those that changed last first."""
    rows = connection.execute(
        "SELECT dossier_code, max(id), sum(packet = ?), sum(packet != ?), max(at),"
        " max(arrival_id = 0) FROM effects GROUP BY dossier_code ORDER BY max(id) DESC LIMIT ?",
        (DOSSIER, DOSSIER, limit),
    ).fetchall()
    return [
        {
            "dossier_code": code,
            "status": _status(connection, code),
            "snapshots": snapshots,
            "progress_rows": progress,
            "changed_at": at,
            "filed_here": bool(filed),
        }
        for code, _, snapshots, progress, at, filed in rows
    ]


def _status(connection: sqlite3.Connection, code: str) -> str | None:
    row = connection.execute(
        "SELECT status FROM effects WHERE dossier_code = ? AND packet = ? ORDER BY id DESC LIMIT 1",
        (code, DOSSIER),
    ).fetchone()
    return None if row is None else row[0]


def _came_up(
    connection: sqlite3.Connection, code: str | None, *, since: str
) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT packet, status, at FROM effects WHERE dossier_code = ? AND arrival_id > 0"
        " AND at >= ? ORDER BY id LIMIT 100",
        (code, since),
    ).fetchall()
    return [dict(zip(("service", "status", "at"), row, strict=True)) for row in rows]
