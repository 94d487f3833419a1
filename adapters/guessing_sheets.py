"""The sheets of a workbook that no mapping describes, and how each of them is to be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from adapters.guessing import with_header_row
from adapters.options import OdsOptions, XlsOptions, XlsxOptions
from adapters.reading import read_records
from adapters.record import SourceRecord
from adapters.sheet import SheetMissing
from adapters.text import nfc
from schemas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters import SourceOptions

    BookOptions: TypeAlias = XlsxOptions | XlsOptions | OdsOptions

MAX_SHEETS = 20
MAX_HEADER_ROW = 5
"""Of the further sheets; the file is opened for every row that is tried."""
_NONE = "/"
"""No sheet can be called so: being asked for it, every reader says which there are."""


def find_sheets(
    source: BinaryIO, *, file_name: str, options: SourceOptions, is_known: Callable[[str], bool]
) -> dict[str, BookOptions | None]:
    """
    Return how every sheet of a workbook is to be read, in their order; what is none has none.

    Args:
        source: Seekable; it is put back.
        file_name: As shown in places.
        options: Of the main sheet, with its `header_row`.
        is_known: Whether somebody calls a column so.

    Returns:
        By name, at most `MAX_SHEETS`; the main sheet first, None for a sheet without names.

    Raises:
        InputError: The workbook cannot be read.
    """
    if not isinstance(options, XlsxOptions | XlsOptions | OdsOptions):
        return {}
    names = _names(source, file_name, replace(options, sheet=_NONE, embedded={}))
    main = nfc(options.sheet).strip() or _first_seen(source, file_name, options)
    found: dict[str, BookOptions | None] = {}
    for name in sorted(names[:MAX_SHEETS], key=lambda name: name.strip() != main):
        if name.strip() == main:
            found[name] = options
            continue
        other = replace(options, sheet=name, header_row=1, embedded={})
        try:
            found[name] = with_header_row(source, other, file_name, is_known, rows=MAX_HEADER_ROW)
        except InputError:
            found[name] = None
        source.seek(0)
    return found


def _names(source: BinaryIO, file_name: str, options: SourceOptions) -> tuple[str, ...]:
    source.seek(0)
    try:
        next(read_records(source, file_name=file_name, options=options), None)
    except SheetMissing as missing:
        return missing.sheets
    finally:
        source.seek(0)
    return ()


def _first_seen(source: BinaryIO, file_name: str, options: SourceOptions) -> str:
    """Return the name of the sheet that is read where none is named."""
    source.seek(0)
    first = next(read_records(source, file_name=file_name, options=options), None)
    source.seek(0)
    if first is None:
        return ""
    place = first.place if isinstance(first, SourceRecord) else first.problems[0].place
    return (place.sheet or "").strip()
