"""
What the store tells of the whole installation, in numbers: for whoever watches it.

Nothing here names a dossier or a person. Every question is answered by an index, or looks at what
waits: what has ended is counted and never read. Since when something waits is told as a moment,
so that an old answer goes on to age.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, distinct, func, select

from lienthong.channels.port import Packet
from lienthong.evidence.alarms import open_alarms
from lienthong.states import UNFINISHED, State
from lienthong.store.alerts import count_fired, read_waiting
from lienthong.store.contracts import count_open
from lienthong.store.paces import read_flow
from lienthong.store.pauses import read_pauses
from lienthong.store.reconciliations import latest_results
from lienthong.store.submission_receipts import read_backlog
from lienthong.store.submissions import agency_of
from lienthong.store.tables import agencies, audit, fetches, messages, pulls, seals, submissions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from lienthong.evidence.stamps import Countdown
    from lienthong.pauses import Pause
    from lienthong.store.alerts import Waiting
    from lienthong.store.paces import Flow
    from lienthong.store.submission_receipts import Backlog

SOON = timedelta(hours=24)
"""Before its deadline a dossier is told of."""
MOVING = (State.READY, State.SENDING, State.RETRYING, State.UNKNOWN)
"""States of what goes on by itself."""
WAITING = (*MOVING, State.HELD, State.PARKED, State.QUARANTINED)
assert set(WAITING) == UNFINISHED


class Which(NamedTuple):
    """Some messages: of one agency, in one direction, in one state."""

    agency: str
    direction: str
    """up: to the portal; down: to the agency."""
    state: State


class Side(NamedTuple):
    """One agency's traffic in one direction."""

    agency: str
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Submissions that are not expanded to the end."""

    count: int
    held: int
    """Of them: for a key or a mapping."""
    oldest: datetime
    """When the first was received."""


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
    since, urgent = _look_at_waiting(connection, counts, now=now)
    overdue, due_soon = _count_late(connection, urgent, now=now)
    return Measures(
        at=now,
        messages=counts,
        since=since,
        received=_count_received(connection),
        queued=_read_queued(connection),
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


def _direction(*, is_down: bool) -> str:
    return "down" if is_down else "up"


def _count_messages(connection: Connection) -> dict[Which, int]:
    # By an index alone, in its order.
    by = (messages.c.agency, messages.c.state, messages.c.packet)
    found: Counter[Which] = Counter()
    for agency, state, packet, count in connection.execute(select(*by, func.count()).group_by(*by)):
        direction = _direction(is_down=packet == Packet.INBOUND.value)
        found[Which(agency, direction, State(state))] += count
    return dict(found)


def _of_waiting(agency: Sequence[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions by which the index of states finds what waits."""
    states = [state.value for state in WAITING]
    return messages.c.agency.in_(agency), messages.c.state.in_(states)


def _look_at_waiting(
    connection: Connection, counts: dict[Which, int], *, now: datetime
) -> tuple[dict[Which, datetime], list[str]]:
    """Return since when messages wait, and the agencies some of whose are urgent."""
    waiting = sorted({which.agency for which in counts if which.state in WAITING})
    if not waiting:
        return {}, []
    is_urgent = case((messages.c.deadline <= now + SOON, 1), else_=0)
    by = (messages.c.agency, messages.c.state, messages.c.packet)
    rows = connection.execute(
        select(*by, func.min(messages.c.created_at), func.max(is_urgent))
        .where(*_of_waiting(waiting))
        .group_by(*by)
    )
    since: dict[Which, datetime] = {}
    urgent = set()
    for agency, state, packet, oldest, some in rows:
        is_down = packet == Packet.INBOUND.value
        which = Which(agency, _direction(is_down=is_down), State(state))
        since[which] = min(oldest, since.get(which, oldest))
        if some and not is_down:
            urgent.add(agency)
    return since, sorted(urgent)


def _count_late(
    connection: Connection, urgent: Sequence[str], *, now: datetime
) -> tuple[dict[str, int], dict[str, int]]:
    """Return by agency how many dossiers are past their deadline, and how many within a day."""
    if not urgent:
        return {}, {}
    deadline, code = messages.c.deadline, messages.c.dossier_code
    is_past = deadline <= now
    rows = connection.execute(
        select(
            messages.c.agency,
            func.count(distinct(case((is_past, code)))),
            func.count(distinct(case((~is_past, code)))),
        )
        .where(
            *_of_waiting(urgent),
            messages.c.packet != Packet.INBOUND.value,
            deadline <= now + SOON,
        )
        .group_by(messages.c.agency)
    ).all()
    past = {agency: count for agency, count, _ in rows if count}
    return past, {agency: count for agency, _, count in rows if count}


def _count_received(connection: Connection) -> dict[Side, int]:
    found: Counter[Side] = Counter()
    for line, next_ in connection.execute(select(agencies.c.name, agencies.c.next_arrival)):
        agency = agency_of(line)
        found[Side(agency, _direction(is_down=agency != line))] += next_ - 1
    return dict(found)


def _read_queued(connection: Connection) -> dict[Side, Queued]:
    is_down = submissions.c.service.is_not(None)
    is_held = case((submissions.c.state == "held", 1), else_=0)
    rows = connection.execute(
        select(
            submissions.c.agency,
            is_down,
            func.count(),
            func.sum(is_held),
            func.min(submissions.c.received_at),
        )
        .where(submissions.c.due_at.is_not(None))
        .group_by(submissions.c.agency, is_down)
    )
    return {
        Side(agency, _direction(is_down=down)): Queued(count=count, held=held, oldest=oldest)
        for agency, down, count, held, oldest in rows
    }


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
