"""Taking converted records into the store: identity, order and first state of every event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import insert, select

from lienthong.admission import Candidate, Entry, Known, Refusal, Repeat, admit, said_in, second_row
from lienthong.channels.port import Packet
from lienthong.failures import causes_of_findings
from lienthong.ids import make_id
from lienthong.states import State
from lienthong.store.attachments import awaits, write_files
from lienthong.store.bulk import insert_rows
from lienthong.store.indexing import IndexRows
from lienthong.store.ledgers import (
    change_state,
    ledger_of,
    load_event_keys,
    load_ledgers,
    load_repeated,
    promote,
    save_ledgers,
)
from lienthong.store.problems import seal_problems
from lienthong.store.results import LEFT_OUT, REPEATED
from lienthong.store.sealed import document_context, problems_context
from lienthong.store.tables import NO_DEADLINE, messages, repeats
from mappings.statuses import unseen_transition
from schemas.problem import Place, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.admission import Ledger
    from lienthong.attachments.manifest import PreparedFile
    from lienthong.conversion import Prepared, PreparedEvent
    from lienthong.store.work import Work
    from schemas.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the events of one batch have in common."""

    submission_id: str
    agency: str
    mapping: str
    """name@version sha256:…"""
    one_row_per_dossier: bool
    service: str | None = None
    """Of a message of a peer to the agency; None: from the agency itself."""
    sender: str | None = None
    """The peer."""

    @property
    def whole(self) -> Packet:
        """What a record is as a whole."""
        return Packet.DOSSIER if self.service is None else Packet.INBOUND

    def ledger(self, dossier_code: str) -> str:
        """Return the code of the ledger in which its messages about a dossier stand."""
        return ledger_of(self.whole, dossier_code, self.agency)


def take_in(work: Work, records: Sequence[tuple[Origin, Prepared]]) -> list[str]:
    """
    Write one batch of records of one agency down: new messages, repeats, rejections, left out.

    Args:
        work: The transaction.
        records: In order, each with the submission it stands in.

    Returns:
        The codes of the ledgers that have something to deliver now and had nothing before.
    """
    batch = _Batch(work, records)
    for origin, record in records:
        batch.take(origin, record)
    return batch.write()


