"""
One lane for each agency that gets files: its way, and its pace.

The lanes of a process stand where a portal has its one pacer. Those that are left alone after
trouble rest: nothing of theirs is claimed, so that an agency that is away for a week costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lienthong.channels.port import Answer, LookUp, SendRequest
    from lienthong.pacing import Pacer, PaceState

SOON = timedelta(seconds=1)
"""After which what could not start is tried again where no time says when it can."""


class Receiver(Protocol):
    """One agency's way. Thread-safe; a repeat of the same message does no harm."""

    def hand_over(self, request: SendRequest) -> Answer:
        """Make exactly one attempt; trouble is an outcome, not an exception."""

    def close(self) -> None:
        """Release what is held open."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """One receiver, with its pace. Thread-safe."""

    receiver: Receiver
    pacer: Pacer
    slots: int
    """Calls at once, as many as the process has."""
    _out: int = 0
    _lock: Lock = field(default_factory=Lock)

    def may_start(self, now: datetime) -> bool:
        """Tell whether a call may start now."""
        with self._lock:
            return self._has_room(now)

    def enter(self, now: datetime) -> bool:
        """Begin a call; False where none may start now."""
        with self._lock:
            if not self._has_room(now):
                return False
            self.pacer.let_out(now)
            self._out += 1
            return True

    def leave(self, answer: Answer, *, started_at: datetime, now: datetime) -> None:
        """End a call, and learn from what it brought."""
        with self._lock:
            self._out -= 1
            self.pacer.learn(answer, now=now, started_at=started_at)

    def pause(self, now: datetime) -> timedelta:
        """Return how long no call may start, as far as is known."""
        with self._lock:
            until = self.pacer.pause_until(now)
        return SOON if until is None else max(until - now, SOON)

    def state(self, now: datetime) -> PaceState:
        """Return what decides now."""
        with self._lock:
            return self.pacer.state(now)

    def _has_room(self, now: datetime) -> bool:
        return self.pacer.allowance(now, free=self.slots - self._out) > 0


class Lanes:
    """The lanes of a process; to a deliverer what a pacer is."""

    def __init__(self, by_agency: Mapping[str, Lane]) -> None:
        self.by_agency = by_agency

    def open_to(self, now: datetime) -> frozenset[str]:
        """Return to which agencies something may go now: not those without a way."""
        return frozenset(agency for agency, lane in self.by_agency.items() if lane.may_start(now))

    def allowance(self, now: datetime, *, free: int) -> int:  # noqa: ARG002 - as a pacer's
        """Return `free`: each lane decides for itself."""
        return free

    def let_out(self, now: datetime, *, count: int = 1) -> None:
        """Nothing: each lane counts for itself."""

    def learn(
        self, result: Answer | LookUp, *, now: datetime, started_at: datetime | None = None
    ) -> None:
        """Nothing: each lane learns for itself."""

    def suspects(self, answer: Answer, *, now: datetime) -> bool:  # noqa: ARG002 - as a pacer's
        """Return False: an answer of one agency says nothing of the others."""
        return False

    def pause_until(self, now: datetime) -> datetime | None:  # noqa: ARG002 - as a pacer's
        """Return None: they do not rest all together."""
        return None

    def state(self, now: datetime) -> PaceState | None:  # noqa: ARG002 - as a pacer's
        """Return None: they have no common state."""
        return None
