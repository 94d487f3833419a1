"""What is wrong in one file, by row, until its copy is made; on disk once it grows."""

from __future__ import annotations

import sqlite3
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from adapters.doctor import REPAIRED
from lienthong.causes import Causes
from schemas.problem import Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

MOST_OF_FILE = 20


class Marks:
    """The findings of one file; a context manager. One thread at a time."""

    def __init__(self, *, file_name: str, errors_only: bool = False) -> None:
        """
        Begin with none.

        Args:
            file_name: As the agency knows it.
            errors_only: Only count warnings.
        """
        self.file_name = file_name
        self.warnings_left_out = 0
        self._errors_only = errors_only
        # An empty name is SQLite's temporary database: on disk once it grows, gone when closed.
        self._connection = sqlite3.connect("", check_same_thread=False)
        self._connection.execute(
            "CREATE TABLE marks (number INTEGER PRIMARY KEY, sheet TEXT, row INTEGER, "
            "record INTEGER, severity TEXT, problem BLOB)"
        )
        self._is_indexed = False
        self.causes = Causes()
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def add(self, problem: Problem, *, record: int | None = None) -> None:
        """Keep one finding; a text that was read right after a repair is only counted."""
        if self._errors_only and problem.severity is Severity.WARNING:
            self.warnings_left_out += 1
            return
        self.causes.add(problem)
        if problem.code == REPAIRED:
            return
        self._connection.execute(
            "INSERT INTO marks (sheet, row, record, severity, problem) VALUES (?, ?, ?, ?, ?)",
            (
                problem.place.sheet,
                problem.place.row,
                record,
                problem.severity.value,
                msgspec.json.encode(problem),
            ),
        )
        self.count += 1

    def sheets(self) -> list[str | None]:
        """Return the sheets with findings in a row; None stands for a file without sheets."""
        found = self._connection.execute("SELECT DISTINCT sheet FROM marks WHERE row IS NOT NULL")
        return [name for (name,) in found]

    def count_rows(self) -> int:
        """Return how many rows have findings."""
        query = "SELECT count(*) FROM (SELECT DISTINCT sheet, row FROM marks WHERE row IS NOT NULL)"
        (count,) = self._connection.execute(query).fetchone()
        return int(count)

    def rows(self, sheet: str | None = None) -> Iterator[tuple[int, list[Problem]]]:
        """Yield the rows of a sheet that have findings, in order, with them in theirs."""
        if not self._is_indexed:
            self._connection.execute("CREATE INDEX marks_row ON marks (sheet, row, number)")
            self._is_indexed = True
        found = self._connection.execute(
            "SELECT row, problem FROM marks WHERE row IS NOT NULL AND sheet IS ? "
            "ORDER BY row, number",
            (sheet,),
        )
        for row, group in groupby(found, key=lambda pair: pair[0]):
            yield row, [_read(body) for _, body in group]

    def of_file(self) -> list[Problem]:
        """Return the first findings that concern no row."""
        found = self._connection.execute(
            "SELECT problem FROM marks WHERE row IS NULL ORDER BY number LIMIT ?", (MOST_OF_FILE,)
        )
        return [_read(body) for (body,) in found]

    def worst(self, limit: int) -> Iterator[Problem]:
        """Yield the first findings, errors before warnings, else as they came."""
        found = self._connection.execute(
            "SELECT problem FROM marks ORDER BY severity, number LIMIT ?", (limit,)
        )
        for (body,) in found:
            yield _read(body)

    def all(self) -> Iterator[tuple[int | None, Problem]]:
        """Yield record and finding, as they came."""
        found = self._connection.execute("SELECT record, problem FROM marks ORDER BY number")
        for record, body in found:
            yield record, _read(body)


class BadRows:
    """The rows with findings, while the file is gone through in order."""

    def __init__(self, rows: Iterator[tuple[int, list[Problem]]]) -> None:
        self._rows = rows
        self.row, self._problems = next(rows, (0, []))
        """`row` is the next one; 0 for no more."""

    def take(self, row: int) -> Sequence[Problem]:
        """Return what is wrong with a row."""
        if row != self.row:
            return ()
        found = self._problems
        self.row, self._problems = next(self._rows, (0, []))
        return found


def _read(body: bytes) -> Problem:
    return msgspec.json.decode(body, type=Problem)
