"""
One lane for each agency that gets files: its way, its pace, and calls of its own.

The lanes of a process stand where a portal has its one pacer. No more is claimed for a lane than it
can take now: an agency that is slow fills its own lane and no other. Those that are left alone
after trouble rest: nothing of theirs is claimed, so that an agency that is away for a week costs
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping
    from datetime import datetime

    from lienthong.channels.port import Answer, SendRequest
    from lienthong.pacing import Pacer, PaceState


class Receiver(Protocol):
    """One agency's way. Thread-safe; a repeat of the same message does no harm."""

    def hand_over(self, request: SendRequest) -> Answer:
        """Make exactly one attempt; trouble is an outcome, not an exception."""

    def close(self) -> None:
        """Release what is held open."""


@dataclass(slots=True, kw_only=True)
class Lane:
    """One receiver, with its pace."""

    receiver: Receiver
    pacer: Pacer
    slots: int
    """Calls at once; nobody else has any of them."""


class Lanes:
    """The lanes of a process; to a deliverer what a pacer is. Not thread-safe."""

    def __init__(self, by_agency: Mapping[str, Lane]) -> None:
        self.by_agency = by_agency

    @property
    def slots(self) -> int:
        """Calls at once, in all lanes together."""
        return max(sum(lane.slots for lane in self.by_agency.values()), 1)

    def rooms(
        self,
        now: datetime,
        *,
        slots: int,  # noqa: ARG002 - as a pacer's: each lane has its own
        out: Counter[str],
    ) -> dict[str | None, int]:
        """Return how many calls may start in each lane now; see `Pacer.rooms`."""
        return {
            agency: lane.pacer.allowance(now, free=max(lane.slots - out[agency], 0))
            for agency, lane in self.by_agency.items()
        }

    def of(self, agency: str, *, is_look_up: bool) -> Pacer | None:
        """Return what paces such a call; None for a look-up: nobody is asked."""
        return None if is_look_up else self.by_agency[agency].pacer

    def pause_until(self, now: datetime) -> datetime | None:
        """Return when the first lane goes on, where all rest and it is known; else None."""
        ends = [lane.pacer.pause_until(now) for lane in self.by_agency.values()]
        known = [end for end in ends if end is not None]
        return min(known, default=None) if len(known) == len(ends) else None

    def state(self, now: datetime) -> PaceState | None:  # noqa: ARG002 - as a pacer's
        """Return None: they have no common state."""
        return None
