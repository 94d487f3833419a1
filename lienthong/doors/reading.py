"""What one reading of a source brought, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.errors import LienthongError


@dataclass(slots=True, kw_only=True)
class Reading:
    """Counted while it goes on."""

    rows: int = 0
    """Taken over; files, of a server of files."""
    repeated: int = 0
    """Read again, and taken over before."""
    submissions: int = 0
    trouble: LienthongError | None = None
    """What ended it; what was taken over before stays."""
