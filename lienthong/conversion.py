"""
From one record of an agency to signed documents, or to every problem it has: no store, no I/O.

The command line's `convert` and the exchange's expansion are the same pipeline. A document that
leaves here was validated against the schema of its version after it was built, so a mapping that
lets something slip is caught here and not at the portal.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from adapters.record import SourceRecord, UnreadableRecord
from lienthong.attachments.manifest import FileLimits, prepare_files
from lienthong.channels.port import TO_PORTAL, Packet
from lienthong.ids import SEPARATOR, make_id
from mappings.catalogue import missing_components
from schemas.building import VIETNAM, DocumentBuilder
from schemas.errors import InputError
from schemas.identities import identity_numbers
from schemas.parser import parse_xml
from schemas.problem import LONGEST_VALUE
from schemas.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from lienthong.attachments.manifest import PreparedFile
    from lienthong.channels.port import HandedFile
    from mappings import Converter, Event
    from mappings.catalogue import Service
    from mappings.statuses import Status
    from schemas.problem import Place, Problem
    from signing import XadesSigner


LONGEST_INDEXED = 300
"""Characters; PostgreSQL indexes no text of more than 2,700 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEvent:
    """One event with its signed document."""

    message_id: str
    packet: Packet
    dossier_code: str
    key: str | None
    version: str | None
    content_digest: str
    document: bytes
    document_digest: str
    """Hex SHA-256 of `document`."""
    procedure: str | None = None
    """MaTTHC of a dossier."""
    status: Status | None = None
    """Of a snapshot."""
    file: HandedFile | None = None
    """Of what goes to an agency."""
    identities: tuple[str, ...] = field(default=(), repr=False)
    """Identity numbers that it names, as they are compared (`schemas.identities`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """
    What became of one record: events, or problems, or nothing because it is left out.

    Warnings may accompany events.
    """

    record: int
    place: Place
    dossier_code: str | None
    events: tuple[PreparedEvent, ...]
    problems: tuple[Problem, ...]
    deadline: datetime | None = None
    """When the applicant was promised an answer (NgayHenTra), where the record says so."""
    files: tuple[PreparedFile, ...] = ()
    """Of its snapshot; those inside the record are checked, the others are to be fetched."""
    is_left_out: bool = False
    """Whether the mapping leaves it out; it has neither events nor problems then."""
    code_place: Place | None = None
    """Where the dossier's code stands; None where no single cell has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One event with its document before it is signed."""

    event: Event
    message_id: str
    document: _Element


class Drafter:
    """
    Builds the documents of a record's events, and judges them by schema and catalogue.

    It signs nothing, so it needs no key.
    """

    def __init__(
        self, converter: Converter, *, services: Mapping[str, Sequence[Service]] | None = None
    ) -> None:
        """
        Put a drafter together.

        Args:
            converter: The agency's compiled mapping.
            services: What the catalogue asks of dossiers, by procedure.
        """
        self._converter = converter
        self._services = services or {}
        version = converter.schema
        self._builders = {packet: DocumentBuilder(version, packet.value) for packet in TO_PORTAL}
        self._validator = Validator(version)

    def draft(
        self, events: Sequence[Event], *, record: SourceRecord, now: datetime
    ) -> tuple[list[Draft], list[Problem]]:
        """Return the documents of a record, and what the schema finds in them, at its cells."""
        drafts: list[Draft] = []
        findings: list[Problem] = []
        for row, event in enumerate(events):
            try:
                draft = self._build(event, now=now)
            except InputError as error:
                findings.append(self._traced(error.problem, record, row=row))
                continue
            drafts.append(draft)
            findings += [
                self._traced(problem, record, row=row)
                for problem in self._validator.problems_of_element(draft.document)
            ]
        return drafts, findings

    def _traced(self, problem: Problem, record: SourceRecord, *, row: int) -> Problem:
        """Return a finding about a document at the cell that its field was made of."""
        place, value = self._converter.trace(record, problem.field or "", row=row)
        if place == record.place:
            place = place.at(path=place.path or problem.place.path)
        return replace(problem, place=place, value=value)

    def missing_components(
        self, events: Sequence[Event], *, record: SourceRecord
    ) -> tuple[Problem, ...]:
        """Return a warning where a dossier lacks papers that its procedure needs."""
        if not self._services or not events:
            return ()
        values, group = events[0].values, self._converter.agency_group
        services = self._services.get(str(values.get("MaTTHC")), ())
        return tuple(
            problem.moved_to(record.place)
            for service in services
            if service.components and group in (None, service.group)
            if (problem := missing_components(service, values)) is not None
        )

    def _build(self, event: Event, *, now: datetime) -> Draft:
        message_id = make_id(now)
        document = self._builders[Packet(event.packet)].build(
            event.values,
            message_id=message_id,
            agency_code=self._converter.agency_code,
            created_at=now,
        )
        # Parsed once, for the schema and for the signature.
        return Draft(event=event, message_id=message_id, document=parse_xml(document))