class _Batch:
    """The working copy of one transaction; decided in memory, written at the end in a few calls."""

    def __init__(self, work: Work, records: Sequence[tuple[Origin, Prepared]]) -> None:
        self._work = work
        self._at = work.at
        (agency,) = {origin.agency for origin, _ in records}
        codes = {o.ledger(event.dossier_code) for o, record in records for event in record.events}
        codes |= {
            origin.ledger(record.dossier_code)
            for origin, record in records
            if record.dossier_code and not record.is_left_out
        }
        keys = {event.key for _, record in records for event in record.events if event.key}
        self._ledgers = load_ledgers(work.connection, codes, agency=agency, to_change=True)
        whole_files = {o.submission_id for o, _ in records if o.one_row_per_dossier}
        load_repeated(work.connection, self._ledgers, submission_ids=whole_files)
        self._keyed = load_event_keys(work.connection, keys, agency=agency)
        self._rows: dict[str, dict[str, Any]] = {}
        self._index = IndexRows(work.vault)
        self._repeats: list[dict[str, str | int]] = []
        self._made_ready: set[str] = set()
        self._files: list[tuple[Known, tuple[PreparedFile, ...]]] = []

    def take(self, origin: Origin, record: Prepared) -> None:
        if record.is_left_out:
            self._leave_out(origin, record)
            return
        if not record.events:
            self._reject(origin, record, problems=record.problems, item=0, packet=origin.whole)
            return
        for item, event in enumerate(record.events):
            ledger = self._ledgers[origin.ledger(event.dossier_code)]
            candidate = Candidate(
                agency=origin.agency,
                said=said_in(event.packet, origin.service),
                sender=origin.sender,
                key=event.key,
                version=event.version,
                content_digest=event.content_digest,
                submission_id=origin.submission_id,
                record=record.record,
                one_row_per_dossier=origin.one_row_per_dossier,
            )
            decision = admit(candidate, ledger=ledger, keyed=self._keyed)
            if isinstance(decision, Repeat):
                self._note_repeat(origin, record, item, decision)
                if event.packet is Packet.DOSSIER:
                    ledger.repeated.append((origin.submission_id, record.record))
            elif isinstance(decision, Refusal):
                problem = self._told(decision, ledger, origin, record)
                self._reject(origin, record, problems=(problem,), item=item, packet=event.packet)
            else:
                self._enter(origin, record, item, event, decision)

    def _leave_out(self, origin: Origin, record: Prepared) -> None:
        """Make no message of it, but write down and tell that it is not forgotten."""
        self._work.note(
            "record.left_out", origin.submission_id, record=record.record, mapping=origin.mapping
        )
        self._tell(
            origin,
            LEFT_OUT,
            submission_id=origin.submission_id,
            record=record.record,
            dossier=record.dossier_code,
        )

    def _told(self, refusal: Refusal, ledger: Ledger, origin: Origin, record: Prepared) -> Problem:
        """Return the finding at the agency's own place, which names that of an earlier row."""
        if refusal.earlier is None:
            return refusal.problem.moved_to(record.place)
        number = refusal.earlier
        ids = [
            known.id
            for known in ledger.messages
            if (known.submission_id, known.record) == (origin.submission_id, number)
        ]
        place = self._place_of(ids[0]) if ids else None
        return second_row(number, place=place, here=record.code_place or record.place)

    def _place_of(self, message_id: str) -> Place:
        row = self._rows.get(message_id)
        if row is not None:
            return msgspec.json.decode(row["place"], type=Place)
        query = select(messages.c.place).where(messages.c.id == message_id)
        found = self._work.connection.execute(query).scalar_one()
        return msgspec.json.decode(found, type=Place)

    def _note_repeat(self, origin: Origin, record: Prepared, item: int, repeat: Repeat) -> None:
        for old in repeat.supersedes:
            self._supersede(old, by=repeat.message_id)
        self._repeats.append(
            {
                "submission_id": origin.submission_id,
                "record": record.record,
                "item": item,
                "message_id": repeat.message_id,
            }
        )
        self._work.note(
            "event.repeated",
            repeat.message_id,
            submission=origin.submission_id,
            record=record.record,
        )
        self._tell(
            origin,
            REPEATED,
            submission_id=origin.submission_id,
            message_id=repeat.message_id,
            record=record.record,
        )

    def _reject(
        self,
        origin: Origin,
        record: Prepared,
        *,
        problems: Sequence[Problem],
        item: int,
        packet: Packet,
    ) -> None:
        message_id = make_id(self._at)
        self._add(message_id, origin, record, item, packet, State.REJECTED, problems=problems)
        code = self._rows[message_id]["dossier_code"]
        ledger = None if code is None else self._ledgers.get(origin.ledger(code))
        if ledger is not None and ledger.agency == origin.agency:
            known = _rejected(message_id, packet, origin, record)
            if not record.events and ledger.next_sequence > 1:
                # A snapshot that should have been: it has its place in the dossier's row. What
                # was refused has none, nor has anything before a first good snapshot, because a
                # mistyped code must not claim another's dossier.
                known.sequence = ledger.next_sequence
                ledger.next_sequence += 1
                self._rows[message_id]["sequence"] = known.sequence
            ledger.messages.append(known)
        is_down = packet is Packet.INBOUND
        self._work.fail(message_id, causes_of_findings(origin.agency, problems, is_down=is_down))
        codes = sorted({p.code for p in problems if p.severity is Severity.ERROR})
        self._note(message_id, State.REJECTED, origin, record, codes=",".join(codes))
        self._tell(
            origin,
            State.REJECTED.value,
            submission_id=origin.submission_id,
            message_id=message_id,
        )

    def _enter(
        self, origin: Origin, record: Prepared, item: int, event: PreparedEvent, entry: Entry
    ) -> None:
        ledger = self._ledgers[origin.ledger(event.dossier_code)]
        known = Known(
            id=event.message_id,
            agency=origin.agency,
            sequence=ledger.next_sequence,
            packet=event.packet,
            state=State.RECEIVED,
            content_digest=event.content_digest,
            version=event.version,
            submission_id=origin.submission_id,
            record=record.record,
            status=_code_of(event),
            service=origin.service,
            sender=origin.sender,
        )
        ledger.next_sequence += 1
        ledger.messages.append(known)
        if event.key is not None:
            self._keyed[event.key] = (known.id, (known.content_digest,))
        problems = record.problems
        if entry.follows is not None:
            unseen = unseen_transition(entry.follows.status, event.status)
            problems = problems if unseen is None else (*problems, unseen)
        for old in entry.supersedes:
            self._supersede(old, by=known.id)
        if entry.superseded_by is not None:
            known.state = State.SUPERSEDED
        else:
            known.state = State.HELD
            if record.files and event.packet is Packet.DOSSIER:
                known.awaits_files = awaits(record.files)
            if ledger.next_to_go() is known and known.awaits_files is None:
                known.state = State.READY
                self._made_ready.add(known.id)
        self._add(
            event.message_id,
            origin,
            record,
            item,
            event.packet,
            known.state,
            problems=problems,
        )
        self._rows[event.message_id].update(
            event_columns(self._work, event),
            sequence=known.sequence,
            due_at=self._at if known.state is State.READY else None,
            awaits_files=known.awaits_files,
            superseded_by=entry.superseded_by.id if entry.superseded_by else None,
        )
        self._index.add_persons(event.message_id, event.identities)
        self._note(event.message_id, known.state, origin, record, digest=event.document_digest)
        if record.files and event.packet is Packet.DOSSIER:
            self._files.append((known, record.files))
        if known.state is State.SUPERSEDED:
            self._tell(
                origin,
                State.SUPERSEDED.value,
                submission_id=origin.submission_id,
                message_id=event.message_id,
            )

    def _tell(self, origin: Origin, kind: str, **named: Any) -> None:
        """Have the agency told of what it sent itself."""
        if origin.service is None:
            self._work.tell(origin.agency, kind, **named)

    def _supersede(self, old: Known, *, by: str) -> None:
        row = self._rows.get(old.id)
        if row is None:
            change_state(self._work, old, State.SUPERSEDED, reason=f"by {by}", superseded_by=by)
            return
        row.update(state=State.SUPERSEDED.value, superseded_by=by, awaits_files=None)
        old.state = State.SUPERSEDED
        self._work.settle(old.id)
        self._work.note("message.superseded", old.id, reason=f"by {by}")
        if old.sender is not None:
            return
        self._work.tell(
            old.agency,
            State.SUPERSEDED.value,
            submission_id=old.submission_id,
            message_id=old.id,
        )

    def _add(  # noqa: PLR0913 - one argument per fact of the row
        self,
        message_id: str,
        origin: Origin,
        record: Prepared,
        item: int,
        packet: Packet,
        state: State,
        *,
        problems: Sequence[Problem],
    ) -> None:
        row = message_row(self._work, message_id, origin=origin, record=record, item=item)
        row.update(
            packet=packet.value,
            state=state.value,
            problems=seal_problems(
                self._work.vault, problems, context=problems_context(message_id)
            ),
        )
        self._rows[message_id] = row
        self._index.add_problems(message_id, problems)

    def _note(
        self, message_id: str, state: State, origin: Origin, record: Prepared, **detail: str
    ) -> None:
        self._work.note(
            f"message.{state.value}",
            message_id,
            submission=origin.submission_id,
            record=record.record,
            **made_by(origin),
            **detail,
        )

    def write(self) -> list[str]:
        connection = self._work.connection
        save_ledgers(self._work, self._ledgers.values())
        if self._rows:
            insert_rows(connection, messages, list(self._rows.values()))
            self._index.write(connection)
        if self._files:
            write_files(
                self._work,
                [(known.id, known.agency, files) for known, files in self._files],
                to_fetch={
                    known.id
                    for known, _ in self._files
                    if known.awaits_files is not None and known.state is State.HELD
                },
            )
        if self._repeats:
            connection.execute(insert(repeats), self._repeats)
        due = []
        for ledger in self._ledgers.values():
            # Superseding an older snapshot may have freed a message that waited behind it.
            freed = promote(self._work, ledger)
            turn = ledger.next_to_go()
            if freed is not None or (turn is not None and turn.id in self._made_ready):
                due.append(ledger.code)
        return due


