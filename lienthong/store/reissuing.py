"""
Reissuing: a new message from the source of an old one, in its place in the dossier, linked to it.

What is made of the record now (`lienthong.flows.reread`) is signed anew; the old message keeps its
document, its attempts and its history, and ends as `reissued`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from lienthong.admission import Candidate, Known, Refusal, Repeat, admit, said_in
from lienthong.channels.port import Packet
from lienthong.states import State
from lienthong.store.attachments import awaits, write_files
from lienthong.store.correcting import check_corrected, correction_columns, note_corrections
from lienthong.store.indexing import IndexRows
from lienthong.store.intake import Origin, event_columns, made_by, message_row
from lienthong.store.ledgers import (
    change_state,
    load_event_keys,
    load_ledgers,
    save_ledgers,
)
from lienthong.store.tables import in_slices, messages
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.admission import Ledger
    from lienthong.attachments.manifest import PreparedFile
    from lienthong.conversion import Prepared, PreparedEvent
    from lienthong.corrections import Corrected
    from lienthong.store.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the present mapping makes of the record that a message came from."""

    origin: Origin
    record: Prepared
    item: int
    """Of the old message: 0 the snapshot, 1… its progress rows."""
    corrected: Corrected | None = None
    """How the record differs from what the agency sent; None: in nothing."""


def put_in_place(
    work: Work, ledger: Ledger, old: Known, *, made: Made, reason: str
) -> tuple[str, Ledger]:
    """
    Put what was made now where the old message stands.

    Returns:
        The id of the first new message, and the dossier it is in: a rejected record may have had
        a code that could not be read.

    Raises:
        InputError: it is of another dossier, is there already, or a later snapshot is in force.
    """
    events = list(enumerate(made.record.events))
    if not ledger.code:
        code = made.origin.ledger(events[0][1].dossier_code)
        ledger = load_ledgers(work.connection, [code], agency=old.agency, to_change=True)[code]
    if old.content_digest is None:
        events = _admissible(work, ledger, old, made)
    else:
        events = [events[made.item]] if made.item < len(events) else []
        _check_event(ledger, old, made, [event for _, event in events])
    if made.corrected is not None:
        of_record = made.record.events
        check_corrected(work, old, made.corrected, item=made.item, events=of_record)
    keeps_place = old.sequence > 0 and old.state is not State.DELIVERED
    if not keeps_place:
        _check_newer_file(work, ledger, old)
    first = events[0][1].message_id
    change_state(work, old, State.REISSUED, reason=reason, reissued_as=first, due_at=None)
    rows = []
    for item, event in events:
        sequence = old.sequence if keeps_place else ledger.next_sequence
        ledger.next_sequence = max(ledger.next_sequence, sequence + 1)
        rows.append(_row(work, old, made, event, item=item, sequence=sequence))
        if made.corrected is not None:
            note_corrections(work, event.message_id, old, made.corrected, reason=reason)
        ledger.messages.append(_known(old, made, event, item=item, sequence=sequence))
    save_ledgers(work, [ledger])
    work.connection.execute(insert(messages), rows)
    index = IndexRows(work.vault)
    for _, event in events:
        index.add_persons(event.message_id, event.identities)
        if made.corrected is not None:
            index.add_problems(
                event.message_id, [one.finding() for one in made.corrected.corrections]
            )
    index.write(work.connection)
    _write_files(work, old, made, [event for _, event in events])
    # Those made now sort behind the old one of the same place.
    ledger.messages.sort(key=lambda message: (message.sequence, message.id))
    return first, ledger


def _files_of(made: Made, event: PreparedEvent) -> tuple[PreparedFile, ...]:
    return made.record.files if event.packet is Packet.DOSSIER else ()


def _write_files(work: Work, old: Known, made: Made, events: Sequence[PreparedEvent]) -> None:
    """Write the manifest of the new snapshot down; its files are fetched and checked anew."""
    for event in events:
        files = _files_of(made, event)
        if files:
            waits = {event.message_id} if awaits(files) is not None else set()
            write_files(work, [(event.message_id, old.agency, files)], to_fetch=waits)


def _row(
    work: Work, old: Known, made: Made, event: PreparedEvent, *, item: int, sequence: int
) -> dict[str, Any]:
    made_from: dict[str, str | int] = {}
    if made.origin.service is not None:
        made_from = {"submission": made.origin.submission_id, "record": made.record.record}
    work.note(
        "message.held",
        event.message_id,
        reissue_of=old.id,
        digest=event.document_digest,
        **made_by(made.origin),
        **made_from,
    )
    row = message_row(work, event.message_id, origin=made.origin, record=made.record, item=item)
    return (
        row
        | event_columns(work, event)
        | {"state": State.HELD.value, "sequence": sequence, "reissue_of": old.id}
        | {"awaits_files": awaits(_files_of(made, event))}
        | correction_columns(work, event.message_id, made.corrected, item=item)
    )


