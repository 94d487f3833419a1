"""
Previewing a file: records beside the dossiers they become, unsigned, with where each value is from.

A preview runs the rules of a conversion and the check against the portal's schema. It needs no key
and leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from adapters import read_records
from adapters.record import UnreadableRecord
from lienthong.conversion import Drafter
from lienthong.corrections import correct
from mappings import compile_mapping, explain_mapping
from mappings.explaining_inbound import InboundExplainer
from mappings.lineage import fields_in
from mappings.source_paths import columns_read
from schemas.errors import InputError
from schemas.problem import Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import BinaryIO

    from adapters import SourceOptions
    from adapters.record import SourceRecord
    from mappings import Inbound, MappingFile
    from mappings.catalogue import Service
    from mappings.language import InboundService
    from mappings.leaving import Ground
    from mappings.lineage import Leaf, PacketLineage


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which records of a file are wanted."""

    record: int | None = None
    """Only the one of this number."""
    dossier: str | None = None
    """Only those of this dossier."""
    limit: int = 1
    """At most so many."""
    corrected: Mapping[str, str] = field(default_factory=dict)
    """What stands in a record instead of what its agency wrote, path to value."""


class Use(NamedTuple):
    """A field that took something."""

    packet: int
    """0 the dossier, then its progress rows from 1."""
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One record beside what becomes of it."""

    record: int
    place: Place
    dossier_code: str | None
    packets: tuple[PacketLineage, ...]
    """Empty for a record that cannot be read."""
    source: tuple[Leaf, ...]
    problems: tuple[Problem, ...]
    """Everything that `convert` would report of this record."""
    others: tuple[Problem, ...]
    """Those of them that stand with no field: keys, the schema's findings, unreadable records."""
    left_out: tuple[Ground, ...]
    """Why the mapping leaves the record out; empty for one that it does not."""
    inbound: Inbound | None = None
    """The file for the agency, of a message of the portal."""

    @property
    def is_accepted(self) -> bool:
        """Whether the record becomes a dossier."""
        return not self.left_out and not self.is_rejected

    @property
    def is_rejected(self) -> bool:
        """Whether something is wrong with the record."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def where(self, place: Place) -> str:
        """Return what of a place differs from that of the record: the column, or the path in it."""
        if place.column is not None:
            return place.column
        path = place.path or ""
        return path if self.place.path is None else path.removeprefix(f"{self.place.path}.")

    @property
    def refused(self) -> tuple[Use, ...]:
        """Return the fields with problems, in their order."""
        return tuple(
            Use(number, lineage.field)
            for number, packet in enumerate(self.packets)
            for lineage in fields_in(packet.fields)
            if lineage.problems
        )

    @property
    def uses(self) -> Mapping[Place, tuple[Use, ...]]:
        """Return which fields took what stands at a place of the source."""
        found: dict[Place, list[Use]] = {}
        for number, packet in enumerate(self.packets):
            for lineage in fields_in(packet.fields):
                for step in lineage.steps:
                    if step.place is not None and step.after:
                        found.setdefault(step.place, []).append(Use(number, lineage.field))
        return {place: tuple(dict.fromkeys(uses)) for place, uses in found.items()}


@dataclass(slots=True, kw_only=True)
class Seen:
    """What became of a preview; complete once its records were taken."""

    read: int = 0
    shown: int = 0
    rejected: int = 0
    """Of those shown."""


class _Previews:
    """Reads records and shows what becomes of those that are chosen."""

    options: SourceOptions
    read_columns: frozenset[str]

    def records(
        self, source: BinaryIO, *, file_name: str, choice: Choice, seen: Seen
    ) -> Iterator[Preview]:
        """
        Yield the chosen records; reading stops once no further one can be wanted.

        Raises:
            InputError: the file cannot be read any further, or has no such record.
        """
        records = read_records(
            source, file_name=file_name, options=self.options, read_columns=self.read_columns
        )
        for item in records:
            seen.read += 1
            if choice.record is not None and item.number != choice.record:
                continue
            if isinstance(item, UnreadableRecord):
                preview = _unreadable(item)
            else:
                record, _ = correct(item, (), kept=choice.corrected, read_columns=self.read_columns)
                preview = self._readable(record)
            if choice.dossier is not None and preview.dossier_code != choice.dossier:
                continue
            seen.shown += 1
            seen.rejected += preview.is_rejected
            yield preview
            if seen.shown == choice.limit or choice.record is not None:
                return
        if not seen.shown and (choice.record, choice.dossier) != (None, None):
            raise InputError(_nothing(choice, file_name=file_name, read=seen.read))

    def _readable(self, record: SourceRecord) -> Preview:
        raise NotImplementedError


class Previewer(_Previews):
    """A mapping compiled for previews."""

    def __init__(
        self, mapping: MappingFile, *, services: Mapping[str, Sequence[Service]], now: datetime
    ) -> None:
        self.options = mapping.source
        self.read_columns = columns_read(mapping)
        self._explainer = explain_mapping(mapping)
        self._drafter = Drafter(compile_mapping(mapping), services=services)
        self._now = now

    def _readable(self, record: SourceRecord) -> Preview:
        explanation = self._explainer.explain(record)
        conversion = explanation.conversion
        _, findings = self._drafter.draft(conversion.events, record=record, now=self._now)
        missing = self._drafter.missing_components(conversion.events, record=record)
        return Preview(
            record=record.number,
            place=record.place,
            dossier_code=conversion.dossier_code,
            packets=explanation.packets,
            source=explanation.source,
            problems=(*conversion.problems, *missing, *findings),
            others=(*explanation.problems, *missing, *findings),
            left_out=explanation.left_out,
        )


class InboundPreviewer(_Previews):
    """One service of a mapping, compiled for previews of the portal's messages."""

    def __init__(self, service: InboundService, *, now: datetime) -> None:
        self._explainer = InboundExplainer(service)
        self.options = self._explainer.source
        self.read_columns = self._explainer.read_columns
        self._now = now

    def _readable(self, record: SourceRecord) -> Preview:
        explanation = self._explainer.explain(record, now=self._now)
        return Preview(
            record=record.number,
            place=record.place,
            dossier_code=explanation.inbound.dossier_code,
            packets=(explanation.packet,),
            source=explanation.source,
            problems=explanation.inbound.problems,
            others=explanation.problems,
            left_out=(),
            inbound=explanation.inbound,
        )


def _unreadable(record: UnreadableRecord) -> Preview:
    return Preview(
        record=record.number,
        place=record.problems[0].place,
        dossier_code=None,
        packets=(),
        source=(),
        problems=tuple(record.problems),
        others=tuple(record.problems),
        left_out=(),
    )


def _nothing(choice: Choice, *, file_name: str, read: int) -> Problem:
    if choice.record is not None:
        wanted = Text(vi=f"bản ghi số {choice.record}", en=f"record {choice.record}")
    else:
        wanted = Text(vi=f"hồ sơ {choice.dossier!r}", en=f"dossier {choice.dossier!r}")
    return Problem(
        code="preview.nothing_found",
        place=Place(file=file_name),
        message=Text(
            vi=f"tệp có {read} bản ghi, không có {wanted.vi}",
            en=f"the file has {read} records and no {wanted.en}",
        ),
        suggestion=Text(
            vi="kiểm tra số bản ghi hoặc mã hồ sơ; mã là giá trị của MaHoSo sau khi ánh xạ",
            en="check the number or the code; a code is the value of MaHoSo after mapping",
        ),
    )
