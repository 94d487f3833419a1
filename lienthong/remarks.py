"""What there is to say about something that is set, before it is first needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.problem import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that is wrong or weak."""

    is_fault: bool
    """It cannot work, or part of it will reach nobody."""
    found: Text
    remedy: Text
