"""Erasing details of the audit log where a law demands it; the erasure is a row of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from lienthong.store import audit
from lienthong.store.audit_search import Wanted, condition_of
from lienthong.store.database import reading
from lienthong.store.spans import spans_of
from lienthong.store.tables import audit as rows
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lienthong.store.database import Store

BATCH = 500
"""Rows per transaction: workers write to the log meanwhile."""


def count_erasable(store: Store, wanted: Wanted) -> int:
    """Return how many rows of those wanted still have a detail."""
    query = select(func.count()).select_from(rows).where(condition_of(wanted), audit.CAN_BE_ERASED)
    with reading(store) as connection:
        return int(connection.execute(query).scalar_one())


def erase_details(
    store: Store, wanted: Wanted, *, actor: str, reason: str, clock: Callable[[], datetime]
) -> int:
    """
    Erase the details of every row wanted that was written before now; return how many there were.

    It may be stopped at any moment and begun again. Each batch is told in the log as it is done.
    """
    last = _last_row(store)
    done = 0
    while True:
        with begin(store, at=clock, actor=actor) as work:
            found = audit.erase(
                work.connection, condition_of(wanted) & (rows.c.id <= last), limit=BATCH
            )
            if found:
                work.note(
                    audit.ERASED,
                    audit.ERASED_SUBJECT,
                    rows=len(found),
                    # So that each row can be told why its detail is not there any more.
                    numbers=spans_of(found),
                    reason=reason,
                )
        done += len(found)
        if len(found) < BATCH:
            return done


def _last_row(store: Store) -> int:
    with reading(store) as connection:
        return int(connection.execute(select(func.max(rows.c.id))).scalar() or 0)
