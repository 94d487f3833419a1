"""
The audit log: one row per step, in the transaction of the step, and seals that link the rows.

A row's digest is SHA-256 over its salt and its canonical content, so content can be erased later
while the digest still proves the row's place. A sealer (one at a time, elsewhere than the writers'
path) links batches of rows: a seal's hash covers the seal before it and the digests of its rows, in
order. Rows without a seal are the unsealed tail. Signing and time-stamping seals is not decided
here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from lienthong.failpoints import Point, reached
from lienthong.store.bulk import insert_rows
from lienthong.store.tables import audit, in_slices, seals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Row

SALT_BYTES = 16
FIRST_SEAL = b"\x00" * 32
"""What the first seal names as the seal before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step to write down; `detail` holds codes, digests and counts, never personal data."""

    action: str
    """Constant name, for example "message.delivered"."""
    subject: str
    """Identifier of the submission or message concerned."""
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)


def append(connection: Connection, entries: Sequence[Entry], *, actor: str, at: datetime) -> None:
    """Write `entries` down, in order, inside the caller's transaction."""
    if not entries:
        return
    rows = []
    for entry in entries:
        salt = secrets.token_bytes(SALT_BYTES)
        detail = json.dumps(entry.detail, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        rows.append(
            {
                "at": at,
                "actor": actor,
                "action": entry.action,
                "subject": entry.subject,
                "detail": detail,
                "salt": salt,
                "digest": _digest(salt, at, actor, entry.action, entry.subject, detail),
            }
        )
    insert_rows(connection, audit, rows)


def _digest(salt: bytes, at: datetime, actor: str, action: str, subject: str, detail: str) -> bytes:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    content = json.dumps([moment, actor, action, subject, detail], ensure_ascii=False)
    return hashlib.sha256(salt + content.encode()).digest()


AT_ONCE = 1_000
"""Rows that a walk over the whole log holds in memory."""
_SEALER = 0x4C54_0001
"""Name of the sealers' lock on PostgreSQL; any number that nothing else there uses."""


def seal(engine: Engine, *, now: datetime, limit: int = 10_000) -> int:
    """
    Link up to `limit` unsealed rows with a new seal; return how many there were.

    Only one process seals at a time. Rows are found by not being sealed, never by their numbers:
    on PostgreSQL a row may be committed after one with a higher number.
    """
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_SEALER)))
        unsealed = select(audit.c.id, audit.c.digest).where(audit.c.seal_id.is_(None))
        rows = connection.execute(unsealed.order_by(audit.c.id).limit(limit)).all()
        if not rows:
            return 0
        last = connection.execute(select(seals).order_by(seals.c.id.desc()).limit(1)).first()
        number = 1 if last is None else last.id + 1
        previous = FIRST_SEAL if last is None else last.hash
        connection.execute(
            insert(seals).values(
                id=number,
                at=now,
                rows=len(rows),
                previous=previous,
                hash=_seal_hash(previous, rows),
            )
        )
        for part in in_slices([row.id for row in rows]):
            of_this_seal = audit.c.id.in_(part)
            connection.execute(update(audit).where(of_this_seal).values(seal_id=number))
        reached(Point.SEAL_LINKED)
        return len(rows)


def _seal_hash(previous: bytes, rows: Sequence[Row[Any, Any]]) -> bytes:
    linked = hashlib.sha256(previous)
    for row in rows:
        linked.update(row.id.to_bytes(8, signed=True) + row.digest)
    return linked.digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a walk over the whole log found."""

    rows: int
    seals: int
    unsealed: int
    """Rows after the last seal: written, not yet linked."""
    faults: tuple[str, ...]
    """One sentence per fault, the first position first; empty when all holds."""


def verify(connection: Connection) -> Verification:
    """Recompute every row digest and every seal, in order; the log may be of any size."""
    every_row = select(audit).order_by(audit.c.id).execution_options(yield_per=AT_ONCE)
    every_seal = select(seals).order_by(seals.c.id).execution_options(yield_per=AT_ONCE)
    faults = [
        f"row {row.id}: its content was changed after it was written"
        for row in connection.execute(every_row)
        if _digest(row.salt, row.at, row.actor, row.action, row.subject, row.detail) != row.digest
    ]
    previous = FIRST_SEAL
    count = 0
    sealed = 0
    for mark in connection.execute(every_seal):
        count += 1
        rows = connection.execute(
            select(audit.c.id, audit.c.digest)
            .where(audit.c.seal_id == mark.id)
            .order_by(audit.c.id)
        ).all()
        sealed += len(rows)
        if mark.id != count or mark.previous != previous:
            faults.append(f"seal {mark.id}: it does not follow the seal before it")
        if len(rows) != mark.rows:
            faults.append(f"seal {mark.id}: rows were added or removed, {mark.rows} expected")
        if _seal_hash(mark.previous, rows) != mark.hash:
            faults.append(f"seal {mark.id}: a row of it differs")
        previous = mark.hash
    total = connection.execute(select(func.count()).select_from(audit)).scalar_one()
    tail = connection.execute(
        select(func.count()).select_from(audit).where(audit.c.seal_id.is_(None))
    ).scalar_one()
    if between := total - tail - sealed:
        faults.append(f"{between} rows name a seal that there is not")
    return Verification(rows=total, seals=count, unsealed=tail, faults=tuple(faults))
