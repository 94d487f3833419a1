"""Reading the store for people: counts, lists, one message with everything that is known of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import case, func, or_, select

from lienthong.channels.port import HandedFile, Packet
from lienthong.pauses import NONE
from lienthong.proofs import Proof
from lienthong.states import State
from lienthong.store.attachments import load_files
from lienthong.store.audit import AuditLine, read_lines
from lienthong.store.correcting import corrected_paths, open_corrections
from lienthong.store.ledgers import file_of
from lienthong.store.problems import open_problems
from lienthong.store.sealed import (
    answer_context,
    headers_context,
    problems_context,
    receipt_context,
    submission_problems_context,
    words_context,
)
from lienthong.store.selection import Cursor
from lienthong.store.tables import (
    attempts,
    audit,
    dossiers,
    fetches,
    messages,
    receipts,
    repeats,
    submissions,
)
from lienthong.store.vault import plain_size
from schemas.errors import InputError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from lienthong.corrections import Correction
    from lienthong.pauses import Pauses
    from lienthong.store.attachments import KeptFile
    from lienthong.store.selection import Selection
    from lienthong.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyCounts:
    """Where the messages of one agency stand: what it sent, or what goes down to it."""

    agency: str
    submissions: int
    waiting_submissions: int
    """Received, not yet expanded to the end."""
    records: int
    """Records read so far."""
    repeats: int
    left_out: int
    """Of the records, by the mapping."""
    states: dict[State, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledSubmission:
    """A file with something wrong as a whole."""

    id: str
    agency: str
    is_down: bool
    """Whether a peer sent it to the agency."""
    file_name: str
    state: str
    """held: goes on by itself; refused: nothing of it could be read; expanded: it broke off."""
    records: int
    """Records read before the trouble."""
    due_at: datetime | None
    """When it is tried again; None when it is not."""
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """One message in a list."""

    id: str
    agency: str
    dossier_code: str | None
    packet: Packet
    state: State
    reason: str
    attempts: int
    due_at: datetime | None
    """When it is taken up again; None when not by itself."""
    created_at: datetime
    updated_at: datetime
    place: Place
    problems: tuple[Problem, ...]

    @property
    def cursor(self) -> Cursor:
        """After which a list goes on that ends with this one."""
        return Cursor(self.updated_at, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLine:
    """One attempt or look-up."""

    number: int
    kind: str
    is_updating: bool
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    code: str | None
    http_status: int | None
    detail: str
    message: str | None
    """The portal's own words."""
    proof: Proof | None
    """Of the attempt that proved the delivery: what kind of proof it brought."""
    answer_size: int | None
    """Bytes that came, also those that were not kept."""
    answer_digest: str | None
    """SHA-256 of these, lower-case hexadecimal."""
    is_answer_whole: bool | None
    """False: it broke off, or was longer than anybody read."""
    answer_kept: int | None
    """Bytes of it that are kept; None: nothing came, or it was erased."""
    headers: str | None
    """Those that went with it, its secrets taken out; None: nothing left, or it was erased."""
    payload_digest: str | None
    """SHA-256 of what was derived from the document and sent; None where the document itself was,
    or where nothing was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReceipt:
    """A receipt of the portal's, as it was verified."""

    document: bytes
    digest: str
    """SHA-256 of it, lower-case hexadecimal."""
    signer: str | None
    """Fingerprint of the certificate; None for one that was verified before it was kept."""
    signer_name: str | None
    verified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One message with everything that is known of it."""

    line: MessageLine
    submission_id: str
    record: int
    file_name: str
    mapping: str
    document_digest: str | None
    proof: Proof | None
    """Once delivered."""
    receipt: KeptReceipt | None
    superseded_by: str | None
    reissue_of: str | None
    reissued_as: str | None
    corrected_paths: tuple[str, ...]
    """What a person corrected in its record."""
    corrections: tuple[Correction, ...]
    """The same with values, until they are erased."""
    file: HandedFile | None
    """Of what goes to an agency."""
    files: tuple[KeptFile, ...]
    """The manifest of its attachments."""
    attempts: tuple[AttemptLine, ...]
    history: tuple[AuditLine, ...]


def count_agencies(connection: Connection) -> list[AgencyCounts]:
    """Return one line per agency that ever sent something, by name."""
    return _count(connection, is_down=False)


def count_down(connection: Connection) -> list[AgencyCounts]:
    """Return one line per agency that peers, or other agencies, ever sent something to."""
    return _count(connection, is_down=True)


def _count(connection: Connection, *, is_down: bool) -> list[AgencyCounts]:
    states: dict[str, dict[State, int]] = {}
    # By an index alone, in its order.
    by = (messages.c.agency, messages.c.state, messages.c.packet)
    for agency, state, packet, count in connection.execute(select(*by, func.count()).group_by(*by)):
        if (packet == Packet.INBOUND.value) is is_down:
            of_agency = states.setdefault(agency, {})
            of_agency[State(state)] = of_agency.get(State(state), 0) + count
    came_down = submissions.c.service.is_not(None)
    of_direction = came_down if is_down else ~came_down
    came_again = (
        select(submissions.c.agency, func.count())
        .join(repeats, repeats.c.submission_id == submissions.c.id)
        .where(of_direction)
        .group_by(submissions.c.agency)
    )
    repeated: dict[str, int] = dict(connection.execute(came_again).all())
    is_waiting = case((submissions.c.due_at.is_not(None), 1), else_=0)
    rows = connection.execute(
        select(
            submissions.c.agency,
            func.count(),
            func.sum(is_waiting),
            func.sum(submissions.c.records_done),
            func.sum(submissions.c.left_out),
        )
        .where(of_direction)
        .group_by(submissions.c.agency)
        .order_by(submissions.c.agency)
    )
    return [
        AgencyCounts(
            agency=agency,
            submissions=count,
            waiting_submissions=waiting,
            records=records,
            repeats=repeated.get(agency, 0),
            left_out=left_out,
            states=states.get(agency, {}),
        )
        for agency, count, waiting, records, left_out in rows
    ]


def list_messages(
    connection: Connection, selection: Selection, *, vault: Vault
) -> list[MessageLine]:
    """Return messages, the latest change first."""
    # Without the documents: a long list would have them all in memory.
    columns = [column for column in messages.c if column is not messages.c.document]
    return [_line(row, vault) for row in selection.find(connection, columns, vault=vault)]


def select_ids(connection: Connection, selection: Selection, *, vault: Vault) -> list[str]:
    """Return the ids of the selected messages, as they are in this moment."""
    return [row.id for row in selection.find(connection, [messages.c.id], vault=vault)]


def _line(row: Row[Any], vault: Vault) -> MessageLine:
    return MessageLine(
        id=row.id,
        agency=row.agency,
        dossier_code=row.dossier_code,
        packet=Packet(row.packet),
        state=State(row.state),
        reason=row.reason,
        attempts=row.attempts,
        due_at=row.due_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        place=msgspec.json.decode(row.place, type=Place),
        problems=open_problems(vault, row.problems, context=problems_context(row.id)),
    )


def message_not_found(message_id: str) -> InputError:
    """Return the error for a message that does not exist."""
    return InputError(
        Problem(
            code="message.not_found",
            message=Text(
                vi=f"Không có thông điệp {message_id}", en=f"There is no message {message_id}"
            ),
            suggestion=Text(
                vi="Xem danh sách: lienthong messages list",
                en="List them: lienthong messages list",
            ),
        )
    )


def show_message(connection: Connection, message_id: str, *, vault: Vault) -> MessageView:
    """
    Return one message with its attempts and its history.

    Raises:
        InputError: there is no such message.
    """
    row = connection.execute(
        select(messages, submissions.c.file_name)
        .join(submissions, submissions.c.id == messages.c.submission_id)
        .where(messages.c.id == message_id)
    ).first()
    if row is None:
        raise message_not_found(message_id)
    tries = connection.execute(
        select(attempts)
        .where(attempts.c.message_id == message_id)
        .order_by(attempts.c.started_at, attempts.c.number)
    )
    receipt = read_receipt(connection, message_id, vault=vault)
    return MessageView(
        line=_line(row, vault),
        submission_id=row.submission_id,
        record=row.record,
        file_name=row.file_name,
        mapping=row.mapping,
        document_digest=row.document_digest,
        proof=None if row.proof is None else Proof(row.proof),
        receipt=receipt,
        superseded_by=row.superseded_by,
        reissue_of=row.reissue_of,
        reissued_as=row.reissued_as,
        corrected_paths=corrected_paths(row),
        corrections=open_corrections(vault, row),
        file=file_of(row),
        files=load_files(connection, message_id, vault=vault),
        attempts=tuple(_attempt(found, vault) for found in tries),
        history=tuple(read_lines(connection, audit.c.subject == message_id)),
    )


def read_receipt(connection: Connection, message_id: str, *, vault: Vault) -> KeptReceipt | None:
    """Return the portal's receipt for a message, or None where it has none."""
    row = connection.execute(select(receipts).where(receipts.c.message_id == message_id)).first()
    if row is None:
        return None
    document = vault.open(row.document, context=receipt_context(message_id))
    return KeptReceipt(
        document=document,
        digest=sha256(document).hexdigest(),
        signer=row.signer,
        signer_name=row.signer_name,
        verified_at=row.verified_at,
    )


