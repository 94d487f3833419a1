"""
What an adapter yields: records as the agency wrote them, each with its place.

An adapter decodes bytes and finds records; it never interprets values beyond what the format
itself says (a JSON number is a number, a workbook date is a date). Text is always NFC.
"""

from __future__ import annotations

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
    warnings: Sequence[Problem] = ()
    """What was found in it that does not stop it."""

    def place_of(self, path: str) -> Place:
        """Return the place of one field; `path` is a field name or a dotted path in the record."""
        column = self.columns.get(path)
        if column is not None:
            return self.place.at(column=column)
        base = self.place.path
        return self.place.at(path=path if base is None else f"{base}.{path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRecord:
    """One record that could not be read; the ones after it go on."""

    number: int
    problems: Sequence[Problem]
