"""
CSV: rows of text, one record per row.

The row of a place is the one a spreadsheet shows (blank rows and the header counted), its line
is the physical line the row starts on. Python's csv module splits; everything it would let pass
in silence is reported here: ragged rows, quotation marks that never close, undecodable bytes.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, BinaryIO

from adapters import text as texts
from adapters.lines import bounded_lines
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import (
    AGREED,
    MAX_PROBLEMS,
    TOO_LARGE,
    column_letter,
    column_names,
    missing_columns,
    problem,
    refuse,
)
from adapters.source import open_text
from schemas.errors import InputError
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters.lines import Lines
    from adapters.options import CsvOptions
    from schemas.problem import Problem

    Row = tuple[int, int, Sequence[str], Sequence[Problem]]

_HOPELESS = 100
"""Undecodable records at the start, with no good one, after which the encoding must be wrong."""

_DELIMITERS = {",": "','", ";": "';'", "\t": '"\\t"', "|": "'|'"}

_REMEDY_HEADER = Remedy(
    AGREED,
    Text(
        vi="sửa khóa header_row, hoặc khai báo header: false và columns",
        en="mend the key header_row, or declare header: false and columns",
    ),
)
_REMEDY_ENCODING = Remedy(
    AGREED,
    Text(
        vi="kiểm tra khóa encoding (utf-8, utf-16, tcvn3, vni, viscii, windows-1258)",
        en="check the key encoding (utf-8, utf-16, tcvn3, vni, viscii, windows-1258)",
    ),
)


def read(
    source: BinaryIO, *, file_name: str, options: CsvOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    with open_text(source, encoding=options.encoding, place=file) as stream:
        rows = _Rows(stream, file=file, options=options)
        yield from _records(iter(rows), file=file, options=options)


def split_rows(lines: Lines, *, file: Place, options: CsvOptions) -> Iterator[Row]:
    """
    Yield every row, titles and header included, as (row, first line, cells, problems).

    When one is yielded, its own lines have been read and no others.

    Raises:
        InputError: a quotation mark is never closed.
    """
    return iter(_Rows(lines, file=file, options=options))


def _records(
    rows: Iterator[Row], *, file: Place, options: CsvOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    names, labels = _header(rows, file=file, options=options)
    width, file_name, skip_blank = len(names), file.file, options.skip_blank
    number = undecodable = 0
    some_good = False
    for row, line, cells, problems in rows:
        if skip_blank and not problems and not any(map(str.strip, cells)):
            continue
        number += 1
        if not problems and len(cells) == width:
            some_good = True
            yield SourceRecord(
                number=number,
                values=dict(zip(names, cells, strict=True)),
                place=Place(file=file_name, row=row, line=line),
                columns=labels,
            )
            continue
        place = Place(file=file_name, row=row, line=line)
        found = [
            p.moved_to(place.at(column=_label(p.place.column, names, labels))) for p in problems
        ]
        if not problems:
            found.append(_ragged(len(cells), width=width, place=place))
        yield UnreadableRecord(number=number, problems=tuple(found))
        undecodable += any(p.code == "csv.undecodable" for p in found)
        if not some_good and undecodable == number == _HOPELESS:
            vi = f"cả {number} dòng đầu đều có byte sai bảng mã {options.encoding}"
            en = f"each of the first {number} rows has bytes that are not {options.encoding}"
            code = "input.encoding_wrong"
            raise refuse(code, Text(vi=vi, en=en), place=place, remedy=_REMEDY_ENCODING)


class _Rows:
    """The rows of a text as (row number, first line, cells, what is wrong with them)."""

    def __init__(self, stream: Lines, *, file: Place, options: CsvOptions) -> None:
        self._stream = stream
        self._file = file
        self._limit = options.max_record_bytes
        self._quote = options.quote
        self._held: list[str] = []
        """The lines of the row being read; bounded by the limit."""
        self._suspect = False
        self._too_long = False
        # The module's own limit holds for the whole process; it is only ever raised.
        csv.field_size_limit(max(csv.field_size_limit(), self._limit))
        self._reader = csv.reader(
            self._lines(),
            delimiter=options.delimiter,
            quotechar=options.quote or None,
            quoting=csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
            escapechar=options.escape or None,
            strict=True,
        )

    def __iter__(self) -> Iterator[Row]:
        reader, held = self._reader, self._held
        number, line = 0, 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end of data" in str(error):
                    raise self._unclosed(line) from error
                cells, problems = [], [self._misquoted(line, reader.line_num)]
            else:
                problems = self._faults(cells) if self._suspect else []
            if self._too_long:
                cells, problems = [], [self._too_large()]
            number += 1
            yield number, line, cells, problems
            self._suspect = self._too_long = False
            held.clear()
            line = reader.line_num + 1

    def _lines(self) -> Iterator[str]:
        limit, held, is_clean = self._limit, self._held, texts.is_clean
        length = 0
        for line in bounded_lines(self._stream, limit=limit):
            length = length + len(line) if held else len(line)
            if held and length > limit:
                held.append(line)
                raise self._unclosed(self._reader.line_num + 2 - len(held))
            if len(line) > limit:
                self._too_long = True
                yield "\n"
                continue
            held.append(line)
            if not is_clean(line):
                self._suspect = True
            yield line

    def _faults(self, cells: list[str]) -> list[Problem]:
        """Bring `cells` to NFC in place and return what cannot be read in them."""
        problems: list[Problem] = []
        for index, cell in enumerate(cells):
            cells[index] = texts.nfc(cell)
            found = texts.fault(cell)
            if found is not None and len(problems) < MAX_PROBLEMS:
                place = Place(column=str(index))
                remedy = texts.REMEDIES[found[0]]
                problems.append(problem(f"csv.{found[0]}", found[1], place=place, remedy=remedy))
        return problems

    def _too_large(self) -> Problem:
        limit = self._limit
        return problem(
            "csv.too_large",
            Text(
                vi=f"dòng dài hơn giới hạn {limit} ký tự",
                en=f"row longer than {limit} characters",
            ),
            remedy=TOO_LARGE,
        )

    def _misquoted(self, first: int, last: int) -> Problem:
        lines = str(first) if first == last else f"{first}-{last}"
        return problem(
            "csv.quote_misplaced",
            Text(
                vi=f"dấu {self._quote} nằm sai chỗ ở dòng {lines}: "
                "sau dấu đóng phải là dấu phân cách hoặc hết dòng",
                en=f"misplaced {self._quote} in line {lines}: "
                "a closing one is followed by a delimiter or the end of the line",
            ),
            remedy=Text(
                vi=f"viết dấu {self._quote} bên trong giá trị thành hai dấu liền nhau",
                en=f"double every {self._quote} inside a value",
            ),
        )

    def _unclosed(self, first_line: int) -> InputError:
        opened, line = False, first_line
        for offset, part in enumerate(self._held):
            if part.count(self._quote) % 2:
                opened = not opened
                line = first_line + offset if opened else line
        return refuse(
            "csv.quote_unclosed",
            Text(
                vi=f"dấu {self._quote} mở ở dòng {line} không được đóng",
                en=f"the {self._quote} opened in line {line} is never closed",
            ),
            place=Place(file=self._file.file, line=line),
            remedy=Remedy(
                Text(vi="đóng dấu này", en="close it"),
                Text(
                    vi='nếu dữ liệu không dùng dấu bao, khai báo quote: ""',
                    en='if the data uses no quotation marks, declare quote: ""',
                ),
            ),
        )


def _header(
    rows: Iterator[Row], *, file: Place, options: CsvOptions
) -> tuple[list[str], dict[str, str]]:
    if not options.header:
        cells: Sequence[str] = options.columns
        place = file
    else:
        place = Place(file=file.file, row=options.header_row)
        for row, line, cells, problems in rows:
            if row == options.header_row:
                place = Place(file=file.file, row=row, line=line)
                _check_header(cells, problems, place=place)
                break
        else:
            vi = f"không có dòng tiêu đề ở dòng {options.header_row}"
            en = f"there is no header in row {options.header_row}"
            text = Text(vi=vi, en=en)
            raise refuse("csv.header_missing", text, place=place, remedy=_REMEDY_HEADER)
    named, labels = column_names(dict(enumerate(cells)), code="csv.columns_repeated", place=place)
    missing = missing_columns(options.required, found=labels)
    remedy = _delimiter_remedy(cells, options)
    if missing is not None:
        remedy = remedy or Remedy(
            AGREED,
            Text(
                vi="kiểm tra dòng tiêu đề, delimiter và encoding",
                en="check the header row, delimiter and encoding",
            ),
        )
        raise refuse("csv.columns_missing", missing, place=place, remedy=remedy)
    if remedy is not None:
        vi = f"dòng tiêu đề chỉ có một cột khi tách bằng {_shown(options.delimiter)}"
        en = f"the header is a single column when split at {_shown(options.delimiter)}"
        raise refuse("csv.delimiter_wrong", Text(vi=vi, en=en), place=place, remedy=remedy)
    return list(named.values()), labels


def _check_header(cells: Sequence[str], problems: Sequence[Problem], *, place: Place) -> None:
    if not problems and any(map(str.strip, cells)):
        return
    if not problems:
        text = Text(vi="dòng tiêu đề trống", en="the header row is blank")
        raise refuse("csv.header_missing", text, place=place, remedy=_REMEDY_HEADER)
    first = problems[0]
    if first.code not in ("csv.undecodable", "csv.nul"):
        raise InputError(first.moved_to(place))
    vi = f"không đọc được dòng tiêu đề: {first.message.vi}"
    en = f"the header cannot be read: {first.message.en}"
    text = Text(vi=vi, en=en)
    raise refuse("input.encoding_wrong", text, place=place, remedy=_REMEDY_ENCODING)


def _delimiter_remedy(cells: Sequence[str], options: CsvOptions) -> Remedy | None:
    if len(cells) != 1:
        return None
    for other, shown in _DELIMITERS.items():
        if other != options.delimiter and other in cells[0]:
            vi = f"có lẽ dấu phân cách là {shown}: khai báo delimiter: {shown}"
            en = f"the delimiter may be {shown}: declare delimiter: {shown}"
            return Remedy(AGREED, Text(vi=vi, en=en))
    return None


def _shown(delimiter: str) -> str:
    return _DELIMITERS.get(delimiter, f"'{delimiter}'")


def _label(index: str | None, names: list[str], labels: dict[str, str]) -> str | None:
    if index is None:
        return None
    position = int(index)
    return labels[names[position]] if position < len(names) else column_letter(position)


def _ragged(found: int, *, width: int, place: Place) -> Problem:
    return problem(
        "csv.ragged",
        Text(
            vi=f"dòng có {found} giá trị, tiêu đề có {width} cột",
            en=f"the row has {found} fields, the header has {width} columns",
        ),
        place=place,
        remedy=Text(
            vi="thừa hoặc thiếu dấu phân cách; đặt giá trị có dấu phân cách trong dấu bao",
            en="a delimiter is missing or too many; quote values that contain the delimiter",
        ),
    )
