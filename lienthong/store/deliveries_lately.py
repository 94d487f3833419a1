"""How many messages were delivered in each minute of the last hour, by agency and direction."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, case, cast, extract, func, select

from lienthong.states import State
from lienthong.store.tables import messages
from lienthong.store.waiting import Side, direction_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

MINUTE = timedelta(minutes=1)
MINUTES = 60
"""Of which deliveries are told."""
STEP = 5
"""Minutes of one bar of the picture."""
LATE = 2
"""Minutes that are counted again: a transaction commits later than the time it writes."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Lately:
    """Counts of the last hour. What is over is counted once, so that a look costs two minutes."""

    def __init__(self) -> None:
        self._counts: dict[Side, Counter[int]] = {}
        self._newest: int | None = None

    def read(self, connection: Connection, names: Collection[str], *, now: datetime) -> None:
        """Learn what was delivered since the last look."""
        minute = minute_of(now)
        begin = minute - MINUTES + 1
        first = begin if self._newest is None else max(begin, self._newest - LATE)
        for counts in self._counts.values():
            for known in [each for each in counts if each >= first or each < begin]:
                del counts[known]
        for side, at, count in _count_since(connection, names, _EPOCH + first * MINUTE):
            if at >= first:
                self._counts.setdefault(side, Counter())[at] += count
        self._newest = minute

    def series(self, side: Side, *, now: datetime) -> list[int]:
        """Return how many were delivered in each five minutes of the hour, the oldest first."""
        counts, begin = self._counts.get(side, Counter()), minute_of(now) - MINUTES + 1
        return [
            sum(counts[minute] for minute in range(start, start + STEP))
            for start in range(begin, begin + MINUTES, STEP)
        ]

    def last(self, side: Side) -> datetime | None:
        """Return in which minute something was delivered last: its end."""
        newest = max(self._counts.get(side, ()), default=None)
        return None if newest is None else _EPOCH + (newest + 1) * MINUTE

    def sides(self) -> set[Side]:
        """Return whose messages were delivered."""
        return {side for side, counts in self._counts.items() if counts}


def minute_of(moment: datetime) -> int:
    """Return the number of a minute."""
    return (moment - _EPOCH) // MINUTE


def _count_since(
    connection: Connection, names: Collection[str], since: datetime
) -> list[tuple[Side, int, int]]:
    # By the index of lists, in which the state is not: as a condition it would lead into the index
    # of states, to everything that was ever delivered.
    is_delivered = case((messages.c.state == State.DELIVERED.value, 1), else_=0)
    # Of whole seconds: a quotient of whole numbers is one, on both databases.
    second = extract("epoch", func.date_trunc("second", messages.c.updated_at))
    if connection.dialect.name == "sqlite":
        second = extract("epoch", messages.c.updated_at)
    minute = cast(second, BigInteger).op("/")(60)
    found: Counter[tuple[Side, int]] = Counter()
    rows = connection.execute(
        select(messages.c.agency, messages.c.packet, minute.label("minute"), func.sum(is_delivered))
        .where(messages.c.agency.in_(sorted(names)), messages.c.updated_at >= since)
        .group_by(messages.c.agency, messages.c.packet, "minute")
    )
    for agency, packet, at, count in rows:
        if count:
            found[Side(agency, direction_of(packet)), at] += count
    return [(side, at, count) for (side, at), count in found.items()]
