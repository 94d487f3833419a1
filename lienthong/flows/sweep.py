"""
The sweeper: removes what nobody will ever ask for again.

It publishes no hints: expansion and delivery look into the store themselves, every second, for what
is due and named by no hint (docs/decisions/0004).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.failpoints import Point, reached
from lienthong.store.pieces import remove_orphans
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.store.database import Store

ORPHAN_AGE = timedelta(hours=1)
"""How long bytes may lie without a row and without more of them coming: their sender is gone."""


def sweep(store: Store, *, clock: Callable[[], datetime]) -> int:
    """Remove the bytes of submissions that were never taken over; return how many pieces."""
    with begin(store, at=clock) as work:
        removed = remove_orphans(work.connection, before=work.at - ORPHAN_AGE)
        reached(Point.SWEEP_REMOVED)
    return removed
