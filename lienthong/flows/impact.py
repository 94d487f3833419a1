"""
What a changed mapping would do to real past inputs: both versions convert them, nothing is sent.

Where both mappings read a file in the same way, it is read once and compared record by record.
Where their `source` differs, it is read twice, and what the old one made waits in a temporary
database for the dossier of the same code. Memory is bounded either way: counts, and a few examples
of each finding.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeAlias

import msgspec

from adapters import read_records
from adapters.record import UnreadableRecord
from lienthong.conversion import Drafter
from lienthong.differences import Differences, contents_of, without_indices
from mappings import compile_mapping
from mappings.leaving import written
from mappings.source_paths import columns_read
from schemas.errors import InputError
from schemas.problem import Place, Problem, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from adapters import SourceOptions, SourceRecord
    from adapters.writers import TargetOptions
    from mappings import MappingFile
    from mappings.catalogue import Service

    Opener: TypeAlias = "Callable[[], AbstractContextManager[BinaryIO]]"


BYTES = "SHA-256"
"""Stands for a field where two files say the same in other bytes."""


class Fate(Enum):
    """What a mapping makes of a record: a dossier, an error, or on purpose nothing."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one mapping makes of one record."""

    record: int
    place: Place
    dossier_code: str | None
    content: dict[str, str]
    """Field with its group and item to value; empty for a record that becomes no dossier."""
    problems: tuple[Problem, ...]
    is_left_out: bool = False
    document: str | None = None
    """SHA-256 of the file that an agency gets of a message."""

    @property
    def fate(self) -> Fate:
        """What becomes of the record."""
        if self.is_left_out:
            return Fate.LEFT_OUT
        if any(problem.severity is Severity.ERROR for problem in self.problems):
            return Fate.REJECTED
        return Fate.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One record that the new mapping judges otherwise."""

    place: Place
    dossier_code: str | None
    old_code: str | None
    """Its code by the old mapping; a new one may take anything for the code."""
    problems: tuple[Problem, ...]
    """Of the mapping that rejects it, where one does; they quote values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One file that a mapping cannot read to its end."""

    problem: Problem
    by_old: bool
    by_new: bool


@dataclass(slots=True, kw_only=True)
class Impact:
    """What comes of a change; complete once every input was compared."""

    examples: int
    """How many of each finding are kept."""
    same: int = 0
    changed: int = 0
    still_rejected: int = 0
    rejected_now: int = 0
    accepted_now: int = 0
    left_out_now: int = 0
    """Accepted dossiers of the old mapping that the new one leaves out."""
    excused_now: int = 0
    """Rejected by the old mapping, left out by the new one."""
    taken_now: int = 0
    """Left out by the old mapping, accepted by the new one."""
    still_left_out: int = 0
    vanished: int = 0
    """Accepted dossiers of the old mapping that the new one does not give at all."""
    appeared: int = 0
    """Accepted dossiers that only the new one gives."""
    differences: Differences = field(default_factory=Differences)
    new_problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(code, field without item numbers) to records."""
    gone_problems: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejections: list[Turn] = field(default_factory=list)
    acceptances: list[Turn] = field(default_factory=list)
    departures: list[Turn] = field(default_factory=list)
    """Of those left out now, and of those excused."""
    arrivals: list[Turn] = field(default_factory=list)
    """Of those taken now."""
    losses: list[Turn] = field(default_factory=list)
    """Of those vanished."""
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records were compared, those of one side only included."""
        return (
            self.same
            + self.changed
            + self.still_rejected
            + self.rejected_now
            + self.accepted_now
            + self.left_out_now
            + self.excused_now
            + self.taken_now
            + self.still_left_out
            + self.vanished
            + self.appeared
        )

    @property
    def is_harmless(self) -> bool:
        """Whether nothing that was accepted is so no longer, and every file can still be read."""
        return not (
            self.rejected_now
            or self.left_out_now
            or self.vanished
            or any(each.by_new for each in self.refusals)
        )

    def take(self, old: Outcome, new: Outcome) -> None:
        """Compare what both mappings make of one record, or of one dossier."""
        _count(self.new_problems, new, old)
        _count(self.gone_problems, old, new)
        match old.fate, new.fate:
            case Fate.ACCEPTED, Fate.ACCEPTED:
                self._compare(old, new)
            case Fate.REJECTED, Fate.ACCEPTED:
                self.accepted_now += 1
                self._keep(self.acceptances, new, old.problems, old=old)
            case Fate.LEFT_OUT, Fate.ACCEPTED:
                self.taken_now += 1
                self._keep(self.arrivals, new, (), old=old)
            case Fate.ACCEPTED | Fate.LEFT_OUT, Fate.REJECTED:
                self.rejected_now += 1
                self._keep(self.rejections, new, new.problems, old=old)
            case Fate.ACCEPTED, Fate.LEFT_OUT:
                self.left_out_now += 1
                self._keep(self.departures, new, (), old=old)
            case Fate.REJECTED, Fate.LEFT_OUT:
                self.excused_now += 1
                self._keep(self.departures, new, old.problems, old=old)
            case _:
                self._stay(new)

    def _compare(self, old: Outcome, new: Outcome) -> None:
        before, after = old.content, new.content
        if before == after and old.document != new.document:
            # The same values, written otherwise.
            before, after = {BYTES: old.document or ""}, {BYTES: new.document or ""}
        if before == after:
            self.same += 1
            return
        self.changed += 1
        self.differences.add(before, after, place=new.place, examples=self.examples)

    def _stay(self, outcome: Outcome) -> None:
        """Count what is no dossier and was none."""
        if outcome.fate is Fate.LEFT_OUT:
            self.still_left_out += 1
        else:
            self.still_rejected += 1

    def lose(self, old: Outcome) -> None:
        """Note what only the old mapping gives."""
        if old.fate is Fate.ACCEPTED:
            self.vanished += 1
            self._keep(self.losses, old, (), old=old)
        else:
            self._stay(old)

    def gain(self, new: Outcome) -> None:
        """Note what only the new mapping gives."""
        if new.fate is Fate.ACCEPTED:
            self.appeared += 1
        else:
            self._stay(new)
        _count(self.new_problems, new, None)

    def _keep(
        self, turns: list[Turn], outcome: Outcome, problems: tuple[Problem, ...], *, old: Outcome
    ) -> None:
        if len(turns) < self.examples:
            turns.append(
                Turn(
                    place=outcome.place,
                    dossier_code=outcome.dossier_code,
                    old_code=old.dossier_code,
                    problems=problems,
                )
            )


def _count(counter: Counter[tuple[str, str]], one: Outcome, other: Outcome | None) -> None:
    kinds, others = _kinds(one), Counter[tuple[str, str]]() if other is None else _kinds(other)
    counter.update((kinds - others).keys())


def _kinds(outcome: Outcome) -> Counter[tuple[str, str]]:
    return Counter((p.code, without_indices(p.field or "")) for p in outcome.problems)


class Comparison:
    """Two mappings, compiled once, and what comes of the difference between them."""

    def __init__(
        self,
        old: MappingFile,
        new: MappingFile,
        *,
        services: Mapping[str, Sequence[Service]],
        examples: int,
        now: datetime,
        makers: tuple[Maker, Maker] | None = None,
    ) -> None:
        """Prepare; `makers` make something else of the records than dossiers."""
        self.impact = Impact(examples=examples)
        self._old, self._new = makers or (
            DossierMaker(old, services=services, now=now),
            DossierMaker(new, services=services, now=now),
        )
        self.reads_once = self._old.source == self._new.source

    def compare(self, open_source: Opener, *, file_name: str) -> None:
        """
        Compare what both mappings make of one file, which is opened once or twice.

        Raises:
            ConfigError: it cannot be opened.
        """
        if self.reads_once:
            with open_source() as source:
                self._side_by_side(source, file_name)
            return
        with closing(_Shelf()) as shelf:
            by_old = self._fill(shelf, open_source, file_name)
            by_new = self._match(shelf, open_source, file_name)
            for left in shelf.left():
                self.impact.lose(left)
        problem = by_new or by_old
        if problem is not None:
            self._refuse(problem, by_old=by_old is not None, by_new=by_new is not None)

    def _side_by_side(self, source: BinaryIO, file_name: str) -> None:
        try:
            for item in self._old.read(source, file_name):
                self.impact.take(self._old.make(item), self._new.make(item))
        except InputError as error:
            self._refuse(error.problem, by_old=True, by_new=True)

    def _fill(self, shelf: _Shelf, open_source: Opener, file_name: str) -> Problem | None:
        try:
            with open_source() as source:
                for item in self._old.read(source, file_name):
                    shelf.put(self._old.make(item))
        except InputError as error:
            return error.problem
        return None

    def _match(self, shelf: _Shelf, open_source: Opener, file_name: str) -> Problem | None:
        try:
            with open_source() as source:
                for item in self._new.read(source, file_name):
                    new = self._new.make(item)
                    old = shelf.take(new)
                    if old is None:
                        self.impact.gain(new)
                    else:
                        self.impact.take(old, new)
        except InputError as error:
            return error.problem
        return None

    def _refuse(self, problem: Problem, *, by_old: bool, by_new: bool) -> None:
        self.impact.refusals.append(Refusal(problem=problem, by_old=by_old, by_new=by_new))


class Maker(Protocol):
    """One of the two mappings at work."""

    @property
    def source(self) -> SourceOptions:
        """How files are read."""

    def read(self, source: BinaryIO, file_name: str) -> Iterator[SourceRecord | UnreadableRecord]:
        """Yield the records. Raises InputError where the file breaks off."""

    def make(self, item: SourceRecord | UnreadableRecord) -> Outcome:
        """Return what comes of one."""


def unreadable(item: UnreadableRecord) -> Outcome:
    """Return what comes of a record that cannot be read."""
    return Outcome(
        record=item.number,
        place=item.problems[0].place,
        dossier_code=None,
        content={},
        problems=tuple(item.problems),
    )


class DossierMaker:
    """What a mapping makes of an agency's records: dossiers."""

    def __init__(
        self, mapping: MappingFile, *, services: Mapping[str, Sequence[Service]], now: datetime
    ) -> None:
        self._converter = compile_mapping(mapping)
        self._read_columns = columns_read(mapping)
        self._drafter = Drafter(self._converter, services=services)
        self._now = now

    @property
    def source(self) -> SourceOptions:
        """How files are read."""
        return self._converter.source

    def read(self, source: BinaryIO, file_name: str) -> Iterator[SourceRecord | UnreadableRecord]:
        """Yield the records. Raises InputError where the file breaks off."""
        return read_records(
            source,
            file_name=file_name,
            options=self._converter.source,
            read_columns=self._read_columns,
        )

    def make(self, item: SourceRecord | UnreadableRecord) -> Outcome:
        """Return what comes of one."""
        if isinstance(item, UnreadableRecord):
            return unreadable(item)
        conversion = self._converter.convert(item)
        _, findings = self._drafter.draft(conversion.events, record=item, now=self._now)
        missing = self._drafter.missing_components(conversion.events, record=item)
        return Outcome(
            record=item.number,
            place=item.place,
            dossier_code=conversion.dossier_code,
            content=contents_of(conversion.events),
            problems=(*conversion.problems, *missing, *findings),
            is_left_out=conversion.is_left_out,
        )