def _known(old: Known, made: Made, event: PreparedEvent, *, item: int, sequence: int) -> Known:
    return Known(
        id=event.message_id,
        agency=old.agency,
        sequence=sequence,
        packet=event.packet,
        state=State.HELD,
        content_digest=event.content_digest,
        version=event.version,
        submission_id=old.submission_id,
        record=old.record,
        status=None if event.status is None else event.status.code,
        awaits_files=awaits(_files_of(made, event)),
        service=old.service,
        sender=old.sender,
        source_digest=None if made.corrected is None else made.corrected.digest_of(item),
    )


def _check_event(ledger: Ledger, old: Known, made: Made, events: Sequence[PreparedEvent]) -> None:
    """Refuse what is not the same event of the same dossier, or is older than what is there."""
    if (
        not events
        or events[0].packet is not old.packet
        or made.origin.ledger(events[0].dossier_code) != ledger.code
    ):
        raise InputError(_other_event(old))
    later = [
        message
        for message in ledger.messages
        if message.packet is Packet.DOSSIER
        and message.sequence > old.sequence
        and message.content_digest is not None
        and message.state not in (State.DISCARDED, State.REISSUED, State.SUPERSEDED)
    ]
    if old.state is State.DELIVERED and old.packet is Packet.DOSSIER and later:
        raise InputError(_not_latest(old, later[-1]))


def _check_newer_file(work: Work, ledger: Ledger, old: Known) -> None:
    """Refuse a snapshot for an agency that would go behind a newer one of the same dossier."""
    if old.sender is None or not old.is_snapshot:
        # Of what is no snapshot (a payment, a notice) each says something of its own.
        return
    known = {
        message.id: message
        for message in ledger.messages
        if message.is_snapshot
        and message.sender == old.sender
        and message.content_digest is not None
        and message.state not in (State.DISCARDED, State.REISSUED)
    }
    query = select(messages.c.id, messages.c.created_at)
    came_at = work.connection.execute(query.where(messages.c.id == old.id)).one().created_at
    for part in in_slices(sorted(known)):
        for row in work.connection.execute(query.where(messages.c.id.in_(part))):
            message = known[row.id]
            is_newer = (
                row.created_at > came_at if old.sequence == 0 else message.sequence > old.sequence
            )
            if is_newer:
                raise InputError(_not_latest(old, message))


def _admissible(
    work: Work, ledger: Ledger, old: Known, made: Made
) -> list[tuple[int, PreparedEvent]]:
    """
    Return what is new of a record that was rejected, each with its item.

    Of one that was rejected for a file its progress rows are there already, and stay.

    Raises:
        InputError: it would not be admitted if it came today.
    """
    found: list[tuple[int, PreparedEvent]] = []
    there: list[str] = []
    keys = {event.key for event in made.record.events if event.key}
    keyed = load_event_keys(work.connection, keys, agency=old.agency)
    for item, event in enumerate(made.record.events):
        if made.origin.ledger(event.dossier_code) != ledger.code:
            raise InputError(_other_event(old))
        candidate = Candidate(
            agency=old.agency,
            said=said_in(event.packet, old.service),
            sender=old.sender,
            key=event.key,
            version=event.version,
            content_digest=event.content_digest,
            submission_id=old.submission_id,
            record=old.record,
            one_row_per_dossier=made.origin.one_row_per_dossier,
        )
        decision = admit(candidate, ledger=ledger, keyed=keyed)
        if isinstance(decision, Refusal):
            raise InputError(decision.problem)
        if isinstance(decision, Repeat):
            there.append(decision.message_id)
            if event.packet is Packet.PROGRESS:
                continue
            raise InputError(_there_already(old, decision.message_id))
        if decision.superseded_by is not None:
            raise InputError(_not_latest(old, decision.superseded_by))
        found.append((item, event))
    if not found:
        raise InputError(_there_already(old, there[-1]))
    return found


def _other_event(old: Known) -> Problem:
    return Problem(
        code="reissue.other_event",
        message=Text(
            vi=f"Nguồn của thông điệp {old.id} nay cho ra hồ sơ hoặc sự kiện khác",
            en=f"The source of message {old.id} now gives another dossier or event",
        ),
        suggestion=Text(
            vi="Nhờ cơ quan gửi lại bản ghi", en="Have the agency send the record again"
        ),
    )


def _not_latest(old: Known, newer: Known) -> Problem:
    return Problem(
        code="reissue.not_latest",
        message=Text(
            vi=f"Sau thông điệp {old.id} đã có bản mới hơn của hồ sơ ({newer.id})",
            en=f"Message {old.id} has a newer snapshot of its dossier behind it ({newer.id})",
        ),
        suggestion=Text(vi=f"Lập lại {newer.id}", en=f"Reissue {newer.id}"),
    )


def _there_already(old: Known, message_id: str) -> Problem:
    return Problem(
        code="reissue.there_already",
        message=Text(
            vi=f"Nội dung của {old.id} đã có trong thông điệp {message_id}",
            en=f"What {old.id} says is in message {message_id} already",
        ),
        suggestion=Text(
            vi=f"Nếu không cần nữa: lienthong messages discard {old.id}",
            en=f"If it is not needed any more: lienthong messages discard {old.id}",
        ),
    )
