"""
The audit log: one row per step, written in the transaction of the step, never changed after.

    digest of the detail = SHA-256(salt · detail)
    digest of the row    = SHA-256([at, actor, action, subject] · digest of the detail)
    tag of the row       = what only a holder of the store's key file can add to its digest

So a detail can be erased, with its salt: the digest that stays in its place still proves the row
and gives nothing away, for nobody can try out what 16 random bytes were. Rows are sealed by
`lienthong.evidence`, in batches; rows without a seal are the unsealed tail, and there the tag
alone keeps somebody who can write to the database from adding rows in our name.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, or_, select, update

from lienthong.store.bulk import insert_rows
from lienthong.store.tables import audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from lienthong.store.vault import Vault

SALT_BYTES = 16
ERASED, ERASED_SUBJECT = "audit.erased", "audit"
"""Action and subject of the row that says which details were erased, and why."""

CAN_BE_ERASED = and_(
    audit.c.detail.is_not(None),
    or_(audit.c.action != ERASED, audit.c.subject != ERASED_SUBJECT),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One step to write down; `detail` holds codes, digests and counts, never personal data."""

    action: str
    """Constant name, for example "message.delivered"."""
    subject: str
    """Identifier of the submission or message concerned."""
    detail: Mapping[str, str | int | bool | None] = field(default_factory=dict)


def append(
    connection: Connection,
    entries: Sequence[Entry],
    *,
    actor: str,
    at: datetime,
    vault: Vault | None = None,
) -> None:
    """
    Write `entries` down, in order, inside the caller's transaction.

    Args:
        connection: Of the transaction.
        entries: What happened.
        actor: Who did it.
        at: When.
        vault: Tags the rows; None where its keys are only just being made.
    """
    if not entries:
        return
    rows = []
    for entry in entries:
        salt = secrets.token_bytes(SALT_BYTES)
        detail = json.dumps(entry.detail, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = digest_row(at, actor, entry.action, entry.subject, digest_detail(salt, detail))
        rows.append(
            {
                "at": at,
                "actor": actor,
                "action": entry.action,
                "subject": entry.subject,
                "detail": detail,
                "salt": salt,
                "digest": digest,
                "tag": None if vault is None else vault.tag(digest),
            }
        )
    insert_rows(connection, audit, rows)


def digest_detail(salt: bytes, detail: str) -> bytes:
    """Return what proves a detail and, without its salt, does not give it away."""
    return sha256(salt + detail.encode()).digest()


def digest_row(at: datetime, actor: str, action: str, subject: str, of_detail: bytes) -> bytes:
    """Return what is sealed of a row."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    head = json.dumps([moment, actor, action, subject], ensure_ascii=False, separators=(",", ":"))
    return sha256(head.encode() + of_detail).digest()


def is_as_written(row: Row[Any]) -> bool:
    """Tell whether a row's content, or what stands in place of it, is what its digest says."""
    texts = (row.actor, row.action, row.subject)
    if row.at is None or not all(isinstance(one, str) for one in texts):
        return False
    if row.detail is None or row.salt is None:
        of_detail = row.erased
        if of_detail is None or row.detail is not None or row.salt is not None:
            return False
    elif isinstance(row.detail, str):
        of_detail = digest_detail(row.salt, row.detail)
    else:
        return False
    found = digest_row(row.at, row.actor, row.action, row.subject, of_detail)
    return bool(found == row.digest)


def erase(connection: Connection, condition: ColumnElement[bool], *, limit: int) -> list[int]:
    """
    Erase the details of up to `limit` rows of which `condition` holds; return their numbers.

    What is erased is gone from the database; that its rows are true can be proven as before. The
    rows that say so are never erased: they tell an erasure from what somebody else took out.
    """
    found = connection.execute(
        select(audit.c.id, audit.c.detail, audit.c.salt)
        .where(condition, CAN_BE_ERASED)
        .order_by(audit.c.id)
        .limit(limit)
    ).all()
    rows = [
        {
            "_id": row.id,
            "detail": None,
            "salt": None,
            "erased": digest_detail(row.salt, row.detail),
        }
        for row in found
    ]
    if rows:
        connection.execute(update(audit).where(audit.c.id == bindparam("_id")), rows)
    return [row.id for row in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One row of the audit log, to read."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str | None
    """JSON; None: erased."""
    seal: int | None


def read_lines(
    connection: Connection,
    condition: ColumnElement[bool],
    *,
    limit: int | None = None,
    is_latest_first: bool = False,
) -> Iterator[AuditLine]:
    """Give the rows of which `condition` holds, in the order of their numbers or against it."""
    order = audit.c.id.desc() if is_latest_first else audit.c.id
    query = select(audit).where(condition).order_by(order).limit(limit)
    for row in connection.execute(query.execution_options(yield_per=1_000)):
        yield AuditLine(
            id=row.id,
            at=row.at,
            actor=row.actor,
            action=row.action,
            subject=row.subject,
            detail=row.detail,
            seal=row.seal_id,
        )