class _Shelf:
    """What the old mapping made of a file, on disk because a file may hold millions."""

    def __init__(self) -> None:
        # An empty name is SQLite's temporary database: on disk once it grows, gone when closed.
        self._connection = sqlite3.connect("")
        self._connection.executescript(
            "CREATE TABLE old (id INTEGER PRIMARY KEY, code TEXT, body BLOB);"
            "CREATE INDEX by_code ON old (code, id);"
        )

    def put(self, outcome: Outcome) -> None:
        self._connection.execute(
            "INSERT INTO old (code, body) VALUES (?, ?)",
            (_code(outcome), msgspec.json.encode(outcome)),
        )

    def take(self, new: Outcome) -> Outcome | None:
        """Return and forget the next outcome of the same dossier."""
        found = self._connection.execute(
            "DELETE FROM old WHERE id = (SELECT min(id) FROM old WHERE code = ?) RETURNING body",
            (_code(new),),
        ).fetchone()
        return None if found is None else _read(found[0])

    def left(self) -> Iterator[Outcome]:
        for (body,) in self._connection.execute("SELECT body FROM old ORDER BY id"):
            yield _read(body)

    def close(self) -> None:
        self._connection.close()


def _code(outcome: Outcome) -> str:
    # No code holds a control character, so that a record without one meets its like by number.
    return outcome.dossier_code or f"\0{outcome.record}"


