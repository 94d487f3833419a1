"""
XLS: the workbooks of Excel 97 to 2003 (and before), one record per row of one sheet.

This format can only be read as a whole, so the whole file has a limit. xlrd reads it, not
calamine, which turns cells that show an error into empty ones, drops number formats, and for two
cells far apart takes a gigabyte: its sheet is a full rectangle.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import xlrd
from xlrd.biffh import (
    XL_CELL_BLANK,
    XL_CELL_BOOLEAN,
    XL_CELL_DATE,
    XL_CELL_EMPTY,
    XL_CELL_ERROR,
    XL_CELL_NUMBER,
    XL_CELL_TEXT,
)

from adapters import text as texts
from adapters.book import book_records
from adapters.compound import CompoundDamaged, workbook_stream
from adapters.refusal import AGREED, MAX_PROBLEMS, empty_input, refuse
from adapters.sheet import CellFault, Row, Sheet, checked_text, choose_sheet
from adapters.source import OLE_MAGIC, ZIP_MAGIC, is_encrypted_office, with_places
from adapters.workbook_fonts import legacy_font
from adapters.workbook_numbers import PLAIN, kind_of, read_number
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.book import WholeBook
    from adapters.options import XlsOptions
    from adapters.record import SourceRecord, UnreadableRecord, Value
    from adapters.sheet import Merge
    from schemas.errors import InputError

_BARE_MAGIC = (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08")
"""Workbooks before Excel 5 are not inside an OLE file."""
_EXACT = 2**53
_WITHOUT_VALUE = (XL_CELL_EMPTY, XL_CELL_BLANK)
_UNCALCULATED = ("công thức chưa được tính", "the formula was never calculated")
_REMEDY_SAVE = Text(
    vi="mở bằng Excel và lưu lại dạng .xlsx không đặt mật khẩu",
    en="open it in Excel and save it as .xlsx without a password",
)

# xlrd notes a link at every cell of its range, up to four billion of them. None is looked at here.
for _name in ("handle_hlink", "handle_quicktip"):
    setattr(xlrd.sheet.Sheet, _name, lambda *_: None)


def read(
    source: BinaryIO, *, file_name: str, options: XlsOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    with open_book(source, file=file, options=options) as book:
        yield from book_records(book, code="xls", file=file, options=options)


@contextmanager
def open_book(source: BinaryIO, *, file: Place, options: XlsOptions) -> Iterator[WholeBook]:
    """
    Give the workbook in `source`.

    Raises:
        InputError: It is none, too large, or damaged; the last also while it is read.
    """
    with with_places(source) as whole:
        data = _load(whole, file=file, limit=options.max_file_bytes)
    with _Workbook(data, file=file) as workbook:
        yield workbook


def _load(source: BinaryIO, *, file: Place, limit: int) -> bytes:
    size = source.seek(0, 2)
    source.seek(0)
    head = source.read(8)
    if not head:
        raise empty_input(file)
    if head.startswith(ZIP_MAGIC):
        vi, en = "đây là tệp .xlsx hoặc .ods, không phải .xls", "this is an .xlsx or .ods, no .xls"
        remedy = Remedy(
            AGREED, Text(vi="khai báo format: xlsx hoặc ods", en="declare format: xlsx or ods")
        )
        raise refuse("xls.not_workbook", Text(vi=vi, en=en), place=file, remedy=remedy)
    if not head.startswith((OLE_MAGIC, *_BARE_MAGIC)):
        raise refuse(
            "xls.not_workbook",
            Text(
                vi="đây không phải tệp Excel .xls (thường là HTML hoặc CSV được đặt tên .xls)",
                en="this is no .xls workbook (often it is HTML or CSV under that name)",
            ),
            place=file,
            remedy=_REMEDY_SAVE,
        )
    if size > limit:
        vi, en = f"tệp dài hơn giới hạn {limit} byte", f"the file is longer than {limit} bytes"
        remedy = Remedy(
            Text(
                vi="lưu lại dạng .xlsx (đọc được mọi kích thước)",
                en="save it as .xlsx (read at any size)",
            ),
            Text(vi="hoặc tăng max_file_bytes", en="or raise max_file_bytes"),
        )
        raise refuse("xls.too_large", Text(vi=vi, en=en), place=file, remedy=remedy)
    if head.startswith(OLE_MAGIC) and is_encrypted_office(source):
        raise _encrypted(file)
    source.seek(0)
    return source.read()


class _Workbook:
    """One workbook; sheets are read when they are opened."""

    def __init__(self, data: bytes, *, file: Place) -> None:
        self._file = file
        if data.startswith(OLE_MAGIC):
            try:
                data = workbook_stream(data)
            except CompoundDamaged as error:
                raise self._refused(error) from error
        # What xlrd has to say about odd files goes nowhere: it prints.
        self._log = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - closed by __exit__
        try:
            self._book = xlrd.open_workbook(
                file_contents=data,
                logfile=self._log,
                formatting_info=True,
                ragged_rows=True,
                on_demand=True,
            )
        except Exception as error:
            self._log.close()
            raise self._refused(error) from error

    def __enter__(self) -> _Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self._book.release_resources()
        self._log.close()

    def open_sheet(self, name: str, *, header: range) -> Sheet:
        """Return a sheet."""
        names = [texts.nfc(one) for one in self._book.sheet_names()]
        index = choose_sheet(
            list(zip(names, self._are_hidden(), strict=True)),
            wanted=name,
            code="xls",
            file=self._file,
        )
        sheet = self._sheet(index)
        return self._opened(names[index], sheet, header=header)

    def sheets(self, *, header: range) -> Iterator[Sheet]:
        """Yield every sheet; one is let go when the next is asked for."""
        for index, name in enumerate(self._book.sheet_names()):
            yield self._opened(texts.nfc(name), self._sheet(index), header=header)
            self._book.unload_sheet(index)

    def _opened(self, name: str, sheet: xlrd.sheet.Sheet, *, header: range) -> Sheet:
        merges: list[Merge] = [
            (top + 1, left, bottom, right - 1)
            for top, bottom, left, right in sheet.merged_cells
            if top + 1 in header
        ]
        rows = self._rows(sheet, is_calculated=_has_values(sheet, first=header.stop - 1))
        return Sheet(name=name, rows=rows, merges=merges, is_hidden=bool(sheet.visibility))

    def _are_hidden(self) -> list[bool]:
        # The list of sheets says it. To ask the sheets themselves reads every one of them, and a
        # damaged list may name one large sheet a thousand times.
        return [bool(visibility) for visibility in self._book._sheet_visibility]  # noqa: SLF001

    def _sheet(self, index: int) -> xlrd.sheet.Sheet:
        try:
            return self._book.sheet_by_index(index)
        except Exception as error:
            raise self._refused(error) from error

    def _rows(self, sheet: xlrd.sheet.Sheet, *, is_calculated: bool) -> Iterator[Row]:
        for number in range(sheet.nrows):
            cells: list[tuple[int, Value]] = []
            faults: list[tuple[int, CellFault]] = []
            fonts: dict[int, str] = {}
            columns = zip(
                sheet.row_types(number),
                sheet.row_values(number),
                self._styles(sheet, number),
                strict=True,
            )
            for index, (kind, value, style) in enumerate(columns):
                try:
                    found = self._value(kind, value, style, is_calculated=is_calculated)
                except CellFault as fault:
                    if len(faults) < MAX_PROBLEMS:
                        faults.append((index, fault))
                    continue
                if found is None:
                    continue
                cells.append((index, found))
                if kind == XL_CELL_TEXT and (font := self._font(sheet, number, index, style)):
                    fonts[index] = font
            yield Row(number=number + 1, cells=cells, faults=faults, fonts=fonts)

    def _styles(self, sheet: xlrd.sheet.Sheet, row: int) -> list[int]:
        return [sheet.cell_xf_index(row, column) for column in range(sheet.row_len(row))]

    def _value(self, kind: int, value: object, style: int, *, is_calculated: bool) -> Value:
        if kind == XL_CELL_TEXT:
            if value == "" and not is_calculated:
                raise CellFault("formula_without_value", *_UNCALCULATED)
            return checked_text(texts.nfc(str(value))) or None
        if kind in (XL_CELL_NUMBER, XL_CELL_DATE):
            assert isinstance(value, float)
            return self._number(value, style)
        if kind == XL_CELL_BOOLEAN:
            return bool(value)
        if kind == XL_CELL_ERROR:
            shown = xlrd.error_text_from_code.get(value, "#?")
            vi, en = f"ô báo lỗi {shown}", f"the cell shows {shown}"
            raise CellFault("cell_error", vi, en, shown=shown)
        return None

    def _number(self, value: float, style: int) -> Value:
        is_whole = value.is_integer() and abs(value) < _EXACT
        written = str(int(value)) if is_whole else repr(value)
        try:
            return read_number(written, kind=self._kind(style), from_1904=self._book.datemode == 1)
        except ValueError as error:
            vi = f"'{written}' không đọc được theo định dạng của ô"
            en = f"'{written}' cannot be read by the cell's format: {error}"
            raise CellFault("number_invalid", vi, en) from error

    def _kind(self, style: int) -> int:
        if not 0 <= style < len(self._book.xf_list):
            return PLAIN
        key = self._book.xf_list[style].format_key
        found = self._book.format_map.get(key)
        return kind_of(key, found.format_str if found is not None else "")

    def _font(self, sheet: xlrd.sheet.Sheet, row: int, column: int, style: int) -> str:
        """Return the legacy font of the whole text, "" for others and for several."""
        runs = sheet.rich_text_runlist_map.get((row, column), ())
        indexes = {index for _, index in runs}
        if (not runs or runs[0][0] > 0) and 0 <= style < len(self._book.xf_list):
            indexes.add(self._book.xf_list[style].font_index)
        fonts = self._book.font_list
        names = {legacy_font(fonts[i].name) if i < len(fonts) else "" for i in indexes}
        return names.pop() if len(names) == 1 else ""

    def _refused(self, error: Exception) -> Exception:
        """Return what to raise for what xlrd met in a damaged workbook, whatever it is."""
        if isinstance(error, MemoryError | OSError):
            return error
        if isinstance(error, xlrd.XLRDError) and "encrypted" in str(error):
            return _encrypted(self._file)
        vi, en = "tệp Excel bị cắt cụt hoặc bị hỏng", "the workbook is cut short or damaged"
        remedy = Text(
            vi="gửi lại cả tệp, hoặc lưu lại dạng .xlsx", en="send it again, or save it as .xlsx"
        )
        return refuse("xls.damaged", Text(vi=vi, en=en), place=self._file, remedy=remedy)


def _has_values(sheet: xlrd.sheet.Sheet, *, first: int) -> bool:
    """
    Return whether any cell from row `first` (from 0) on holds more than an empty text.

    A formula that was never calculated is stored like one whose result is an empty text. Beside
    values these are formulas prepared for rows to come; a sheet of nothing else was written by a
    program that does not calculate.
    """
    for row in range(first, sheet.nrows):
        cells = zip(sheet.row_types(row), sheet.row_values(row), strict=True)
        if any(kind not in _WITHOUT_VALUE and value != "" for kind, value in cells):
            return True
    return False


def _encrypted(file: Place) -> InputError:
    text = Text(vi="tệp Excel có mật khẩu", en="the workbook has a password")
    return refuse("xls.encrypted", text, place=file, remedy=_REMEDY_SAVE)
