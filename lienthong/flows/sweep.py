"""
The sweeper: removes what nobody will ever ask for again.

It publishes no hints: expansion and delivery look into the store themselves, every second, for what
is due and named by no hint (docs/decisions/0004).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.failpoints import Point, reached
from lienthong.store.pauses import sweep_pauses
from lienthong.store.pieces import remove_orphans
from lienthong.store.shares import drop_shares
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from lienthong.store.database import Store

ORPHAN_AGE = timedelta(hours=1)
"""How long bytes may lie without a row and without more of them coming: their sender is gone."""
TOGETHER = 1_000
"""Messages of one transaction."""


def sweep(store: Store, *, clock: Callable[[], datetime]) -> int:
    """
    Remove the bytes of submissions that were never taken over; return how many pieces.

    Pauses whose time is over go with them, so that the audit log says so.
    """
    with begin(store, at=clock) as work:
        sweep_pauses(work)
        removed = remove_orphans(work.connection, before=work.at - ORPHAN_AGE)
        reached(Point.SWEEP_REMOVED)
    return removed


def sweep_shares(store: Store, *, clock: Callable[[], datetime], shared: Collection[str]) -> int:
    """
    Have nothing due to be shared of agencies without a sharing profile; return of how many.

    Args:
        store: The store.
        clock: Tells the time.
        shared: Agencies that have one.
    """
    total = 0
    while True:
        with begin(store, at=clock) as work:
            dropped = drop_shares(work, shared=shared, limit=TOGETHER)
        total += dropped
        if dropped < TOGETHER:
            return total
