"""
Reissuing: a new message from the source of an old one, in its place in the dossier, linked to it.

The source is the record as it was received. What is made of it now is signed anew; the old message
keeps its document, its attempts and its history, and ends as `reissued`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from adapters import read_records
from lienthong.admission import Candidate, Known, Refusal, Repeat, admit
from lienthong.channels.port import Packet
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.intake import Origin, event_columns, message_row
from lienthong.store.ledgers import (
    change_state,
    load_event_keys,
    load_ledgers,
    save_ledgers,
)
from lienthong.store.submissions import Opened, open_source
from lienthong.store.tables import messages, submissions
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lienthong.admission import Ledger
    from lienthong.agencies import Agency
    from lienthong.conversion import Prepared, PreparedEvent
    from lienthong.store.database import Store
    from lienthong.store.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the present mapping makes of the record that a message came from."""

    origin: Origin
    record: Prepared
    item: int
    """Of the old message: 0 the snapshot, 1… its progress rows."""


class Source:
    """Reads the records of messages again, each submission once, and converts them."""

    def __init__(
        self, store: Store, agencies: Callable[[str], Agency], *, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._agencies = agencies
        self._clock = clock
        self._made: dict[str, Made] = {}
        self._problems: dict[str, Problem] = {}

    def read(self, message_ids: Sequence[str]) -> None:
        """Read the sources of these messages; what went wrong is told by `made_from`."""
        self._made, self._problems = {}, {}
        query = (
            select(
                messages.c.id,
                messages.c.record,
                messages.c.item,
                submissions.c.id.label("submission_id"),
                submissions.c.agency,
                submissions.c.arrival,
                submissions.c.file_name,
                submissions.c.size,
                submissions.c.received_at,
                submissions.c.erased_at,
            )
            .join(submissions, submissions.c.id == messages.c.submission_id)
            .where(messages.c.id.in_(message_ids))
        )
        with reading(self._store) as connection:
            rows = connection.execute(query).all()
        by_submission: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            by_submission[row.submission_id].append(row)
        for of_one in by_submission.values():
            self._read_one(of_one)

    def made_from(self, message_id: str) -> Made:
        """
        Return what is made of the source of a message now.

        Raises:
            InputError: the source was erased, or is damaged, or still has errors.
        """
        if problem := self._problems.get(message_id):
            raise InputError(problem)
        made = self._made[message_id]
        if not made.record.events:
            raise InputError(made.record.problems[0])
        return made

    def _read_one(self, rows: Sequence[Any]) -> None:
        first = rows[0]
        if first.erased_at is not None:
            self._problems |= {row.id: _erased(first.erased_at) for row in rows}
            return
        agency = self._agencies(first.agency)
        origin = Origin(
            submission_id=first.submission_id,
            agency=first.agency,
            mapping=agency.mapping_stamp,
            one_row_per_dossier=agency.one_row_per_dossier,
        )
        wanted = {row.record: [r for r in rows if r.record == row.record] for row in rows}
        last = max(wanted)
        opened = Opened(
            id=first.submission_id,
            agency=first.agency,
            arrival=first.arrival,
            file_name=first.file_name,
            size=first.size,
            records_done=0,
            due_at=first.received_at,
            tries=0,
        )
        try:
            with open_source(self._store, opened, {}) as source:
                records = read_records(source, file_name=first.file_name, options=agency.source)
                for record in takewhile(lambda found: found.number <= last, records):
                    if record.number not in wanted:
                        continue
                    prepared = agency.pipeline.prepare(record, now=self._clock())
                    for row in wanted.pop(record.number):
                        self._made[row.id] = Made(origin=origin, record=prepared, item=row.item)
        except InputError as error:
            self._problems |= {row.id: error.problem for found in wanted.values() for row in found}
            return
        self._problems |= {row.id: _gone(row.record) for found in wanted.values() for row in found}


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
        code = events[0][1].dossier_code
        ledger = load_ledgers(work.connection, [code], agency=old.agency, to_change=True)[code]
    if old.content_digest is None:
        _check_admission(work, ledger, old, made)
    else:
        events = [events[made.item]] if made.item < len(events) else []
        _check_event(ledger, old, [event for _, event in events])
    keeps_place = old.sequence > 0 and old.state is not State.DELIVERED
    first = events[0][1].message_id
    change_state(work, old, State.REISSUED, reason=reason, reissued_as=first, due_at=None)
    rows = []
    for item, event in events:
        sequence = old.sequence if keeps_place else ledger.next_sequence
        ledger.next_sequence = max(ledger.next_sequence, sequence + 1)
        rows.append(_row(work, old, made, event, item=item, sequence=sequence))
        ledger.messages.append(_known(old, event, sequence))
    save_ledgers(work, [ledger])
    work.connection.execute(insert(messages), rows)
    # Those made now sort behind the old one of the same place.
    ledger.messages.sort(key=lambda message: (message.sequence, message.id))
    return first, ledger


def _row(
    work: Work, old: Known, made: Made, event: PreparedEvent, *, item: int, sequence: int
) -> dict[str, Any]:
    work.note("message.held", event.message_id, reissue_of=old.id, digest=event.document_digest)
    row = message_row(work, event.message_id, origin=made.origin, record=made.record, item=item)
    return (
        row
        | event_columns(work, event)
        | {"state": State.HELD.value, "sequence": sequence, "reissue_of": old.id}
    )


def _known(old: Known, event: PreparedEvent, sequence: int) -> Known:
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
    )


def _check_event(ledger: Ledger, old: Known, events: Sequence[PreparedEvent]) -> None:
    """Refuse what is not the same event of the same dossier, or is older than what is there."""
    if not events or events[0].packet is not old.packet or events[0].dossier_code != ledger.code:
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


def _check_admission(work: Work, ledger: Ledger, old: Known, made: Made) -> None:
    """Refuse what would not be admitted if it came today."""
    keys = {event.key for event in made.record.events if event.key}
    keyed = load_event_keys(work.connection, keys, agency=old.agency)
    for event in made.record.events:
        if event.dossier_code != ledger.code:
            raise InputError(_other_event(old))
        candidate = Candidate(
            agency=old.agency,
            packet=event.packet,
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
            raise InputError(_there_already(old, decision.message_id))
        if decision.superseded_by is not None:
            raise InputError(_not_latest(old, decision.superseded_by))


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
        suggestion=Text(vi=f"Cấp lại {newer.id}", en=f"Reissue {newer.id}"),
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


def _erased(at: datetime) -> Problem:
    return Problem(
        code="reissue.source_erased",
        message=Text(
            vi=f"Nội dung gốc đã được xóa ngày {at:%d/%m/%Y} theo thời hạn lưu trữ",
            en=f"Its source was erased on {at:%Y-%m-%d} when its retention ended",
        ),
        suggestion=Text(
            vi="Nhờ cơ quan gửi lại bản ghi, hoặc gửi lại nguyên văn bằng: messages resend",
            en="Have the agency send the record again, or use the same document: messages resend",
        ),
    )


def _gone(record: int) -> Problem:
    return Problem(
        code="reissue.record_gone",
        message=Text(
            vi=f"Tệp gốc nay không có bản ghi số {record}",
            en=f"The source has no record number {record} now",
        ),
    )
