"""
A workbook of one sheet, written by hand so that the same rows always give the same bytes.

Only what the samples need: shared strings, numbers, dates with a number format, error cells.
"""

from __future__ import annotations

import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class CellError(NamedTuple):
    """An error value such as #N/A."""

    text: str


Cell: TypeAlias = "str | int | float | datetime | CellError | None"

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_DATE_STYLE = 1
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write_workbook(path: Path, *, sheet: str, rows: Sequence[Sequence[Cell]]) -> None:
    """
    Write `rows` as the only sheet of a new workbook.

    The first of `rows` is row 1; None leaves a cell out, an empty row leaves the row out. A
    datetime is written as Excel does: local time, day number of the 1900 system.
    """
    strings: dict[str, int] = {}
    body = "".join(_row(number, row, strings) for number, row in enumerate(rows, start=1))
    parts = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _relations((f"{_OFFICE}/officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name={quoteattr(sheet)} sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations(
            (f"{_OFFICE}/worksheet", "worksheets/sheet1.xml"),
            (f"{_OFFICE}/styles", "styles.xml"),
            (f"{_OFFICE}/sharedStrings", "sharedStrings.xml"),
        ),
        "xl/styles.xml": _styles(),
        "xl/sharedStrings.xml": _shared_strings(strings),
        "xl/worksheets/sheet1.xml": (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
        ),
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, date_time=_FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, _HEAD + text, compresslevel=6)


def column_letter(index: int) -> str:
    """Return the letters above the column at 0-based `index`: 0 is A, 26 is AA."""
    letters = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def _row(number: int, row: Sequence[Cell], strings: dict[str, int]) -> str:
    cells = "".join(
        _cell(f"{column_letter(index)}{number}", value, strings)
        for index, value in enumerate(row)
        if value is not None
    )
    return f'<row r="{number}">{cells}</row>' if cells else ""


def _cell(reference: str, value: Cell, strings: dict[str, int]) -> str:
    if isinstance(value, CellError):
        return f'<c r="{reference}" t="e"><v>{value.text}</v></c>'
    if isinstance(value, str):
        index = strings.setdefault(value, len(strings))
        return f'<c r="{reference}" t="s"><v>{index}</v></c>'
    if isinstance(value, datetime):
        return f'<c r="{reference}" s="{_DATE_STYLE}"><v>{_day_number(value)}</v></c>'
    return f'<c r="{reference}"><v>{value}</v></c>'


def _day_number(moment: datetime) -> str:
    since = moment - datetime(1899, 12, 30, tzinfo=moment.tzinfo)
    return f"{since.days + since.seconds / 86_400:.10f}".rstrip("0").rstrip(".")


def _shared_strings(strings: Iterable[str]) -> str:
    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
    return f'<sst xmlns="{_MAIN}">{items}</sst>'


def _styles() -> str:
    return (
        f'<styleSheet xmlns="{_MAIN}">'
        '<numFmts count="1"><numFmt numFmtId="164" formatCode="dd/mm/yyyy\\ hh:mm"/></numFmts>'
        '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
        "</cellStyleXfs>"
        '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
        '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
        '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/>'
        "</cellStyles></styleSheet>"
    )


def _content_types() -> str:
    overrides = {
        "/xl/workbook.xml": "sheet.main",
        "/xl/worksheets/sheet1.xml": "worksheet",
        "/xl/styles.xml": "styles",
        "/xl/sharedStrings.xml": "sharedStrings",
    }
    parts = "".join(
        f'<Override PartName="{name}" ContentType="{_TYPE}.{kind}+xml"/>'
        for name, kind in overrides.items()
    )
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{parts}</Types>'
    )


def _relations(*targets: tuple[str, str]) -> str:
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'
