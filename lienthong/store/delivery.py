"""
Delivery in the store: claiming a dossier, writing an attempt down before it is made, and after.

A claim is a lease on the dossier with a fence that grows with every claim. Whatever is written
for a claim names its fence; a worker whose lease ended and whose dossier was taken by another
changes no state any more, but what its attempt brought is still written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from lienthong.channels.port import Outcome, Packet
from lienthong.states import State
from lienthong.store.ledgers import change_state, load_ledgers, promote
from lienthong.store.tables import attempts, dossiers, messages, receipts

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Row

    from lienthong.admission import Known, Ledger
    from lienthong.channels.port import Answer, LookUp
    from lienthong.decisions import Next
    from lienthong.store.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do for one dossier, already written down as an attempt."""

    dossier_code: str
    agency: str
    fence: int
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


def start(work: Work, dossier_code: str, *, lease: timedelta) -> Task | datetime | None:
    """
    Claim a dossier and write down the attempt that its next message needs.

    Returns:
        A task to carry out; a moment before which there is nothing to do, because it must wait
        or another worker has it; None when there is nothing to do at all.
    """
    fence = _claim(work, dossier_code, lease=lease)
    if not isinstance(fence, int):
        return fence
    ledger = _load(work.connection, dossier_code)
    turn = ledger.next_to_go()
    if turn is not None and turn.state is State.SENDING:
        _find_abandoned(work, turn)
    if turn is None or turn.state not in (State.READY, State.RETRYING, State.UNKNOWN):
        release(work, dossier_code, fence=fence)
        return None
    row = _row(work.connection, turn.id)
    if row.due_at is None or row.due_at > work.at:
        release(work, dossier_code, fence=fence)
        return row.due_at  # type: ignore[no-any-return]  # a column of the store
    return _begin_attempt(work, turn, row, fence=fence)


def _claim(work: Work, dossier_code: str, *, lease: timedelta) -> int | datetime | None:
    is_free = or_(dossiers.c.lease_until.is_(None), dossiers.c.lease_until <= work.at)
    claimed = work.connection.execute(
        update(dossiers)
        .where(dossiers.c.code == dossier_code, is_free)
        .values(lease_until=work.at + lease, fence=dossiers.c.fence + 1)
    )
    row = work.connection.execute(
        select(dossiers.c.fence, dossiers.c.lease_until).where(dossiers.c.code == dossier_code)
    ).first()
    if row is None:
        return None
    return int(row.fence) if claimed.rowcount else row.lease_until


def _load(connection: Connection, dossier_code: str) -> Ledger:
    return load_ledgers(connection, [dossier_code], agency="")[dossier_code]


def _row(connection: Connection, message_id: str) -> Row[Any]:
    return connection.execute(
        select(messages, dossiers.c.at_portal)
        .join(dossiers, dossiers.c.code == messages.c.dossier_code)
        .where(messages.c.id == message_id)
    ).one()


def _find_abandoned(work: Work, turn: Known) -> None:
    """A lease ended in `sending`: whoever sent is gone, and what became of it is not known."""
    work.connection.execute(
        update(attempts)
        .where(attempts.c.message_id == turn.id, attempts.c.ended_at.is_(None))
        .values(ended_at=work.at, outcome=Outcome.UNKNOWN.value, detail="abandoned")
    )
    change_state(
        work,
        turn,
        State.UNKNOWN,
        reason="the worker that sent it is gone",
        due_at=work.at,
        unknown_since=work.at,
    )


def _begin_attempt(work: Work, turn: Known, row: Row[Any], *, fence: int) -> Task:
    is_look_up = turn.state is State.UNKNOWN
    is_updating = (
        row.was_update if is_look_up else (turn.packet is Packet.DOSSIER and row.at_portal)
    )
    kind = "lookup" if is_look_up else "send"
    number = (
        1
        + work.connection.execute(
            select(func.count()).where(attempts.c.message_id == turn.id, attempts.c.kind == kind)
        ).scalar_one()
    )
    attempt_id = work.connection.execute(
        insert(attempts)
        .values(
            message_id=turn.id,
            number=number,
            kind=kind,
            is_updating=is_updating,
            started_at=work.at,
        )
        .returning(attempts.c.id)
    ).scalar_one()
    if is_look_up:
        work.note("message.looked_up", turn.id, number=number)
    else:
        change_state(
            work, turn, State.SENDING, was_update=is_updating, attempts=number, due_at=None
        )
    return Task(
        dossier_code=row.dossier_code,
        agency=row.agency,
        fence=fence,
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


def finish(
    work: Work, task: Task, result: Answer | LookUp, *, next_: Next, due_at: datetime | None
) -> datetime | None:
    """
    Write down what an attempt brought and what follows.

    Returns:
        When the dossier has something to do again; None when not by itself.
    """
    _end_attempt(work, task, result)
    still_ours = work.connection.execute(
        update(dossiers)
        .where(dossiers.c.code == task.dossier_code, dossiers.c.fence == task.fence)
        .values(lease_until=None)
    )
    if still_ours.rowcount == 0:
        work.note("message.late_answer", task.message_id, outcome=_outcome(result))
        return None
    ledger = _load(work.connection, task.dossier_code)
    message = next(m for m in ledger.messages if m.id == task.message_id)
    _move(work, task, message, result, next_=next_, due_at=due_at)
    if next_.state is State.DELIVERED and task.packet is Packet.DOSSIER:
        ledger.acknowledged = True
    _learn(work, task, next_)
    promote(work, ledger)
    turn = ledger.next_to_go()
    if turn is message:
        return due_at
    return work.at if turn is not None and turn.state is State.READY else None


def _end_attempt(work: Work, task: Task, result: Answer | LookUp) -> None:
    columns = {"ended_at": work.at, "outcome": _outcome(result), "detail": result.detail}
    work.connection.execute(
        update(attempts)
        .where(attempts.c.id == task.attempt_id)
        .values(
            **columns,
            code=getattr(result, "code", None),
            http_status=getattr(result, "http_status", None),
            answer=result.raw,
        )
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
    columns["failures"] = 0 if next_.state in (State.DELIVERED, State.READY) else task.failures + 1
    if next_.state is State.UNKNOWN and task.unknown_since is None:
        columns["unknown_since"] = work.at
    if next_.state in (State.DELIVERED, State.READY):
        columns["unknown_since"] = None
    receipt = getattr(result, "receipt", None)
    if next_.state is State.DELIVERED:
        columns["proof"] = "lookup" if receipt is None else "receipt"
    if receipt is not None:
        work.connection.execute(
            insert(receipts).values(
                message_id=task.message_id, document=receipt, verified_at=work.at
            )
        )
    if next_.state is message.state:
        work.connection.execute(
            update(messages)
            .where(messages.c.id == message.id)
            .values(reason=next_.reason, updated_at=work.at, **columns)
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
        work.connection.execute(
            update(dossiers).where(dossiers.c.code == task.dossier_code).values(**columns)
        )


def release(work: Work, dossier_code: str, *, fence: int) -> None:
    """Give a claim back without having done anything."""
    work.connection.execute(
        update(dossiers)
        .where(dossiers.c.code == dossier_code, dossiers.c.fence == fence)
        .values(lease_until=None)
    )


def take_over(work: Work, dossier_code: str) -> None:
    """End whatever claim there is on a dossier, for a person who decides about it."""
    work.connection.execute(
        update(dossiers)
        .where(dossiers.c.code == dossier_code)
        .values(fence=dossiers.c.fence + 1, lease_until=None)
    )
