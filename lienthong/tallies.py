"""
What this process saw since it began: how long stages took, what attempts brought, which loops turn.

Only in memory, and per process: whoever adds up what several say must ask each of them, and after
a restart everything counts from nothing. What must be right is counted in the store. Thread-safe;
noting takes a few microseconds at most, so it is done whether anybody asks or not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import timedelta

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400)
"""Seconds: from one call to what a long outage of the portal makes of a day."""


class Stage(Enum):
    """A part of a dossier's way; the values are shown."""

    EXPAND = "expand"
    """From receiving a submission to the end of its expansion."""
    FIRST_ATTEMPT = "first_attempt"
    """From making a message to its first attempt, waiting for its turn included."""
    CALL = "call"
    """One call, until what it brought is written down."""
    DELIVER = "deliver"
    """From making a message to its delivery, everything between included."""


class Attempt(NamedTuple):
    """What one attempt or look-up brought; the values are shown."""

    direction: str
    """up: to the portal; down: to the agencies."""
    kind: str
    """send or lookup."""
    outcome: str


@dataclass(slots=True)
class Timing:
    """How long something took each time: a histogram."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    """Of each bound, what took no longer and longer than the bound before; at last, the others."""
    total: float = 0.0
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that was noted, at one moment."""

    timings: dict[tuple[str, Stage], Timing]
    """By direction and stage."""
    attempts: Counter[Attempt]
    retries: Counter[str]
    """By direction: sends of messages that had been sent before."""
    turned_at: dict[str, float]
    """By role: when its loop last turned; seconds since 1970."""
    troubles: frozenset[str]
    """What the sealing role cannot do now: sign, read the log, or tell a witness."""


class Tallies:
    """What one process notes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._timings: dict[tuple[str, Stage], Timing] = {}
        self._attempts: Counter[Attempt] = Counter()
        self._retries: Counter[str] = Counter()
        self._turned_at: dict[str, float] = {}
        self._troubles: frozenset[str] = frozenset()

    def took(self, stage: Stage, direction: str, time: timedelta) -> None:
        """Note how long something took; a clock that went back makes it nothing."""
        seconds = max(time.total_seconds(), 0.0)
        place = bisect_left(BOUNDS, seconds)
        with self._lock:
            timing = self._timings.get((direction, stage))
            if timing is None:
                timing = self._timings[direction, stage] = Timing()
            timing.counts[place] += 1
            timing.total += seconds

    def attempted(self, attempt: Attempt, *, is_retry: bool) -> None:
        """Note what an attempt brought."""
        with self._lock:
            self._attempts[attempt] += 1
            if is_retry:
                self._retries[attempt.direction] += 1

    def turned(self, role: str, *, at: float) -> None:
        """Note that a role's loop begins another round."""
        self._turned_at[role] = at

    def seals_trouble(self, troubles: frozenset[str]) -> None:
        """Note what the sealing role cannot do now."""
        self._troubles = troubles

    def seen(self) -> Seen:
        """Return what was noted up to now."""
        with self._lock:
            return Seen(
                timings={
                    key: Timing(counts=list(timing.counts), total=timing.total)
                    for key, timing in self._timings.items()
                },
                attempts=self._attempts.copy(),
                retries=self._retries.copy(),
                turned_at=self._turned_at.copy(),
                troubles=self._troubles,
            )


TALLIES = Tallies()
"""Of this process."""
