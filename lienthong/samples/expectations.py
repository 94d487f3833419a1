"""
What a sample file holds and what a conversion of it must report.

The list of seeded errors is complete: a record that is not named in it converts without a
complaint, and a named one is reported with exactly these codes at these places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.problem import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededError:
    """One problem put into a file on purpose."""

    file: str
    """File name without its folder, as it stands in reports."""
    record: int
    """1-based position among all records of the file."""
    place: Place
    """Where the agency must find it: row and column of a table, or path."""
    code: str
    """Code of the problem that must be reported."""
    field: str | None
    """The portal's field, where the problem concerns one."""
    dossier: str | None
    """Dossier code of the spoilt record, where it still has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFile:
    """One agency's file."""

    agency: str
    """Name of the mapping that reads it."""
    path: Path
    records: int
    """All records, good and bad."""
    dossiers: tuple[str, ...]
    """Codes of the good dossiers, each once, in the order of the file."""
    expected: tuple[SeededError, ...]

    @property
    def bad_records(self) -> frozenset[int]:
        """Numbers of the records that must be rejected."""
        return frozenset(error.record for error in self.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSet:
    """The files of one call, in the order of their agencies' names."""

    files: tuple[SampleFile, ...]

    def of(self, agency: str) -> SampleFile:
        """
        Return the file of one agency.

        Raises:
            KeyError: No sample is made for `agency`.
        """
        for file in self.files:
            if file.agency == agency:
                return file
        raise KeyError(agency)
