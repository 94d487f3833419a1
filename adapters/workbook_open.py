"""
ODS: the rows of one sheet of an OpenDocument workbook, one record per row, read as a stream.

Our own reader, not calamine: that holds a whole sheet, and writes out every repetition, so that a
kilobyte may ask for a million rows of sixteen thousand cells. Here repeated empty rows and cells
are only counted.

Source: OASIS OpenDocument 1.3, part 3: 9.1 (tables), 19.385-19.390 (values), 3.16 (encryption).
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, groupby
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import text as texts
from adapters.archive import Archive, Wording
from adapters.book import book_records
from adapters.refusal import AGREED, MAX_PROBLEMS, empty_input, refuse
from adapters.sheet import MAX_COLUMNS, CellFault, Row, Sheet, checked_text, choose_sheet
from adapters.source import ZIP_MAGIC, with_places
from adapters.workbook_numbers import PLAIN, read_index, read_number
from schemas.parser import Limits, XmlRefused, iter_elements
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element

    from adapters.book import WholeBook
    from adapters.options import OdsOptions
    from adapters.record import SourceRecord, UnreadableRecord, Value
    from adapters.sheet import Merge

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
_STYLE = "urn:oasis:names:tc:opendocument:xmlns:style:1.0"
_MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_CALC_KIND = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}value-type"

_TO_TABLE = (
    (_OFFICE, "document-content"),
    (_OFFICE, "body"),
    (_OFFICE, "spreadsheet"),
    (_TABLE, "table"),
)
_TO_ROW = (*_TO_TABLE, (_TABLE, "table-row"))
_GROUPS = frozenset(
    f"{{{_TABLE}}}{name}" for name in ("table-row-group", "table-header-rows", "table-rows")
)
_CELL, _COVERED = f"{{{_TABLE}}}table-cell", f"{{{_TABLE}}}covered-table-cell"
_PARAGRAPH = f"{{{_TEXT}}}p"
_BREAKS = {f"{{{_TEXT}}}tab": "\t", f"{{{_TEXT}}}line-break": "\n"}
_SPACES = f"{{{_TEXT}}}s"
_NOTES = frozenset({f"{{{_OFFICE}}}annotation", f"{{{_TEXT}}}note"})

_ROW_BYTES = 16 * 1024 * 1024
_STYLES_BYTES = 32 * 1024 * 1024
_MAX_SPACES = 1000
_MAX_REPEATED = 1000
"""Of a row that holds something; the same dossier is not written a thousand times."""
_TIME = re.compile(r"PT([0-9]{1,6})H([0-9]{1,2})M([0-9]{1,2})(?:[.,]([0-9]{1,9}))?S", re.ASCII)
_ERROR = re.compile(r"#[A-Z0-9/]+[!?]?|(?:Err|Lỗi):[0-9]{3}")
_ZEROS = re.compile("0[0-9]+", re.ASCII)

_WORDING = Wording(
    code="ods",
    name=Text(vi="tệp ODS", en="workbook"),
    remedy=Text(
        vi="mở bằng LibreOffice và lưu lại dạng .ods không đặt mật khẩu",
        en="open it in LibreOffice and save it as .ods without a password",
    ),
)


def read(
    source: BinaryIO, *, file_name: str, options: OdsOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    with open_book(source, file=file, options=options) as book:
        yield from book_records(book, code="ods", file=file, options=options)


@contextmanager
def open_book(source: BinaryIO, *, file: Place, options: OdsOptions) -> Iterator[WholeBook]:
    """
    Give the workbook in `source`.

    Raises:
        InputError: It is none, or damaged; the last also while it is read.
    """
    with with_places(source) as whole:
        _check_magic(whole, file)
        with Archive(whole, place=file, limits=options, wording=_WORDING) as archive:
            yield _Workbook(archive, options=options)


class _Workbook:
    """One workbook; every sheet that is opened reads its content again, up to its end."""

    def __init__(self, archive: Archive, *, options: OdsOptions) -> None:
        self._archive = archive
        self._file = archive.place
        self._options = options
        if "content.xml" not in archive:
            vi, en = "không phải tệp ODS (có thể là .xlsx hay tệp nén khác)", "not an ODS workbook"
            text = Text(vi=vi, en=f"{en} (.xlsx or another archive)")
            raise archive.refused("not_workbook", text)
        self._check_encryption()

    def open_sheet(self, name: str, *, header: range) -> Sheet:
        """Return a sheet; the merged cells of its header come while its rows are read."""
        wanted = texts.nfc(name).strip()
        hidden = self._hidden_styles() if not wanted else frozenset()
        rows = self._table_rows()
        seen: list[tuple[str, bool]] = []
        for table, element in rows:
            found = _name_of(table)
            is_hidden = table.get(f"{{{_TABLE}}}style-name", "") in hidden
            if (found.strip() == wanted) if wanted else not is_hidden:
                merges: list[Merge] = []
                elements = chain([element], _rows_of(found, rows))
                read_on = _Rows(header=header, merges=merges)
                return Sheet(name=found, rows=read_on.all(elements), merges=merges)
            if (found, is_hidden) not in seen:
                seen.append((found, is_hidden))
        index = choose_sheet(seen, wanted=name, code="ods", file=self._file)
        return self.open_sheet(seen[index][0], header=header)

    def sheets(self, *, header: range) -> Iterator[Sheet]:
        """Yield every sheet, in one reading; its rows are there until the next is asked for."""
        hidden = self._hidden_styles()
        style = f"{{{_TABLE}}}style-name"
        for (name, style_name), rows in groupby(
            self._table_rows(), key=lambda pair: (_name_of(pair[0]), pair[0].get(style, ""))
        ):
            merges: list[Merge] = []
            read_on = _Rows(header=header, merges=merges)
            yield Sheet(
                name=name,
                rows=read_on.all(element for _, element in rows),
                merges=merges,
                is_hidden=style_name in hidden,
            )

    def _table_rows(self) -> Iterator[tuple[_Element, _Element]]:
        """Yield every row of every sheet, with its sheet."""
        limits = Limits(
            max_bytes=max(_ROW_BYTES, 2 * self._options.max_record_bytes),
            max_text_bytes=self._options.max_record_bytes,
        )
        for element in self._elements("content.xml", _TO_ROW, limits):
            table = element.getparent()
            while table is not None and table.tag in _GROUPS:
                table = table.getparent()
            assert table is not None, "the parser yields rows of tables alone"
            yield table, element

    def _hidden_styles(self) -> frozenset[str]:
        """Return the names of the styles whose sheets cannot be seen."""
        path = ((_OFFICE, "document-content"), (_OFFICE, "automatic-styles"))
        limits = Limits(max_bytes=_STYLES_BYTES, max_elements=500_000)
        for styles in self._elements("content.xml", path, limits):
            return frozenset(
                style.get(f"{{{_STYLE}}}name", "")
                for style in styles.iterfind(f"{{{_STYLE}}}style")
                for properties in style.iterfind(f"{{{_STYLE}}}table-properties")
                if properties.get(f"{{{_TABLE}}}display") == "false"
            )
        return frozenset()

    def _check_encryption(self) -> None:
        name = "META-INF/manifest.xml"
        path = ((_MANIFEST, "manifest"), (_MANIFEST, "file-entry"))
        if name not in self._archive:
            return
        for entry in self._elements(name, path, Limits()):
            if entry.find(f"{{{_MANIFEST}}}encryption-data") is not None:
                text = Text(vi="tệp ODS có mật khẩu", en="the workbook has a password")
                raise self._archive.refused("encrypted", text)

    def _elements(
        self, name: str, path: tuple[tuple[str | None, str], ...], limits: Limits
    ) -> Iterator[_Element]:
        try:
            with self._archive.open(name) as part:
                stream = cast("BinaryIO", part)
                yield from iter_elements(stream, path=path, through=_GROUPS, limits=limits)
        except XmlRefused as refused:
            line = f" (dòng {refused.line})" if refused.line else ""
            vi = f"phần '{name}' không đọc được: {refused.vi}{line}"
            text = Text(vi=vi, en=f"part '{name}' cannot be read: {refused}")
            raise refuse(refused.code, text, place=self._file, remedy=_WORDING.remedy) from refused


class _Rows:
    """Counts the rows of one sheet and reads those that hold something."""

    def __init__(self, *, header: range, merges: list[Merge]) -> None:
        self._header = header
        self._merges = merges
        self._number = 0

    def all(self, elements: Iterable[_Element]) -> Iterator[Row]:
        """Yield the rows from the first to the last of the sheet."""
        for element in elements:
            yield from self._take(element)

    def _take(self, element: _Element) -> Iterator[Row]:
        repeated = _count(element, "number-rows-repeated")
        start, self._number = self._number + 1, self._number + repeated
        row = self._row(element, start)
        if not row.cells and not row.faults:
            return
        if repeated > _MAX_REPEATED:
            vi = f"dòng này được ghi là lặp lại {repeated} lần"
            fault = CellFault("row_repeated", vi, f"this row is said to repeat {repeated} times")
            yield Row(number=start, cells=row.cells, faults=[(_first(row), fault)])
            return
        yield row
        for number in range(start + 1, start + repeated):
            yield Row(number=number, cells=row.cells, faults=row.faults)

    def _row(self, element: _Element, number: int) -> Row:
        cells: list[tuple[int, Value]] = []
        faults: list[tuple[int, CellFault]] = []
        index = 0
        for cell in element:
            if cell.tag not in (_CELL, _COVERED):
                continue
            start, index = index, index + _count(cell, "number-columns-repeated")
            if cell.tag == _COVERED:
                continue
            if number in self._header:
                self._add_merge(cell, number, start)
            try:
                value = _value_before(cell, index)
            except CellFault as fault:
                last = index if index <= MAX_COLUMNS else start + 1
                room = MAX_PROBLEMS - len(faults)
                columns = range(min(start, MAX_COLUMNS - 1), min(last, MAX_COLUMNS))
                faults += [(column, fault) for column in columns[: max(room, 0)]]
                continue
            if value is not None:
                cells += [(column, value) for column in range(start, index)]
        return Row(number=number, cells=cells, faults=faults)

    def _add_merge(self, cell: _Element, row: int, column: int) -> None:
        down, right = _count(cell, "number-rows-spanned"), _count(cell, "number-columns-spanned")
        if (down > 1 or right > 1) and column + right <= MAX_COLUMNS:
            self._merges.append((row, column, row + down - 1, column + right - 1))


def _rows_of(name: str, rows: Iterator[tuple[_Element, _Element]]) -> Iterator[_Element]:
    for table, element in rows:
        if _name_of(table) != name:
            return
        yield element


def _name_of(table: _Element) -> str:
    return texts.nfc(table.get(f"{{{_TABLE}}}name", ""))


def _first(row: Row) -> int:
    return row.cells[0][0] if row.cells else row.faults[0][0]


def _count(element: _Element, name: str) -> int:
    return max(read_index(element.get(f"{{{_TABLE}}}{name}", "1")), 1)


def _value_before(cell: _Element, end: int) -> Value:
    """Return what a cell, repeated up to the column before `end`, holds."""
    value = _value(cell)
    if value is not None and end > MAX_COLUMNS:
        raise CellFault("cell_damaged", "quá nhiều cột", "too many columns")
    return value


def _value(cell: _Element) -> Value:
    kind = cell.get(f"{{{_OFFICE}}}value-type")
    shown = "\n".join(_said(part) for part in cell if part.tag == _PARAGRAPH)
    is_formula = cell.get(f"{{{_TABLE}}}formula") is not None
    if cell.get(_CALC_KIND) == "error" or (is_formula and _ERROR.fullmatch(shown)):
        said = shown[:20] or "#?"
        raise CellFault("cell_error", f"ô báo lỗi {said}", f"the cell shows {said}", shown=said)
    if kind is None and is_formula:
        vi, en = "công thức chưa được tính", "the formula was never calculated"
        raise CellFault("formula_without_value", vi, en)
    if kind is None or kind == "string":
        text = shown or cell.get(f"{{{_OFFICE}}}string-value", "")
        return checked_text(texts.nfc(text)) or None
    given = cell.get(f"{{{_OFFICE}}}{_ATTRIBUTES.get(kind, 'value')}", "")
    try:
        return _typed(kind, given, shown)
    except ValueError as error:
        vi = f"ô kiểu '{kind[:20]}' có nội dung sai: '{given[:40]}'"
        en = f"a cell of type '{kind[:20]}' has a wrong content: '{given[:40]}'"
        raise CellFault("number_invalid", vi, en) from error


_ATTRIBUTES = {"date": "date-value", "time": "time-value", "boolean": "boolean-value"}


def _typed(kind: str, given: str, shown: str) -> Value:
    if kind in ("float", "currency", "percentage"):
        number = read_number(given, kind=PLAIN, from_1904=False)
        # Under a format of zeros only the agency sees the padded text.
        return shown if _ZEROS.fullmatch(shown) and int(shown) == number else number
    if kind == "date":
        return datetime.fromisoformat(given).replace(tzinfo=None)
    if kind == "boolean" and given in ("true", "false"):
        return given == "true"
    found = _TIME.fullmatch(given)
    if kind != "time" or found is None:
        raise ValueError("no such type")
    # A time of day without a day is a fraction of one, as in the other workbooks.
    seconds = int(found[1]) * 3600 + int(found[2]) * 60 + float(f"{found[3]}.{found[4] or 0}")
    return seconds / 86_400


def _said(element: _Element) -> str:
    """Return the text of a paragraph with its spaces, tabs and line breaks; notes left out."""
    parts = [element.text or ""]
    for child in element:
        if child.tag in _BREAKS:
            parts.append(_BREAKS[child.tag])
        elif child.tag == _SPACES:
            count = child.get(f"{{{_TEXT}}}c", "1")
            parts.append(" " * min(max(read_index(count), 1), _MAX_SPACES))
        elif isinstance(child.tag, str) and child.tag not in _NOTES:
            parts.append(_said(child))
        parts.append(child.tail or "")
    return "".join(parts)


def _check_magic(source: BinaryIO, file: Place) -> None:
    source.seek(0)
    head = source.read(8)
    if not head:
        raise empty_input(file)
    if not head.startswith(ZIP_MAGIC):
        vi, en = "đây không phải tệp .ods", "this is not an .ods workbook"
        remedy = Remedy(AGREED, Text(vi="kiểm tra khóa format", en="check the key format"))
        raise refuse("ods.not_workbook", Text(vi=vi, en=en), place=file, remedy=remedy)
