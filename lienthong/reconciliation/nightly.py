"""
Comparing each day by itself: once, by whichever machine comes first, however often it is stopped.

What was missed because nobody ran is done as soon as somebody does. A day that has not ended when
the next one begins is left where it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from lienthong.reconciliation.asking import Stopped
from lienthong.store.database import reading
from lienthong.store.reconciliations import LeaseLost, Wanted, find_occasion
from lienthong.store.standings import Scope
from schemas.errors import InputError, PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import time
    from zoneinfo import ZoneInfo

    from lienthong.reconciliation.reconciler import Reconciler
    from lienthong.settings import ReconcileSettings
    from lienthong.store.database import Store
    from lienthong.store.reconciliations import Run

log = structlog.get_logger()


def day_of(now: datetime, *, at: time, zone: ZoneInfo) -> str:
    """Return the day whose comparison is due or under way at `now`, as yyyy-MM-dd."""
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), at, tzinfo=zone)
    return f"{local.date() if local >= today else local.date() - timedelta(days=1)}"


class Nightly:
    """Does the comparison of each day."""

    def __init__(
        self,
        *,
        settings: ReconcileSettings,
        zone: ZoneInfo,
        store: Store,
        clock: Callable[[], datetime],
        reconcilers: Callable[[], AbstractContextManager[Reconciler]],
        must_stop: Callable[[], bool],
    ) -> None:
        """
        Put it together.

        Args:
            settings: When, and what.
            zone: Of the time of day.
            store: The message store.
            clock: Tells the time, aware.
            reconcilers: Opens what compares, with connections of its own.
            must_stop: Tells whether it was asked to stop.
        """
        self._settings = settings
        self._zone = zone
        self._store = store
        self._clock = clock
        self._reconcilers = reconcilers
        self._must_stop = must_stop
        self._done: set[str] = set()
        """Occasions of the present day that need nothing more."""

    def step(self) -> None:
        """Do what is due; return when it has ended, or cannot go on for now."""
        if self._settings.at is None:
            return
        day = day_of(self._clock(), at=self._settings.at, zone=self._zone)
        self._done = {one for one in self._done if one.startswith(day)}
        for occasion, agency in _occasions(day, self._settings.agencies):
            if occasion not in self._done and not self._must_stop():
                self._work_off(occasion, agency)

    def _work_off(self, occasion: str, agency: str | None) -> None:
        with reading(self._store) as connection:
            known = find_occasion(connection, occasion)
        if known is not None and known.is_done:
            self._done.add(occasion)
            return
        with self._reconcilers() as reconciler:
            try:
                run = self._taken_up(reconciler, known, occasion, agency)
                if run is not None:
                    reconciler.work_off(run)
            except PeerError as error:
                log.warning("reconcile.waits", occasion=occasion, code=error.code)
            except (Stopped, LeaseLost):
                # Somebody goes on with it: this process after its next start, or another one now.
                return

    def _taken_up(
        self, reconciler: Reconciler, known: Run | None, occasion: str, agency: str | None
    ) -> Run | None:
        """Return the comparison to work on, or None where another process does."""
        days = self._settings.days
        if known is None:
            since = None if days is None else self._clock() - timedelta(days=days)
            return reconciler.begin(
                Wanted(scope=Scope(agency=agency, since=since), occasion=occasion)
            )
        try:
            return reconciler.resume(known)
        except InputError:
            return None


def _occasions(day: str, agencies: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    if not agencies:
        yield day, None
    for agency in agencies:
        yield f"{day} {agency}", agency
