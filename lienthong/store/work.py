"""One unit of work: a transaction of the store that cannot be committed without its audit rows."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from lienthong.store import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Engine

PRODUCT = "lienthong"
"""The actor of everything that no person asked for."""


class Work:
    """What one transaction needs: the connection, its moment, its actor, and what it must log."""

    def __init__(self, connection: Connection, *, at: datetime, actor: str) -> None:
        self.connection = connection
        self.at = at
        self.actor = actor
        self.entries: list[audit.Entry] = []

    def note(self, action: str, subject: str, **detail: str | int | bool | None) -> None:
        """Have one step written down when the transaction ends; `detail` is not personal data."""
        self.entries.append(audit.Entry(action=action, subject=subject, detail=detail))


@contextmanager
def begin(
    engine: Engine, *, at: datetime | Callable[[], datetime], actor: str = PRODUCT
) -> Iterator[Work]:
    """
    Open a writing transaction; on leaving, its audit rows are written and all is committed.

    Args:
        engine: The store.
        at: Its moment; a clock is asked once the write lock is had, which may take long, so that
            a lease counts from when it was given and not from when it was asked for.
        actor: Who asked for it.
    """
    with engine.begin() as connection:
        work = Work(connection, at=at() if callable(at) else at, actor=actor)
        yield work
        audit.append(connection, work.entries, actor=actor, at=work.at)
