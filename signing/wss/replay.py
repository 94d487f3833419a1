"""What was taken is remembered for as long as it would still be fresh, so that it is taken once."""

from __future__ import annotations

import heapq
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime


class Recall(Enum):
    """What a memory says of a message."""

    NEW = "new"
    """Never seen; from now on it is remembered."""
    SEEN = "seen"
    FULL = "full"
    """No more can be remembered: who cannot remember must not take."""


class ReplayMemory:
    """
    Remembers messages within their time. Thread-safe; of one process.

    Only what has been proven may be remembered: who cannot sign cannot fill it.
    """

    def __init__(self, *, capacity: int = 100_000) -> None:
        """Prepare for at most `capacity` keys at once, some 200 bytes each."""
        self._capacity = capacity
        self._known: set[bytes] = set()
        self._ends: list[tuple[datetime, bytes]] = []
        self._lock = Lock()

    def remember(self, keys: Collection[bytes], *, until: datetime, now: datetime) -> Recall:
        """
        Remember all `keys` until `until`, or none of them.

        Args:
            keys: Digests of what must be there once.
            until: When the message is too old in any case; inclusive.
            now: What was to be remembered until before this is forgotten.
        """
        with self._lock:
            while self._ends and self._ends[0][0] < now:
                self._known.discard(heapq.heappop(self._ends)[1])
            if any(key in self._known for key in keys):
                return Recall.SEEN
            if len(self._known) + len(keys) > self._capacity:
                return Recall.FULL
            for key in keys:
                self._known.add(key)
                heapq.heappush(self._ends, (until, key))
            return Recall.NEW
