"""What the values of each column look like: how many, which words, which writings of dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from adapters import SourceRecord
from mappings.dates import AMBIGUOUS, DATE_FORMATS, DateImplausible, DateInvalid, make_date_reader
from mappings.values import NotAValue, as_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from adapters import Value

MAX_WORDS = 2_000
"""Different values of one column that are remembered."""
MAX_COLUMNS = 2_000
MAX_KEYS = 200
"""Of the objects at one path."""
MAX_LENGTH = 200
MAX_CELLS = 500_000
"""Whose marks are remembered, to tell whether records agree."""
FEW = 30
"""A column with at most so many different values may be a list of codes."""
_NO_DATES = frozenset({"workbook", "yyyy", "excel_serial", "epoch_s", "epoch_ms"})
"""Many numbers look like these; they are proposed by nobody but a person."""
_READERS = {name: make_date_reader([name]) for name in DATE_FORMATS if name not in _NO_DATES}


@dataclass(slots=True, kw_only=True)
class ColumnProfile:
    """One column, or one path into nested records."""

    path: str
    filled: int = 0
    date_cells: int = 0
    numbers: int = 0
    """Values that the format itself calls numbers."""
    words: Counter[str] = field(default_factory=Counter)
    is_cut: bool = False
    """Whether there were more different values than are remembered."""

    def take(self, value: Value) -> str:
        """Look at one value, and return its text; "" when it is empty or no value."""
        if isinstance(value, datetime):
            self.date_cells += 1
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers += 1
        try:
            text = as_text(value)[:MAX_LENGTH]
        except NotAValue:
            return ""
        if not text:
            return ""
        self.filled += 1
        if text in self.words or len(self.words) < MAX_WORDS:
            self.words[text] += 1
        else:
            self.is_cut = True
        return text

    @property
    def has_few(self) -> bool:
        """Whether it may be a list of codes."""
        return not self.is_cut and len(self.words) <= FEW

    def date_formats(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """
        Return the formats that read the values, most values first, and the values none reads.

        No formats at all: most values are no dates.
        """
        if self.date_cells and self.date_cells == self.filled:
            return ("workbook",), ()
        left, chosen = dict(self.words), []
        while left:
            counts = {name: [w for w in left if _reads(name, w)] for name in _READERS}
            best = max(counts, key=lambda name: sum(left[w] for w in counts[name]))
            if not counts[best]:
                break
            chosen.append(best)
            for word in counts[best]:
                del left[word]
        read = sum(self.words.values()) - sum(left.values())
        if not self.words or read * 2 < sum(self.words.values()):
            return (), ()
        if self.date_cells:
            chosen.append("workbook")
        return tuple(chosen), tuple(left)

    def other_reading(self, formats: Iterable[str]) -> str | None:
        """Return another format that would read every value as other dates, if there is one."""
        for pair in AMBIGUOUS:
            for one, other in (pair, pair[::-1]):
                if one in formats and all(_reads(other, word) for word in self.words):
                    return other
        return None


def _reads(name: str, word: str) -> bool:
    try:
        _READERS[name](word)
    except (DateInvalid, DateImplausible):
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleProfile:
    """What was seen in a sample."""

    records: int
    unreadable: int
    columns: Mapping[str, ColumnProfile]
    """By path, in the order of the sample."""
    lists: Mapping[str, tuple[str, ...]]
    """Paths of lists, with the keys of the objects in them."""
    objects: Mapping[str, tuple[str, ...]]
    """Paths of objects that are no list in any record, with their keys."""
    rows: Sequence[Mapping[str, int]] = ()
    """Of the first records: path -> hash of the text there; what is empty is left out."""


def profile_records(records: Iterable[object], *, limit: int) -> SampleProfile:
    """
    Return what the first `limit` of `records` look like.

    Args:
        records: As `read_records` yields them.
        limit: At most so many readable ones are looked at.
    """
    seen = _Seen()
    readable = unreadable = 0
    for item in records:
        if not isinstance(item, SourceRecord):
            unreadable += 1
            continue
        readable += 1
        seen.take_record(item.values)
        if readable >= limit:
            break
    return seen.profile(records=readable, unreadable=unreadable)


class _Seen:
    """What was seen so far, by path; no more paths than `MAX_COLUMNS` of a sort."""

    def __init__(self) -> None:
        self._columns: dict[str, ColumnProfile] = {}
        self._lists: dict[str, dict[str, None]] = {}
        self._objects: dict[str, dict[str, None]] = {}
        self._times: Counter[tuple[str, bool]] = Counter()
        """How often a list stood at a path, and how often an object."""
        self._rows: list[dict[str, int]] = []
        self._room = MAX_CELLS

    def take_record(self, values: Mapping[str, Value]) -> None:
        """Look at one record."""
        row: dict[str, int] = {}
        for path, value in _values(values, ""):
            text = self.take(path, value)
            if text and self._room > 0:
                row[path] = hash(text)
                self._room -= 1
        if self._room > 0:
            self._rows.append(row)

    def take(self, path: str, value: Value) -> str:
        """Look at one value; return the text of a column, "" of anything else."""
        if isinstance(value, list | tuple):
            self._times[path, True] += 1
            for each in value or [{}]:
                self._keep(self._lists, path, each if isinstance(each, Mapping) else {})
            return ""
        if isinstance(value, Mapping):
            self._times[path, False] += 1
            self._keep(self._objects, path, value)
            if not _is_element(value):
                return ""
        if path not in self._columns and len(self._columns) < MAX_COLUMNS:
            self._columns[path] = ColumnProfile(path=path)
        return self._columns[path].take(value) if path in self._columns else ""

    def _keep(
        self, seen: dict[str, dict[str, None]], path: str, value: Mapping[str, Value]
    ) -> None:
        if path not in seen and len(seen) >= MAX_COLUMNS:
            return
        keys = seen.setdefault(path, {})
        for key in value:
            if len(keys) < MAX_KEYS:
                keys[key] = None

    def profile(self, *, records: int, unreadable: int) -> SampleProfile:
        """Return everything that was seen."""
        for path in self._objects.keys() & self._lists.keys():
            # XML writes a list of one as the one.
            self._lists[path].update(self._objects[path])
        often = {path for path in self._lists if self._is_often_list(path)}
        return SampleProfile(
            records=records,
            unreadable=unreadable,
            columns={
                path: column
                for path, column in self._columns.items()
                if not _is_inside(path, often) and (column.filled or path not in self._objects)
            },
            rows=self._rows,
            lists={path: tuple(keys) for path, keys in self._lists.items()},
            objects={
                path: tuple(keys)
                for path, keys in self._objects.items()
                if path not in self._lists and not _is_inside(path, often)
            },
        )

    def _is_often_list(self, path: str) -> bool:
        # One record may have a list by mistake: that must not hide what the others have there.
        return self._times[path, True] * 10 >= self._times[path, False]


def _values(values: Mapping[str, Value], base: str) -> Iterator[tuple[str, Value]]:
    for key, value in values.items():
        path = f"{base}.{key}" if base else key
        yield path, value
        if isinstance(value, Mapping) and not _is_element(value):
            yield from _values(value, path)


def _is_element(value: Mapping[str, Value]) -> bool:
    """Return whether it is an XML element with attributes and text alone."""
    return all(name[:1] in "@#" for name in value)


def _is_inside(path: str, lists: Collection[str]) -> bool:
    """Return whether `path` goes on into a list."""
    steps = path.split(".")
    return any(".".join(steps[:length]) in lists for length in range(1, len(steps)))
