"""
Which share of the free calls is for what has been due for a while, lane by lane.

To a portal there is one lane, of no name; each agency that gets files has one of its own. Hints
bring what has just come. Where a lane has more due than it could take, hints and backlog have half
of its calls each; what of a lane waits costs no other lane anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

PAUSE_SECONDS = 1.0
"""Between two looks into all lanes."""


@dataclass(slots=True)
class Backlog:
    """What one coordinator knows of the lanes' backlogs; times are steady seconds."""

    _behind: set[str | None] = field(default_factory=set)
    """Lanes in which there may be more than they could take."""
    _looks_again_at: float | None = None

    def for_hints(self, rooms: Mapping[str | None, int]) -> Counter[str | None]:
        """Return how many calls of each lane hints may have."""
        return Counter(
            {
                lane: room - room // 2 if lane in self._behind else room
                for lane, room in rooms.items()
            }
        )

    def waits(self, rooms: Mapping[str | None, int]) -> bool:
        """Tell whether a lane that is behind may go on now."""
        return any(room > 0 and lane in self._behind for lane, room in rooms.items())

    def turn_away(self, lane: str | None) -> None:
        """Note that there is more for a lane than it can take now."""
        self._behind.add(lane)

    def shares(
        self, rooms: Mapping[str | None, int], *, taken: Iterable[str | None], now: float
    ) -> dict[str | None, int]:
        """
        Return how many dossiers are to be taken from what is due, in which lanes.

        Args:
            rooms: Calls that may start now.
            taken: Lanes of those that hints have of these.
            now: The present moment, in steady seconds: a clock may be set back.
        """
        used = Counter(taken)
        is_time = self._is_time(now)
        return {
            lane: room - used[lane]
            for lane, room in rooms.items()
            if room > used[lane] and (is_time or lane in self._behind)
        }

    def note(
        self,
        asked: Mapping[str | None, int],
        *,
        full: Collection[str | None],
        now: float,
    ) -> None:
        """
        Learn from one look into the store.

        Args:
            asked: As `shares` said.
            full: Of these lanes those that have as many as was asked for.
            now: As `shares` was told.
        """
        self._behind = (self._behind - asked.keys()) | set(full)
        if asked and self._is_time(now):
            self._looks_again_at = now + PAUSE_SECONDS

    def _is_time(self, now: float) -> bool:
        return self._looks_again_at is None or self._looks_again_at <= now
