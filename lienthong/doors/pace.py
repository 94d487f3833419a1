"""How fast a sender must be: silence is short, and over a while enough has to come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

T = TypeVar("T")


class Pace:
    """
    The pace of one upload. Only the time spent waiting for the sender counts: while the store is
    slow, nobody reads, and that is not the sender's doing.
    """

    def __init__(
        self,
        *,
        patience: timedelta,
        least_per_second: int,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience.total_seconds()
        self._least = least_per_second
        self._steady = steady
        self._waited = 0.0

    @property
    def patience(self) -> float:
        """Seconds that one wait may take."""
        return self._patience

    async def waiting(self, arrival: Awaitable[T]) -> T:
        """Wait for what arrives, and count how long."""
        since = self._steady()
        try:
            return await arrival
        finally:
            self._waited += self._steady() - since

    def is_kept(self, size: int) -> bool:
        """Tell whether `size` bytes in all are enough for the time waited so far."""
        beyond = self._waited - self._patience
        return beyond <= 0 or size >= self._least * beyond
