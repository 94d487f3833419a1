"""Which mappings made an agency's messages, by the messages that changed last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lienthong.store.tables import messages

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingUse:
    """One mapping, and what it made."""

    stamp: str
    """name@version sha256:…"""
    first_at: datetime
    last_at: datetime
    messages: int


def mapping_uses(
    connection: Connection, agency: str, *, since: datetime, most: int
) -> list[MappingUse]:
    """
    Return which mappings made an agency's messages, the one used last first.

    No index has the mapping, so that only the messages that changed last are looked at, at most
    `most` of those since `since`: a hundred thousand of them take a fraction of a second.
    """
    latest = (
        select(messages.c.mapping, messages.c.created_at)
        .where(
            messages.c.agency == agency,
            # Without it SQLite takes another index.
            messages.c.updated_at.is_not(None),
            messages.c.updated_at >= since,
        )
        .order_by(messages.c.updated_at.desc())
        .limit(most)
        .subquery()
    )
    last_at = func.max(latest.c.created_at).label("last_at")
    rows = connection.execute(
        select(
            latest.c.mapping,
            func.min(latest.c.created_at).label("first_at"),
            last_at,
            func.count().label("found"),
        )
        .group_by(latest.c.mapping)
        .order_by(last_at.desc(), latest.c.mapping)
    )
    return [
        MappingUse(
            stamp=row.mapping, first_at=row.first_at, last_at=row.last_at, messages=row.found
        )
        for row in rows
    ]
