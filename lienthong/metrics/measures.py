"""
What the store tells of the whole installation, in numbers: for whoever watches it.

Nothing here names a dossier or a person. Every question is answered by an index, or looks at what
waits: what has ended is counted and never read. Since when something waits is told as a moment,
so that an old answer goes on to age.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lienthong.evidence.alarms import open_alarms
from lienthong.states import State
from lienthong.store.alerts import count_fired, read_waiting
from lienthong.store.contracts import count_open
from lienthong.store.paces import read_flow
from lienthong.store.pauses import read_pauses
from lienthong.store.reconciliations import latest_results
from lienthong.store.submission_receipts import read_backlog
from lienthong.store.tables import audit, fetches, messages, pulls, seals
from lienthong.store.waiting import (
    MOVING,
    Queued,
    Side,
    Which,
    count_late,
    count_received,
    direction_of,
    look_at_waiting,
    read_queued,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.evidence.stamps import Countdown
    from lienthong.pauses import Pause
    from lienthong.store.alerts import Waiting
    from lienthong.store.paces import Flow
    from lienthong.store.submission_receipts import Backlog


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """How far the audit log is sealed."""

    rows: int
    """Of the log, ever; gaps count."""
    unsealed: int
    oldest_unsealed: datetime | None
    newest_seal: int
    """0: none."""
    sealed_at: datetime | None
    countdown: Countdown | None
    """None where all sealed rows have a time-stamp, or none is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The last comparison with the portal, of one agency or of all."""

    agency: str
    """Empty: all."""
    ended_at: datetime
    found: dict[str, int]
    """What is still open, by kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """One source that is read by us."""

    source: str
    read_at: datetime | None
    rows: int
    """Taken over, ever."""
    is_in_trouble: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The installation at one moment."""

    at: datetime
    messages: dict[Which, int]
    since: dict[Which, datetime]
    """When the oldest of what waits was made."""
    received: dict[Side, int]
    """Submissions ever received; never fewer, whatever was erased."""
    queued: dict[Side, Queued]
    overdue: dict[str, int]
    """Dossiers that the portal does not have all of, by agency: their NgayHenTra is past."""
    due_soon: dict[str, int]
    """The same within a day."""
    flow: Flow
    fetching: int
    receipts: Backlog
    sealed: Sealed
    alarms: int
    drifts: int
    compared: list[Compared]
    pulled: list[Pulled]
    pauses: tuple[Pause, ...]
    told: dict[str, int] = field(default_factory=dict)
    """Alerts that hold and that somebody was told of, by rule."""
    untold: dict[str, Waiting] = field(default_factory=dict)
    """Notices that could not be sent yet, by channel."""

    @property
    def backlog(self) -> Counter[Side]:
        """How many messages are on their way."""
        found: Counter[Side] = Counter()
        for which, count in self.messages.items():
            if which.state in MOVING:
                found[Side(which.agency, which.direction)] += count
        return found


def read_measures(connection: Connection, *, now: datetime, stamps: Countdown | None) -> Measures:
    """
    Return how things stand.

    Args:
        connection: Of a reading transaction.
        now: The present moment, by the store's clock where it has one.
        stamps: Which rows have no time-stamp yet, where these are asked for.
    """
    counts = _count_messages(connection)
    since, urgent = look_at_waiting(connection, counts, now=now)
    overdue, due_soon = count_late(connection, urgent, now=now)
    return Measures(
        at=now,
        messages=counts,
        since={which: oldest.at for which, oldest in since.items()},
        received=count_received(connection),
        queued=read_queued(connection),
        overdue=overdue,
        due_soon=due_soon,
        flow=read_flow(connection, now=now),
        fetching=connection.execute(select(func.count()).select_from(fetches)).scalar_one(),
        receipts=read_backlog(connection),
        sealed=_read_sealed(connection, stamps),
        alarms=len(open_alarms(connection)),
        drifts=count_open(connection),
        compared=[
            Compared(
                agency=run.scope.agency or "",
                ended_at=run.ended_at,
                found={kind.value: count for kind, count in found.items()},
            )
            for run, found in latest_results(connection)
            if run.ended_at is not None
        ],
        pulled=_read_pulled(connection),
        told=count_fired(connection),
        untold=read_waiting(connection),
        pauses=read_pauses(connection, now=now).in_force,
    )


def _count_messages(connection: Connection) -> dict[Which, int]:
    # By an index alone, in its order.
    by = (messages.c.agency, messages.c.state, messages.c.packet)
    found: Counter[Which] = Counter()
    for agency, state, packet, count in connection.execute(select(*by, func.count()).group_by(*by)):
        found[Which(agency, direction_of(packet), State(state))] += count
    return dict(found)


def _read_sealed(connection: Connection, countdown: Countdown | None) -> Sealed:
    is_open = audit.c.seal_id.is_(None)
    oldest = select(audit.c.at).where(is_open).order_by(audit.c.seal_id, audit.c.id).limit(1)
    unsealed = select(func.count()).select_from(audit).where(is_open)
    newest = select(seals.c.id, seals.c.at).order_by(seals.c.id.desc()).limit(1)
    seal = connection.execute(newest).first()
    return Sealed(
        rows=connection.execute(select(func.max(audit.c.id))).scalar() or 0,
        unsealed=connection.execute(unsealed).scalar_one(),
        oldest_unsealed=connection.execute(oldest).scalar(),
        newest_seal=0 if seal is None else seal.id,
        sealed_at=None if seal is None else seal.at,
        countdown=countdown,
    )


def _read_pulled(connection: Connection) -> list[Pulled]:
    rows = connection.execute(
        select(pulls.c.source, pulls.c.read_at, pulls.c["rows"], pulls.c.trouble).order_by(
            pulls.c.source
        )
    )
    return [
        Pulled(source=source, read_at=read_at, rows=count, is_in_trouble=trouble is not None)
        for source, read_at, count, trouble in rows
    ]
