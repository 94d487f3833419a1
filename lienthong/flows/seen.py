"""
The dossiers of one file that is converted without the exchange: what of each came before.

On disk, because a file may hold millions. What the exchange asks of its store is asked here in the
same way, so that both warn of the same statuses.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec

from lienthong.admission import issue_order
from schemas.problem import Place

if TYPE_CHECKING:
    from lienthong.conversion import PreparedEvent

_BEFORE = "SELECT status, record FROM snapshots WHERE code = ? AND (size, version) < (?, ?) "
_NEWEST_FIRST = "ORDER BY size DESC, version DESC, record DESC LIMIT 1"


class Seen:
    """The dossiers of a file, each with its latest snapshot and the statuses of all."""

    def __init__(self) -> None:
        # An empty name is SQLite's temporary database: on disk once it grows, gone when closed.
        self._connection = sqlite3.connect("")
        self._connection.execute(
            "CREATE TABLE seen (code TEXT PRIMARY KEY, digest TEXT, record INTEGER, "
            "place TEXT, snapshots INTEGER) WITHOUT ROWID"
        )
        self._connection.execute(
            "CREATE TABLE snapshots (code TEXT, size INTEGER, version TEXT, record INTEGER, "
            "status TEXT, PRIMARY KEY (code, size, version, record)) WITHOUT ROWID"
        )
        self._connection.execute(
            "CREATE TABLE rejected (code TEXT PRIMARY KEY, record INTEGER) WITHOUT ROWID"
        )

    def find(self, code: str) -> tuple[str, int, Place, int] | None:
        """Return digest, record, place and number of the latest snapshot of a dossier."""
        found = self._connection.execute(
            "SELECT digest, record, place, snapshots FROM seen WHERE code = ?", (code,)
        ).fetchone()
        if found is None:
            return None
        digest, record, place, snapshots = found
        return digest, record, msgspec.json.decode(place, type=Place), snapshots

    def note(self, event: PreparedEvent, *, record: int, place: Place, snapshots: int) -> None:
        """Note a snapshot as the latest of its dossier."""
        self._connection.execute(
            "REPLACE INTO seen VALUES (?, ?, ?, ?, ?)",
            (
                event.dossier_code,
                event.content_digest,
                record,
                msgspec.json.encode(place).decode(),
                snapshots,
            ),
        )

    def note_status(self, event: PreparedEvent, *, record: int) -> None:
        """Note the status of a snapshot at its place in the agency's order."""
        status = None if event.status is None else event.status.code
        self._connection.execute(
            "INSERT INTO snapshots VALUES (?, ?, ?, ?, ?)",
            (event.dossier_code, *_place(event, record), record, status),
        )

    def note_rejected(self, code: str, *, record: int) -> None:
        """Note that a record of a dossier was rejected, whose status nobody knows."""
        self._connection.execute("REPLACE INTO rejected VALUES (?, ?)", (code, record))

    def status_before(self, event: PreparedEvent, *, record: int) -> str | None:
        """Return the status of the snapshot before this one, None where it is not known."""
        code = event.dossier_code
        found: tuple[str | None, int] | None = self._connection.execute(
            _BEFORE + _NEWEST_FIRST, (code, *_place(event, record))
        ).fetchone()
        if found is None:
            return None
        status, before = found
        rejected = self._connection.execute(
            "SELECT 1 FROM rejected WHERE code = ? AND record > ?", (code, before)
        ).fetchone()
        return None if rejected else status

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()


def _place(event: PreparedEvent, record: int) -> tuple[int, str]:
    return issue_order(str(record) if event.version is None else event.version)
