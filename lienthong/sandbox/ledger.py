"""
Reading a sandbox's record: what arrived, what took effect, and whether anything did so twice.

The file may be read while the sandbox runs, and after it was killed.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DOSSIER = "DongBoHoSoMC"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalRow:
    """One request that reached the sandbox."""

    id: int
    at: str
    operation: str | None
    message_id: str | None
    dossier_code: str | None
    digest: str | None
    is_updating: bool | None
    attempt: int | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One change at the sandbox."""

    id: int
    arrival_id: int
    message_id: str
    dossier_code: str
    packet: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Everything a sandbox wrote down, in the order it did so."""

    arrivals: tuple[ArrivalRow, ...]
    effects: tuple[EffectRow, ...]

    @property
    def arrivals_by_message(self) -> Mapping[str, tuple[ArrivalRow, ...]]:
        """Deliveries by message id; look-ups and unreadable requests have none."""
        found: dict[str, list[ArrivalRow]] = defaultdict(list)
        for arrival in self.arrivals:
            if arrival.message_id is not None:
                found[arrival.message_id].append(arrival)
        return {key: tuple(rows) for key, rows in found.items()}

    @property
    def effects_by_dossier(self) -> Mapping[str, tuple[EffectRow, ...]]:
        """Effects by dossier, each dossier's in the order they happened."""
        found: dict[str, list[EffectRow]] = defaultdict(list)
        for effect in self.effects:
            found[effect.dossier_code].append(effect)
        return {key: tuple(rows) for key, rows in found.items()}

    @property
    def repeats(self) -> int:
        """How many deliveries were not the first of their message."""
        return sum(len(rows) - 1 for rows in self.arrivals_by_message.values())

    @property
    def doubled_effects(self) -> tuple[str, ...]:
        """Ids of messages that took effect more than once, sorted."""
        counts: dict[str, int] = defaultdict(int)
        for effect in self.effects:
            counts[effect.message_id] += 1
        return tuple(sorted(key for key, count in counts.items() if count > 1))

    @property
    def latest_snapshots(self) -> Mapping[str, str]:
        """Digest of the snapshot in effect, by dossier."""
        return {
            effect.dossier_code: effect.digest
            for effect in self.effects
            if effect.packet == DOSSIER
        }


def read_ledger(path: Path) -> Ledger:
    """
    Return what the sandbox with the record `path` has written down so far.

    Raises:
        FileNotFoundError: when there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")  # one snapshot for both tables
        arrivals = connection.execute(
            "SELECT id, at, operation, message_id, dossier_code, digest, is_updating, attempt,"
            " outcome FROM arrivals ORDER BY id"
        ).fetchall()
        effects = connection.execute(
            "SELECT id, arrival_id, message_id, dossier_code, packet, digest FROM effects"
            " ORDER BY id"
        ).fetchall()
    return Ledger(
        arrivals=tuple(_arrival(row) for row in arrivals),
        effects=tuple(
            EffectRow(
                id=row[0],
                arrival_id=row[1],
                message_id=row[2],
                dossier_code=row[3],
                packet=row[4],
                digest=row[5],
            )
            for row in effects
        ),
    )


def _arrival(row: tuple[object, ...]) -> ArrivalRow:
    names = ("id", "at", "operation", "message_id", "dossier_code", "digest", "is_updating")
    values = dict(zip((*names, "attempt", "outcome"), row, strict=True))
    updating = values["is_updating"]
    values["is_updating"] = None if updating is None else bool(updating)
    return ArrivalRow(**values)  # type: ignore[arg-type]  # the columns of our own table