class Pipeline:
    """The conversion of one agency's records; what can be decided once is decided on making it."""

    def __init__(
        self,
        converter: Converter,
        *,
        signer: XadesSigner,
        services: Mapping[str, Sequence[Service]] | None = None,
        limits: FileLimits | None = None,
    ) -> None:
        """
        Put a pipeline together.

        Args:
            converter: The agency's compiled mapping.
            signer: Signs for the agency.
            services: What the catalogue asks of dossiers, by procedure.
            limits: Of attachments; None: the usual ones.
        """
        self._limits = limits or FileLimits()
        self._converter = converter
        self._code_path = converter.column_of(Packet.DOSSIER.value, "MaHoSo")
        self._signer = signer
        self._drafter = Drafter(converter, services=services)

    def prepare(self, item: SourceRecord | UnreadableRecord, *, now: datetime) -> Prepared:
        """
        Convert one record.

        Raises:
            signing.KeyUnusable: the agency's key cannot sign at `now`; no record can go on.
        """
        if isinstance(item, UnreadableRecord):
            place = item.problems[0].place
            return Prepared(
                record=item.number,
                place=place,
                dossier_code=None,
                events=(),
                problems=self._named(
                    item.problems,
                    SourceRecord(number=item.number, values=item.values, place=place),
                    code=None,
                ),
            )
        conversion = self._converter.convert(item)
        drafts, findings = self._drafter.draft(conversion.events, record=item, now=now)
        missing = self._drafter.missing_components(conversion.events, record=item)
        problems = (*conversion.problems, *missing)
        files: tuple[PreparedFile, ...] = ()
        if conversion.files:
            files, wrong = prepare_files(conversion.files, limits=self._limits)
            findings += wrong
        events: tuple[PreparedEvent, ...] = ()
        if not findings:
            events = tuple(self._sign(draft, now=now) for draft in drafts)
        return Prepared(
            record=item.number,
            place=item.place,
            dossier_code=indexable(conversion.dossier_code),
            events=events,
            problems=self._named((*problems, *findings), item, code=conversion.dossier_code),
            deadline=_deadline(conversion.events),
            files=files if events else (),
            is_left_out=conversion.is_left_out,
            code_place=None if self._code_path is None else item.place_of(self._code_path),
        )

    def _named(
        self, problems: Sequence[Problem], record: SourceRecord, *, code: str | None
    ) -> tuple[Problem, ...]:
        """Return the findings of a record, each with what the agency knows its dossier by."""
        if not problems:
            return ()
        name = self._converter.name_dossier(record) if code is None else code[:LONGEST_VALUE]
        return tuple(problem.about(name) for problem in problems)

    def _sign(self, draft: Draft, *, now: datetime) -> PreparedEvent:
        event = draft.event
        signed = self._signer.sign_parsed(draft.document, signed_at=now)
        procedure = event.values.get("MaTTHC")
        return PreparedEvent(
            message_id=draft.message_id,
            packet=Packet(event.packet),
            dossier_code=event.dossier_code,
            key=None if event.key is None else stored_key(event.key),
            version=event.version,
            content_digest=event.digest,
            document=signed,
            document_digest=hashlib.sha256(signed).hexdigest(),
            procedure=procedure if isinstance(procedure, str) else None,
            status=event.status,
            identities=identity_numbers(event.values),
        )


def indexable(code: str | None) -> str | None:
    """Return the code of a record, or None for a text that is no code and fits no index."""
    is_one = code is not None and len(code) <= LONGEST_INDEXED and SEPARATOR not in code
    return code if is_one else None


def stored_key(key: str) -> str:
    """Return an event key as it is stored: one of any length stays what it identifies."""
    if len(key) <= LONGEST_INDEXED:
        return key
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def _deadline(events: Sequence[Event]) -> datetime | None:
    for event in events:
        # By now it is valid, or the record has a problem; a date that is none makes nothing urgent.
        with suppress(ValueError):
            if isinstance(text := event.values.get("NgayHenTra"), str):
                # yyyyMMddHHmmss; strptime takes ten times as long.
                year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
                hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:14])
                return datetime(year, month, day, hour, minute, second, tzinfo=VIETNAM)
    return None
