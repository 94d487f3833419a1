"""
XLSX: the rows of one sheet, one record per row, read as a stream.

The sheet is never held as a whole; neither are many shared strings. Values are what the format
says: text, whole and decimal numbers, booleans, dates (by the cell's number format), and the
cached result of a formula. A cell that shows an error, or a formula that was never calculated,
makes its row unreadable: neither is blank.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import text as texts
from adapters.package import Package, damaged, xml_refused
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import (
    TOO_LARGE,
    column_letter,
    column_names,
    missing_columns,
    problem,
    refuse,
)
from adapters.source import with_places
from adapters.workbook_fonts import font_of_runs, load_fonts
from adapters.workbook_numbers import PLAIN, load_kinds, read_number
from adapters.workbook_strings import SharedStrings, load_strings, rich_text, unescape
from schemas.parser import Limits, XmlRefused, iter_elements
from schemas.problem import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from adapters.options import XlsxOptions
    from adapters.record import Value
    from schemas.problem import Problem

_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
_ROW_BYTES = 16 * 1024 * 1024
"""Limit of one row as XML; 16,384 cells of numbers take under one."""
_MAX_COLUMNS = 16_384


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
            yield from workbook.records()
        finally:
            workbook.close()


_REMEDIES = {
    "xlsx.formula_without_value": Text(
        vi="mở tệp bằng Excel và lưu lại", en="open the file in Excel and save it"
    ),
    "xlsx.number_invalid": Text(
        vi="sửa giá trị hoặc định dạng của ô", en="mend the value or the format of the cell"
    ),
}
_REMEDY_CELL = Text(vi="sửa ô này rồi gửi lại", en="mend the cell and send it again")


def _remedy(code: str) -> Text:
    return _REMEDIES.get(code, _REMEDY_CELL)


class _CellFault(Exception):
    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.text = Text(vi=vi, en=en)


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
        self._sheet_name, self._sheet_part = self._choose_sheet(root, related)
        self._place = Place(file=package.place.file, sheet=self._sheet_name)
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

    def records(self) -> Iterator[SourceRecord | UnreadableRecord]:
        rows = self._rows()
        names, labels = self._header(rows)
        blank: dict[str, Value] = dict.fromkeys(names.values())
        number = 0
        for row, element in rows:
            values, problems = blank.copy(), []
            fonts: dict[str, str] = {}
            place = Place(file=self._place.file, sheet=self._sheet_name, row=row)
            room = self._options.max_record_bytes
            for index, cell in self._cells(element):
                try:
                    value = self._value(cell)
                except _CellFault as fault:
                    label = labels.get(names.get(index, ""), column_letter(index))
                    where = place.at(column=label)
                    remedy = _remedy(fault.code)
                    problems.append(problem(fault.code, fault.text, place=where, remedy=remedy))
                    continue
                if value is None:
                    continue
                if isinstance(value, str):
                    room -= len(value)
                if index not in names:
                    letter = column_letter(index)
                    names[index] = letter if letter not in labels else f"({letter})"
                    labels[names[index]] = letter
                values[names[index]] = value
                if self._has_fonts and isinstance(value, str) and (font := self._font(cell)):
                    fonts[names[index]] = font
            if not problems and not any(map(_is_filled, values.values())):
                continue
            number += 1
            if room < 0:
                problems.append(self._row_too_large(place))
            if problems:
                yield UnreadableRecord(number=number, problems=tuple(problems))
            else:
                yield SourceRecord(
                    number=number, values=values, place=place, columns=labels, fonts=fonts
                )

    def _row_too_large(self, place: Place) -> Problem:
        limit = self._options.max_record_bytes
        vi, en = f"dòng dài hơn giới hạn {limit} ký tự", f"row longer than {limit} characters"
        return problem("xlsx.row_too_large", Text(vi=vi, en=en), place=place, remedy=TOO_LARGE)

    def _header(
        self, rows: Iterator[tuple[int, _Element]]
    ) -> tuple[dict[int, str], dict[str, str]]:
        wanted = self._options.header_row
        place = Place(file=self._place.file, sheet=self._sheet_name, row=wanted)
        cells: dict[int, str] = {}
        for row, element in rows:
            if row < wanted:
                continue
            if row == wanted:
                cells = self._header_cells(element, place=place)
            break
        if not cells:
            vi, en = f"không có tiêu đề ở dòng {wanted}", f"there is no header in row {wanted}"
            remedy = Text(
                vi="sửa khóa header_row hoặc sheet", en="mend the key header_row or sheet"
            )
            raise refuse("xlsx.header_missing", Text(vi=vi, en=en), place=place, remedy=remedy)
        names, labels = column_names(cells, code="xlsx.columns_repeated", place=place)
        missing = missing_columns(self._options.required, found=labels)
        if missing is not None:
            vi, en = "kiểm tra khóa header_row và sheet", "check the keys header_row and sheet"
            remedy = Text(vi=vi, en=en)
            raise refuse("xlsx.columns_missing", missing, place=place, remedy=remedy)
        return names, labels

    def _header_cells(self, element: _Element, *, place: Place) -> dict[int, str]:
        cells = {}
        for index, cell in self._cells(element):
            try:
                value = self._value(cell)
            except _CellFault as fault:
                where = place.at(column=column_letter(index))
                remedy = _remedy(fault.code)
                raise refuse(fault.code, fault.text, place=where, remedy=remedy) from fault
            if value is not None and str(value).strip():
                cells[index] = str(value)
        return cells

    def _rows(self) -> Iterator[tuple[int, _Element]]:
        path = tuple((self._namespace, name) for name in ("worksheet", "sheetData", "row"))
        limit = max(_ROW_BYTES, 2 * self._options.max_record_bytes)
        limits = Limits(max_bytes=limit, max_text_bytes=self._options.max_record_bytes)
        row = 0
        try:
            with self._package.open(self._sheet_part) as part:
                for element in iter_elements(cast("BinaryIO", part), path=path, limits=limits):
                    given = element.get("r", "")
                    row = int(given) if given.isascii() and given.isdigit() else row + 1
                    yield row, element
        except XmlRefused as refused:
            raise xml_refused(refused, name=self._sheet_part, place=self._place) from refused

    def _cells(self, row: _Element) -> Iterator[tuple[int, _Element]]:
        index = -1
        for cell in row:
            index = self._column(cell.get("r"), after=index)
            yield index, cell

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
                index = _MAX_COLUMNS + 1
                break
            index = index * 26 + ord(letter) - ord("A") + 1
        if not 1 <= index <= _MAX_COLUMNS:
            vi, en = (
                f"ô có địa chỉ sai '{reference[:20]}'",
                f"wrong cell address '{reference[:20]}'",
            )
            raise damaged(self._place, vi, en)
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
                return _checked(rich_text(child, namespace=self._namespace))
        if kind == "e":
            shown = raw or "#?"
            raise _CellFault("xlsx.cell_error", f"ô báo lỗi {shown}", f"the cell shows {shown}")
        if raw is None or (raw == "" and kind != "str"):
            if formula:
                vi = "công thức chưa được tính"
                en = "the formula was never calculated"
                raise _CellFault("xlsx.formula_without_value", vi, en)
            return None
        if kind == "s":
            return self._shared(raw)
        if kind == "n":
            return self._number(raw, style=cell.get("s"))
        return _typed(kind, raw)

    def _shared(self, raw: str) -> str:
        index = int(raw) if raw.isascii() and raw.isdigit() else -1
        if not 0 <= index < len(self._strings):
            vi, en = f"ô trỏ tới chuỗi {raw[:20]} không có", f"there is no string {raw[:20]}"
            raise _CellFault("xlsx.cell_damaged", vi, en)
        if index in self._strings.faults:
            code, text = self._strings.faults[index]
            raise _CellFault(f"xlsx.{code}", text.vi, text.en)
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
        style = cell.get("s", "0")
        index_known = style.isascii() and style.isdigit() and int(style) < len(self._fonts)
        return self._fonts[int(style)] if index_known else ""

    def _number(self, raw: str, *, style: str | None) -> Value:
        kind = PLAIN
        if style is not None and style.isascii() and style.isdigit():
            index = int(style)
            kind = self._kinds[index] if index < len(self._kinds) else PLAIN
        try:
            return read_number(raw, kind=kind, from_1904=self._from_1904)
        except ValueError as error:
            vi = f"'{raw[:40]}' không đọc được theo định dạng của ô"
            en = f"'{raw[:40]}' cannot be read by the cell's format: {error}"
            raise _CellFault("xlsx.number_invalid", vi, en) from error

    def _is_1904(self, root: _Element) -> bool:
        properties = root.find(f"{{{self._namespace}}}workbookPr")
        return properties is not None and properties.get("date1904") in ("1", "true")

    def _choose_sheet(self, root: _Element, related: dict[str, tuple[str, str]]) -> tuple[str, str]:
        sheets: list[tuple[str, str, bool]] = []
        for item in root.iter(f"{{{self._namespace}}}sheet"):
            ids = [v for k, v in item.attrib.items() if str(k).endswith("/relationships}id")]
            kind, part = related.get(ids[0] if ids else "", ("", ""))
            if kind == "worksheet":
                hidden = item.get("state", "visible") != "visible"
                sheets.append((texts.nfc(item.get("name", "")), part, hidden))
        wanted = self._options.sheet
        if not wanted:
            chosen = [sheet for sheet in sheets if not sheet[2]] or sheets
        else:
            chosen = [sheet for sheet in sheets if sheet[0].strip() == texts.nfc(wanted).strip()]
        if chosen:
            return chosen[0][0], chosen[0][1]
        found = ", ".join(f"'{name}'" for name, _, _ in sheets[:40]) or "-"
        raise refuse(
            "xlsx.sheet_missing",
            Text(
                vi=f"không có trang tính '{wanted}'; tìm thấy: {found}",
                en=f"there is no sheet '{wanted}'; found: {found}",
            ),
            place=self._package.place,
            remedy=Text(vi="sửa khóa sheet", en="mend the key sheet"),
        )


def _workbook_part(package: Package) -> str:
    for kind, part in package.relationships("").values():
        if kind == "officeDocument" and part in package and not part.endswith(".bin"):
            return part
    vi = "không phải tệp Excel .xlsx (có thể là .xlsb, .ods, .docx hoặc tệp nén khác)"
    en = "not an .xlsx workbook (perhaps .xlsb, .ods, .docx or another archive)"
    raise damaged(package.place, vi, en, code="xlsx.not_workbook")


def _typed(kind: str, raw: str) -> Value:
    if kind == "str":
        return _checked(unescape(raw))
    if kind == "b" and raw in ("0", "1", "true", "false"):
        return raw in ("1", "true")
    if kind == "d":
        try:
            return datetime.fromisoformat(raw).replace(tzinfo=None)
        except ValueError:
            pass
    vi, en = f"ô kiểu '{kind}' có nội dung sai", f"a cell of type '{kind}' has a wrong content"
    raise _CellFault("xlsx.cell_damaged", vi, en)


def _checked(text: str) -> str:
    found = None if texts.is_clean(text) else texts.fault(text, marks=False)
    if found is not None:
        raise _CellFault(f"xlsx.{found[0]}", found[1].vi, found[1].en)
    return text


def _is_filled(value: Value) -> bool:
    return value is not None and (not isinstance(value, str) or value.strip() != "")
