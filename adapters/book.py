"""A workbook of any format as the options want it: its main sheet, joined with others by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from adapters.joining import join
from adapters.sheet import sheet_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.options import SheetOptions
    from adapters.record import SourceRecord, UnreadableRecord
    from adapters.sheet import Sheet
    from schemas.problem import Place


class Book(Protocol):
    """An open workbook."""

    def open_sheet(self, name: str, *, header: range) -> Sheet:
        """Return a sheet; `header` are the rows of its names, whose merged cells are wanted."""


class WholeBook(Book, Protocol):
    """An open workbook that can also be gone through as a whole, to be written anew."""

    def sheets(self, *, header: range) -> Iterator[Sheet]:
        """Yield every sheet in its order; `header` as for `open_sheet`."""


def book_records(
    book: Book, *, code: str, file: Place, options: SheetOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; `code` is the format, the first part of the codes of errors."""
    limit = options.max_record_bytes
    sheet = book.open_sheet(options.sheet, header=_rows(options.header_row, options.header_rows))
    records = sheet_records(sheet, header=options, code=code, file=file, limit=limit)
    if not options.children:
        yield from records
        return
    children = {}
    for name, child in options.children.items():
        other = book.open_sheet(child.sheet, header=_rows(child.header_row, child.header_rows))
        rows = sheet_records(other, header=child, code=code, file=file, limit=limit)
        children[name] = child.key or options.key, rows
    yield from join(records, key=options.key, children=children, code=code, limit=limit)


def _rows(first: int, count: int) -> range:
    return range(first, first + count)
