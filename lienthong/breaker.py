"""
The breaker of one target: while the target as a whole is in trouble, messages stay where they are.

Closed: everything may go. After `threshold` troubles in a row it opens for a growing pause; then
one probe may go, and another a pause later should the first never report. A probe's success
closes the breaker, its failure opens it again. Nothing waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.channels.port import Outcome

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from lienthong.retry import Backoff

TROUBLE = frozenset({Outcome.NOT_SENT, Outcome.TARGET, Outcome.UNKNOWN, Outcome.UNRECOGNISED})
"""Outcomes that, several in a row, speak of the target and not of a message."""


@dataclass(slots=True, kw_only=True)
class Breaker:
    """One per target and process: each process learns the same within seconds."""

    threshold: int
    backoff: Backoff
    random: Random
    troubles: int = 0
    """Troubles in a row."""
    open_until: datetime | None = None

    def allowance(self, now: datetime, *, free: int) -> int:
        """Return how many of `free` calls may start now: all, one probe, or none."""
        if self.open_until is None:
            return free
        return min(free, 1) if self.open_until <= now else 0

    def let_out(self, now: datetime) -> None:
        """Note that a call starts; while the breaker is not closed, it is the only probe."""
        if self.open_until is not None:
            self.open_until = now + self.backoff.longest

    def record(self, outcome: Outcome, *, now: datetime) -> None:
        """Learn from one finished call."""
        if outcome not in TROUBLE:
            self.troubles = 0
            self.open_until = None
            return
        self.troubles += 1
        if self.troubles >= self.threshold:
            over = self.troubles - self.threshold + 1
            self.open_until = now + self.backoff.delay(over, random=self.random)
