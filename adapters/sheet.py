"""
The rows of one sheet as records, whatever the workbook's format: names from its header, one record
per row that holds something.

A header may have several rows: a name is then what stands above the column from top to bottom, a
merged cell standing above every column it covers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Protocol, TypeAlias

from adapters import text as texts
from adapters.record import SourceRecord, UnreadableRecord, Value
from adapters.refusal import (
    AGREED,
    TOO_LARGE,
    column_letter,
    column_names,
    missing_columns,
    problem,
    refuse,
)
from schemas.errors import InputError
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas.problem import Problem

MAX_COLUMNS = 16_384
JOINT = " / "
"""Between the parts of a name from several header rows."""

Merge: TypeAlias = "tuple[int, int, int, int]"
"""First row, first column, last row, last column of a merged cell; rows from 1, columns from 0."""


class CellFault(Exception):
    """One cell cannot be read; `code` without the format's name, `shown` is its error (#N/A)."""

    def __init__(self, code: str, vi: str, en: str, *, shown: str = "") -> None:
        super().__init__(en)
        self.code = code
        self.shown = shown
        self.text = Text(vi=vi, en=en)


class SheetMissing(InputError):
    """The workbook has no sheet of that name; `sheets` are those it has."""

    def __init__(self, problem: Problem, *, sheets: tuple[str, ...]) -> None:
        super().__init__(problem)
        self.sheets = sheets


@dataclass(slots=True, kw_only=True)
class Row:
    """One row; not frozen, because freezing costs as much as reading a cell."""

    number: int
    cells: Sequence[tuple[int, Value]]
    """Column, from 0, and value, for every cell that is not empty, from left to right."""
    faults: Sequence[tuple[int, CellFault]] = ()
    fonts: Mapping[int, str] | None = None
    """Column -> the legacy font its text is shown in (.VnTime, VNI-Times); of those alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet, open."""

    name: str
    rows: Iterator[Row]
    merges: Sequence[Merge] = field(default_factory=list)
    """Those of the header; complete when its last row has been read."""
    is_hidden: bool = False


class Header(Protocol):
    """What of the options says where the names stand."""

    @property
    def header_row(self) -> int:
        """1-based row of the names, the first if there are several."""

    @property
    def header_rows(self) -> int:
        """How many rows the names take."""

    @property
    def required(self) -> tuple[str, ...]:
        """Columns without which the sheet is refused."""


_REMEDIES = {
    "cell_repeated": Text(
        vi="mở tệp bằng Excel, kiểm tra ô này và lưu lại",
        en="open the file in Excel, look at this cell and save it",
    ),
    "formula_without_value": Text(
        vi="mở tệp bằng Excel và lưu lại", en="open the file in Excel and save it"
    ),
    "number_invalid": Text(
        vi="sửa giá trị hoặc định dạng của ô", en="mend the value or the format of the cell"
    ),
}
_REMEDY_MERGES = Text(
    vi="bỏ gộp các ô của tiêu đề rồi gộp lại", en="unmerge the cells of the header, then merge anew"
)
_REMEDY_CELL = Text(vi="sửa ô này rồi gửi lại", en="mend the cell and send it again")


def sheet_records(
    sheet: Sheet, *, header: Header, code: str, file: Place, limit: int
) -> Iterator[SourceRecord | UnreadableRecord]:
    """
    Yield the records of a sheet.

    Args:
        sheet: Its rows are read once.
        header: Where the names stand.
        code: The format; first part of the codes of errors.
        file: The place of the workbook.
        limit: Characters of one row.

    Raises:
        InputError: The header is not as it should be.
    """
    names, labels, ahead = _read_header(sheet, header, code=code, file=file)
    blank: dict[str, Value] = dict.fromkeys(names.values())
    file_name, sheet_name = file.file, sheet.name
    number = 0
    for row in chain(ahead, sheet.rows):
        if not row.cells and not row.faults:
            continue
        values = blank.copy()
        room = limit
        is_filled = False
        for index, value in row.cells:
            if isinstance(value, str):
                room -= len(value)
                is_filled = is_filled or value.strip() != ""
            else:
                is_filled = True
            if index not in names:
                letter = column_letter(index)
                names[index] = letter if letter not in labels else f"({letter})"
                labels[names[index]] = letter
            values[names[index]] = value
        if not is_filled and not row.faults:
            continue
        number += 1
        place = Place(file=file_name, sheet=sheet_name, row=row.number)
        if not row.faults and room >= 0:
            fonts = {names[index]: font for index, font in (row.fonts or {}).items()}
            yield SourceRecord(
                number=number, values=values, place=place, columns=labels, fonts=fonts
            )
            continue
        problems = [
            cell_problem(fault, code=code, place=place.at(column=_label(index, names, labels)))
            for index, fault in row.faults
        ]
        if room < 0:
            problems.append(_row_too_large(code, place, limit))
        yield UnreadableRecord(number=number, problems=tuple(problems), values=values)


def checked_text(text: str) -> str:
    """Return the text of a cell; raise CellFault when it cannot be one."""
    found = None if texts.is_clean(text) else texts.fault(text, marks=False)
    if found is not None:
        raise CellFault(found[0], found[1].vi, found[1].en)
    return text


