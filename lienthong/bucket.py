"""
A token bucket: how many calls a rate limit lets start now. Values, and the time is passed in.

It is one process's own. The limit that a portal grants is divided by the number of processes that
deliver, and set so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

ROUNDING = 1e-6
"""Of a token; sums of fractions may miss a whole one by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Never lets more start in any time t than rate * t + burst."""

    rate: float
    """Tokens that come in each second; above 0."""
    burst: int
    """Tokens it holds at most; 1 or more."""
    spent: float = 0
    """Tokens missing at `at`."""
    at: datetime | None = None
    """None: nothing was ever taken, and it is full."""

    def available(self, now: datetime) -> int:
        """Return how many calls may start now, 0 or more."""
        return max(math.floor(self.burst - self._missing(now) + ROUNDING), 0)

    def take(self, count: int, *, now: datetime) -> Bucket:
        """Return the bucket after `count` calls started; more than are available are a debt."""
        at = now if self.at is None else max(now, self.at)
        return replace(self, spent=self._missing(now) + count, at=at)

    def next_at(self, now: datetime) -> datetime:
        """Return when the next call may start: now, or later."""
        wanting = self._missing(now) - (self.burst - 1)
        if wanting <= ROUNDING:
            return now
        return now + timedelta(microseconds=math.ceil(wanting / self.rate * 1e6))

    def _missing(self, now: datetime) -> float:
        if self.at is None:
            return 0
        # A clock that went back brings no tokens, and takes none.
        seconds = max((now - self.at).total_seconds(), 0)
        return max(self.spent - seconds * self.rate, 0)
