"""Identifiers that sort by the time they were made, and what stands between parts of names."""

from __future__ import annotations

import secrets
import uuid
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

SEPARATOR = "\x1f"
"""Between the parts of a name of ours: XML cannot have it, and no code that is taken has it."""
_RANDOM_BITS = 74
_lock = Lock()
_last = (-1, 0)


def make_id(at: datetime) -> str:
    """
    Return a new UUID version 7 for the moment `at`, lower case with hyphens.

    Source: RFC 9562, section 5.7, and 6.2 method 2 (monotonic random).
    """
    return make_ids(at, count=1)[0]


def make_ids(at: datetime, *, count: int) -> list[str]:
    """
    Return so many identifiers for the moment `at`, each greater than the one before.

    Those of several calls for one millisecond rise as well, as long as this process makes none for
    another one in between.
    """
    global _last  # noqa: PLW0603 - the one counter of the process
    milliseconds = int(at.timestamp() * 1000) & (2**48 - 1)
    with _lock:
        before, random = _last
        # Steps of 32 random bits: hard to guess, and no overflow within a millisecond.
        steps = [1 + secrets.randbits(32) for _ in range(count)]
        if before != milliseconds or (random + sum(steps)) >> _RANDOM_BITS:
            random = secrets.randbits(_RANDOM_BITS - 1)
        numbers = [random := random + step for step in steps]
        _last = (milliseconds, random)
    return [_id(milliseconds, number) for number in numbers]


def _id(milliseconds: int, random: int) -> str:
    value = milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0x2 << 62 | random & (2**62 - 1)
    return str(uuid.UUID(int=value))
