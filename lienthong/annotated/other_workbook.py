"""
An agency's XLS or ODS as an XLSX workbook with its bad cells coloured and noted.

Neither format is written in itself: no kept library writes XLS, and in ODS a bad row may be one of
many that are written once. What the reader sees is written anew at the same places, then marked as
any other workbook. Formulas become their results, and formats other than dates are not kept.
"""

from __future__ import annotations

import tempfile
import zipfile
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import OdsOptions, XlsxOptions, workbook_old, workbook_open
from lienthong.annotated.new_workbook import NewWorkbook
from lienthong.annotated.workbook_copy import check_room, copy_workbook
from schemas.problem import Place

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from adapters import XlsOptions
    from adapters.book import WholeBook
    from lienthong.annotated.marks import Marks
    from schemas.problem import Language

IN_MEMORY_BYTES = 8 * 1024 * 1024


def copy_as_xlsx(
    source: BinaryIO,
    *,
    target: BinaryIO,
    options: XlsOptions | OdsOptions,
    marks: Marks,
    language: Language,
) -> None:
    """
    Write the annotated copy of a workbook as XLSX; it reads back to the same records.

    Args:
        source: May be read from any place.
        target: Gets the bytes; what stands in it when this raises is worth nothing.
        options: By which the workbook was read.
        marks: What is wrong with it.
        language: Of the notes.

    Raises:
        NoCopy: it is too large, or holds what XLSX has no room for.
        InputError: it cannot be read to its end.
    """
    check_room(source, marks)
    source.seek(0)
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spool:
        plain = cast("BinaryIO", spool)
        with (
            _open(source, options) as book,
            zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as out,
        ):
            # The target may watch whether something is done, and gets its first byte much later.
            written = NewWorkbook(out, progress=lambda: target.write(b""))
            for sheet in book.sheets(header=_header(options)):
                written.add(sheet)
            written.finish()
        as_xlsx = XlsxOptions(sheet=options.sheet, children=options.children)
        copy_workbook(plain, target=target, options=as_xlsx, marks=marks, language=language)


def _open(source: BinaryIO, options: XlsOptions | OdsOptions) -> AbstractContextManager[WholeBook]:
    if isinstance(options, OdsOptions):
        return workbook_open.open_book(source, file=Place(), options=options)
    return workbook_old.open_book(source, file=Place(), options=options)


def _header(options: XlsOptions | OdsOptions) -> range:
    """Return the rows that hold names in any of the sheets: their merged cells are kept."""
    headers = [options, *options.children.values()]
    first = min(header.header_row for header in headers)
    return range(first, max(header.header_row + header.header_rows for header in headers))
