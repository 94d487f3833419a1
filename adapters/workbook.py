"""
XLSX and XLSM: the rows of one sheet, one record per row, read as a stream.

The sheet is never held as a whole; neither are many shared strings. Values are what the format
says: text, whole and decimal numbers, booleans, dates (by the cell's number format), and the
cached result of a formula. A cell that shows an error, or a formula that was never calculated,
makes its row unreadable: neither is blank.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import text as texts
from adapters.book import book_records
from adapters.package import Package, damaged, xml_refused
from adapters.refusal import MAX_PROBLEMS
from adapters.sheet import (
    MAX_COLUMNS,
    CellFault,
    Row,
    Sheet,
    checked_text,
    choose_sheet,
)
from adapters.source import with_places
from adapters.workbook_fonts import font_of_runs, load_fonts
from adapters.workbook_numbers import PLAIN, load_kinds, read_index, read_number
from adapters.workbook_strings import SharedStrings, load_strings, rich_text, unescape
from schemas.parser import Limits, XmlRefused, iter_elements
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from adapters.options import XlsxOptions
    from adapters.record import SourceRecord, UnreadableRecord, Value
    from adapters.sheet import Merge

_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_ROW_BYTES = 16 * 1024 * 1024
"""Limit of one row as XML; 16,384 cells of numbers take under one."""
_RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})", re.ASCII)


def read(
    source: BinaryIO, *, file_name: str, options: XlsxOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`. What is no file is first copied to one."""
    with with_places(source) as whole:
        yield from _read(whole, file=Place(file=file_name), options=options)


