"""Options of workbooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.repair import RepairOptions

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class XlsxOptions(RepairOptions):
    """A sheet of an Office Open XML workbook: one record per row."""

    sheet: str = ""
    """Empty: the first sheet."""
    header_row: int = 1
    required: tuple[str, ...] = ()
    max_record_bytes: int = MIB
    """Limit of one row, and of one shared string."""
    max_unpacked_bytes: int = 2048 * MIB
    """Limit of one unpacked part of the workbook, counted while reading."""
    max_ratio: int = 300
    """Limit of unpacked to packed size; honest sheets stay under 100."""


CHECKS: Mapping[str, checks.Check] = {
    "sheet": checks.filled_text,
    "header_row": checks.whole_number(1, 1000),
    "required": checks.names,
    "max_unpacked_bytes": checks.whole_number(MIB, 64 * 1024 * MIB),
    "max_ratio": checks.whole_number(2, 1032),
}