def cell_problem(fault: CellFault, *, code: str, place: Place) -> Problem:
    """Return the finding for a cell that cannot be read."""
    remedy = _REMEDIES.get(fault.code, _REMEDY_CELL)
    return problem(f"{code}.{fault.code}", fault.text, place=place, remedy=remedy)


def choose_sheet(sheets: Sequence[tuple[str, bool]], *, wanted: str, code: str, file: Place) -> int:
    """
    Return the position of the sheet that is meant: by name, else the first that can be seen.

    Args:
        sheets: Name, and whether it is hidden.
        wanted: Its name, or "".
        code: The format.
        file: The place of the workbook.

    Raises:
        SheetMissing: There is none of that name.
    """
    if wanted:
        name = texts.nfc(wanted).strip()
        chosen = [index for index, sheet in enumerate(sheets) if sheet[0].strip() == name]
    else:
        seen = [index for index, sheet in enumerate(sheets) if not sheet[1]]
        chosen = seen or list(range(len(sheets)))
    if chosen:
        return chosen[0]
    found = ", ".join(f"'{name}'" for name, _ in sheets[:40]) or "-"
    told = problem(
        f"{code}.sheet_missing",
        Text(
            vi=f"không có trang tính '{wanted}'; tìm thấy: {found}",
            en=f"there is no sheet '{wanted}'; found: {found}",
        ),
        place=file,
        remedy=Remedy(AGREED, Text(vi="sửa khóa sheet", en="mend the key sheet")),
    )
    raise SheetMissing(told, sheets=tuple(name for name, _ in sheets))


def _read_header(
    sheet: Sheet, header: Header, *, code: str, file: Place
) -> tuple[dict[int, str], dict[str, str], list[Row]]:
    """Return the names by column, their labels, and the row that was read one too far."""
    first = header.header_row
    last = first + header.header_rows - 1
    place = Place(file=file.file, sheet=sheet.name, row=first)
    rows: dict[int, dict[int, str]] = {}
    ahead: list[Row] = []
    for row in sheet.rows:
        if row.number > last:
            ahead.append(row)
        elif row.number >= first:
            rows[row.number] = _header_cells(row, code=code, place=place)
        if row.number >= last:
            break
    if _area(sheet.merges, range(first, last + 1)) > MAX_COLUMNS * header.header_rows:
        vi = "các ô gộp của tiêu đề chồng lên nhau"
        text = Text(vi=vi, en="merged cells of the header lie on one another")
        raise refuse(f"{code}.damaged", text, place=place, remedy=_REMEDY_MERGES)
    cells = _joined(rows, range(first, last + 1), sheet.merges)
    if not cells:
        vi, en = f"không có tiêu đề ở dòng {first}", f"there is no header in row {first}"
        remedy = Remedy(
            AGREED, Text(vi="sửa khóa header_row hoặc sheet", en="mend the key header_row or sheet")
        )
        text = Text(vi=vi, en=en)
        raise refuse(f"{code}.header_missing", text, place=place, remedy=remedy)
    names, labels = column_names(cells, code=f"{code}.columns_repeated", place=place)
    missing = missing_columns(header.required, found=labels)
    if missing is not None:
        vi, en = "kiểm tra khóa header_row và sheet", "check the keys header_row and sheet"
        remedy = Remedy(AGREED, Text(vi=vi, en=en))
        raise refuse(f"{code}.columns_missing", missing, place=place, remedy=remedy)
    return names, labels, ahead


def _area(merges: Sequence[Merge], numbers: range) -> int:
    """Return how many cells of the header are merged, those of two merges twice."""
    return sum(
        max(min(bottom, numbers[-1]) - top + 1, 0) * max(right - left + 1, 0)
        for top, left, bottom, right in merges
    )


def _header_cells(row: Row, *, code: str, place: Place) -> dict[int, str]:
    if row.faults:
        index, fault = row.faults[0]
        where = Place(
            file=place.file, sheet=place.sheet, row=row.number, column=column_letter(index)
        )
        raise InputError(cell_problem(fault, code=code, place=where))
    return {index: str(value) for index, value in row.cells if str(value).strip()}


def _joined(
    rows: dict[int, dict[int, str]], numbers: range, merges: Sequence[Merge]
) -> dict[int, str]:
    """Return the name of each column: what stands above it, from top to bottom."""
    if len(numbers) == 1:
        return rows.get(numbers[0], {})
    for top, left, bottom, right in merges:
        name = rows.get(top, {}).get(left)
        if name is None:
            continue
        for number in range(top, min(bottom, numbers[-1]) + 1):
            rows.setdefault(number, {}).update(dict.fromkeys(range(left, right + 1), name))
    parts: dict[int, list[str]] = {}
    for number in numbers:
        for index, name in sorted(rows.get(number, {}).items()):
            above = parts.setdefault(index, [])
            shown = " ".join(name.split())
            if not above or above[-1] != shown:
                above.append(shown)
    return {index: JOINT.join(parts[index]) for index in sorted(parts)}


def _label(index: int, names: dict[int, str], labels: dict[str, str]) -> str:
    return labels.get(names.get(index, ""), column_letter(index))


def _row_too_large(code: str, place: Place, limit: int) -> Problem:
    vi, en = f"dòng dài hơn giới hạn {limit} ký tự", f"row longer than {limit} characters"
    return problem(f"{code}.row_too_large", Text(vi=vi, en=en), place=place, remedy=TOO_LARGE)
