"""Dossiers at risk: the portal does not have all of them, and their deadline is near or past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lienthong.states import State
from lienthong.store.bulk import among
from lienthong.store.selection import agencies_with_messages
from lienthong.store.tables import messages
from lienthong.store.waiting import late_condition

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

_STANDING = select(messages.c.id, messages.c.state, messages.c.reason).where(
    among(messages.c.id, "_ids")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """One dossier."""

    dossier: str | None
    agency: str
    deadline: datetime
    waiting: int
    """Messages of it that have not ended."""
    message_id: str
    """The first of them."""
    state: State
    reason: str


def list_at_risk(
    connection: Connection, *, agencies: Collection[str] | None, limit: int, now: datetime
) -> list[AtRisk]:
    """
    Return dossiers at risk, the earliest deadline first.

    Args:
        connection: One that sees one moment.
        agencies: Whose; None: of all.
        limit: At most so many.
        now: The present moment.
    """
    names = agencies_with_messages(connection) if agencies is None else agencies
    deadline = func.min(messages.c.deadline)
    first = func.min(messages.c.id)
    rows = connection.execute(
        select(
            messages.c.agency,
            messages.c.dossier_code,
            deadline.label("deadline"),
            func.count().label("waiting"),
            first.label("first"),
        )
        .where(*late_condition(names, now=now))
        .group_by(messages.c.agency, messages.c.dossier_code)
        .order_by(deadline, first)
        .limit(limit)
    ).all()
    ids = [row.first for row in rows]
    standing = {row.id: row for row in connection.execute(_STANDING, {"_ids": ids})}
    return [
        AtRisk(
            dossier=row.dossier_code,
            agency=row.agency,
            deadline=row.deadline,
            waiting=row.waiting,
            message_id=row.first,
            state=State(standing[row.first].state),
            reason=standing[row.first].reason,
        )
        for row in rows
    ]
