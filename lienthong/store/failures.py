"""
Writing down of what messages fail, in the transaction in which they do; those that do not cost
nothing.

It is written at the end of a transaction, once, causes in the order of their ids: whoever decides
about a problem holds its row against those that fail, so of a decision and a failure each knows
whether the other came before. A failure after a decision gets a later time than it, whatever the
clocks say.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from lienthong.problem_states import GroupState
from lienthong.store.bulk import among
from lienthong.store.database import insert_into
from lienthong.store.tables import failures, problem_groups

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.failures import Cause

MOST_ANSWERS = 200
"""Codes of the other side that one cause of an agency is told apart by: one that makes up a code
for each answer fills no list."""
_TICK = timedelta(microseconds=1)
_CLOSE = (
    update(failures)
    .where(among(failures.c.message_id, "_ids"), failures.c.is_open)
    .values(is_open=False)
)
# Shared: those that fail do not wait for each other.
_GROUPS = (
    select(problem_groups.c.id, problem_groups.c.decided_at)
    .where(among(problem_groups.c.id, "_ids"))
    .order_by(problem_groups.c.id)
    .with_for_update(read=True)
)


class Failures:
    """Of what messages of one transaction failed, and which stand in nothing any more."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[Sequence[Cause], datetime | None]] = {}
        self._settled: set[str] = set()

    def fail(self, message_id: str, causes: Sequence[Cause], *, at: datetime | None = None) -> None:
        """Have a message stand in these causes, and in none of before; `at`: not only now."""
        self._failed[message_id] = (causes, at)
        self._settled.discard(message_id)

    def settle(self, message_id: str) -> None:
        """Have a message stand in nothing any more, however it went on."""
        self._settled.add(message_id)

    def write(self, connection: Connection, *, now: datetime) -> None:
        """Write it down; the last thing of a transaction that others may wait for."""
        changed = [*self._settled | self._failed.keys()]
        if not changed:
            return
        if self._failed:
            self._write_failed(connection, now=now)
        closed = sorted(self._settled - self._failed.keys())
        if closed:
            connection.execute(_CLOSE, {"_ids": closed})

    def _write_failed(self, connection: Connection, *, now: datetime) -> None:
        causes = {one.id: one for found, _ in self._failed.values() for one in found}
        decided, plainer = _hold_groups(connection, causes, now=now)
        connection.execute(_CLOSE, {"_ids": sorted(self._failed)})
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for message_id, (found, at) in sorted(self._failed.items()):
            for cause in found:
                group = plainer.get(cause.id, cause.id)
                decided_at = None if at is not None else decided[group]
                rows[message_id, group] = {
                    "message_id": message_id,
                    "cause": group,
                    "last_at": _later(at or now, than=decided_at),
                    "is_open": message_id not in self._settled,
                }
        if rows:
            writing = insert_into(connection, failures)
            said = {name: writing.excluded[name] for name in ("last_at", "is_open")}
            keys = ["message_id", "cause"]
            writing = writing.on_conflict_do_update(index_elements=keys, set_=said)
            connection.execute(writing, list(rows.values()))


def _later(moment: datetime, *, than: datetime | None) -> datetime:
    return moment if than is None else max(moment, than + _TICK)


def _hold_groups(
    connection: Connection, causes: dict[str, Cause], *, now: datetime
) -> tuple[dict[str, datetime | None], dict[str, str]]:
    """
    Hold the groups of these causes, made where there was none, until the end of the transaction.

    Returns:
        When each was last decided about, and for those that are counted without the other side's
        code the id that they are counted under.
    """
    decided = _read_groups(connection, causes)
    plainer: dict[str, str] = {}
    missing = {}
    for group, cause in causes.items():
        if group in decided:
            continue
        kept = cause if not cause.answer or _has_room(connection, cause) else cause.plain
        if kept is not cause:
            plainer[group] = kept.id
        missing[kept.id] = kept
    if missing:
        making = insert_into(connection, problem_groups).on_conflict_do_nothing()
        connection.execute(making, [row_of(missing[group], now) for group in sorted(missing)])
        decided |= _read_groups(connection, missing)
    return decided, plainer


def _read_groups(connection: Connection, ids: Collection[str]) -> dict[str, datetime | None]:
    rows = connection.execute(_GROUPS, {"_ids": sorted(ids)})
    return {row.id: row.decided_at for row in rows}


def _has_room(connection: Connection, cause: Cause) -> bool:
    of = problem_groups.c
    query = (
        select(func.count())
        .select_from(problem_groups)
        .where(of.agency == cause.agency, of.direction == cause.direction, of.code == cause.code)
    )
    return bool(connection.execute(query).scalar_one() < MOST_ANSWERS)


def row_of(cause: Cause, first_at: datetime) -> dict[str, Any]:
    """Return the row of a cause about which nobody has decided anything."""
    return {
        "id": cause.id,
        "agency": cause.agency,
        "direction": cause.direction,
        "code": cause.code,
        "field": cause.field,
        "answer": cause.answer,
        "first_at": first_at,
        "state": GroupState.OPEN.value,
        "reason": "",
        "version": 0,
    }
