"""
Rows -> a delimited text: the reverse of `adapters.delimited`.

A value that a spreadsheet would run as a formula gets a tab before it where the target says so:
spreadsheets then take it as text, and a program that trims its values gets the same one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from adapters.options.faults import OptionsWrong
from adapters.writers.cells import (
    MEND,
    Fault,
    check,
    control_fault,
    flat_faults,
    kind_fault,
    text_of,
)
from adapters.writers.encoding import Encoder
from adapters.writers.targets import NEWLINES
from schemas.problem import Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.writers.cells import Column, Row
    from adapters.writers.targets import CsvTarget

_FORMULA = re.compile(r"[=@+\-\t\r＝＋－＠]")
_HARMLESS = re.compile(r"[+-]?[0-9][0-9 .,]*", re.ASCII)
"""A number or a telephone number: a spreadsheet may show it in another way, and runs nothing."""


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may run `text` as a formula."""
    return _FORMULA.match(text) is not None and not _HARMLESS.fullmatch(text)


def make(target: CsvTarget, columns: Sequence[Column]) -> DelimitedWriter:
    """Return the writer; see `adapters.writers.make_writer`."""
    return DelimitedWriter(target, columns)


class DelimitedWriter:
    """Writes tables in text."""

    media_type = "text/csv"
    suffix = ".csv"
    is_single = False

    def __init__(self, target: CsvTarget, columns: Sequence[Column]) -> None:
        self.encoding: str | None = target.encoding
        self._target = target
        self._columns = tuple(columns)
        self._encoder = Encoder(target.encoding, fold_capitals=target.fold_capitals)
        self._newline = NEWLINES[target.newline]
        self._quotes_all = target.quoting == "all"
        self._special = re.compile(f"[{re.escape(target.delimiter + target.quote)}\r\n]|^\t")
        self._check_columns()

    def fault(self, column: Column, text: str) -> Fault | None:
        """Return why `text` cannot stand in a cell."""
        found = kind_fault(column, text) or control_fault(text) or self._encoder.fault(text)
        if found is not None or self._target.quote:
            return found
        marks = (self._target.delimiter, "\r", "\n")
        guarded = self._guarded(text)
        mark = next((mark for mark in marks if mark in guarded), None)
        return None if mark is None else _needs_quote(mark)

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the table; see `Writer.write`."""
        lines = [self._line([column.name for column in self._columns])] * self._target.header
        for row in rows:
            lines.append(self._line([self._cell(row, column) for column in self._columns]))
        return self._encoder.encode_document("".join(lines))

    def _line(self, cells: Sequence[str]) -> str:
        # A row of one empty cell would be a blank line, which readers skip.
        if cells == [""] and self._target.quote:
            return self._target.quote * 2 + self._newline
        return self._target.delimiter.join(map(self._quoted, cells)) + self._newline

    def _cell(self, row: Row, column: Column) -> str:
        text = text_of(row, column)
        check(self, column, text)
        return self._guarded(text)

    def _guarded(self, text: str) -> str:
        return f"\t{text}" if self._target.formulas == "tab" and is_formula(text) else text

    def _quoted(self, text: str) -> str:
        quote = self._target.quote
        # A tab that guards a formula is quoted, too: some programs take every tab as a delimiter.
        if not quote or not (self._quotes_all or self._special.search(text)):
            return text
        return quote + text.replace(quote, quote * 2) + quote

    def _check_columns(self) -> None:
        faults = flat_faults(self._columns)
        for column in self._columns:
            found = self.fault(_as_text(column), column.name) if self._target.header else None
            if found is not None:
                faults.append((column.name, found.text))
        for sign in (self._target.delimiter, self._target.quote):
            found = self._encoder.fault(sign)
            if found is not None:
                faults.append((sign, found.text))
        if faults:
            raise OptionsWrong(tuple(faults))


def _as_text(column: Column) -> Column:
    return type(column)(name=column.name)


def _needs_quote(mark: str) -> Fault:
    shown = {"\r": "\\r", "\n": "\\n", "\t": "\\t"}.get(mark, mark)
    return Fault(
        "target.needs_quote",
        Text(
            vi=f"có '{shown}', mà tệp này không dùng dấu bao nên giá trị sẽ bị tách",
            en=f"holds '{shown}', and without quotation marks in this file it would be split",
        ),
        Remedy(
            MEND.agency,
            Text(
                vi="thay nó bằng `text: [{replace: [...]}]`, hoặc khai báo quote",
                en="change it by `text: [{replace: [...]}]`, or declare quote",
            ),
        ),
    )
