"""
How a consumer waits for a message where nothing can wake it: short naps that grow.

The naps decide how late a message may be noticed (at most the longest nap) and how often an idle
consumer looks. What it looks at is not decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

FIRST_NAP_SECONDS = 0.02
LONGEST_NAP_SECONDS = 0.1
GROWTH = 1.5


def naps(wait: timedelta) -> Iterator[float]:
    """Yield the naps, in seconds, that together make up `wait`; none when it is not positive."""
    left = wait.total_seconds()
    nap = FIRST_NAP_SECONDS
    while left > 0:
        yield min(nap, left)
        left -= nap
        nap = min(nap * GROWTH, LONGEST_NAP_SECONDS)
