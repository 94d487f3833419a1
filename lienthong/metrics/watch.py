"""Looking at the installation for whoever watches it: seldom enough to cost nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import structlog

from lienthong.evidence.stamps import read_countdown
from lienthong.metrics.certificates import Ends, read_ends
from lienthong.metrics.measures import Measures, read_measures
from lienthong.store.database import reading
from lienthong.store.work import tell_time
from lienthong.trouble import STORE_TROUBLE
from schemas.errors import LienthongError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.evidence.stamps import StampRules
    from lienthong.wiring import Installation

log = structlog.get_logger()

FRESH_SECONDS = 5.0
"""How long an answer is given again."""
SHARE = 0.05
"""Of the time that may go into looking: the more there is to look at, the longer it is kept."""
ENDS_FRESH_SECONDS = 60.0
"""The same for certificates, which change seldom and stand in files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found."""

    is_up: bool
    """Whether the store answered; if not, the rest is what was known before."""
    measures: Measures | None
    """None: it never answered."""
    ends: Ends
    took_seconds: float


class Watch:
    """Looks at most every few seconds, whoever asks how often. Thread-safe."""

    def __init__(
        self,
        installation: Installation,
        *,
        stamps: StampRules | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Prepare to look.

        Args:
            installation: At what.
            stamps: How often time-stamps are asked for; None: not.
            steady: Tells seconds.
        """
        self._installation = installation
        self._stamps = stamps
        self._steady = steady
        self._lock = Lock()
        self._next = 0.0
        self._ends_next = 0.0
        self.known = Look(is_up=False, measures=None, ends=Ends(), took_seconds=0)
        """What was found last; never waits."""

    def look(self) -> Look:
        """Return what is found now, or was found a moment ago; waits as long as the store does."""
        with self._lock:
            begun = self._steady()
            if begun >= self._next:
                ends = self._look_at_ends(begun)
                measures = self._read()
                took = self._steady() - begun
                self.known = Look(
                    is_up=measures is not None,
                    measures=measures or self.known.measures,
                    ends=ends,
                    took_seconds=took,
                )
                self._next = begun + took + max(FRESH_SECONDS, took / SHARE)
            return self.known

    def _look_at_ends(self, now: float) -> Ends:
        if now < self._ends_next:
            return self.known.ends
        self._ends_next = now + ENDS_FRESH_SECONDS
        return read_ends(self._installation)

    def _read(self) -> Measures | None:
        try:
            store = self._installation.store
            with reading(store) as connection:
                now = tell_time(store, connection, at=self._installation.clock)
                rules = self._stamps
                lack = None if rules is None else read_countdown(connection, rules=rules, now=now)
                return read_measures(connection, now=now, stamps=lack)
        except (*STORE_TROUBLE, LienthongError) as error:
            log.warning("metrics.store", cause=type(error).__name__)
            return None
