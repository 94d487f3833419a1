"""Options of workbooks."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the types of options are asked for at run time
from dataclasses import dataclass, field

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.embedded import RecordOptions
from adapters.options.parts import build, each
from schemas.problem import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSheet:
    """Another sheet, whose rows belong to the records: those of one key become a list in it."""

    sheet: str
    key: str = ""
    """The column that holds the record's key; empty: of the same name as in the record."""
    header_row: int = 1
    header_rows: int = 1
    required: tuple[str, ...] = ()
    """Columns without which the whole file is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetOptions(RecordOptions):
    """What holds for every kind of workbook."""

    sheet: str = ""
    """Empty: the first sheet that can be seen."""
    header_row: int = 1
    """1-based row of the column names, the first if there are several."""
    header_rows: int = 1
    """How many rows the names take; those above each other are joined with " / "."""
    required: tuple[str, ...] = ()
    """Columns without which the whole file is refused."""
    key: str = ""
    """The column by which rows of other sheets belong to a record."""
    children: Mapping[str, ChildSheet] = field(default_factory=dict)
    """Field of the record -> the sheet whose rows become a list there."""
    max_record_bytes: int = MIB
    """Limit of one row, of one shared string, and of a record with its rows of other sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XlsxOptions(SheetOptions):
    """A sheet of an Office Open XML workbook (.xlsx, .xlsm): one record per row."""

    max_unpacked_bytes: int = 2048 * MIB
    """Limit of one unpacked part of the workbook, counted while reading."""
    max_ratio: int = 300
    """Limit of unpacked to packed size; honest sheets stay under 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OdsOptions(SheetOptions):
    """A sheet of an OpenDocument workbook (.ods): one record per row."""

    max_unpacked_bytes: int = 2048 * MIB
    """Limit of the unpacked content, counted while reading."""
    max_ratio: int = 300
    """Limit of unpacked to packed size; honest sheets stay under 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XlsOptions(SheetOptions):
    """A sheet of an old Excel workbook (.xls): one record per row."""

    max_file_bytes: int = 16 * MIB
    """Limit of the whole file: this format can only be read as a whole."""


def _child(value: object) -> ChildSheet:
    known: Mapping[str, checks.Check] = {
        "sheet": checks.filled_text,
        "key": checks.filled_text,
        "header_row": checks.whole_number(1, 1000),
        "header_rows": checks.whole_number(1, 10),
        "required": checks.names,
    }
    return build(ChildSheet, known, value)


CHECKS: Mapping[str, checks.Check] = {
    "sheet": checks.filled_text,
    "header_row": checks.whole_number(1, 1000),
    "header_rows": checks.whole_number(1, 10),
    "required": checks.names,
    "key": checks.filled_text,
    "children": each(_child, Text(vi="các cặp tên: trang tính", en="pairs of name: sheet")),
    "max_unpacked_bytes": checks.whole_number(MIB, 64 * 1024 * MIB),
    "max_ratio": checks.whole_number(2, 1032),
    "max_file_bytes": checks.whole_number(1024, 256 * MIB),
}


def contradictions(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    """Return what does not fit together."""
    if bool(values["key"]) == bool(values.get("children")):
        return []
    vi, en = "key và children đi cùng nhau", "key and children go together"
    return [("key", Text(vi=vi, en=en))]
