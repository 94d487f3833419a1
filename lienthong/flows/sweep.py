"""
The sweeper: publishes the hints that nobody holds, so that a lost hint is a delay and not a loss.

It looks for submissions and dossiers that are due, held by nobody, and not hinted at lately: a
crash between commit and publish, a broker that lost its disk, a worker that vanished. What merely
waits in a long queue has its hint already, so after one spare hint per message it publishes only
as many as the queue is short of: an outage of days does not pile hints up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select, update

from lienthong.flows.hints import DELIVER, EXPAND, hint
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.submissions import is_first_of_its_agency
from lienthong.store.tables import dossiers, messages, submissions

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Connection, Engine

    from broker.port import Broker

LIMIT = 1000
"""Hints per sweep and kind."""
_MOVING = or_(
    messages.c.state.in_([State.READY.value, State.RETRYING.value, State.UNKNOWN.value])
    & messages.c.due_at.is_not(None),
    messages.c.state == State.SENDING.value,
)


def sweep(engine: Engine, broker: Broker, *, now: datetime, patience: timedelta) -> int:
    """
    Publish hints for what is due and was last hinted at more than `patience` ago.

    Returns:
        How many hints were published.
    """
    with reading(engine) as connection:
        submission_ids = _forgotten_submissions(connection, now=now, patience=patience)
        message_ids = _forgotten_messages(connection, now=now, patience=patience)
        if len(message_ids) < LIMIT:
            expected = connection.execute(select(func.count()).where(_MOVING)).scalar_one()
            missing = min(expected - broker.depth(DELIVER), LIMIT) - len(message_ids)
            message_ids |= _long_waiting(connection, now=now, patience=patience, limit=missing)
    if not submission_ids and not message_ids:
        return 0
    with engine.begin() as connection:
        connection.execute(
            update(submissions).where(submissions.c.id.in_(submission_ids)).values(hinted_at=now)
        )
        connection.execute(
            update(messages).where(messages.c.id.in_(message_ids)).values(hinted_at=now)
        )
    broker.publish(EXPAND, [hint(subject, at=now) for subject in submission_ids])
    broker.publish(DELIVER, [hint(code, at=now) for code in message_ids.values()])
    return len(submission_ids) + len(message_ids)


def _forgotten_submissions(
    connection: Connection, *, now: datetime, patience: timedelta
) -> list[str]:
    """Only the first of each agency: the others wait for it, and it hints at the next."""
    query = select(submissions.c.id).where(
        submissions.c.due_at <= now - patience,
        or_(submissions.c.lease_until.is_(None), submissions.c.lease_until <= now),
        submissions.c.hinted_at <= now - patience,
        is_first_of_its_agency(submissions),
    )
    return list(connection.execute(query.limit(LIMIT)).scalars())


def _forgotten_messages(
    connection: Connection, *, now: datetime, patience: timedelta
) -> dict[str, str]:
    """Message id to dossier: what no sweep has hinted at since it last moved."""
    return _overdue(
        connection, messages.c.hinted_at.is_(None), now=now, patience=patience, limit=LIMIT
    )


def _long_waiting(
    connection: Connection, *, now: datetime, patience: timedelta, limit: int
) -> dict[str, str]:
    if limit <= 0:
        return {}
    hinted_long_ago = messages.c.hinted_at <= now - patience
    return _overdue(connection, hinted_long_ago, now=now, patience=patience, limit=limit)


def _overdue(
    connection: Connection,
    hinted: ColumnElement[bool],
    *,
    now: datetime,
    patience: timedelta,
    limit: int,
) -> dict[str, str]:
    # An abandoned attempt has no due time: it is found by its dossier's ended lease.
    query = (
        select(messages.c.id, messages.c.dossier_code)
        .join(dossiers, dossiers.c.code == messages.c.dossier_code)
        .where(
            _MOVING,
            or_(messages.c.due_at.is_(None), messages.c.due_at <= now - patience),
            or_(dossiers.c.lease_until.is_(None), dossiers.c.lease_until <= now),
            hinted,
        )
        .order_by(messages.c.hinted_at)
        .limit(limit)
    )
    return {row.id: row.dossier_code for row in connection.execute(query)}
