"""
Rows of other sheets as lists in the records they belong to, by a key both have.

The other sheets are read first, into a temporary file, because their rows may stand in any order
and be more than memory holds. A row that cannot be read makes its record unreadable; a row whose
record is not there is reported: neither is left out.
"""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.record import Part, SourceRecord, UnreadableRecord
from adapters.refusal import TOO_LARGE, problem
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.record import Value
    from schemas.problem import Problem

    Record = SourceRecord | UnreadableRecord

_REMEDY = Text(
    vi="sửa mã ở dòng này, hoặc bổ sung dòng có mã đó ở trang tính chính",
    en="mend the key in this row, or add the row of that key to the main sheet",
)


def join(
    records: Iterator[Record],
    *,
    key: str,
    children: Mapping[str, tuple[str, Iterator[Record]]],
    code: str,
    limit: int,
) -> Iterator[Record]:
    """
    Yield `records` with the rows of their children, then the rows that belong to none.

    Args:
        records: Of the main sheet.
        key: Its column that rows of other sheets name.
        children: Field of the record -> the column that holds the key, and the rows.
        code: The format; first part of the codes of errors.
        limit: Bytes of the children of one record.
    """
    with closing(_Shelf()) as shelf:
        for name, (column, rows) in children.items():
            shelf.put(name, column, rows)
        number = 0
        for record in records:
            number = record.number
            yield _joined(record, key, shelf, tuple(children), code=code, limit=limit)
        for child, column in shelf.left():
            number += 1
            yield _orphan(child, column, number, code)


def _joined(
    record: Record, key: str, shelf: _Shelf, names: tuple[str, ...], *, code: str, limit: int
) -> Record:
    wanted = _as_key(record.values.get(key))
    lists: dict[str, list[Value]] = {name: [] for name in names}
    parts: dict[str, Part] = {}
    fonts: dict[str, str] = {}
    problems: list[Problem] = []
    room = limit
    for name, size, child in shelf.take(wanted) if wanted else ():
        room -= size
        if room < 0:
            problems.append(_too_large(code, limit))
            break
        if isinstance(child, UnreadableRecord):
            problems += child.problems
            continue
        path = f"{name}[{len(lists[name])}]"
        parts[path] = Part(place=child.place, columns=child.columns)
        fonts |= {f"{path}.{field}": font for field, font in child.fonts.items()}
        lists[name].append(child.values)
    if isinstance(record, UnreadableRecord):
        return replace(record, problems=(*record.problems, *problems))
    if problems:
        found = tuple(p if p.place.row else p.moved_to(record.place) for p in problems)
        return UnreadableRecord(number=record.number, problems=found)
    fonts |= record.fonts
    return replace(record, values={**record.values, **lists}, parts=parts, fonts=fonts)


def _orphan(child: Record, column: str, number: int, code: str) -> UnreadableRecord:
    if isinstance(child, UnreadableRecord):
        return replace(child, number=number)
    shown = _as_key(child.values.get(column))
    vi = f"không có dòng nào ở trang tính chính với mã '{shown}'"
    en = f"the main sheet has no row with the key '{shown}'"
    if not shown:
        vi, en = "dòng này không có mã", "this row has no key"
    place = child.place_of(column)
    text = Text(vi=vi, en=en)
    found = problem(f"{code}.parent_missing", text, place=place, remedy=_REMEDY)
    return UnreadableRecord(number=number, problems=(found,))


def _too_large(code: str, limit: int) -> Problem:
    vi = f"các dòng của trang tính khác thuộc bản ghi này dài hơn giới hạn {limit} byte"
    en = f"the rows of other sheets of this record are longer than {limit} bytes"
    return problem(f"{code}.row_too_large", Text(vi=vi, en=en), remedy=TOO_LARGE)


def _as_key(value: Value) -> str:
    """Return a key as text, the same for 12, 12.0 and "12 "; "" when there is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


class _Shelf:
    """Rows by their keys, on disk once there are many."""

    def __init__(self) -> None:
        # An empty name is SQLite's temporary database: on disk once it grows, gone when closed.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute(
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, name TEXT, key TEXT, body BLOB,"
            " is_taken INTEGER DEFAULT 0)"
        )
        self._connection.execute("BEGIN")
        self._columns: dict[str, str] = {}
        self._labels: dict[str, Mapping[str, str]] = {}

    def put(self, name: str, column: str, rows: Iterator[Record]) -> None:
        """Keep rows that belong into the field `name`."""
        self._columns[name] = column
        self._connection.executemany(
            "INSERT INTO rows (name, key, body) VALUES (?, ?, ?)",
            ((name, _as_key(row.values.get(column)), self._packed(name, row)) for row in rows),
        )
        self._connection.execute("CREATE INDEX IF NOT EXISTS by_key ON rows (key)")

    def take(self, key: str) -> Iterator[tuple[str, int, Record]]:
        """Yield the rows of a key in their order, each with its field and size."""
        self._connection.execute("UPDATE rows SET is_taken = 1 WHERE key = ?", (key,))
        found = self._connection.execute(
            "SELECT name, body FROM rows WHERE key = ? ORDER BY id", (key,)
        )
        for name, body in found:
            yield name, len(body), self._unpacked(name, body)

    def left(self) -> Iterator[tuple[Record, str]]:
        """Yield the rows that were never taken, each with the column of its key."""
        found = self._connection.execute(
            "SELECT name, body FROM rows WHERE is_taken = 0 ORDER BY id"
        )
        for name, body in found:
            yield self._unpacked(name, body), self._columns[name]

    def _packed(self, name: str, row: Record) -> bytes:
        if isinstance(row, SourceRecord):
            # All rows of a sheet share their labels; each would carry a copy.
            self._labels[name] = row.columns
            row = replace(row, columns={})
        return pickle.dumps(row)

    def _unpacked(self, name: str, body: bytes) -> Record:
        row: Record = pickle.loads(body)  # noqa: S301 - written above, and seen by nobody else
        return replace(row, columns=self._labels[name]) if isinstance(row, SourceRecord) else row

    def close(self) -> None:
        self._connection.close()
