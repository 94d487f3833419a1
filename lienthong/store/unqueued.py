"""
Results of agencies that have no results queue: they read them over HTTP or in their folder.

The publisher looks ten times a second for what is not published. What it will never publish must
not lie in its way, so it is set aside; should its agency get a queue, it is taken up again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from lienthong.store.database import reading
from lienthong.store.tables import NO_QUEUE, in_slices, results
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from lienthong.store.database import Store

BATCH = 10_000
"""Results per transaction."""


def set_aside(
    store: Store, *, queued: Collection[str], clock: Callable[[], datetime], limit: int = BATCH
) -> int:
    """Set results aside that no agency of `queued` is told; return how many there were."""
    unqueued = results.c.published_at.is_(None) & results.c.agency.not_in(sorted(queued))
    return _set(store, unqueued, NO_QUEUE, clock=clock, limit=limit)


def take_up(
    store: Store, *, queued: Collection[str], clock: Callable[[], datetime], limit: int = BATCH
) -> int:
    """Have results published that were set aside before their agency came to be in `queued`."""
    aside = (results.c.published_at == NO_QUEUE) & results.c.agency.in_(sorted(queued))
    return _set(store, aside, None, clock=clock, limit=limit)


def _set(
    store: Store,
    condition: ColumnElement[bool],
    published_at: datetime | None,
    *,
    clock: Callable[[], datetime],
    limit: int,
) -> int:
    query = select(results.c.id).where(condition).order_by(results.c.created_at, results.c.id)
    done = 0
    while True:
        # Mostly there is nothing, and then nobody is kept from writing.
        with reading(store) as connection:
            found = list(connection.execute(query.limit(limit)).scalars())
        if not found:
            return done
        with begin(store, at=clock) as work:
            for part in in_slices(found):
                these = results.c.id.in_(part)
                # As all who lock several do, in this order.
                work.connection.execute(query.where(these).with_for_update())
                work.connection.execute(
                    update(results).where(these, condition).values(published_at=published_at)
                )
        done += len(found)
