"""
Letting a dossier go again that the portal took and does not have any more.

It is a resend like any other: the same documents, the same ids, the usual order, by whoever
delivers. What it may not do is guess: where anything of the dossier moved since the portal was
asked, or is out, nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from lienthong.channels.port import Packet
from lienthong.states import UNFINISHED, State
from lienthong.store.delivery import take_over
from lienthong.store.ledgers import Changes
from lienthong.store.tables import dossiers, in_slices, messages
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from datetime import datetime

    from lienthong.admission import Known, Ledger
    from lienthong.store.work import Work


def let_go_again(
    work: Work, ledger: Ledger, snapshot: Known, *, since: datetime, reason: str
) -> None:
    """
    Make a delivered snapshot ready again, and hold the progress rows of its dossier behind it.

    Where a newer snapshot waits, or was refused because the portal has no dossier to update, it
    goes instead, as an add.

    Raises:
        InputError: it is not what should be in effect, or something moved since or is out, or a
            document was erased.
    """
    delivered = [one for one in ledger.messages if one.state is State.DELIVERED]
    snapshots = [one for one in delivered if one.packet is Packet.DOSSIER]
    if snapshots[-1:] != [snapshot] or _has_moved(work, ledger, since=since):
        raise InputError(_moved(ledger.code))
    for one in ledger.messages:
        is_before = one.packet is Packet.DOSSIER and 0 < one.sequence < snapshot.sequence
        if one.state in _OUT or (is_before and one.state in _BLOCKS):
            raise InputError(_waits(ledger.code, one))
    newer = _newer(ledger, snapshot)
    progress = [one for one in delivered if one.packet is Packet.PROGRESS]
    again = progress if newer is not None else [snapshot, *progress]
    if _are_erased(work, again):
        raise InputError(_erased(ledger.code))
    take_over(work, ledger.code)
    # It is an add again; where the portal has it after all, it says so and is updated.
    work.connection.execute(
        update(dossiers)
        .where(dossiers.c.code == ledger.code)
        .values(acknowledged=False, at_portal=False, missing_since=work.at)
    )
    ledger.acknowledged = False
    changes = Changes(work)
    first = newer or snapshot
    moves = [(one, State.HELD) for one in progress]
    if first.state in (State.DELIVERED, State.PARKED, State.QUARANTINED):
        moves.insert(0, (first, State.READY))
    for one, state in moves:
        changes.move(
            one,
            state,
            reason=reason,
            due_at=work.at if state is State.READY else None,
            proof=None,
            failures=0,
            abandons=0,
            unknown_since=None,
        )
    changes.write()


_OUT = frozenset({State.SENDING, State.UNKNOWN})
_BLOCKS = UNFINISHED | {State.REJECTED}


def _newer(ledger: Ledger, snapshot: Known) -> Known | None:
    """Return the first snapshot behind one that has not ended, or None."""
    behind = (
        one
        for one in ledger.messages
        if one.packet is Packet.DOSSIER
        and one.sequence > snapshot.sequence
        and one.state in UNFINISHED
    )
    return next(behind, None)


def _has_moved(work: Work, ledger: Ledger, *, since: datetime) -> bool:
    query = select(messages.c.id).where(
        messages.c.dossier_code == ledger.code,
        messages.c.agency == ledger.agency,
        messages.c.state == State.DELIVERED.value,
        messages.c.updated_at > since,
    )
    return work.connection.execute(query.limit(1)).first() is not None


def _are_erased(work: Work, again: list[Known]) -> bool:
    for part in in_slices([one.id for one in again]):
        query = select(messages.c.id).where(messages.c.id.in_(part), messages.c.document.is_(None))
        if work.connection.execute(query.limit(1)).first() is not None:
            return True
    return False


def _moved(code: str) -> Problem:
    return Problem(
        code="reconcile.moved",
        message=Text(
            vi=f"Hồ sơ {code} đã thay đổi từ lúc hỏi Cổng; chưa gửi lại gì",
            en=f"Dossier {code} moved since the portal was asked; nothing of it goes again",
        ),
        suggestion=Text(vi="Đối soát lại: lienthong reconcile", en="Again: lienthong reconcile"),
    )


def _waits(code: str, turn: Known) -> Problem:
    return Problem(
        code="reconcile.waits",
        message=Text(
            vi=f"Hồ sơ {code} còn thông điệp {turn.id} ({turn.state.value}); xử lý nó trước",
            en=f"Dossier {code} has message {turn.id} ({turn.state.value}), which comes first",
        ),
        suggestion=Text(vi=f"Xem: lienthong dossier {code}", en=f"See: lienthong dossier {code}"),
    )


def _erased(code: str) -> Problem:
    return Problem(
        code="reconcile.erased",
        message=Text(
            vi=f"Văn bản đã ký của hồ sơ {code} đã bị xóa theo thời hạn lưu trữ",
            en=f"A signed document of dossier {code} was erased when its retention ended",
        ),
        suggestion=Text(
            vi="Cơ quan gửi lại hồ sơ: lienthong submit",
            en="The agency hands the dossier in again: lienthong submit",
        ),
    )
