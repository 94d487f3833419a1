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

    mark: Mark | None
    """None: the row has none, and is remembered for good."""
    name: bytes
    """What no other row of the source has: its mark and key."""
    line: bytes
    """All that tells it from another state of it; most often what goes into a submission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows; none only where nothing but the mark is to be said."""

    rows: Sequence[PulledRow]
    columns: Sequence[str]
    mark: Mark | None
    """Up to where the source was read with this page; None: nobody can say yet."""