def read_answer(
    connection: Connection, message_id: str, *, kind: str, number: int, vault: Vault
) -> bytes | None:
    """Return what is kept of the portal's answer to one attempt, as it came; None for nothing."""
    sealed = connection.execute(
        select(attempts.c.answer).where(
            attempts.c.message_id == message_id,
            attempts.c.kind == kind,
            attempts.c.number == number,
        )
    ).scalar()
    context = answer_context(message_id, kind, number)
    return None if sealed is None else vault.open(sealed, context=context)


def _attempt(row: Row[Any], vault: Vault) -> AttemptLine:
    words = None
    if row.message is not None:
        context = words_context(row.message_id, row.kind, row.number)
        words = vault.open(row.message, context=context).decode()
    headers = None
    if row.headers is not None:
        context = headers_context(row.message_id, row.kind, row.number)
        headers = vault.open(row.headers, context=context).decode()
    return AttemptLine(
        number=row.number,
        kind=row.kind,
        is_updating=row.is_updating,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=row.outcome,
        code=row.code,
        http_status=row.http_status,
        detail=row.detail,
        message=words,
        proof=None if row.proof is None else Proof(row.proof),
        answer_size=row.answer_size,
        answer_digest=row.answer_digest,
        is_answer_whole=row.answer_whole,
        answer_kept=None if row.answer is None else plain_size(row.answer),
        headers=headers,
        payload_digest=row.payload_digest,
    )


