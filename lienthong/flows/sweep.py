"""
The sweeper: publishes the hints that nobody holds, so that a lost hint is a delay and not a loss.

It looks for submissions and dossiers that are due, held by nobody, and not hinted at lately: a
crash between commit and publish, a broker that lost its disk, a worker that vanished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from lienthong.flows.hints import DELIVER, EXPAND, hint
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.tables import dossiers, messages, submissions

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Engine

    from broker.port import Broker

LIMIT = 1000
"""Hints per sweep and kind."""
_WAITING = [State.READY.value, State.RETRYING.value, State.UNKNOWN.value]


def sweep(engine: Engine, broker: Broker, *, now: datetime, patience: timedelta) -> int:
    """
    Publish hints for everything due that was last hinted at more than `patience` ago.

    Returns:
        How many hints were published.
    """
    with reading(engine) as connection:
        forgotten = connection.execute(
            select(submissions.c.id)
            .where(
                submissions.c.due_at <= now - patience,
                or_(submissions.c.lease_until.is_(None), submissions.c.lease_until <= now),
                submissions.c.hinted_at <= now - patience,
            )
            .limit(LIMIT)
        ).scalars()
        submission_ids = list(forgotten)
        # An abandoned attempt has no due time: it is found by its dossier's ended lease.
        overdue = connection.execute(
            select(messages.c.dossier_code)
            .join(dossiers, dossiers.c.code == messages.c.dossier_code)
            .where(
                or_(
                    messages.c.state.in_(_WAITING) & (messages.c.due_at <= now - patience),
                    (messages.c.state == State.SENDING.value),
                ),
                or_(dossiers.c.lease_until.is_(None), dossiers.c.lease_until <= now),
                or_(messages.c.hinted_at.is_(None), messages.c.hinted_at <= now - patience),
            )
            .limit(LIMIT)
        ).scalars()
        codes = sorted(set(overdue))
    if not submission_ids and not codes:
        return 0
    with engine.begin() as connection:
        connection.execute(
            update(submissions).where(submissions.c.id.in_(submission_ids)).values(hinted_at=now)
        )
        connection.execute(
            update(messages).where(messages.c.dossier_code.in_(codes)).values(hinted_at=now)
        )
    broker.publish(EXPAND, [hint(subject, at=now) for subject in submission_ids])
    broker.publish(DELIVER, [hint(code, at=now) for code in codes])
    return len(submission_ids) + len(codes)
