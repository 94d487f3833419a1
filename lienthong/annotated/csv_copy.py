"""
An agency's CSV with one column more: its own bytes as they came, and what is wrong with each row.

Rows are split by the reader itself, so that a row here is the row of the findings. Titles above the
header and blank rows stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from adapters.delimited import split_rows
from adapters.source import open_bytes, read_head, settle_encoding
from lienthong.annotated.marks import BadRows
from lienthong.annotated.raw_lines import RawLines
from lienthong.annotated.words import HEADER, encode, note_of
from schemas.errors import InputError
from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters import CsvOptions
    from lienthong.annotated.marks import Marks
    from schemas.problem import Language, Problem


def copy_csv(
    source: BinaryIO,
    *,
    target: BinaryIO,
    options: CsvOptions,
    marks: Marks,
    language: Language,
    only_bad: bool,
) -> None:
    """
    Write the annotated copy of a file.

    Args:
        source: At its beginning.
        target: Gets the bytes.
        options: By which the file was read.
        marks: What is wrong with it.
        language: Of the column.
        only_bad: Leave rows out with which nothing is wrong.

    Raises:
        InputError: it is no text in this encoding at all.
    """
    file = Place()
    head = read_head(source)
    codec, mark = settle_encoding(head, options.encoding, file)
    target.write(mark)
    lines = RawLines(open_bytes(source, head=head[len(mark) :]), target=target, codec=codec)
    column = _Column(options, encoding=codec, language=language)
    bad = BadRows(marks.rows())
    header_row = options.header_row if options.header else 0
    number = 1
    lines.is_copied = not only_bad or number <= header_row or number == bad.row
    try:
        for number, _, cells, _ in split_rows(lines, file=file, options=options):
            problems = bad.take(number)
            if lines.is_copied:
                if number == header_row:
                    lines.put(column.header(cells, problems))
                elif number > header_row and (problems or not options.skip_blank or _some(cells)):
                    lines.put(column.cell(problems))
            following = number + 1
            lines.is_copied = not only_bad or following <= header_row or following == bad.row
    except InputError:
        # From here on the reader saw no rows: what follows is copied as it is.
        pass
    lines.finish()


class _Column:
    """Writes the cells of the last column."""

    def __init__(self, options: CsvOptions, *, encoding: str, language: Language) -> None:
        self._options = options
        self._encoding = encoding
        self._language = language

    def header(self, cells: Sequence[str], problems: Sequence[Problem]) -> bytes:
        """Return its name, another one where a copy is annotated again, and what is wrong there."""
        names = {" ".join(cell.split()) for cell in cells}
        name = base = HEADER.say(self._language)
        number = 1
        while name in names:
            number += 1
            name = f"{base} {number}"
        if problems:
            name += f": {note_of(problems, self._language)}"
        return self._written(name)

    def cell(self, problems: Sequence[Problem]) -> bytes:
        """Return the cell of a row; an empty one where nothing is wrong."""
        return self._written(note_of(problems, self._language) if problems else "")

    def _written(self, text: str) -> bytes:
        options = self._options
        if options.escape:
            text = text.replace(options.escape, "/")
        if not options.quote:
            text = text.replace(options.delimiter, " ")
        elif text:
            text = text.replace(options.quote, options.quote * 2)
            text = f"{options.quote}{text}{options.quote}"
        return encode(options.delimiter, self._encoding) + encode(text, self._encoding)


def _some(cells: Sequence[str]) -> bool:
    return any(map(str.strip, cells))
