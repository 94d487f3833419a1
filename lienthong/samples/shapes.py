"""
How one agency's sample file comes to be, whatever its format.

A shape makes good records, knows flaws that spoil one, and writes entries into a file, saying
where each stands. `fill` puts the parts together; the order is decided by the seed alone.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from lienthong.samples.expectations import ExpectedDossier, SampleFile, SeededError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

    from lienthong.samples.expectations import Attachment, PortalValues
    from schemas.problem import Place

Record: TypeAlias = "dict[str, object]"
"""One record under the agency's own names, nested as its format nests."""

LOCAL = timezone(timedelta(hours=7), "+07:00")


class Finding(NamedTuple):
    """One problem that a spoilt record must cause."""

    code: str
    key: str | None
    """The agency's column or path; None where the whole record is meant."""
    field: str | None
    """The portal's field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One way to spoil a record, and all that must be reported for it."""

    spoil: Callable[[Record], object]
    """Changes the record it gets and returns what is written: the record, or raw cells."""
    findings: tuple[Finding, ...]
    repeats: bool = False
    """Spoils a copy of an earlier good record and so repeats its dossier."""
    recode: Callable[[str], str] | None = None
    """What becomes of a dossier code that is put together from what was spoilt."""


class Told(NamedTuple):
    """A good record, and what the portal must get for it: two views of the same facts."""

    record: Record
    values: PortalValues
    progress: tuple[PortalValues, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def dossier(self) -> str:
        """Code of the dossier."""
        return str(self.values["MaHoSo"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands at one place of the file."""

    content: object
    dossier: str | None
    findings: tuple[Finding, ...] = ()
    told: Told | None = None
    """What a good record must become."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One agency's way of keeping dossiers."""

    agency: str
    file_name: str
    tell: Callable[[Random, int], list[Told]]
    """The snapshots of one new dossier, in the order the file has them."""
    key: str
    """Where a record has its dossier code."""
    flaws: tuple[Flaw, ...]
    write: Callable[[Path, Sequence[Entry]], list[Place]]
    """Writes the file and returns one place per entry."""
    narrow: Callable[[Place, str], Place] = field(
        default=lambda place, key: place.at(path=f"{place.path}.{key}")
    )
    """The place of one column or path inside a record."""

    def make(self, random: Random, number: int) -> list[Record]:
        """Return the snapshots of one new dossier without what they must become."""
        return [told.record for told in self.tell(random, number)]


def fill(shape: Shape, *, folder: Path, dossiers: int, bad: int, random: Random) -> SampleFile:
    """
    Write one sample file.

    `folder` exists already; a file of the same name in it is replaced. `dossiers` is the number
    of good dossiers, at least one; `bad` that of spoilt records, the shape's flaws taking turns.
    """
    entries = _good(shape, count=dossiers, random=random)
    codes = tuple(dict.fromkeys(entry.dossier for entry in entries if entry.dossier))
    _mix_in_bad(entries, shape=shape, first_number=dossiers + 1, bad=bad, random=random)
    path = folder / shape.file_name
    places = shape.write(path, entries)
    expected = tuple(
        SeededError(
            file=shape.file_name,
            record=number,
            place=place if finding.key is None else shape.narrow(place, finding.key),
            code=finding.code,
            field=finding.field,
            dossier=entry.dossier,
        )
        for number, (entry, place) in enumerate(zip(entries, places, strict=True), start=1)
        for finding in entry.findings
    )
    truth = tuple(
        ExpectedDossier(
            record=number,
            values=entry.told.values,
            progress=entry.told.progress,
            attachments=entry.told.attachments,
        )
        for number, entry in enumerate(entries, start=1)
        if entry.told is not None
    )
    return SampleFile(
        agency=shape.agency,
        path=path,
        records=len(entries),
        dossiers=codes,
        expected=expected,
        truth=truth,
    )


def set_to(**values: object) -> Callable[[Record], Record]:
    """Return a flaw's `spoil` that puts `values` into the record."""
    return put(values)


def put(values: dict[str, object]) -> Callable[[Record], Record]:
    """Return a flaw's `spoil` for columns whose names are no Python names."""
    return lambda record: record | values


def moment(random: Random, *, first_day: str, days: int) -> datetime:
    """Return a working minute within `days` days from `first_day` (yyyy-MM-dd), local time."""
    day = datetime.fromisoformat(first_day).replace(tzinfo=LOCAL)
    minutes = random.randrange(7 * 60 + 30, 16 * 60 + 30)
    return day + timedelta(days=random.randrange(days), minutes=minutes)


def _good(shape: Shape, *, count: int, random: Random) -> list[Entry]:
    return [_entry(told) for number in range(1, count + 1) for told in shape.tell(random, number)]


def _entry(told: Told) -> Entry:
    return Entry(content=told.record, dossier=told.dossier, told=told)


def _mix_in_bad(
    entries: list[Entry], *, shape: Shape, first_number: int, bad: int, random: Random
) -> None:
    originals = itertools.cycle(tuple(entries))
    for index in range(bad):
        flaw = shape.flaws[index % len(shape.flaws)]
        earliest = 0
        if flaw.repeats:
            original = next(originals)
            earliest = entries.index(original) + 1
        else:
            # Of several snapshots the one that the file has last.
            original = _entry(shape.tell(random, first_number + index)[-1])
        entry = _spoilt(original, flaw=flaw)
        entries.insert(random.randrange(earliest, len(entries) + 1), entry)


def _spoilt(original: Entry, *, flaw: Flaw) -> Entry:
    base = copy.deepcopy(original.content)
    assert isinstance(base, dict)
    content = flaw.spoil(base)
    # A code may be put together from columns: it is lost where it was refused.
    is_known = isinstance(content, dict) and "MaHoSo" not in _fields(flaw)
    dossier = original.dossier if is_known else None
    if dossier is not None and flaw.recode is not None:
        dossier = flaw.recode(dossier)
    return Entry(content=content, dossier=dossier, findings=flaw.findings)


def _fields(flaw: Flaw) -> set[str | None]:
    return {finding.field for finding in flaw.findings if finding.code != "dossier.duplicate"}
