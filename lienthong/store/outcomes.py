"""
Delivery in the store, after an attempt: what it brought, and what follows for its dossier.

A worker whose lease ended and whose dossier was taken by another changes no state any more, but
what its attempt brought is still written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.channels.port import Answer, CutAnswer, LookUp, Packet
from lienthong.delivery_causes import DeliveryCause
from lienthong.failures import causes_of_delivery
from lienthong.proofs import Proof
from lienthong.states import State
from lienthong.store.bulk import among, insert_rows, update_rows
from lienthong.store.delivery import END_CLAIM, LOOK_UP, SEND
from lienthong.store.ledgers import Changes, load_ledgers
from lienthong.store.portal_answers import fields_named
from lienthong.store.sealed import answer_context, headers_context, receipt_context, words_context
from lienthong.store.tables import attempts, dossiers, receipts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from lienthong.admission import Known, Ledger
    from lienthong.decisions import Next
    from lienthong.store.delivery import Task
    from lienthong.store.work import Work

_HOLD = (
    select(dossiers.c.code, dossiers.c.fence)
    .where(
        among(dossiers.c.code, "_codes"),
        # A claim that was ended, by a commit whose answer got lost, is nobody's any more.
        dossiers.c.lease_until.is_not(None),
    )
    .order_by(dossiers.c.code)
    .with_for_update()
)

_HAD = select(receipts.c.message_id).where(among(receipts.c.message_id, "_ids"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What one attempt brought, and what was decided to follow."""

    task: Task
    result: Answer | LookUp
    next: Next
    due_at: datetime | None


def finish(
    work: Work, endings: Sequence[Ending], *, shared: Collection[str] = ()
) -> list[datetime | None]:
    """
    Write down what attempts brought and what follows.

    Args:
        work: The transaction.
        endings: Of attempts.
        shared: Agencies of whose delivered dossiers others may be told.

    Returns:
        For each, in order: when its dossier has something to do again; None when not by itself.
    """
    if not endings:
        return []
    held = _hold(work, {(end.task.ledger, end.task.fence) for end in endings})
    _end_attempts(work, endings)
    ledgers = load_ledgers(work.connection, [code for code, _ in held], agency="")
    finishing = _Finishing(work, ledgers, shared=shared)
    due = []
    for end in endings:
        if (end.task.ledger, end.task.fence) in held:
            due.append(finishing.finish(end))
        else:
            work.note("message.late_answer", end.task.message_id, outcome=outcome_of(end.result))
            due.append(None)
    finishing.write()
    if held:
        work.connection.execute(END_CLAIM, {"_codes": [code for code, _ in held]})
    return due


