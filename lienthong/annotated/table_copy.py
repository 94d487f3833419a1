"""
A DBF table or a file of fixed width as a CSV that any program opens, with its errors at the end.

Neither has room for notes, and fields have names in their own programs alone: the copy is to look
at, and what is wrong is mended at its source. One row for each record of a table, and for each line
of a file of fixed width, because a finding stands at a line: details, header and trailer too.
"""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from dataclasses import replace
from datetime import datetime, time
from typing import TYPE_CHECKING, BinaryIO

from adapters import DbfOptions, SourceRecord, read_records
from adapters import text as texts
from adapters.dbase_header import read_header
from adapters.fixed_lines import Cutter, read_lines
from adapters.source import open_text
from lienthong.annotated.marks import BadRows
from lienthong.annotated.words import HEADER, harmless, note_of
from mappings.values import as_text
from schemas.problem import Place, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from adapters import FixedOptions
    from adapters.record import Value
    from lienthong.annotated.marks import Marks
    from schemas.problem import Language

    Rows = Iterator[tuple[int, Sequence[Value]]]

_RECORD = Text(vi="Bản ghi số", en="Record number")
_LINE = Text(vi="Dòng số", en="Line number")
_TYPE = Text(vi="Loại dòng", en="Type of line")


def copy_as_csv(
    source: BinaryIO,
    *,
    target: BinaryIO,
    options: DbfOptions | FixedOptions,
    marks: Marks,
    language: Language,
    only_bad: bool,
) -> None:
    """
    Write the annotated copy: UTF-8 with byte order mark, in the order of the file.

    Args:
        source: May be read from any place.
        target: Gets the bytes; what stands in it when this raises is worth nothing.
        options: By which the file was read.
        marks: What is wrong with it; what concerns no row stands in the header.
        language: Of the columns that are ours.
        only_bad: Leave rows out with which nothing is wrong.

    Raises:
        InputError: it cannot be read at all.
    """
    source.seek(0)
    if isinstance(options, DbfOptions):
        names, rows = _of_table(source, options, language)
    else:
        names, rows = _of_lines(source, options, language)
    header = HEADER.say(language)
    of_file = marks.of_file()
    if of_file:
        header += f": {note_of(of_file, language)}"
    target.write(BOM_UTF8)
    writer = csv.writer(_Encoded(target))
    writer.writerow([*names, header])
    bad = BadRows(marks.rows())
    for number, values in rows:
        problems = bad.take(number)
        if problems or not only_bad:
            note = note_of(problems, language) if problems else ""
            writer.writerow([number, *map(_cell, values), note])


def _of_table(
    source: BinaryIO, options: DbfOptions, language: Language
) -> tuple[Sequence[str], Rows]:
    columns = read_header(source, encoding=options.encoding, place=Place()).columns
    names = [one.name for one in columns if not one.is_system and one.name not in options.omit]
    source.seek(0)
    return [_RECORD.say(language), *names], _records(source, options, names)


def _records(source: BinaryIO, options: DbfOptions, names: Sequence[str]) -> Rows:
    # As it stands there: neither mended nor taken apart.
    as_is = replace(options, repair="off", embedded={})
    for record in read_records(source, file_name="", options=as_is):
        place = record.place if isinstance(record, SourceRecord) else record.problems[0].place
        yield place.row or 0, [record.values.get(name) for name in names]


def _of_lines(
    source: BinaryIO, options: FixedOptions, language: Language
) -> tuple[Sequence[str], Rows]:
    cutter = Cutter(options)
    # Fields of the same name in several types of line are one column.
    names = list(dict.fromkeys(name for kind in cutter.types.values() for name in kind.fields))
    own = [_LINE, _TYPE] if options.type_at else [_LINE]
    return [*(one.say(language) for one in own), *names], _lines(source, options, cutter, names)


def _lines(source: BinaryIO, options: FixedOptions, cutter: Cutter, names: Sequence[str]) -> Rows:
    as_bytes = options.unit == "bytes"
    encoding = options.encoding
    first, last = options.type_at or (1, 0)
    with open_text(source, encoding=encoding, place=Place(), as_bytes=as_bytes) as stream:
        for line, _ in read_lines(stream, limit=options.max_record_bytes):
            key = cutter.type_of(line)
            fields = {} if key is None else cutter.types[key].fields
            # Of a line that is too short or too long, what its positions hold is still a help.
            found = {name: cutter.value(line.text, one) for name, one in fields.items()}
            kind = [line.text[first - 1 : last]] if options.type_at else []
            yield line.number, [*kind, *map(found.get, names)]


class _Encoded:
    """Takes the text of a CSV for a file of bytes."""

    def __init__(self, target: BinaryIO) -> None:
        self._target = target

    def write(self, text: str) -> int:
        # A byte without a letter came as half a character, which has no bytes in UTF-8.
        return self._target.write(text.encode(errors="replace"))


def _cell(value: Value) -> str:
    if isinstance(value, str):
        return harmless(texts.nfc(value))
    if not isinstance(value, datetime):
        return as_text(value)
    return value.strftime("%d/%m/%Y" if value.time() == time.min else "%d/%m/%Y %H:%M:%S")
