"""Tables of delimited text: rows as lines of text, and where each row stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.samples.workbook import column_letter
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.samples.shapes import Entry


def lay_out(
    entries: Sequence[Entry],
    *,
    columns: Sequence[str],
    delimiter: str,
    file_name: str,
    quotes: bool = True,
) -> tuple[str, list[Place]]:
    """
    Return the text of a table with one header row, and the place of every entry.

    An entry's content is a record, or a list of cells for a ragged row. Lines end in CR LF as
    Windows programs write them. A cell is quoted only where it must be, and never without `quotes`.
    """
    lines = [delimiter.join(columns)]
    places = []
    line = 2
    for row, entry in enumerate(entries, start=2):
        cells = _cells(entry, columns)
        text = delimiter.join(_quoted(cell, delimiter) if quotes else cell for cell in cells)
        places.append(Place(file=file_name, row=row, line=line))
        lines.append(text)
        line += 1 + text.count("\n")
    return "\r\n".join(lines) + "\r\n", places


def column_label(columns: Sequence[str], key: str) -> str:
    """Return what the agency sees above a column: its letter and its name."""
    return f"{column_letter(list(columns).index(key))} ({key})"


def _cells(entry: Entry, columns: Sequence[str]) -> list[str]:
    if isinstance(entry.content, list):
        return [str(cell) for cell in entry.content]
    assert isinstance(entry.content, dict)
    record = entry.content
    return [str(record.get(column, "")) for column in columns]


def _quoted(cell: str, delimiter: str) -> str:
    if delimiter in cell or '"' in cell or "\n" in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell
