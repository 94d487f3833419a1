"""Finding messages, and seeing one with everything that is known of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lienthong.access.rights import Right
from lienthong.channels.port import Packet
from lienthong.differences import shape_of
from lienthong.operations.job_links import job_named, seen_jobs
from lienthong.operations.masking import finding_of, place_of, words_of
from lienthong.operations.problem_words import with_causes
from lienthong.operations.views import (
    Attempt,
    CorrectionView,
    Count,
    LogEntry,
    ManifestLine,
    MessageDetail,
    MessagePage,
    MessageSummary,
    ReceiptView,
    Words,
)
from lienthong.proofs import HANDED_OVER, WORDS
from lienthong.reasons import REASONS
from lienthong.states import MAY_CORRECT, MAY_DISCARD, MAY_REISSUE, MAY_RESEND
from lienthong.store.database import reading
from lienthong.store.indexing import is_indexed, note_search
from lienthong.store.queries import (
    list_messages,
    message_not_found,
    read_agency,
    show_message,
)
from lienthong.store.selection import Cursor
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.identities import normalise_identity
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from lienthong.access.rights import Principal
    from lienthong.states import State
    from lienthong.store.attachments import KeptFile
    from lienthong.store.audit import AuditLine
    from lienthong.store.queries import AttemptLine, MessageLine, MessageView
    from lienthong.store.selection import Counted, Selection
    from lienthong.store.vault import Vault
    from lienthong.wiring import Installation

VERBS = {
    "resend": MAY_RESEND,
    "reissue": MAY_REISSUE,
    "correct": MAY_CORRECT,
    "discard": MAY_DISCARD,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reveal:
    """Why somebody wants to see personal data; it goes into the audit log."""

    reason: str


def find_messages(
    installation: Installation,
    principal: Principal,
    selection: Selection,
    *,
    cursor: str | None,
    counts: bool = False,
) -> MessagePage:
    """
    Return messages that whoever asks may see, the latest change first.

    That somebody looked for a person is written into the audit log, without the number. With
    `counts` it also says how many there are, exactly where that is cheap.

    Raises:
        Forbidden: the right to view is had for no agency.
        InputError: the cursor is not one of ours, or what a person is looked for by is no number.
    """
    principal.need(Right.VIEW)
    if selection.person is not None and not normalise_identity(selection.person):
        raise _not_a_number()
    asked = replace(
        selection,
        agencies=principal.agencies(Right.VIEW),
        before=None if cursor is None else read_cursor(cursor),
        limit=selection.limit + 1,
    )
    by_index = (selection.person, selection.problem, selection.text) != (None, None, None)
    store = installation.store
    with reading(store) as connection:
        asked = with_causes(connection, asked, vault=store.vault)
        found = list_messages(connection, asked, vault=store.vault)
        is_whole = not by_index or is_indexed(connection)
        count = _count(connection, asked, len(found), vault=store.vault) if counts else None
    shown = found[: selection.limit]
    if selection.person is not None:
        # Whatever was found, and before anything is shown.
        with begin(store, at=installation.clock, actor=principal.name) as work:
            note_search(work, selection.person, found=len(shown))
    is_more = len(found) > selection.limit
    return MessagePage(
        messages=[MessageSummary(**_summary(line)) for line in shown],
        next=str(shown[-1].cursor) if is_more else None,
        is_whole=is_whole,
        count=count,
    )


def _count(connection: Connection, asked: Selection, found: int, *, vault: Vault) -> Count:
    if asked.before is None and found < asked.limit:
        return Count(number=found, is_exact=True)
    counted = count_of(asked.count(connection, vault=vault))
    # The list looks as far as it must, and the count does not.
    return counted.model_copy(update={"number": max(counted.number, found)})


def count_of(counted: Counted) -> Count:
    """Return as a view how many there are."""
    return Count(number=counted.number, is_exact=counted.is_exact)


def summaries(
    connection: Connection, selection: Selection, *, vault: Vault
) -> list[MessageSummary]:
    """Return messages as lists show them, values masked, whoever may see them."""
    found = list_messages(connection, selection, vault=vault)
    return [MessageSummary(**_summary(line)) for line in found]


def see_message(
    installation: Installation,
    principal: Principal,
    message_id: str,
    *,
    reveal: Reveal | None = None,
) -> MessageDetail:
    """
    Return one message; with `reveal` its personal data as well, and a row of the audit log says so.

    Raises:
        Forbidden: it may be seen, but not revealed.
        InputError: there is none that whoever asks may see.
    """
    store = installation.store
    with reading(store) as connection:
        view = show_message(connection, message_id, vault=store.vault)
        history = log_entries(connection, principal, view.history)
    if not principal.may(Right.VIEW, view.line.agency):
        raise message_not_found(message_id)
    if reveal is not None:
        principal.need(Right.REVEAL, view.line.agency)
        note_reveal(installation, principal, message_id, reveal)
    return _detail(view, history, is_revealed=reveal is not None)


def note_reveal(
    installation: Installation,
    principal: Principal,
    message_id: str,
    reveal: Reveal,
    *,
    what: str | None = None,
) -> None:
    """Write down who looks at personal data, and why; before anything is shown."""
    part = {} if what is None else {"what": what}
    with begin(installation.store, at=installation.clock, actor=principal.name) as work:
        work.note("message.viewed", message_id, reason=reveal.reason, **part)


def agency_of_message(installation: Installation, principal: Principal, message_id: str) -> str:
    """
    Return whose message it is.

    Raises:
        InputError: there is none that whoever asks may see.
    """
    with reading(installation.store) as connection:
        agency = read_agency(connection, message_id)
    if agency is None or not principal.may(Right.VIEW, agency):
        raise message_not_found(message_id)
    return agency


def _summary(line: MessageLine, *, is_revealed: bool = False) -> dict[str, Any]:
    return {
        "id": line.id,
        "agency": line.agency,
        "dossier": line.dossier_code,
        "packet": line.packet,
        "state": line.state,
        "reason": reason_words(line.reason),
        "attempts": line.attempts,
        "due_at": line.due_at,
        "created_at": line.created_at,
        "updated_at": line.updated_at,
        "place": place_of(line.place),
        "findings": [finding_of(each, is_revealed=is_revealed) for each in line.problems],
    }


def reason_words(reason: str) -> Words:
    """Return why a message stands where it stands, in both languages."""
    return Words(vi=REASONS.get(reason, reason), en=reason)


def _detail(view: MessageView, history: list[LogEntry], *, is_revealed: bool) -> MessageDetail:
    receipt = view.receipt
    proof_words = None
    if view.proof is not None:
        is_down = view.line.packet is Packet.INBOUND
        proof_words = words_of(HANDED_OVER if is_down else WORDS[view.proof])
    return MessageDetail(
        **_summary(view.line, is_revealed=is_revealed),
        submission=view.submission_id,
        record=view.record,
        mapping=view.mapping,
        document_sha256=view.document_digest,
        proof=view.proof,
        proof_words=proof_words,
        receipt=None
        if receipt is None
        else ReceiptView(
            sha256=receipt.digest,
            signer=receipt.signer,
            signer_name=receipt.signer_name,
            verified_at=receipt.verified_at,
        ),
        superseded_by=view.superseded_by,
        reissue_of=view.reissue_of,
        reissued_as=view.reissued_as,
        corrections=_corrections(view, is_revealed=is_revealed),
        files=[_manifest_line(file, is_revealed=is_revealed) for file in view.files],
        tries=[_attempt(one, is_revealed=is_revealed) for one in view.attempts],
        history=history,
        may=verbs_for(view.line.state),
        is_revealed=is_revealed,
    )


def _corrections(view: MessageView, *, is_revealed: bool) -> list[CorrectionView]:
    if not view.corrections:
        return [CorrectionView(path=path) for path in view.corrected_paths]
    return [
        CorrectionView(
            path=one.path,
            place=place_of(one.place),
            before=one.before if is_revealed else shape_of(one.before),
            after=one.after if is_revealed else shape_of(one.after),
        )
        for one in view.corrections
    ]


def verbs_for(state: State) -> list[str]:
    """Return what may be done to a message in a state."""
    return [verb for verb, states in VERBS.items() if state in states]


def _manifest_line(file: KeptFile, *, is_revealed: bool) -> ManifestLine:
    found, declared = file.found, file.declared
    name = None if declared is None else declared.name
    return ManifestLine(
        number=file.number,
        way=file.way,
        name=name if name is None or is_revealed else shape_of(name),
        component=None if declared is None else declared.component,
        size=None if found is None else found.size,
        sha256=None if found is None else found.sha256,
        type=None if found is None else found.kind,
        is_kept=file.blob is not None,
    )


def _attempt(one: AttemptLine, *, is_revealed: bool) -> Attempt:
    return Attempt(
        kind=one.kind,
        number=one.number,
        is_updating=one.is_updating,
        started_at=one.started_at,
        ended_at=one.ended_at,
        outcome=one.outcome,
        code=one.code,
        http_status=one.http_status,
        detail=one.detail,
        message=one.message if is_revealed else None,
        proof=one.proof,
        answer_size=one.answer_size,
        answer_sha256=one.answer_digest,
        is_answer_whole=one.is_answer_whole,
        payload_sha256=one.payload_digest,
    )


def log_entry(line: AuditLine) -> LogEntry:
    """Return one row of the audit log."""
    return LogEntry(
        row=line.id,
        at=line.at,
        actor=line.actor,
        action=line.action,
        subject=line.subject,
        detail=None if line.detail is None else json.loads(line.detail),
        seal=line.seal,
    )


def log_entries(
    connection: Connection, principal: Principal, lines: Iterable[AuditLine]
) -> list[LogEntry]:
    """Return rows of the audit log, with the bulk replays that they name and may be seen."""
    rows = [log_entry(line) for line in lines]
    named = [job_named(row.detail) for row in rows]
    seen = seen_jobs(connection, principal, named)
    return [
        row.model_copy(update={"job": job}) if job in seen else row
        for row, job in zip(rows, named, strict=True)
    ]


def read_cursor(given: str) -> Cursor:
    """
    Return where a list goes on.

    Raises:
        InputError: no list gave it.
    """
    try:
        return Cursor.parse(given)
    except ValueError as error:
        raise _not_a_cursor() from error


def _not_a_cursor() -> InputError:
    return InputError(
        Problem(
            code="list.cursor",
            message=Text(
                vi="`cursor` không phải do danh sách này đưa ra",
                en="`cursor` is not one that this list gave",
            ),
            suggestion=Text(
                vi="Bắt đầu lại từ đầu danh sách, không gửi `cursor`",
                en="Begin at the start of the list, without `cursor`",
            ),
        )
    )


def _not_a_number() -> InputError:
    return InputError(
        Problem(
            code="list.person",
            message=Text(
                vi="`person` không phải số giấy tờ: chỉ gồm chữ cái không dấu và chữ số",
                en="`person` is no identity number: letters without marks and digits only",
            ),
            suggestion=Text(
                vi="Gõ số định danh, số giấy tờ hoặc mã số thuế; tên người thì không tìm được",
                en="Type the number of a paper or a tax code; names cannot be looked for",
            ),
        )
    )
