"""
Rows -> an Office Open XML workbook: the reverse of `adapters.workbook`.

Texts are cells of text, so that no spreadsheet runs them, and one that looks like a formula is
marked to stay a text when somebody edits it (`quotePrefix`); what a program reads is the value
itself. Times in the file are fixed: the same rows give the same bytes.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import xlsxwriter

from adapters.options.faults import Fault as OptionFault
from adapters.options.faults import OptionsWrong
from adapters.writers.cells import (
    DATE,
    MEND,
    Fault,
    check,
    control_fault,
    kind_fault,
    name_faults,
    rows_of,
    text_of,
)
from adapters.writers.delimited import is_formula
from adapters.writers.encoding import Encoder
from adapters.writers.targets import sheet_name
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.writers.cells import Column, Row
    from adapters.writers.targets import XlsxTarget

MAX_CELL = 32_767
"""Characters of one cell (Excel specifications and limits)."""
_MAX_COLUMNS = 16_384
_FIRST_DAY = "19000102"
"""Before it serial numbers are 0 or less, which readers take for a time of day, or for nothing."""
_CREATED = datetime(1980, 1, 1)  # noqa: DTZ001 - the library writes it without a zone


def make(target: XlsxTarget, columns: Sequence[Column]) -> WorkbookWriter:
    """Return the writer; see `adapters.writers.make_writer`."""
    return WorkbookWriter(target, columns)


class WorkbookWriter:
    """Writes workbooks: a sheet of the rows, and one for each column that holds rows."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix = ".xlsx"
    encoding: str | None = None
    is_single = False

    def __init__(self, target: XlsxTarget, columns: Sequence[Column]) -> None:
        self._sheet = target.sheet
        self._columns = [column for column in columns if not column.columns]
        self._children = [column for column in columns if column.columns]
        self._encoder = Encoder("utf-8")
        faults = [*name_faults(columns), *self._child_faults()]
        if len(columns) > _MAX_COLUMNS:
            vi, en = f"tối đa {_MAX_COLUMNS} cột", f"at most {_MAX_COLUMNS} columns"
            faults.append(("", Text(vi=vi, en=en)))
        if faults:
            raise OptionsWrong(tuple(faults))

    def fault(self, column: Column, text: str) -> Fault | None:
        """Return why `text` cannot stand in a cell."""
        found = kind_fault(column, text) or control_fault(text) or self._encoder.fault(text)
        if found is not None:
            return found
        if column.kind == DATE and text < _FIRST_DAY:
            vi, en = (
                "sổ tính không có ô ngày trước 02/01/1900: ngày này thường do phần mềm tự điền",
                "a workbook has no date cell before 1900-01-02: programs fill in such a day",
            )
            return Fault("target.not_a_date", Text(vi=vi, en=en), MEND)
        if column.kind == "number" and Decimal(repr(float(text))) != Decimal(text):
            vi, en = "sổ tính không giữ được đủ chữ số", "a workbook cannot keep all its digits"
            return Fault("target.not_a_number", Text(vi=vi, en=en), MEND)
        if len(text) > MAX_CELL:
            vi = f"dài {len(text)} ký tự, ô chứa tối đa {MAX_CELL}"
            en = f"{len(text)} characters long, a cell holds {MAX_CELL}"
            return Fault("target.too_long", Text(vi=vi, en=en), MEND)
        return None

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the workbook; see `Writer.write`."""
        stream = io.BytesIO()
        book = xlsxwriter.Workbook(stream, {"in_memory": True})
        book.set_properties({"created": _CREATED})
        styles = _Styles(book)
        self._write_sheet(book.add_worksheet(self._sheet), self._columns, rows, styles)
        for column in self._children:
            below = [inner for row in rows for inner in rows_of(row, column)]
            self._write_sheet(book.add_worksheet(column.name), column.columns, below, styles)
        book.close()
        return stream.getvalue()

    def _write_sheet(
        self, sheet: Any, columns: Sequence[Column], rows: Sequence[Row], styles: _Styles
    ) -> None:
        for index, column in enumerate(columns):
            sheet.write_string(0, index, column.name, styles.text)
        for number, row in enumerate(rows, start=1):
            for index, column in enumerate(columns):
                text = text_of(row, column)
                check(self, column, text)
                if text:
                    styles.put(sheet, number, index, column.kind, text)

    def _child_faults(self) -> list[tuple[str, Text]]:
        faults: list[tuple[str, Text]] = []
        seen = {self._sheet.casefold()}
        for column in self._children:
            faults += name_faults(column.columns)
            faults += [(inner.name, _NESTED) for inner in column.columns if inner.columns]
            try:
                sheet_name(column.name)
            except OptionFault as fault:
                faults += [(column.name, text) for text in fault.texts]
            if column.name.casefold() in seen:
                vi, en = "tên trang tính bị lặp", "two sheets have this name"
                faults.append((column.name, Text(vi=vi, en=en)))
            seen.add(column.name.casefold())
        return faults


class _Styles:
    """How cells of one workbook look."""

    def __init__(self, book: Any) -> None:
        self.text = book.add_format({"num_format": "@"})
        self._guarded = book.add_format({"num_format": "@", "quote_prefix": True})
        self._date = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})

    def put(self, sheet: Any, row: int, column: int, kind: str, text: str) -> None:
        """Write one cell that is not empty."""
        if kind == "number":
            sheet.write_number(row, column, float(text))
        elif kind == "boolean":
            sheet.write_boolean(row, column, text == "true")
        elif kind == DATE:
            moment = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            sheet.write_datetime(row, column, moment.replace(tzinfo=None), self._date)
        else:
            style = self._guarded if is_formula(text) else self.text
            sheet.write_string(row, column, text, style)


_NESTED = Text(
    vi="trang tính con không chứa danh sách nữa: nối lại bằng `join`",
    en="a further sheet holds no lists: join them by `join`",
)