def _read(
    source: BinaryIO, *, file: Place, options: XlsxOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    with Package(source, place=file, options=options) as package:
        workbook = _Workbook(package, options=options)
        try:
            yield from book_records(workbook, code="xlsx", file=file, options=options)
        finally:
            workbook.close()


class _Workbook:
    """One sheet of one workbook, with what its cells refer to."""

    def __init__(self, package: Package, *, options: XlsxOptions) -> None:
        self._package = package
        self._options = options
        name = _workbook_part(package)
        root = package.parse(name)
        self._namespace = str(root.tag)[1:].partition("}")[0]
        if self._namespace not in _NAMESPACES:
            vi, en = "không phải tệp Excel: thiếu danh sách trang tính", "no list of sheets"
            raise damaged(package.place, vi, en, code="xlsx.not_workbook")
        related = package.relationships(name)
        self._from_1904 = self._is_1904(root)
        self._sheets = self._find_sheets(root, related)
        parts = dict(related.values())
        styles = package.parse(parts["styles"]) if parts.get("styles", "") in package else None
        self._kinds = load_kinds(styles, namespace=self._namespace)
        self._fonts = load_fonts(styles, namespace=self._namespace)
        self._strings = SharedStrings()
        if parts.get("sharedStrings", "") in package:
            self._strings = load_strings(
                package,
                name=parts["sharedStrings"],
                namespace=self._namespace,
                max_string_bytes=options.max_record_bytes,
            )
        self._tags = {f"{{{self._namespace}}}{name}": name for name in ("v", "f", "is")}
        self._columns: dict[str, int] = {}
        self._has_fonts = bool(self._fonts or self._strings.fonts)

    def close(self) -> None:
        self._strings.close()

    def open_sheet(self, name: str, *, header: range) -> Sheet:
        """Return a sheet, with the merged cells of its header."""
        listed = [(sheet, hidden) for sheet, _, hidden in self._sheets]
        index = choose_sheet(listed, wanted=name, code="xlsx", file=self._package.place)
        shown, part, _ = self._sheets[index]
        merges = list(self._merges(part, header)) if len(header) > 1 else []
        return Sheet(name=shown, rows=self._rows(shown, part), merges=merges)

    def _rows(self, sheet: str, part: str) -> Iterator[Row]:
        limit = max(_ROW_BYTES, 2 * self._options.max_record_bytes)
        limits = Limits(max_bytes=limit, max_text_bytes=self._options.max_record_bytes)
        number = 0
        for element in self._elements(sheet, part, ("sheetData", "row"), limits):
            given = read_index(element.get("r", ""))
            number = given if given >= 0 else number + 1
            cells: list[tuple[int, Value]] = []
            faults: list[tuple[int, CellFault]] = []
            fonts: dict[int, str] = {}
            last, is_ordered = -1, True
            for index, cell in self._cells(element):
                is_ordered = is_ordered and index > last
                last = index
                try:
                    value = self._value(cell)
                except CellFault as fault:
                    if len(faults) < MAX_PROBLEMS:
                        faults.append((index, fault))
                    continue
                if value is None:
                    continue
                cells.append((index, value))
                if self._has_fonts and isinstance(value, str) and (font := self._font(cell)):
                    fonts[index] = font
            if not is_ordered:
                faults = [*self._repeated(element), *faults][:MAX_PROBLEMS]
            yield Row(number=number, cells=cells, faults=faults, fonts=fonts)

    def _merges(self, part: str, header: range) -> Iterator[Merge]:
        """Yield the merged cells of the header; they stand behind all rows of the part."""
        room = MAX_COLUMNS * len(header)
        for element in self._elements("", part, ("mergeCells", "mergeCell"), Limits()):
            found = _RANGE.fullmatch(element.get("ref", ""))
            if found is None:
                continue
            top, bottom = int(found[2]), int(found[4])
            if top in header:
                room -= 1
                if room < 0:
                    vi, en = "quá nhiều ô gộp ở tiêu đề", "too many merged cells in the header"
                    raise damaged(self._package.place, vi, en)
                left, right = self._column(found[1], after=-1), self._column(found[3], after=-1)
                yield top, left, bottom, right

    def _elements(
        self, sheet: str, part: str, steps: tuple[str, ...], limits: Limits
    ) -> Iterator[_Element]:
        path = tuple((self._namespace, name) for name in ("worksheet", *steps))
        try:
            with self._package.open(part) as stream:
                yield from iter_elements(cast("BinaryIO", stream), path=path, limits=limits)
        except XmlRefused as refused:
            place = Place(file=self._package.place.file, sheet=sheet or None)
            raise xml_refused(refused, name=part, place=place) from refused

    def _cells(self, row: _Element) -> Iterator[tuple[int, _Element]]:
        index = -1
        for cell in row:
            index = self._column(cell.get("r"), after=index)
            yield index, cell

    def _repeated(self, row: _Element) -> list[tuple[int, CellFault]]:
        """Return a fault for every column of which a row has more than one cell."""
        vi, en = "ô này có hai lần trong dòng", "this cell is there twice in its row"
        times = Counter(index for index, _ in self._cells(row))
        twice = [index for index, count in times.items() if count > 1]
        return [(index, CellFault("cell_repeated", vi, en)) for index in twice[:MAX_PROBLEMS]]

    def _column(self, reference: str | None, *, after: int) -> int:
        if not reference:
            return after + 1
        letters = reference.rstrip("0123456789")
        known = self._columns.get(letters)
        if known is not None:
            return known
        index = 0
        for letter in letters:
            if not "A" <= letter <= "Z":
                index = MAX_COLUMNS + 1
                break
            index = index * 26 + ord(letter) - ord("A") + 1
        if not 1 <= index <= MAX_COLUMNS:
            vi, en = (
                f"ô có địa chỉ sai '{reference[:20]}'",
                f"wrong cell address '{reference[:20]}'",
            )
            raise damaged(self._package.place, vi, en)
        self._columns[letters] = index - 1
        return index - 1

    def _value(self, cell: _Element) -> Value:
        kind = cell.get("t", "n")
        raw: str | None = None
        formula = False
        for child in cell:
            name = self._tags.get(cast("str", child.tag))
            if name == "v":
                raw = child.text or ""
            elif name == "f":
                formula = True
            elif name == "is" and kind == "inlineStr":
                return checked_text(rich_text(child, namespace=self._namespace))
        if kind == "e":
            shown = raw or "#?"
            raise CellFault("cell_error", f"ô báo lỗi {shown}", f"the cell shows {shown}")
        if raw is None or (raw == "" and kind != "str"):
            if formula:
                vi = "công thức chưa được tính"
                en = "the formula was never calculated"
                raise CellFault("formula_without_value", vi, en)
            return None
        if kind == "s":
            return self._shared(raw)
        if kind == "n":
            return self._number(raw, style=cell.get("s"))
        return _typed(kind, raw)

    def _shared(self, raw: str) -> str:
        index = read_index(raw)
        if not 0 <= index < len(self._strings):
            vi, en = f"ô trỏ tới chuỗi {raw[:20]} không có", f"there is no string {raw[:20]}"
            raise CellFault("cell_damaged", vi, en)
        if index in self._strings.faults:
            code, text = self._strings.faults[index]
            raise CellFault(code, text.vi, text.en)
        return self._strings[index]

    def _font(self, cell: _Element) -> str:
        """Return the legacy font a text is shown in, "" for others."""
        kind, own = cell.get("t"), None
        if kind == "s":
            index = next((c.text for c in cell if self._tags.get(cast("str", c.tag)) == "v"), None)
            own = self._strings.fonts.get(int(index or -1))
        elif kind == "inlineStr":
            own = next((font_of_runs(c, namespace=self._namespace) for c in cell), None)
        if own is not None:
            return own
        style = read_index(cell.get("s", "0"))
        return self._fonts[style] if 0 <= style < len(self._fonts) else ""

    def _number(self, raw: str, *, style: str | None) -> Value:
        index = -1 if style is None else read_index(style)
        kind = self._kinds[index] if 0 <= index < len(self._kinds) else PLAIN
        try:
            return read_number(raw, kind=kind, from_1904=self._from_1904)
        except ValueError as error:
            vi = f"'{raw[:40]}' không đọc được theo định dạng của ô"
            en = f"'{raw[:40]}' cannot be read by the cell's format: {error}"
            raise CellFault("number_invalid", vi, en) from error

    def _is_1904(self, root: _Element) -> bool:
        properties = root.find(f"{{{self._namespace}}}workbookPr")
        return properties is not None and properties.get("date1904") in ("1", "true")

    def _find_sheets(
        self, root: _Element, related: dict[str, tuple[str, str]]
    ) -> list[tuple[str, str, bool]]:
        """Return name, part and whether it is hidden, of every sheet of cells."""
        sheets = []
        for item in root.iter(f"{{{self._namespace}}}sheet"):
            ids = [v for k, v in item.attrib.items() if str(k).endswith("/relationships}id")]
            kind, part = related.get(ids[0] if ids else "", ("", ""))
            if kind == "worksheet":
                hidden = item.get("state", "visible") != "visible"
                sheets.append((texts.nfc(item.get("name", "")), part, hidden))
        return sheets


def _workbook_part(package: Package) -> str:
    for kind, part in package.relationships("").values():
        if kind == "officeDocument" and part in package and not part.endswith(".bin"):
            return part
    vi = "không phải tệp Excel .xlsx (có thể là .xlsb, .ods, .docx hoặc tệp nén khác)"
    en = "not an .xlsx workbook (perhaps .xlsb, .ods, .docx or another archive)"
    raise damaged(package.place, vi, en, code="xlsx.not_workbook")


def _typed(kind: str, raw: str) -> Value:
    if kind == "str":
        return checked_text(unescape(raw))
    if kind == "b" and raw in ("0", "1", "true", "false"):
        return raw in ("1", "true")
    if kind == "d":
        try:
            return datetime.fromisoformat(raw).replace(tzinfo=None)
        except ValueError:
            pass
    vi, en = f"ô kiểu '{kind}' có nội dung sai", f"a cell of type '{kind}' has a wrong content"
    raise CellFault("cell_damaged", vi, en)
