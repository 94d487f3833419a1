"""Options of dBase and FoxPro tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.embedded import RecordOptions

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class DbfOptions(RecordOptions):
    """A dBase or FoxPro table (.dbf): one record per record."""

    encoding: str
    """No default: what a table says about its code page is seldom true."""
    required: tuple[str, ...] = ()
    """Columns without which the whole file is refused."""
    omit: tuple[str, ...] = ()
    """Columns that are not read; the way past pictures, and memos whose file is not there."""
    deleted: str = "report"
    """Records marked as deleted: "report" each as unreadable, or "skip" them."""
    max_record_bytes: int = MIB
    """Limit of one record with its memos."""


CHECKS: Mapping[str, checks.Check] = {
    "encoding": checks.field_encoding,
    "required": checks.names,
    "omit": checks.names,
    "deleted": checks.choice("report", "skip"),
}