def _hold(work: Work, claims: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Hold those dossiers whose claims are still ours."""
    rows = work.connection.execute(_HOLD, {"_codes": sorted({code for code, _ in claims})})
    return claims & {(row.code, row.fence) for row in rows}


class _Finishing:
    """What follows from many answers: decided one by one, written together."""

    def __init__(self, work: Work, ledgers: dict[str, Ledger], *, shared: Collection[str]) -> None:
        self._work = work
        self._shared = shared
        self._ledgers = ledgers
        self._changes = Changes(work)
        self._receipts: list[dict[str, Any]] = []
        self._may_have_one: list[str] = []
        """Of the receipts' messages: those that were sent before."""
        self._learnt: dict[tuple[str, ...], list[dict[str, Any]]] = {}

    def finish(self, end: Ending) -> datetime | None:
        task, next_ = end.task, end.next
        ledger = self._ledgers[task.ledger]
        message = next(m for m in ledger.messages if m.id == task.message_id)
        self._move(end, message)
        self._learn(task, next_)
        if next_.state is State.DELIVERED and task.packet is Packet.DOSSIER:
            ledger.acknowledged = True
        if message.state is State.PARKED:
            self._changes.give_way(ledger, message)
        self._changes.promote(ledger)
        turn = ledger.next_to_go()
        if turn is message:
            return end.due_at
        return self._work.at if turn is not None and turn.state is State.READY else None

    def _move(self, end: Ending, message: Known) -> None:
        task, next_ = end.task, end.next
        columns: dict[str, str | int | bool | datetime | None] = {"due_at": end.due_at}
        # A look-up that lets it go again settles nothing yet, and must not forget the backoff.
        if next_.state is State.DELIVERED:
            columns["failures"] = 0
        elif next_.state is not State.READY:
            columns["failures"] = task.failures + 1
        if next_.state is State.UNKNOWN and task.unknown_since is None:
            columns["unknown_since"] = self._work.at
        if next_.state in (State.DELIVERED, State.READY):
            columns["unknown_since"] = None
        detail: dict[str, str] = {}
        if next_.state is State.DELIVERED:
            detail = self._keep_proof(end)
            columns["proof"] = detail["proof"]
            if task.agency in self._shared and task.packet is not Packet.INBOUND:
                columns["share_due_at"] = self._work.at
        if next_.state is message.state:
            self._changes.stay(message, reason=next_.reason, **columns)
        else:
            self._changes.move(message, next_.state, reason=next_.reason, detail=detail, **columns)
        self._note_failure(end)

    def _note_failure(self, end: Ending) -> None:
        task, next_, result = end.task, end.next, end.result
        if next_.cause is not None:
            is_down = task.packet is Packet.INBOUND
            causes = causes_of_delivery(
                next_.cause,
                task.agency,
                is_down=is_down,
                answer=getattr(result, "code", None),
                fields=() if is_down else _fields_refused(end),
            )
            self._work.fail(task.message_id, causes)
        elif next_.state is not State.UNKNOWN and (task.number > 1 or task.is_look_up):
            # What never failed has nothing to be settled.
            self._work.settle(task.message_id)

    def _keep_proof(self, end: Ending) -> dict[str, str]:
        """Keep the receipt, if that is the proof; return what the audit log says of the proof."""
        result, message_id = end.result, end.task.message_id
        detail = {"proof": proof_of(end).value}
        if end.task.packet is Packet.INBOUND:
            # Folders and queues answer nothing that has a digest.
            detail["taken"] = result.detail
        kept = _size_and_digest(result)
        if kept is not None:
            detail["answer"] = kept.digest
        if isinstance(result, Answer) and result.receipt is not None:
            row = _receipt_row(result, message_id)
            detail |= {"receipt": row["digest"], "signer": row["signer"] or ""}
            sealed = self._work.vault.seal(result.receipt, context=receipt_context(message_id))
            if end.task.number > 1:
                self._may_have_one.append(message_id)
            self._receipts.append({**row, "document": sealed, "verified_at": self._work.at})
        return detail

    def _learn(self, task: Task, next_: Next) -> None:
        row: dict[str, Any] = {"_code": task.ledger}
        if next_.portal_has_dossier is not None:
            row["at_portal"] = next_.portal_has_dossier
            row["missing_since"] = None if next_.portal_has_dossier else self._work.at
        if next_.state is State.DELIVERED and task.packet is Packet.DOSSIER:
            row["acknowledged"] = True
        if len(row) > 1:
            self._learnt.setdefault(tuple(row), []).append(row)

    def write(self) -> None:
        connection = self._work.connection
        self._changes.write()
        for rows in self._learnt.values():
            update_rows(connection, dossiers, rows, by=("code",))
        # Of what went again because the portal lost it, the first receipt stays; the second is in
        # its attempt's answer.
        had: set[str] = set()
        if self._may_have_one:
            had.update(connection.execute(_HAD, {"_ids": self._may_have_one}).scalars())
        insert_rows(
            connection, receipts, [row for row in self._receipts if row["message_id"] not in had]
        )


def _end_attempts(work: Work, endings: Sequence[Ending]) -> None:
    rows = []
    for end in endings:
        task, result = end.task, end.result
        key = (task.message_id, LOOK_UP if task.is_look_up else SEND, task.number)
        words = getattr(result, "message", None)
        came = _size_and_digest(result)
        rows.append(
            {
                "_message_id": key[0],
                "_kind": key[1],
                "_number": key[2],
                "ended_at": work.at,
                "outcome": outcome_of(result),
                "detail": result.detail,
                "code": getattr(result, "code", None),
                "http_status": getattr(result, "http_status", None),
                "message": None
                if words is None
                else work.vault.seal(words.encode(), context=words_context(*key)),
                "answer": None
                if result.raw is None
                else work.vault.seal(result.raw, context=answer_context(*key)),
                "answer_size": None if came is None else came.size,
                "answer_digest": None if came is None else came.digest,
                "answer_whole": None if came is None else came.is_whole,
                "headers": None
                if result.headers is None
                else work.vault.seal(result.headers, context=headers_context(*key)),
                "payload_digest": getattr(result, "payload_digest", None),
                "proof": proof_of(end).value if end.next.state is State.DELIVERED else None,
            }
        )
    update_rows(work.connection, attempts, rows, by=("message_id", "kind", "number"))


def _fields_refused(end: Ending) -> Sequence[str]:
    """Return the fields that the portal names in its refusal."""
    words = getattr(end.result, "message", None)
    if end.next.cause is not DeliveryCause.REFUSED or words is None:
        return ()
    return fields_named(words, packet=end.task.packet.value)


def proof_of(end: Ending) -> Proof:
    """Return what proves the delivery that `end` brought."""
    if isinstance(end.result, LookUp):
        return Proof.QUERY
    return Proof.ANSWER if end.result.receipt is None else Proof.RECEIPT


def _size_and_digest(result: Answer | LookUp) -> CutAnswer | None:
    """Return how much came and its digest, also where not all of it is kept; None for nothing."""
    if result.cut is not None or result.raw is None:
        return result.cut
    digest = sha256(result.raw).hexdigest()
    return CutAnswer(size=len(result.raw), digest=digest, is_whole=True)


def _receipt_row(result: Answer, message_id: str) -> dict[str, Any]:
    assert result.receipt is not None
    signer = result.receipt_signer
    return {
        "message_id": message_id,
        "digest": sha256(result.receipt).hexdigest(),
        "signer": None if signer is None else signer.fingerprint,
        "signer_name": None if signer is None else signer.common_name,
    }


def outcome_of(result: Answer | LookUp) -> str:
    """Return what an attempt or look-up brought, in a word."""
    return result.found.value if hasattr(result, "found") else result.outcome.value
