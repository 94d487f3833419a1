"""
What the store has of one dossier: its messages, their attempts, and what they were made from.

Read at one moment and without payloads, which are large and are read one at a time when the pack
is written. What was erased meanwhile is then not there, and the pack says so.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, distinct, func, or_, select, true

from lienthong.channels.port import Packet
from lienthong.conversion import stored_key
from lienthong.ids import SEPARATOR
from lienthong.store.ledgers import file_of
from lienthong.store.shares import TERMS
from lienthong.store.submissions import SHARING_DOOR
from lienthong.store.tables import (
    agencies,
    attempts,
    audit,
    in_slices,
    messages,
    receipts,
    repeats,
    submissions,
)
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

    from lienthong.channels.port import HandedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Why something is not there any more."""

    by: str
    """The actor."""
    why: str
    row: int | None = None
    """Of the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Of what another agency shares: which message, and on which terms."""

    message: str
    profile: str
    terms: str | None
    """SHA-256 of all that the profile said; None: the log does not say it."""
    text: str | None
    """The profile itself, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """One submission that records of the dossier came in."""

    id: str
    sha256: str
    size: int
    """Bytes."""
    agency: str
    file_name: str
    door: str
    sender: str
    service: str | None
    """Of what came down to the agency; None: it is the agency's own."""
    shared: Shared | None
    received_at: datetime
    records: tuple[int, ...]
    """Of the dossier, 1-based."""
    is_alone: bool | None
    """Whether every record in it is of this dossier; None: nobody asked."""
    erasure: Erasure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt or look-up."""

    kind: str
    number: int
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    code: str | None
    http_status: int | None
    is_updating: bool
    detail: str
    has_answer: bool
    has_headers: bool
    answer_whole: bool | None
    """Whether all that came was kept; None: not known."""
    proof: str | None
    """Of the one that proved the delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message of the dossier."""

    id: str
    submission: str
    record: int
    item: int
    packet: str
    agency: str
    sequence: int | None
    state: str
    reason: str
    mapping: str
    proof: str | None
    """receipt, answer or query, once delivered."""
    document_digest: str | None
    """SHA-256, hexadecimal; None where none was made."""
    has_document: bool
    has_receipt: bool
    erasure: Erasure | None
    """Of its document."""
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    """When it is taken up again; None when not by itself."""
    reissue_of: str | None
    file: HandedFile | None
    """Of what goes to an agency, until its bytes are erased."""
    attempts: tuple[Tried, ...]

    @property
    def is_down(self) -> bool:
        """Whether it goes to an agency."""
        return self.packet == Packet.INBOUND.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Everything about a dossier but its payloads."""

    dossier: str
    agency: str
    submissions: tuple[HandedIn, ...]
    messages: tuple[Sent, ...]
    """In their order."""

    @property
    def subjects(self) -> list[str]:
        """Return what rows of the audit log may be about."""
        return [*(one.id for one in self.messages), *(one.id for one in self.submissions)]


def gather(
    connection: Connection, dossier: str, *, agency: str | None = None, for_pack: bool = True
) -> Gathered:
    """
    Return what there is of a dossier, or for a pack of one message.

    Args:
        connection: Reading, of one moment.
        dossier: Its code, or the id of a message: a pack may have it alone.
        agency: Needed where several agencies have messages of that code. With it, what went to
            other agencies is there only where this one's own messages were shared.
        for_pack: Also whether submissions are of it alone, which takes as long as they are large.

    Raises:
        InputError: there is none, or it must be said of which agency.
    """
    rows = _messages(connection, messages.c.dossier_code == dossier, agency)
    if not rows and for_pack:
        rows = _messages(connection, messages.c.id == dossier, agency)
        dossier = next((row.dossier_code for row in rows if row.dossier_code), dossier)
    # Whose dossier it is: other agencies may only be told about it.
    own = [row for row in rows if row.packet != Packet.INBOUND.value]
    found = sorted({row.agency for row in own or rows})
    if agency is not None and agency in found:
        # Who was told of its messages has no dossier of its own here.
        found = [agency]
    if not found:
        raise _no_dossier(dossier, agency)
    if len(found) > 1:
        raise _several_agencies(found)
    tries = _attempts(connection, [row.id for row in rows])
    return Gathered(
        dossier=dossier,
        agency=found[0],
        submissions=_submissions(connection, rows, dossier, for_pack=for_pack),
        messages=tuple(_sent(connection, row, tries[row.id]) for row in rows),
    )


