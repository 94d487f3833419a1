"""
An XLSX workbook written anew from the rows that the reader of another format sees.

Sheets, rows and columns stay where they are, so what is wrong stands at the same cells. A library
that writes workbooks would not do: it keeps sixteen digits of a number where there are seventeen,
takes what begins with "=" for a formula, and cuts long texts in silence. Nothing is held but a row.

Source: ECMA-376, part 1, sections 18.2 (workbook), 18.3 (sheets), 18.8 (styles).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast
from xml.sax.saxutils import quoteattr

from adapters.refusal import MAX_PROBLEMS, column_letter
from lienthong.annotated.notes import MAIN
from lienthong.annotated.parts import PACKAGE, RELATIONSHIPS
from lienthong.annotated.sheet_copy import CHUNK_BYTES
from lienthong.annotated.words import xml_text
from lienthong.annotated.workbook_copy import NoCopy
from mappings.values import as_text

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

    from adapters.record import Value
    from adapters.sheet import CellFault, Row, Sheet

MOST_CELLS = 2_000_000
"""Of all sheets; a few kilobytes of OpenDocument can repeat one cell many millions of times."""
_MOST_ROWS = 1_048_576
_LONGEST_TEXT = 32_767
_MOST_FONTS = 500
_NAME = re.compile(r"(?!')[^\[\]:*?/\\\x00-\x1f\ufffe\uffff]{1,31}(?<!')")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HIDDEN = ' state="hidden"'
_BAD_CELL = "#VALUE!"
_ERRORS = frozenset({"#NULL!", "#DIV/0!", _BAD_CELL, "#REF!", "#NAME?", "#NUM!", "#N/A"})
_DAY, _MOMENT = 1, 2
"""Styles of cells; those of fonts come behind them."""
_FIRST_DAY = datetime(1900, 1, 1)  # noqa: DTZ001 - a workbook's date has no zone
_LEAP_DAY = datetime(1900, 3, 1)  # noqa: DTZ001
"""Excel has a 29 February 1900 before it."""
_DAYS_FROM = datetime(1899, 12, 30)  # noqa: DTZ001
_DAY_MILLISECONDS = 86_400_000


class NewWorkbook:
    """
    The parts of a workbook; `finish` writes those that name the others.

    Args:
        out: Gets the parts.
        progress: Is told now and then that it goes on.
    """

    def __init__(self, out: zipfile.ZipFile, *, progress: Callable[[], object]) -> None:
        self._out = out
        self._progress = progress
        self._sheets: list[tuple[str, bool]] = []
        self._fonts: dict[str, int] = {}
        """Legacy font -> style: its letters are others than they seem."""
        self._room = MOST_CELLS

    def add(self, sheet: Sheet) -> None:
        """
        Write one sheet.

        Raises:
            NoCopy: XLSX has no room for it.
            InputError: it cannot be read to its end.
        """
        name = sheet.name.strip()
        if not _NAME.fullmatch(name) or name.lower() in {one.lower() for one, _ in self._sheets}:
            vi = f"Excel không nhận tên trang tính '{name[:40]}'"
            raise NoCopy(vi, f"Excel takes no sheet of the name '{name[:40]}'")
        self._sheets.append((name, sheet.is_hidden))
        part = f"xl/worksheets/sheet{len(self._sheets)}.xml"
        with self._out.open(part, "w", force_zip64=True) as stream:
            target = cast("BinaryIO", stream)
            # Wide enough for dates, which show as ##### in a narrow column.
            target.write(
                f'{_HEAD}<worksheet xmlns="{MAIN}"><sheetFormatPr defaultColWidth="20" '
                'defaultRowHeight="15"/><sheetData>'.encode()
            )
            written = 0
            for row in sheet.rows:
                written += target.write(self._row(row).encode())
                if written >= CHUNK_BYTES:
                    written = 0
                    self._progress()
            target.write(f"</sheetData>{_merges(sheet)}</worksheet>".encode())

    def finish(self) -> None:
        """
        Write the lists of parts and the styles.

        Raises:
            NoCopy: there is no sheet.
        """
        if not self._sheets:
            raise NoCopy("không có trang tính", "there is no sheet")
        numbers = range(1, len(self._sheets) + 1)
        self._write("[Content_Types].xml", _content_types(numbers))
        self._write("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        self._write("xl/workbook.xml", self._workbook())
        related = [("worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
        self._write("xl/_rels/workbook.xml.rels", _relations([*related, ("styles", "styles.xml")]))
        self._write("xl/styles.xml", _styles(self._fonts))

    def _row(self, row: Row) -> str:
        if row.number > _MOST_ROWS:
            raise NoCopy("quá nhiều dòng cho Excel", "more rows than Excel takes")
        if len(row.faults) >= MAX_PROBLEMS:
            # The reader counts no more; those left out would be blank, and blank may be right.
            vi = f"dòng {row.number} có quá nhiều ô lỗi"
            raise NoCopy(vi, f"row {row.number} has too many bad cells")
        self._room -= len(row.cells) + len(row.faults)
        if self._room < 0:
            raise NoCopy(f"hơn {MOST_CELLS} ô", f"more than {MOST_CELLS} cells")
        fonts = row.fonts or {}
        cells = {
            column: self._cell(f"{column_letter(column)}{row.number}", value, fonts.get(column, ""))
            for column, value in row.cells
        }
        cells |= {
            column: _bad_cell(f"{column_letter(column)}{row.number}", fault)
            for column, fault in row.faults
        }
        return f'<row r="{row.number}">{"".join(cells[column] for column in sorted(cells))}</row>'

    def _cell(self, reference: str, value: Value, font: str) -> str:
        if isinstance(value, bool):
            return f'<c r="{reference}" t="b"><v>{value:d}</v></c>'
        if isinstance(value, int | float):
            return f'<c r="{reference}"><v>{value!r}</v></c>'
        style = self._style(font) if font else 0
        if isinstance(value, datetime):
            days = _serial(value)
            if days is not None:
                kind = _DAY if "." not in days else _MOMENT
                return f'<c r="{reference}" s="{kind}"><v>{days}</v></c>'
        text = value if isinstance(value, str) else as_text(value)
        if len(text) > _LONGEST_TEXT:
            vi = f"ô {reference} dài hơn {_LONGEST_TEXT} ký tự"
            raise NoCopy(vi, f"cell {reference} has more than {_LONGEST_TEXT} characters")
        return (
            f'<c r="{reference}" s="{style}" t="inlineStr"><is>'
            f'<t xml:space="preserve">{xml_text(text)}</t></is></c>'
        )

    def _style(self, font: str) -> int:
        if font not in self._fonts:
            if len(self._fonts) >= _MOST_FONTS:
                raise NoCopy("quá nhiều phông chữ", "too many fonts")
            self._fonts[font] = _MOMENT + 1 + len(self._fonts)
        return self._fonts[font]

    def _workbook(self) -> str:
        seen = [number for number, (_, is_hidden) in enumerate(self._sheets) if not is_hidden]
        sheets = "".join(
            f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"'
            f"{_HIDDEN if is_hidden and seen else ''}/>"
            for number, (name, is_hidden) in enumerate(self._sheets, 1)
        )
        return (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONSHIPS}"><bookViews>'
            f'<workbookView activeTab="{min(seen, default=0)}"/></bookViews>'
            f"<sheets>{sheets}</sheets></workbook>"
        )

    def _write(self, name: str, xml: str) -> None:
        self._out.writestr(name, _HEAD + xml)


def _bad_cell(reference: str, fault: CellFault) -> str:
    """Return a cell that shows an error, so that one that is not mended cannot be read as good."""
    shown = fault.shown if fault.shown in _ERRORS else _BAD_CELL
    return f'<c r="{reference}" t="e"><v>{shown}</v></c>'


def _serial(moment: datetime) -> str | None:
    """Return a date as Excel counts days, to the millisecond; None for one before its first."""
    if moment < _FIRST_DAY:
        return None
    since = (moment - _DAYS_FROM) // timedelta(milliseconds=1)
    if moment < _LEAP_DAY:
        since -= _DAY_MILLISECONDS
    days, rest = divmod(since, _DAY_MILLISECONDS)
    return str(days) if not rest else repr(since / _DAY_MILLISECONDS)


def _merges(sheet: Sheet) -> str:
    found = [
        f'<mergeCell ref="{column_letter(left)}{top}:{column_letter(right)}'
        f'{min(bottom, _MOST_ROWS)}"/>'
        for top, left, bottom, right in sheet.merges
    ]
    return f'<mergeCells count="{len(found)}">{"".join(found)}</mergeCells>' if found else ""


def _styles(fonts: Iterable[str]) -> str:
    named = ("Calibri", *fonts)
    parts = "".join(f"<font><sz val='11'/><name val={quoteattr(name)}/></font>" for name in named)
    plain = '<xf numFmtId="{number}" fontId="{font}" fillId="0" borderId="0" xfId="0"{more}/>'
    dates = "".join(
        plain.format(number=number, font=0, more=' applyNumberFormat="1"') for number in (164, 165)
    )
    others = "".join(
        plain.format(number=0, font=font, more=' applyFont="1"') for font in range(1, len(named))
    )
    formats = plain.format(number=0, font=0, more="") + dates + others
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts count="2">'
        '<numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
        '<numFmt numFmtId="165" formatCode="dd/mm/yyyy\\ hh:mm:ss"/></numFmts>'
        f'<fonts count="{len(named)}">{parts}</fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        f'</cellStyleXfs><cellXfs count="{len(named) + 2}">{formats}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
        "</styleSheet>"
    )


def _content_types(numbers: Iterable[int]) -> str:
    parts = {
        "/xl/workbook.xml": "sheet.main",
        "/xl/styles.xml": "styles",
        **{f"/xl/worksheets/sheet{number}.xml": "worksheet" for number in numbers},
    }
    overrides = "".join(
        f'<Override PartName="{name}" ContentType="{_TYPE}.{kind}+xml"/>'
        for name, kind in parts.items()
    )
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def _relations(targets: Iterable[tuple[str, str]]) -> str:
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONSHIPS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{items}</Relationships>'
