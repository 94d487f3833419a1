"""How long to wait before a delivery is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """
    Exponential waiting times with jitter; transient trouble is retried for as long as it lasts.

    Half of each waiting time is fixed and half random, so that the messages of an outage do not
    come back in one wave and none comes back at once.
    """

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=5)

    def delay(self, failures: int, *, random: Random) -> timedelta:
        """Return the wait after `failures` failed attempts in a row (1 or more)."""
        # Capping the exponent keeps a message that failed for days from overflowing timedelta.
        doublings = min(failures - 1, 20)
        whole = min(self.first * float(2**doublings), self.longest)
        return whole / 2 + whole / 2 * random.random()
