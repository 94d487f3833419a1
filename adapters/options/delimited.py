"""Options of tables in text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.embedded import RecordOptions
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions(RecordOptions):
    """A table in text: one record per row."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    """Empty: quotation marks are ordinary characters."""
    escape: str = ""
    """A character that takes the next one literally; empty: none."""
    header: bool = True
    header_row: int = 1
    """1-based row of the column names; rows above it are titles."""
    columns: tuple[str, ...] = ()
    """The column names, where the file has none."""
    required: tuple[str, ...] = ()
    """Columns without which the whole file is refused."""
    skip_blank: bool = True
    max_record_bytes: int = MIB
    """Limit of one row; counted in decoded characters."""


CHECKS: Mapping[str, checks.Check] = {
    "encoding": checks.encoding,
    "delimiter": checks.character(),
    "quote": checks.character(empty=True),
    "escape": checks.character(empty=True),
    "header": checks.boolean,
    "header_row": checks.whole_number(1, 1000),
    "columns": checks.names,
    "required": checks.names,
    "skip_blank": checks.boolean,
}


def contradictions(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    """Return what does not fit together in the options of a table."""
    faults: list[tuple[str, Text]] = []
    if values["header"] is False and not values["columns"]:
        vi = "tệp không có dòng tiêu đề thì phải liệt kê tên cột"
        faults.append(("columns", Text(vi=vi, en="a file without header needs the column names")))
    if values["columns"] and values["header"]:
        vi = "chỉ dùng khi header: false; tên cột của tệp này lấy từ dòng tiêu đề"
        en = "only with header: false; this file's names come from its header row"
        faults.append(("columns", Text(vi=vi, en=en)))
    special = [key for key in ("delimiter", "quote", "escape") if values[key]]
    for position, key in enumerate(special):
        same = [other for other in special[:position] if values[other] == values[key]]
        if same:
            vi, en = f"trùng ký tự với {same[0]}", f"same character as {same[0]}"
            faults.append((key, Text(vi=vi, en=en)))
    return faults