def _read(body: bytes) -> Outcome:
    return msgspec.json.decode(body, type=Outcome)


def options_of(
    key: str, old: SourceOptions | TargetOptions, new: SourceOptions | TargetOptions
) -> dict[str, tuple[str, str]]:
    """Return each option of two `source` or `target`, or only their formats where these differ."""
    if type(old) is not type(new):
        names = [type(each).__name__ for each in (old, new)]
        before, after = (
            name.removesuffix("Options").removesuffix("Target").lower() for name in names
        )
        return {key: (before, after)}
    return {
        f"{key}.{each.name}": (str(getattr(old, each.name)), str(getattr(new, each.name)))
        for each in fields(old)
    }


def _condition(mapping: MappingFile) -> str:
    return "" if mapping.leave_out is None else written(mapping.leave_out.condition)


def heads(old: MappingFile, new: MappingFile) -> Mapping[str, tuple[str, str]]:
    """Return what differs between two mappings beside their rules, by its key in the file."""
    pairs: dict[str, tuple[str, str]] = {
        "mapping": (old.name, new.name),
        "version": (str(old.version), str(new.version)),
        "schema": (old.schema.name, new.schema.name),
        "agency.code": (old.agency_code, new.agency_code),
        "agency.group": (str(old.agency_group), str(new.agency_group)),
        "agency.name": (old.agency_name, new.agency_name),
        **options_of("source", old.source, new.source),
        "one_row_per_dossier": (str(old.one_row_per_dossier), str(new.one_row_per_dossier)),
        "leave_out": (_condition(old), _condition(new)),
    }
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