def made_by(origin: Origin) -> dict[str, str]:
    """
    Return what the audit log says of how a file for an agency was made.

    A signed document proves itself; of a file nothing but the log says by what it was made.
    """
    return {} if origin.service is None else {"mapping": origin.mapping}


def message_row(
    work: Work, message_id: str, *, origin: Origin, record: Prepared, item: int
) -> dict[str, Any]:
    """Return the row of a message made from one record; what depends on its event is to be set."""
    code = record.events[item].dossier_code if record.events else record.dossier_code
    return {
        "id": message_id,
        "submission_id": origin.submission_id,
        "record": record.record,
        "item": item,
        "agency": origin.agency,
        "dossier_code": code,
        "packet": origin.whole.value,
        "event_key": None,
        "version": None,
        "content_digest": None,
        "sequence": None,
        "state": State.RECEIVED.value,
        "document": None,
        "document_digest": None,
        "place": msgspec.json.encode(record.place).decode(),
        "problems": None,
        "mapping": origin.mapping,
        "deadline": record.deadline or NO_DEADLINE,
        "due_at": None,
        "superseded_by": None,
        "reissue_of": None,
        "created_at": work.at,
        "updated_at": work.at,
        "procedure": None,
        "status": None,
        "file": None,
        "awaits_files": None,
    }


def event_columns(work: Work, event: PreparedEvent) -> dict[str, Any]:
    """Return what an event's signed document and identity set in the row of its message."""
    return {
        "packet": event.packet.value,
        "event_key": event.key,
        "version": event.version,
        "content_digest": event.content_digest,
        "document": work.vault.seal(event.document, context=document_context(event.message_id)),
        "document_digest": event.document_digest,
        "procedure": event.procedure,
        "status": _code_of(event),
        "file": None if event.file is None else msgspec.json.encode(event.file).decode(),
    }


def _code_of(event: PreparedEvent) -> str | None:
    return None if event.status is None else event.status.code


def _rejected(message_id: str, packet: Packet, origin: Origin, record: Prepared) -> Known:
    return Known(
        id=message_id,
        agency=origin.agency,
        sequence=0,
        packet=packet,
        state=State.REJECTED,
        content_digest=None,
        version=None,
        submission_id=origin.submission_id,
        record=record.record,
        service=origin.service,
        sender=origin.sender,
    )
