"""What the values of each column look like: how many, which words, which writings of dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from mappings.dates import AMBIGUOUS, DATE_FORMATS, DateImplausible, DateInvalid, make_date_reader
from mappings.values import NotAValue, as_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters import Value

MAX_WORDS = 2_000
"""Different values of one column that are remembered."""
MAX_COLUMNS = 2_000
MAX_LENGTH = 200
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

    def take(self, value: Value) -> None:
        """Look at one value."""
        if isinstance(value, datetime):
            self.date_cells += 1
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers += 1
        try:
            text = as_text(value)[:MAX_LENGTH]
        except NotAValue:
            return
        if not text:
            return
        self.filled += 1
        if text in self.words or len(self.words) < MAX_WORDS:
            self.words[text] += 1
        else:
            self.is_cut = True

    @property
    def is_unique(self) -> bool:
        """Whether no value came twice, as far as is remembered."""
        return self.filled > 1 and not self.is_cut and max(self.words.values()) == 1

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
    """Paths of lists of objects, with the keys in them."""


def profile_records(records: Iterable[object], *, limit: int) -> SampleProfile:
    """
    Return what the first `limit` of `records` look like.

    Args:
        records: As `read_records` yields them.
        limit: At most so many readable ones are looked at.
    """
    columns: dict[str, ColumnProfile] = {}
    lists: dict[str, dict[str, None]] = {}
    readable = unreadable = 0
    for item in records:
        values = getattr(item, "values", None)
        if not isinstance(values, Mapping):
            unreadable += 1
            continue
        readable += 1
        for path, value in _leaves(values, ""):
            if isinstance(value, list | tuple):
                keys = lists.setdefault(path, {})
                keys.update(
                    dict.fromkeys(k for each in value if isinstance(each, Mapping) for k in each)
                )
                continue
            if path not in columns:
                if len(columns) >= MAX_COLUMNS:
                    continue
                columns[path] = ColumnProfile(path=path)
            columns[path].take(value)
        if readable >= limit:
            break
    return SampleProfile(
        records=readable,
        unreadable=unreadable,
        columns=columns,
        lists={path: tuple(keys) for path, keys in lists.items()},
    )


def _leaves(values: Mapping[str, Value], base: str) -> Iterator[tuple[str, Value]]:
    for key, value in values.items():
        path = f"{base}.{key}" if base else key
        if isinstance(value, Mapping) and not all(name[:1] in "@#" for name in value):
            yield from _leaves(value, path)
        else:
            yield path, value
