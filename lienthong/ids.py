"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def make_id(at: datetime) -> str:
    """
    Return a new UUID version 7 for the moment `at`, lower case with hyphens.

    Source: RFC 9562, section 5.7: 48 bits of milliseconds, the rest random.
    """
    value = (int(at.timestamp() * 1000) & (2**48 - 1)) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
