"""
How messages flow now, of every agency: what the first page and `GET /v1/overview` are made of.

It costs as much as waits and as changed in the last minutes, however much has ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lienthong.states import State
from lienthong.store.paces import Flow, read_flow
from lienthong.store.selection import agencies_with_messages
from lienthong.store.tables import failures, problem_groups
from lienthong.store.waiting import (
    WAITING,
    Oldest,
    Queued,
    Side,
    Which,
    count_in,
    count_late,
    count_received,
    look_at_waiting,
    read_queued,
)
from schemas.building import VIETNAM

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.deliveries_lately import Lately

SHOWN = (*WAITING, State.REJECTED)
"""States that are counted: what waits, and what its agency is to correct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All agencies at one moment."""

    at: datetime
    sides: tuple[Side, ...]
    """Of which anything ever came, by name."""
    counts: dict[Which, int]
    """In the states that are shown."""
    oldest: dict[Which, Oldest]
    """Of what waits."""
    received: dict[Side, int]
    queued: dict[Side, Queued]
    overdue: dict[str, int]
    due_soon: dict[str, int]
    failed: dict[tuple[str | None, str], int]
    """Messages that failed since midnight in Việt Nam, by agency and direction; None: because of
    the target, whoever's they are."""
    series: dict[Side, list[int]]
    """Delivered in each five minutes of the last hour, the oldest first."""
    last_delivery: dict[Side, datetime]
    """Within that hour."""
    flow: Flow


def read_picture(connection: Connection, lately: Lately, *, now: datetime) -> Picture:
    """Return how messages flow; `lately` learns what was delivered since the last look."""
    names = agencies_with_messages(connection)
    counts = count_in(connection, names, SHOWN)
    oldest, urgent = look_at_waiting(connection, counts, now=now)
    overdue, due_soon = count_late(connection, urgent, now=now)
    received = count_received(connection)
    lately.read(connection, names, now=now)
    of_messages = {Side(which.agency, which.direction) for which in counts}
    sides = tuple(sorted({*received, *of_messages, *lately.sides()}))
    lasts = {side: lately.last(side) for side in sides}
    return Picture(
        at=now,
        sides=sides,
        counts=counts,
        oldest=oldest,
        received=received,
        queued=read_queued(connection),
        overdue=overdue,
        due_soon=due_soon,
        failed=_count_failed(connection, now=now),
        series={side: lately.series(side, now=now) for side in sides},
        last_delivery={side: last for side, last in lasts.items() if last is not None},
        flow=read_flow(connection, now=now),
    )


def midnight(now: datetime) -> datetime:
    """Return when the day began in Việt Nam."""
    return now.astimezone(VIETNAM).replace(hour=0, minute=0, second=0, microsecond=0)


def _count_failed(connection: Connection, *, now: datetime) -> dict[tuple[str | None, str], int]:
    since = midnight(now)
    # Groups are few; of each the end of its index.
    rows = connection.execute(
        select(
            problem_groups.c.agency,
            problem_groups.c.direction,
            func.count(failures.c.message_id.distinct()),
        )
        .join(failures, failures.c.cause == problem_groups.c.id)
        .where(failures.c.last_at >= since)
        .group_by(problem_groups.c.agency, problem_groups.c.direction)
    )
    return {(agency, direction): count for agency, direction, count in rows}
