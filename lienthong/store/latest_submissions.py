"""What an agency sent last, as far as it can be read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from lienthong.store.submissions import line_of
from lienthong.store.tables import submissions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

LOOKED_AT = 1_000
"""Submissions; those before them are erased first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One submission whose bytes are there."""

    id: str
    file_name: str
    received_at: datetime
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latest:
    """The last submissions of an agency."""

    kept: tuple[Sent, ...]
    """The latest first."""
    erased: int
    """Of those looked at."""


def latest_submissions(connection: Connection, agency: str, *, limit: int) -> Latest:
    """Return the last `limit` submissions of an agency, by itself, that are not erased."""
    columns = ("id", "file_name", "received_at", "size", "erased_at")
    rows = connection.execute(
        select(*(submissions.c[name] for name in columns))
        .where(submissions.c.line == line_of(agency, service=None, sender=""))
        .order_by(submissions.c.arrival.desc())
        .limit(LOOKED_AT)
    ).all()
    kept = [row for row in rows if row.erased_at is None]
    return Latest(
        kept=tuple(
            Sent(id=row.id, file_name=row.file_name, received_at=row.received_at, size=row.size)
            for row in kept[:limit]
        ),
        erased=len(rows) - len(kept),
    )
