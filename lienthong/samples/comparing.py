"""What came out beside what was expected: each field on its own, none passed over."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    Found: TypeAlias = Mapping[str, object]
    Expected: TypeAlias = Mapping[str, str | Sequence[Mapping[str, str | None]] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How one packet, or several, differ from what was expected."""

    fields: int
    """How many were compared: texts, those that must be absent, and those of every item."""
    right: int
    differences: tuple[str, ...]
    """One sentence a field; of a group with another number of items one for all of it."""
    unnamed: tuple[str, ...]
    """Fields that came out although nobody expects them, for example "TaiLieuNop[1].DuocSoHoa"."""

    def __add__(self, other: Comparison) -> Comparison:
        """Return both as one."""
        return Comparison(
            fields=self.fields + other.fields,
            right=self.right + other.right,
            differences=self.differences + other.differences,
            unnamed=self.unnamed + other.unnamed,
        )


class _Verdict(NamedTuple):
    """About one field, or about a group of which nothing can be right."""

    fields: int
    difference: str | None


def compare(expected: Expected, found: Found, *, where: str = "") -> Comparison:
    """Return how the fields of a packet or item differ; `where` goes before their names."""
    verdicts = tuple(_verdicts(expected, found, where=where))
    return Comparison(
        fields=sum(verdict.fields for verdict in verdicts),
        right=sum(verdict.fields for verdict in verdicts if verdict.difference is None),
        differences=tuple(verdict.difference for verdict in verdicts if verdict.difference),
        unnamed=tuple(_unnamed(expected, found, where=where)),
    )


def compare_rows(expected: Sequence[Expected], found: Sequence[Found], *, name: str) -> Comparison:
    """Return how rows differ, in their order; a row too many or too few is wrong as a whole."""
    whole = Comparison(fields=0, right=0, differences=(), unnamed=())
    for number, (row, other) in enumerate(zip_longest(expected, found), start=1):
        where = f"{name}[{number}]"
        if row is None or other is None:
            says = f"{where}: expected {'no more' if row is None else 'a row, found none'}"
            whole += Comparison(fields=len(row or other), right=0, differences=(says,), unnamed=())
        else:
            whole += compare(row, other, where=f"{where}.")
    return whole


def _verdicts(expected: Expected, found: Found, *, where: str) -> Iterator[_Verdict]:
    for name, value in expected.items():
        other = found.get(name)
        if value is None or isinstance(value, str):
            says = f"{where}{name}: expected {value!r}, found {other!r}"
            yield _Verdict(1, None if value == other else says)
            continue
        items = _items(other)
        if len(items) != len(value):
            says = f"{where}{name}: expected {len(value)} items, found {len(items)}"
            yield _Verdict(sum(map(len, value)), says)
            continue
        for number, (item, found_item) in enumerate(zip(value, items, strict=True), start=1):
            yield from _verdicts(item, found_item, where=f"{where}{name}[{number}].")


def _unnamed(expected: Expected, found: Found, *, where: str) -> Iterator[str]:
    for name, value in found.items():
        if name not in expected:
            yield f"{where}{name}"
            continue
        items = expected[name]
        if items is None or isinstance(items, str):
            continue
        for number, (item, other) in enumerate(zip(items, _items(value), strict=False), start=1):
            yield from _unnamed(item, other, where=f"{where}{name}[{number}].")


def _items(value: object) -> Sequence[Found]:
    return value if isinstance(value, (list, tuple)) else ()
