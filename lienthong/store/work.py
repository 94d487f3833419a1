"""One unit of work: a transaction of the store that cannot be committed without its audit rows."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from lienthong.ids import make_ids
from lienthong.store import audit
from lienthong.store.bulk import insert_rows
from lienthong.store.database import reading
from lienthong.store.failures import Failures
from lienthong.store.tables import results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.failures import Cause
    from lienthong.store.database import Store
    from lienthong.store.vault import Vault

PRODUCT = "lienthong"
"""The actor of everything that no person asked for."""


ASKED_EVERY_SECONDS = 10.0
"""How often whoever tells the store's time asks it."""
_NOW = select(func.clock_timestamp())


class Work:
    """What one transaction needs: the connection, its moment, its actor, and what it must log."""

    def __init__(
        self, connection: Connection, *, vault: Vault, time: Callable[[], datetime], actor: str
    ) -> None:
        self.connection = connection
        self.vault = vault
        self.at = time()
        self.actor = actor
        self._time = time
        self._entries: list[audit.Entry] = []
        self._results: list[dict[str, Any]] = []
        self._failures = Failures()

    def note(self, action: str, subject: str, **detail: str | int | bool | None) -> None:
        """Have one step written down when the transaction ends; `detail` is not personal data."""
        self._entries.append(audit.Entry(action=action, subject=subject, detail=detail))

    def tell(
        self,
        agency: str,
        kind: str,
        *,
        submission_id: str | None = None,
        message_id: str | None = None,
        key: str | None = None,
        **detail: str | int | bool | None,
    ) -> None:
        """Have the agency told when the transaction has ended; `detail` is not personal data."""
        self._results.append(
            {
                "agency": agency,
                "kind": kind,
                "submission_id": submission_id,
                "message_id": message_id,
                "key": key,
                "detail": json.dumps(detail, ensure_ascii=False),
            }
        )

    def fail(self, message_id: str, causes: Sequence[Cause], *, at: datetime | None = None) -> None:
        """Have a message stand in these causes when the transaction ends; `at`: since then."""
        self._failures.fail(message_id, causes, at=at)

    def settle(self, message_id: str) -> None:
        """Have a message stand in no cause any more when the transaction ends."""
        self._failures.settle(message_id)

    def write(self) -> None:
        """Write down what was noted and told; `begin` calls it."""
        audit.append(self.connection, self._entries, actor=self.actor, at=self.at, vault=self.vault)
        if self._results:
            # Now that this transaction has all its locks: whoever held one of them before has
            # told before, though it may have begun later.
            told_at = self._time()
            ids = make_ids(told_at, count=len(self._results))
            rows = [
                {"id": id_, "created_at": told_at, **result}
                for id_, result in zip(ids, self._results, strict=True)
            ]
            insert_rows(self.connection, results, rows)
        self._failures.write(self.connection, now=self.at)


@contextmanager
def begin(
    store: Store, *, at: datetime | Callable[[], datetime], actor: str = PRODUCT
) -> Iterator[Work]:
    """
    Open a writing transaction; on leaving, its audit rows are written and all is committed.

    Args:
        store: The store.
        at: Its moment, where the database does not tell the time itself; a clock is asked once
            SQLite's write lock is had, which may take long, so that a lease counts from when it
            was given and not from when it was asked for.
        actor: Who asked for it.
    """
    with store.engine.begin() as connection:
        moment = partial(tell_time, store, connection, at=at)
        work = Work(connection, vault=store.vault, time=moment, actor=actor)
        yield work
        work.write()


@contextmanager
def trying(store: Store, *, at: datetime | Callable[[], datetime]) -> Iterator[Work]:
    """
    Open a transaction of which nothing stays: to see what an act would do, by doing it.

    It holds what the act itself would hold, so it is to be left as soon. What was noted and told
    is written nowhere; so no number of the audit log is spent either.
    """
    with store.engine.connect() as connection:
        transaction = connection.begin()
        try:
            moment = partial(tell_time, store, connection, at=at)
            yield Work(connection, vault=store.vault, time=moment, actor=PRODUCT)
        finally:
            transaction.rollback()


def tell_time(
    store: Store, connection: Connection, *, at: datetime | Callable[[], datetime]
) -> datetime:
    """Return what time it is now: by the database, where it tells the time, else by `at`."""
    if store.has_clock:
        moment: datetime = connection.execute(_NOW).scalar_one()
        return moment
    return at() if callable(at) else at


class StoreTime:
    """
    Tells the time as the store does, where that has a clock of its own; thread-safe.

    For whatever other processes rely on, and for what cannot be taken back: the clock of one
    machine may be wrong. The store is asked now and then; between, seconds count that no clock
    moves.

    Raises:
        DBAPIError: the store fails when it is asked; trying again helps.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        clock: Callable[[], datetime],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._clock = clock
        self._steady = steady
        self._asked_at = 0.0
        self._zero: datetime | None = None
        """The moment of the store at which `steady` was 0, as of `_asked_at`."""

    def __call__(self) -> datetime:
        """Return the present moment."""
        store = self._store()
        if not store.has_clock:
            return self._clock()
        now, zero = self._steady(), self._zero
        if zero is None or now - self._asked_at >= ASKED_EVERY_SECONDS:
            with reading(store) as connection:
                moment = tell_time(store, connection, at=self._clock)
            self._asked_at = now = self._steady()
            self._zero = zero = moment - timedelta(seconds=now)
        return zero + timedelta(seconds=now)
