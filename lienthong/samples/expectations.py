"""
What a sample file holds and what a conversion of it must report.

The list of seeded errors is complete: a record that is not named in it converts without a
complaint, and a named one is reported with exactly these codes at these places.

It also says what the portal must get for each good record. These values are written from the
meaning of the fields and the same invented facts as the record, never by a mapping; what both
assume is in docs/profile-assumptions.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lienthong.samples.comparing import compare, compare_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lienthong.samples.comparing import Comparison
    from schemas.problem import Place

    Item: TypeAlias = Mapping[str, str | None]
    """Field of a repeated group to its text; None: must be absent."""
    PortalValues: TypeAlias = Mapping[str, str | Sequence[Item] | None]
    """
    Field of a packet to its text, or group to all its items in order.

    None: must be absent. A field that is not named is not judged, in items neither.
    """


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
class Attachment:
    """One paper that came inside a record and belongs into the dossier's manifest."""

    name: str
    size: int
    """In bytes, decoded."""
    sha256: str
    """Hex digest of the decoded bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDossier:
    """What the portal must get for one good record."""

    record: int
    """1-based position among all records of the file."""
    values: PortalValues
    """Of DongBoHoSoMC."""
    progress: tuple[PortalValues, ...] = ()
    """Of CapNhatTienDoHoSoMC, one for each progress row of the record, in its order."""
    attachments: tuple[Attachment, ...] = ()
    """In the order of the record; never part of the packet."""

    @property
    def dossier(self) -> str:
        """Code of the dossier."""
        return str(self.values["MaHoSo"])

    def compare(
        self, found: Mapping[str, object], *, progress: Sequence[Mapping[str, object]] = ()
    ) -> Comparison:
        """
        Return how what came out differs from this.

        `found` holds portal fields and their texts, groups as lists, as an event has them;
        `progress` the same of each progress row.
        """
        return compare(self.values, found) + compare_rows(self.progress, progress, name="progress")

    def differences(
        self, found: Mapping[str, object], *, progress: Sequence[Mapping[str, object]] = ()
    ) -> tuple[str, ...]:
        """Return what differs, one sentence a field; empty when everything is right."""
        return self.compare(found, progress=progress).differences


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
    truth: tuple[ExpectedDossier, ...] = ()
    """One for each good record, in the order of the file."""

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
