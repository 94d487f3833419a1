"""
What waits, of which agency and since when: read by an index, and never what has ended.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import case, distinct, func, select

from lienthong.channels.port import Packet
from lienthong.states import UNFINISHED, State
from lienthong.store.submissions import agency_of
from lienthong.store.tables import agencies, messages, submissions

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

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


class Oldest(NamedTuple):
    """What has waited longest of some messages."""

    at: datetime
    """When it was made."""
    message_id: str
    """Of the one that was made first, by its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Submissions that are not expanded to the end."""

    count: int
    held: int
    """Of them: for a key or a mapping."""
    oldest: datetime
    """When the first was received."""


def direction_of(packet: str) -> str:
    """Return the direction in which messages of a packet go."""
    return _direction(is_down=packet == Packet.INBOUND.value)


def _direction(*, is_down: bool) -> str:
    return "down" if is_down else "up"


def count_in(
    connection: Connection, names: Collection[str], states: Collection[State]
) -> dict[Which, int]:
    """Return how many messages of these agencies are in each of these states, by an index alone."""
    by = (messages.c.agency, messages.c.state, messages.c.packet)
    found: Counter[Which] = Counter()
    query = select(*by, func.count()).where(*_in_states(names, states)).group_by(*by)
    for agency, state, packet, count in connection.execute(query):
        found[Which(agency, direction_of(packet), State(state))] += count
    return dict(found)


def _in_states(
    names: Collection[str], states: Collection[State]
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions by which the index of states finds messages."""
    values = [state.value for state in states]
    return messages.c.agency.in_(sorted(names)), messages.c.state.in_(values)


def look_at_waiting(
    connection: Connection, counts: dict[Which, int], *, now: datetime
) -> tuple[dict[Which, Oldest], list[str]]:
    """Return since when messages wait, and the agencies some of whose are urgent."""
    waiting = {which.agency for which in counts if which.state in WAITING}
    if not waiting:
        return {}, []
    is_urgent = case((messages.c.deadline <= now + SOON, 1), else_=0)
    by = (messages.c.agency, messages.c.state, messages.c.packet)
    first = (func.min(messages.c.created_at), func.min(messages.c.id))
    rows = connection.execute(
        select(*by, *first, func.max(is_urgent)).where(*_in_states(waiting, WAITING)).group_by(*by)
    )
    since: dict[Which, Oldest] = {}
    urgent = set()
    for agency, state, packet, at, message_id, some in rows:
        which = Which(agency, direction_of(packet), State(state))
        oldest = Oldest(at, message_id)
        since[which] = min(oldest, since.get(which, oldest))
        if some and which.direction == "up":
            urgent.add(agency)
    return since, sorted(urgent)


def late_condition(names: Collection[str], *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a message for the portal waits whose deadline is past or near."""
    return (
        *_in_states(names, WAITING),
        messages.c.packet != Packet.INBOUND.value,
        messages.c.deadline <= now + SOON,
    )


def count_late(
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
        .where(*late_condition(urgent, now=now))
        .group_by(messages.c.agency)
    ).all()
    past = {agency: count for agency, count, _ in rows if count}
    return past, {agency: count for agency, _, count in rows if count}


def count_received(connection: Connection) -> dict[Side, int]:
    """Return how many submissions were ever received; never fewer, whatever was erased."""
    found: Counter[Side] = Counter()
    for line, next_ in connection.execute(select(agencies.c.name, agencies.c.next_arrival)):
        agency = agency_of(line)
        found[Side(agency, _direction(is_down=agency != line))] += next_ - 1
    return dict(found)


def read_queued(connection: Connection) -> dict[Side, Queued]:
    """Return what is not expanded to the end."""
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