def _messages(
    connection: Connection, wanted: ColumnElement[bool], agency: str | None
) -> Sequence[Any]:
    """Return messages in their order, of one agency or of all."""
    columns = [one for one in messages.c if one.name not in ("document", "problems")]
    query = (
        select(
            *columns,
            messages.c.document.is_not(None).label("has_document"),
            receipts.c.message_id.is_not(None).label("has_receipt"),
        )
        .outerjoin(receipts, receipts.c.message_id == messages.c.id)
        .where(wanted)
        .order_by(messages.c.sequence.is_(None), messages.c.sequence, messages.c.id)
    )
    rows = connection.execute(query).all()
    if agency is None:
        return rows
    own = {row.id for row in rows if row.agency == agency}
    others = {row.submission_id for row in rows if row.id not in own}
    told = _sharing(connection, others, of=own)
    return [row for row in rows if row.id in own or row.submission_id in told]


def _sharing(connection: Connection, ids: Collection[str], *, of: Collection[str]) -> set[str]:
    """Return those of these submissions in which messages of `of` were shared."""
    found: set[str] = set()
    for part in in_slices(sorted(ids)):
        query = select(submissions.c.id, submissions.c.key).where(
            submissions.c.id.in_(part), submissions.c.door == SHARING_DOOR
        )
        found |= {row.id for row in connection.execute(query) if row.key in of}
    return found


def find_codes(connection: Connection, name: str, *, agency: str | None = None) -> list[str]:
    """
    Return the codes of the dossiers that somebody may mean by `name`, sorted.

    Args:
        connection: Reading.
        name: A dossier's code, or the agency's own key of one of its events.
        agency: Only of this one.
    """
    of_agency = true() if agency is None else messages.c.agency == agency
    query = select(messages.c.dossier_code).where(messages.c.dossier_code == name, of_agency)
    if connection.execute(query.limit(1)).first() is not None:
        return [name]
    # The index of keys begins with the agency.
    names = select(agencies.c.name).where(agencies.c.name.not_like(f"%{SEPARATOR}%"))
    by_key = (
        select(messages.c.dossier_code)
        .where(
            messages.c.agency.in_(names if agency is None else [agency]),
            messages.c.event_key == stored_key(name),
            messages.c.dossier_code.is_not(None),
        )
        .distinct()
    )
    return sorted(connection.execute(by_key).scalars())


def _sent(connection: Connection, row: Any, tries: list[Tried]) -> Sent:
    is_gone = row.document_digest is not None and not row.has_document
    return Sent(
        id=row.id,
        submission=row.submission_id,
        record=row.record,
        item=row.item,
        packet=row.packet,
        agency=row.agency,
        sequence=row.sequence,
        state=row.state,
        reason=row.reason,
        mapping=row.mapping,
        proof=row.proof,
        document_digest=row.document_digest,
        has_document=bool(row.has_document),
        has_receipt=bool(row.has_receipt),
        erasure=erasure_of(connection, "documents", since=row.updated_at) if is_gone else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        due_at=row.due_at,
        reissue_of=row.reissue_of,
        file=file_of(row),
        attempts=tuple(tries),
    )


_IN_TIME = attempts.c.started_at, attempts.c.kind.desc(), attempts.c.number
"""A message is sent before it is asked for."""


def _attempts(connection: Connection, ids: list[str]) -> dict[str, list[Tried]]:
    found: dict[str, list[Tried]] = defaultdict(list)
    columns = [one for one in attempts.c if one.name not in ("answer", "message", "headers")]
    for part in in_slices(ids):
        query = select(
            *columns,
            attempts.c.answer.is_not(None).label("has_answer"),
            attempts.c.headers.is_not(None).label("has_headers"),
        )
        query = query.where(attempts.c.message_id.in_(part))
        for row in connection.execute(query.order_by(*_IN_TIME)):
            found[row.message_id].append(
                Tried(
                    kind=row.kind,
                    number=row.number,
                    started_at=row.started_at,
                    ended_at=row.ended_at,
                    outcome=row.outcome,
                    code=row.code,
                    http_status=row.http_status,
                    is_updating=row.is_updating,
                    detail=row.detail,
                    has_answer=bool(row.has_answer),
                    has_headers=bool(row.has_headers),
                    answer_whole=row.answer_whole,
                    proof=row.proof,
                )
            )
    return found


def _submissions(
    connection: Connection, of_messages: Sequence[Any], dossier: str, *, for_pack: bool
) -> tuple[HandedIn, ...]:
    records: dict[str, set[int]] = defaultdict(set)
    for row in of_messages:
        records[row.submission_id].add(row.record)
    found = []
    for part in in_slices(sorted(records)):
        query = select(submissions).where(submissions.c.id.in_(part))
        found += [
            HandedIn(
                id=row.id,
                sha256=row.sha256,
                size=row.size,
                agency=row.agency,
                file_name=row.file_name,
                door=row.door,
                sender=row.sender,
                service=row.service,
                shared=_shared(connection, row) if row.door == SHARING_DOOR else None,
                received_at=row.received_at,
                records=tuple(sorted(records[row.id])),
                is_alone=_is_alone(connection, row, dossier) if for_pack else None,
                erasure=_erasure_of_submission(connection, row),
            )
            for row in connection.execute(query).all()
        ]
    return tuple(sorted(found, key=lambda one: (one.received_at, one.id)))


