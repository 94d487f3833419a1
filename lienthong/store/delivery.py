"""
Delivery in the store: claiming a dossier, writing an attempt down before it is made, and after.

A claim is a lease on the dossier with a fence that grows with every claim. Whatever is written
for a claim names its fence; a worker whose lease ended and whose dossier was taken by another
changes no state any more, but what its attempt brought is still written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, insert, or_, select, update

from lienthong.channels.port import Found, Outcome, Packet
from lienthong.states import State
from lienthong.store.ledgers import change_state, load_ledgers, promote
from lienthong.store.tables import attempts, dossiers, messages, receipts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Row

    from lienthong.admission import Known, Ledger
    from lienthong.channels.port import Answer, LookUp
    from lienthong.decisions import Next
    from lienthong.store.work import Work

# Built once: what a statement says costs more to put together than to run. The names with an
# underscore are of the WHERE; an update or insert sets the columns that its parameters name.
_OF_DOSSIER = dossiers.c.code == bindparam("_code")
_HELD_BY_US = update(dossiers).where(_OF_DOSSIER, dossiers.c.fence == bindparam("_fence"))
_CLAIM = (
    update(dossiers)
    .where(
        _OF_DOSSIER,
        or_(dossiers.c.lease_until.is_(None), dossiers.c.lease_until <= bindparam("_now")),
    )
    .values(lease_until=bindparam("_until"), fence=dossiers.c.fence + 1)
    .returning(dossiers.c.fence)
)
_LEASE = select(dossiers.c.lease_until).where(_OF_DOSSIER)
_ROWS = (
    select(messages, dossiers.c.at_portal)
    .join(dossiers, dossiers.c.code == messages.c.dossier_code)
    .where(messages.c.id.in_(bindparam("_ids", expanding=True)))
)
_LOOK_UPS = select(func.count()).where(
    attempts.c.message_id == bindparam("_id"), attempts.c.kind == "lookup"
)
_OPEN_ATTEMPTS = update(attempts).where(
    attempts.c.message_id == bindparam("_id"), attempts.c.ended_at.is_(None)
)
_BEGIN_ATTEMPT = insert(attempts).returning(attempts.c.id)
_END_ATTEMPT = update(attempts).where(attempts.c.id == bindparam("_id"))
_KEEP_RECEIPT = insert(receipts)
_LEARN = update(dossiers).where(_OF_DOSSIER)
_SAME_STATE = update(messages).where(messages.c.id == bindparam("_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do for one dossier, already written down as an attempt."""

    dossier_code: str
    agency: str
    fence: int
    lease_until: datetime
    message_id: str
    packet: Packet
    attempt_id: int
    number: int
    """Of this attempt, 1-based, sends and look-ups counted apart."""
    is_look_up: bool
    is_updating: bool
    """For a look-up: whether the attempt whose fate is open was an update."""
    document: bytes
    document_digest: str
    failures: int
    unknown_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What one attempt brought, and what was decided to follow."""

    task: Task
    result: Answer | LookUp
    next: Next
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    fence: int
    lease_until: datetime


def start(
    work: Work, dossier_codes: Sequence[str], *, lease: timedelta
) -> list[Task | datetime | None]:
    """
    Claim dossiers and write down the attempt that the next message of each needs.

    Returns:
        For each code, in order: a task to carry out; a moment before which there is nothing to
        do, because it must wait or another worker has it; None when there is nothing to do.
    """
    claims = [_claim(work, code, lease=lease) for code in dossier_codes]
    mine = [
        code for code, fence in zip(dossier_codes, claims, strict=True) if isinstance(fence, int)
    ]
    ledgers = load_ledgers(work.connection, mine, agency="")
    turns = {code: _turn(work, ledgers[code]) for code in mine}
    rows = _rows(work.connection, [turn.id for turn in turns.values() if turn is not None])
    started: list[Task | datetime | None] = []
    for code, fence in zip(dossier_codes, claims, strict=True):
        turn = turns.get(code)
        if not isinstance(fence, int):
            started.append(fence)
        elif turn is None:
            release(work, code, fence=fence)
            started.append(None)
        else:
            claim = _Claim(fence=fence, lease_until=work.at + lease)
            started.append(_start_claimed(work, turn, rows[turn.id], claim=claim))
    return started


def _turn(work: Work, ledger: Ledger) -> Known | None:
    """Return the message whose turn it is, if it can go."""
    turn = ledger.next_to_go()
    if turn is not None and turn.state is State.SENDING:
        _find_abandoned(work, turn)
    elif turn is not None and turn.state is State.UNKNOWN:
        _close_open_attempts(work, turn, outcome=Found.FAILED.value)
    if turn is None or turn.state not in (State.READY, State.RETRYING, State.UNKNOWN):
        return None
    return turn


def _start_claimed(
    work: Work, turn: Known, row: Row[Any], *, claim: _Claim
) -> Task | datetime | None:
    due_at: datetime | None = row.due_at
    if due_at is None or due_at > work.at:
        release(work, row.dossier_code, fence=claim.fence)
        return due_at
    return _begin_attempt(work, turn, row, claim=claim)


def _claim(work: Work, dossier_code: str, *, lease: timedelta) -> int | datetime | None:
    fence = work.connection.execute(
        _CLAIM, {"_code": dossier_code, "_now": work.at, "_until": work.at + lease}
    ).scalar()
    if fence is not None:
        return int(fence)
    until: datetime | None = work.connection.execute(_LEASE, {"_code": dossier_code}).scalar()
    return until


def _rows(connection: Connection, message_ids: Sequence[str]) -> dict[str, Row[Any]]:
    return {row.id: row for row in connection.execute(_ROWS, {"_ids": message_ids})}


def _find_abandoned(work: Work, turn: Known) -> None:
    """A lease ended in `sending`: whoever sent is gone, and what became of it is not known."""
    _close_open_attempts(work, turn, outcome=Outcome.UNKNOWN.value)
    change_state(
        work,
        turn,
        State.UNKNOWN,
        reason="the worker that sent it is gone",
        due_at=work.at,
        unknown_since=work.at,
    )


def _count_look_ups(work: Work, turn: Known) -> int:
    return int(work.connection.execute(_LOOK_UPS, {"_id": turn.id}).scalar_one())


def _close_open_attempts(work: Work, turn: Known, *, outcome: str) -> None:
    """Whoever made them is gone, or will be late: then its answer is written over this."""
    work.connection.execute(
        _OPEN_ATTEMPTS,
        {"_id": turn.id, "ended_at": work.at, "outcome": outcome, "detail": "abandoned"},
    )


def _begin_attempt(work: Work, turn: Known, row: Row[Any], *, claim: _Claim) -> Task:
    is_look_up = turn.state is State.UNKNOWN
    is_updating = (
        row.was_update if is_look_up else (turn.packet is Packet.DOSSIER and row.at_portal)
    )
    kind = "lookup" if is_look_up else "send"
    number = 1 + (_count_look_ups(work, turn) if is_look_up else row.attempts)
    attempt_id = work.connection.execute(
        _BEGIN_ATTEMPT,
        {
            "message_id": turn.id,
            "number": number,
            "kind": kind,
            "is_updating": is_updating,
            "started_at": work.at,
        },
    ).scalar_one()
    if is_look_up:
        work.note("message.looked_up", turn.id, number=number)
    else:
        change_state(
            work,
            turn,
            State.SENDING,
            was_update=is_updating,
            attempts=number,
            due_at=None,
            hinted_at=None,
        )
    return Task(
        dossier_code=row.dossier_code,
        agency=row.agency,
        fence=claim.fence,
        lease_until=claim.lease_until,
        message_id=turn.id,
        packet=turn.packet,
        attempt_id=attempt_id,
        number=number,
        is_look_up=is_look_up,
        is_updating=is_updating,
        document=row.document,
        document_digest=row.document_digest,
        failures=row.failures,
        unknown_since=row.unknown_since,
    )


def finish(work: Work, endings: Sequence[Ending]) -> list[datetime | None]:
    """
    Write down what attempts brought and what follows.

    Returns:
        For each, in order: when its dossier has something to do again; None when not by itself.
    """
    for end in endings:
        _end_attempt(work, end.task, end.result)
    # One by one: a late answer and the current one of the same dossier may come in together.
    ours = [_is_still_ours(work, end) for end in endings]
    codes = {end.task.dossier_code for end, is_ours in zip(endings, ours, strict=True) if is_ours}
    ledgers = load_ledgers(work.connection, codes, agency="")
    return [
        _finish_claimed(work, end, ledgers[end.task.dossier_code]) if is_ours else None
        for end, is_ours in zip(endings, ours, strict=True)
    ]


def _is_still_ours(work: Work, end: Ending) -> bool:
    is_ours = release(work, end.task.dossier_code, fence=end.task.fence)
    if not is_ours:
        work.note("message.late_answer", end.task.message_id, outcome=_outcome(end.result))
    return is_ours


def _finish_claimed(work: Work, end: Ending, ledger: Ledger) -> datetime | None:
    task, next_ = end.task, end.next
    message = next(m for m in ledger.messages if m.id == task.message_id)
    _move(work, task, message, end.result, next_=next_, due_at=end.due_at)
    if next_.state is State.DELIVERED and task.packet is Packet.DOSSIER:
        ledger.acknowledged = True
    _learn(work, task, next_)
    promote(work, ledger)
    turn = ledger.next_to_go()
    if turn is message:
        return end.due_at
    return work.at if turn is not None and turn.state is State.READY else None


def _end_attempt(work: Work, task: Task, result: Answer | LookUp) -> None:
    work.connection.execute(
        _END_ATTEMPT,
        {
            "_id": task.attempt_id,
            "ended_at": work.at,
            "outcome": _outcome(result),
            "detail": result.detail,
            "code": getattr(result, "code", None),
            "http_status": getattr(result, "http_status", None),
            "message": getattr(result, "message", None),
            "answer": result.raw,
        },
    )


def _outcome(result: Answer | LookUp) -> str:
    return result.found.value if hasattr(result, "found") else result.outcome.value


def _move(
    work: Work,
    task: Task,
    message: Known,
    result: Answer | LookUp,
    *,
    next_: Next,
    due_at: datetime | None,
) -> None:
    columns: dict[str, str | int | bool | datetime | None] = {
        "due_at": due_at,
        "hinted_at": work.at,
    }
    # A look-up that lets it go again settles nothing yet, and must not forget the backoff.
    if next_.state is State.DELIVERED:
        columns["failures"] = 0
    elif next_.state is not State.READY:
        columns["failures"] = task.failures + 1
    if next_.state is State.UNKNOWN and task.unknown_since is None:
        columns["unknown_since"] = work.at
    if next_.state in (State.DELIVERED, State.READY):
        columns["unknown_since"] = None
    receipt = getattr(result, "receipt", None)
    if next_.state is State.DELIVERED:
        columns["proof"] = "lookup" if receipt is None else "receipt"
    if receipt is not None:
        work.connection.execute(
            _KEEP_RECEIPT,
            {"message_id": task.message_id, "document": receipt, "verified_at": work.at},
        )
    if next_.state is message.state:
        work.connection.execute(
            _SAME_STATE,
            {"_id": message.id, "reason": next_.reason, "updated_at": work.at, **columns},
        )
        return
    change_state(work, message, next_.state, reason=next_.reason, **columns)


def _learn(work: Work, task: Task, next_: Next) -> None:
    columns: dict[str, bool] = {}
    if next_.portal_has_dossier is not None:
        columns["at_portal"] = next_.portal_has_dossier
    if next_.state is State.DELIVERED and task.packet is Packet.DOSSIER:
        columns["acknowledged"] = True
    if columns:
        work.connection.execute(_LEARN, {"_code": task.dossier_code, **columns})


def release(work: Work, dossier_code: str, *, fence: int) -> bool:
    """Give a claim back; return False when it is somebody else's by now."""
    given_back = work.connection.execute(
        _HELD_BY_US, {"_code": dossier_code, "_fence": fence, "lease_until": None}
    )
    return given_back.rowcount == 1


def take_over(work: Work, dossier_code: str) -> None:
    """End whatever claim there is on a dossier, for a person who decides about it."""
    work.connection.execute(
        update(dossiers)
        .where(dossiers.c.code == dossier_code)
        .values(fence=dossiers.c.fence + 1, lease_until=None)
    )