def troubled_submissions(
    connection: Connection, *, vault: Vault, limit: int = 1_000
) -> list[TroubledSubmission]:
    """
    Return the files that are held, refused or broke off, the earliest first.

    Where there are more than `limit`: those that are held before the others, then the latest.
    """
    query = (
        select(submissions)
        .where(submissions.c.problems.is_not(None))
        .order_by(
            submissions.c.due_at.is_(None), submissions.c.received_at.desc(), submissions.c.id
        )
        .limit(limit)
    )
    rows = sorted(connection.execute(query), key=lambda row: (row.received_at, row.id))
    return [
        TroubledSubmission(
            id=row.id,
            agency=row.agency,
            is_down=row.service is not None,
            file_name=row.file_name,
            state=row.state,
            records=row.records_done,
            due_at=row.due_at,
            problems=open_problems(
                vault, row.problems, context=submission_problems_context(row.id)
            ),
        )
        for row in rows
    ]


def is_idle(connection: Connection, *, pauses: Pauses = NONE) -> bool:
    """Tell whether nothing in the store moves by itself any more; what is paused does not."""
    due: list[ColumnElement[bool]] = [messages.c.due_at.is_not(None)]
    if pauses.of_portal is not None:
        due.append(messages.c.packet == Packet.INBOUND.value)
    if pauses.resting:
        is_looked_up = messages.c.state.in_([State.SENDING.value, State.UNKNOWN.value])
        due.append(or_(messages.c.agency.not_in(sorted(pauses.resting)), is_looked_up))
    moving = (
        select(submissions.c.id).where(submissions.c.due_at.is_not(None)),
        select(messages.c.id).where(*due),
        select(messages.c.id).where(messages.c.share_due_at.is_not(None)),
        select(fetches.c.message_id),
    )
    return all(connection.execute(query.limit(1)).first() is None for query in moving)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredEvent:
    """One delivered message as the reconciliation sees it."""

    message_id: str
    agency: str
    dossier_code: str
    sequence: int
    packet: Packet
    document_digest: str


def delivered_events(connection: Connection) -> list[DeliveredEvent]:
    """Return every message that was delivered to the portal, per dossier in order."""
    rows = connection.execute(
        select(
            messages.c.id,
            messages.c.agency,
            messages.c.dossier_code,
            messages.c.sequence,
            messages.c.packet,
            messages.c.document_digest,
        )
        .where(
            messages.c.state == State.DELIVERED.value,
            messages.c.packet != Packet.INBOUND.value,
        )
        .order_by(messages.c.dossier_code, messages.c.sequence)
        .execution_options(yield_per=1_000)
    )
    return [
        DeliveredEvent(
            message_id=row.id,
            agency=row.agency,
            dossier_code=row.dossier_code,
            sequence=row.sequence,
            packet=Packet(row.packet),
            document_digest=row.document_digest,
        )
        for row in rows
    ]


def count_attempts(connection: Connection) -> Counter[str]:
    """Return how often each outcome was met, sends and look-ups together."""
    query = select(attempts.c.outcome, func.count()).group_by(attempts.c.outcome)
    return Counter({outcome or "out": count for outcome, count in connection.execute(query)})


def count_dossiers(connection: Connection) -> int:
    """Return how many dossiers the store knows."""
    return int(connection.execute(select(func.count()).select_from(dossiers)).scalar_one())


def read_agency(connection: Connection, message_id: str) -> str | None:
    """Return whose message it is, or None where there is none."""
    query = select(messages.c.agency).where(messages.c.id == message_id)
    agency: str | None = connection.execute(query).scalar()
    return agency


def agencies_of_dossier(connection: Connection, code: str) -> list[str]:
    """Return the agencies that have messages of a dossier, by name."""
    query = select(messages.c.agency).where(messages.c.dossier_code == code).distinct()
    return sorted(connection.execute(query).scalars())
