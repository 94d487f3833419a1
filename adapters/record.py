"""
What an adapter yields: records as the agency wrote them, each with its place.

An adapter decodes bytes and finds records; it never interprets values beyond what the format
itself says (a JSON number is a number, a workbook date is a date). Text is always NFC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from schemas.problem import Place, Problem

Value: TypeAlias = (
    "str | int | float | bool | datetime | Sequence[Value] | Mapping[str, Value] | None"
)
"""A value as its format gives it; nested for JSON and XML, flat for tables. Text is NFC."""


_STEP = re.compile(r"[.\[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a record with a place of its own: a detail line, a row of another sheet."""

    place: Place
    columns: Mapping[str, str] = field(default_factory=dict)
    """As those of the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """One record that could be read."""

    number: int
    """1-based position among all records of the input, readable or not."""
    values: Mapping[str, Value]
    place: Place
    """Where the record as a whole stands."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """For tables: field name to what the agency sees above it, for example "D (Ngày nhận)"."""
    fonts: Mapping[str, str] = field(default_factory=dict)
    """Field name to the legacy font its text is shown in (.VnTime, VNI-Times); others are not
    listed."""
    encoded: frozenset[str] = frozenset()
    """Paths, without positions in lists, of bytes in base64: nobody typed them, so that there is
    nothing in them to repair."""
    warnings: Sequence[Problem] = ()
    """What was found in it that does not stop it."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """Path to what stands there, for parts that the agency finds elsewhere than the record."""

    def place_of(self, path: str) -> Place:
        """Return the place of one field; `path` is a field name or a dotted path in the record."""
        column = self.columns.get(path)
        if column is not None:
            return self.place.at(column=column)
        base, rest = path, ""
        while self.parts and base:
            part = self.parts.get(base)
            if part is not None:
                return _inside(part.place, part.columns, rest)
            base, _, step = base.rpartition(".")
            rest = f"{step}.{rest}" if rest else step
        return _inside(self.place, self.columns, path)


def _inside(place: Place, columns: Mapping[str, str], path: str) -> Place:
    """Return the place of `path` in what stands at `place`."""
    if path in columns:
        return place.at(column=columns[path])
    head = _STEP.split(path, maxsplit=1)[0]
    if head in columns:
        # A document inside one cell.
        return place.at(column=columns[head], path=path[len(head) :].lstrip("."))
    base = place.path
    return place.at(path=path if not base else f"{base}.{path}" if path else base)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRecord:
    """One record that could not be read; the ones after it go on."""

    number: int
    problems: Sequence[Problem]
    values: Mapping[str, Value] = field(default_factory=dict)
    """Of a table: what could be read, so that it can be told whose row it is."""
