"""
How fast the workers deliver, what holds them back, and how long a backlog will take; for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, literal_column, select

from lienthong.channels.port import Packet
from lienthong.pacing import Pace, estimate_catch_up
from lienthong.store.database import insert_into
from lienthong.store.tables import messages, paces

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from lienthong.pacing import PaceState
    from lienthong.store.work import Work

# As the indexes of what is due say it.
_INBOUND: ColumnElement[str] = literal_column(f"'{Packet.INBOUND.value}'")
MINUTES = 5
"""Over which deliveries are counted."""
SILENT_AFTER = timedelta(seconds=60)
"""A worker that has not written for so long does not run any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPace:
    """One worker that delivers now."""

    worker: str
    pace: Pace
    until: datetime | None
    allowed: int
    delivered: int
    """In the last minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How deliveries go now."""

    workers: tuple[WorkerPace, ...]
    backlog: int
    """Messages that are due to the portal and not delivered yet."""
    to_agencies: int
    """Messages that are due to be handed over to agencies; the pace says nothing of them."""
    per_minute: float
    estimate: timedelta | None
    """How long the backlog takes at this pace; None where no end is in sight."""


def write_pace(work: Work, worker: str, state: PaceState, *, delivered: int) -> None:
    """Write down how one worker fares; those that are silent are forgotten."""
    row = {
        "pace": state.pace.value,
        "until": state.until,
        "allowed": state.allowed,
        "delivered": delivered,
        "minutes": MINUTES,
        "at": work.at,
    }
    insertion = insert_into(work.connection, paces).values(worker=worker, **row)
    work.connection.execute(
        insertion.on_conflict_do_update(index_elements=[paces.c.worker], set_=row)
    )
    work.connection.execute(delete(paces).where(paces.c.at < work.at - SILENT_AFTER))


def read_flow(connection: Connection, *, now: datetime) -> Flow:
    """Return how deliveries go."""
    rows = connection.execute(
        select(paces).where(paces.c.at >= now - SILENT_AFTER).order_by(paces.c.worker)
    ).all()
    backlog = _count_due(connection, messages.c.packet != _INBOUND, now=now)
    delivered = sum(row.delivered for row in rows)
    return Flow(
        workers=tuple(
            WorkerPace(
                worker=row.worker,
                pace=Pace(row.pace),
                until=row.until,
                allowed=row.allowed,
                delivered=row.delivered,
            )
            for row in rows
        ),
        backlog=backlog,
        to_agencies=_count_due(connection, messages.c.packet == _INBOUND, now=now),
        per_minute=delivered / MINUTES,
        estimate=estimate_catch_up(backlog, delivered=delivered, during=timedelta(minutes=MINUTES)),
    )


def _count_due(connection: Connection, direction: ColumnElement[bool], *, now: datetime) -> int:
    due = (direction, messages.c.due_at.is_not(None), messages.c.due_at <= now)
    query = select(func.count()).select_from(messages).where(*due)
    return int(connection.execute(query).scalar_one())
