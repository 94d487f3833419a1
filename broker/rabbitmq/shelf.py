"""
What has come from the agencies and waits to be handed over: in which order, and what comes alone.

A message that kills its worker comes back with everything that was out with it, and the server
counts a return for each. To tell the guilty one, what came back is handed over alone, in its
agency's order, one agency after the other, in an order of agencies that is drawn anew for every
connection: all others get through between two deaths. Whatever is at the head of its agency's
messages after so many returns killed them.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from broker.port import Incoming


class Shelf:
    """Messages that wait; not thread-safe. `random` draws the order of the agencies."""

    def __init__(self, *, random: Random) -> None:
        self._random = random
        self._waiting: dict[str, deque[Incoming]] = {}
        self._deaths: dict[str, int] = {}
        self._turn: deque[str] = deque()
        self._drawn: list[str] = []
        self._after_suspect: set[str] = set()
        self._last_was_alone = False

    def reset(self, agencies: Iterable[str]) -> None:
        """Forget everything, it is the server's again, and draw a new order."""
        self._drawn = list(agencies)
        self._random.shuffle(self._drawn)
        self._turn = deque(self._drawn)
        self._waiting = {agency: deque() for agency in self._drawn}
        self._deaths.clear()
        self._after_suspect.clear()

    def put(self, message: Incoming, *, deaths: int) -> None:
        """Add a message, those of one agency in their order, and how often its worker died."""
        self._waiting[message.agency].append(message)
        if deaths > 0:
            self._deaths[message.tag] = deaths

    def guilty(self, *, limit: int) -> Incoming | None:
        """
        Return a message whose worker died more than `limit` times and that is its agency's first.

        Those right behind it were out with it each time and came back as often, so they get their
        chance: it is asked again only after one that never came back. None when there is none.
        """
        for agency, queue in self._waiting.items():
            if not queue or agency in self._after_suspect:
                continue
            if self._deaths.get(queue[0].tag, 0) > limit:
                return queue[0]
        return None

    def remove(self, message: Incoming) -> None:
        """Remove the first message of an agency."""
        self._pop(message.agency)
        self._after_suspect.add(message.agency)

    def take(self, *, limit: int) -> list[Incoming]:
        """Return what is next, by turns: one that came back, or up to `limit` others."""
        alone = next((a for a in self._drawn if self._is_suspect(a)), None)
        found = [] if alone and not self._last_was_alone else self._fresh(limit=limit)
        self._last_was_alone = not found and alone is not None
        if not found and alone is not None:
            self._after_suspect.add(alone)
            return [self._pop(alone)]
        return found

    def _pop(self, agency: str) -> Incoming:
        message = self._waiting[agency].popleft()
        self._deaths.pop(message.tag, None)
        return message

    def _is_suspect(self, agency: str) -> bool:
        queue = self._waiting[agency]
        return bool(queue) and queue[0].redelivered

    def _fresh(self, *, limit: int) -> list[Incoming]:
        found: list[Incoming] = []
        self._turn.rotate(-1)
        for agency in self._turn:
            queue = self._waiting[agency]
            while queue and len(found) < limit and not queue[0].redelivered:
                found.append(queue.popleft())
                self._after_suspect.discard(agency)
        return found
