"""
What went wrong, where, and what to do: the one shape every layer reports in.

A `Problem` may quote the agency's value, because the agency must recognise its own cell; it
therefore goes to reports and to the store, never to a log. Logs cite `code` and `place` only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

LONGEST_VALUE = 200
"""Characters of the agency's value that a problem carries."""


class Language(Enum):
    """The languages that users read; the values are those of `--lang`."""

    VI = "vi"
    EN = "en"


class Text(NamedTuple):
    """One sentence in both languages."""

    vi: str
    en: str

    def __str__(self) -> str:
        return self.en

    def say(self, language: Language) -> str:
        """Return the sentence in `language`."""
        return self.vi if language is Language.VI else self.en


class Remedy(NamedTuple):
    """What to do about a finding: what the agency can, and what whoever writes the mapping can."""

    agency: Text
    integrator: Text | None = None


class Severity(Enum):
    """Whether a problem stops its record."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the agency's own input something stands; what does not apply is None."""

    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    """Row as the agency sees it: 1-based, header rows counted."""
    column: str | None = None
    """Column letter and name as the agency sees them, for example "D (Ngày nhận)"."""
    line: int | None = None
    """Physical line, 1-based; a quoted CSV field may make it differ from the row."""
    path: str | None = None
    """Path inside JSON or XML, for example "data[3].NgayNhan" or "/hoSo[2]/ten"."""

    def at(self, *, column: str | None = None, path: str | None = None) -> Place:
        """Return the same place narrowed to one column or path."""
        return replace(self, column=column or self.column, path=path or self.path)

    def say(self, language: Language) -> str:
        """Return the place in words, or an empty text when nothing of it is known."""
        is_vi = language is Language.VI
        named = (
            ("", self.file),
            ("trang tính " if is_vi else "sheet ", self.sheet),
            ("dòng " if is_vi else "row ", self.row),
            ("cột " if is_vi else "column ", self.column),
            ("dòng " if is_vi else "line ", self.line if self.row is None else None),
            ("", self.path),
        )
        return ", ".join(f"{label}{value}" for label, value in named if value is not None)

    def __str__(self) -> str:
        return self.say(Language.EN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding about one value, record, file or document."""

    code: str
    """Stable dotted code, for example "mapping.code_unknown"."""
    message: Text
    """What was expected and what was found; may quote the agency's value."""
    severity: Severity = Severity.ERROR
    place: Place = Place()
    field: str | None = None
    """The portal's field, as published, where one is concerned."""
    value: str | None = None
    """What stands at the place, cut to `LONGEST_VALUE`; None where nothing does."""
    suggestion: Text | None = None
    """What the reader can do about it; of the agency's data, what the agency can do."""
    for_integrator: Text | None = None
    """What whoever writes the mapping can do, where that is something else; the agency never
    reads it."""
    dossier: str | None = None
    """What the agency knows the dossier by: its code, or what stands where that is read from."""

    def about(self, dossier: str | None) -> Problem:
        """Return the same finding about a dossier, unless it says already which it is about."""
        if dossier is None or self.dossier is not None:
            return self
        return replace(self, dossier=dossier)

    def moved_to(self, place: Place) -> Problem:
        """Return the same finding at `place`."""
        return replace(self, place=place)