def _shared(connection: Connection, row: Row[Any]) -> Shared:
    said = _detail(connection, row.id, "submission.received")
    terms = said.get("terms")
    text = None if terms is None else _detail(connection, terms, TERMS).get("text")
    return Shared(message=row.key or "", profile=row.sender, terms=terms, text=text)


def _detail(connection: Connection, subject: str, action: str) -> dict[str, Any]:
    """Return what the log says of something that it says once; nothing where that was erased."""
    query = (
        select(audit.c.detail)
        .where(audit.c.subject == subject, audit.c.action == action)
        .order_by(audit.c.id)
        .limit(1)
    )
    detail = connection.execute(query).scalar()
    found = None if detail is None else json.loads(detail)
    return found if isinstance(found, dict) else {}


def _is_alone(connection: Connection, row: Row[Any], dossier: str) -> bool:
    """Tell whether every record of a submission is of this dossier, and none was left out."""
    if row.state != "expanded" or row.left_out or row.problems is not None:
        return False
    of_it = messages.c.submission_id == row.id
    query = select(func.count(distinct(messages.c.record))).where(of_it)
    own = connection.execute(query.where(messages.c.dossier_code == dossier)).scalar_one()
    others = select(messages.c.id).where(
        of_it, or_(messages.c.dossier_code != dossier, messages.c.dossier_code.is_(None))
    )
    came_again = (
        select(repeats.c.message_id)
        .join(messages, messages.c.id == repeats.c.message_id)
        .where(repeats.c.submission_id == row.id, messages.c.dossier_code != dossier)
    )
    has_others = any(
        connection.execute(one.limit(1)).first() is not None for one in (others, came_again)
    )
    return own == row.records_done and not has_others


def _erasure_of_submission(connection: Connection, row: Row[Any]) -> Erasure | None:
    if row.erased_at is None:
        return None
    query = select(audit.c.id, audit.c.actor, audit.c.at).where(
        audit.c.action == "retention.erased",
        audit.c.subject == "submissions",
        audit.c.at == row.erased_at,
    )
    found = connection.execute(query.order_by(audit.c.id).limit(1)).first()
    return _erasure(found)


def erasure_of(connection: Connection, payloads: str, *, since: datetime) -> Erasure:
    """Return by whom a payload was erased that was still in use at `since`."""
    query = select(audit.c.id, audit.c.actor, audit.c.at).where(
        and_(
            audit.c.action == "retention.erased",
            audit.c.subject == payloads,
            audit.c.at > since,
            # Retention writes down up to which moment it erased.
            audit.c.detail > f'{{"before":"{since.isoformat()}"',
        )
    )
    return _erasure(connection.execute(query.order_by(audit.c.id).limit(1)).first())


def _erasure(found: Any) -> Erasure:
    if found is None:
        return Erasure(by="?", why="nhật ký không ghi ai xóa / no row of the log says by whom")
    return Erasure(
        by=found.actor,
        why=f"hết thời hạn lưu trữ, {found.at:%Y-%m-%d} / its retention ended",
        row=found.id,
    )


def _no_dossier(dossier: str, agency: str | None) -> InputError:
    of_agency = Text(vi="", en="")
    if agency is not None:
        of_agency = Text(vi=f" ở cơ quan {agency}", en=f" at the agency {agency}")
    return InputError(
        Problem(
            code="evidence.no_dossier",
            message=Text(
                vi=f"Không có thông điệp nào của hồ sơ {dossier}{of_agency.vi}: không gì được gửi "
                "lên Cổng, không gì gửi xuống cơ quan; cũng không có thông điệp nào mang mã này",
                en=f"There is no message of the dossier {dossier}{of_agency.en}: nothing went up "
                "to the portal, nothing came down to an agency; nor is it the id of a message",
            ),
            suggestion=Text(
                vi="Xem mã hồ sơ và mã thông điệp bằng: lienthong messages list",
                en="See the codes of dossiers and the ids of messages: lienthong messages list",
            ),
        )
    )


def _several_agencies(found: list[str]) -> InputError:
    names = ", ".join(found)
    return InputError(
        Problem(
            code="evidence.several_agencies",
            message=Text(
                vi=f"Nhiều cơ quan có hồ sơ mang mã này: {names}",
                en=f"Several agencies have a dossier of this code: {names}",
            ),
            suggestion=Text(vi="Chọn bằng --agency", en="Say which: --agency"),
        )
    )
