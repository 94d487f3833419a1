"""What reading a source gives: pages of rows, each row with what names it and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.pull.marks import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledRow:
    """One row."""

    mark: Mark
    name: bytes
    """What no other row of the source has: its mark and key."""
    line: bytes
    """All of it, as it goes into a submission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows in the order of their marks; at least one."""

    rows: Sequence[PulledRow]
    columns: Sequence[str]
