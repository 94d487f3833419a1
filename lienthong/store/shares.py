"""Which delivered messages other agencies are still to be told of: a flag, and its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from lienthong.channels.port import TO_PORTAL, Packet
from lienthong.states import State
from lienthong.store.sealed import document_context
from lienthong.store.tables import in_slices, messages

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from lienthong.store.vault import Vault
    from lienthong.store.work import Work

_DUE = (
    select(
        messages.c.id,
        messages.c.agency,
        messages.c.packet,
        messages.c.procedure,
        messages.c.status,
        messages.c.document,
        messages.c.dossier_code,
    )
    .where(messages.c.share_due_at.is_not(None))
    .order_by(messages.c.share_due_at, messages.c.sequence, messages.c.id)
    .limit(bindparam("_limit"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueShare:
    """A delivered message that may be shared."""

    message_id: str
    agency: str
    packet: Packet
    procedure: str | None
    """Of a snapshot, or of the latest one before a progress row."""
    status: str | None
    document: bytes | None
    """None once erased."""


def due_shares(connection: Connection, *, vault: Vault, limit: int) -> list[DueShare]:
    """Return what is longest due; raises SealBroken where a document cannot be opened."""
    rows = connection.execute(_DUE, {"_limit": limit}).all()
    snapshots = {row.dossier_code: row.procedure for row in rows if row.procedure is not None}
    lacking = {row.dossier_code for row in rows} - snapshots.keys()
    snapshots |= _procedures(connection, lacking)
    return [
        DueShare(
            message_id=row.id,
            agency=row.agency,
            packet=Packet(row.packet),
            procedure=row.procedure or snapshots.get(row.dossier_code),
            status=row.status,
            document=None
            if row.document is None
            else vault.open(row.document, context=document_context(row.id)),
        )
        for row in rows
    ]


def _procedures(connection: Connection, codes: Collection[str]) -> dict[str, str]:
    """Return of which procedure dossiers are, by their latest snapshots."""
    found: dict[str, str] = {}
    for part in in_slices(sorted(codes)):
        query = (
            select(messages.c.dossier_code, messages.c.procedure)
            .where(
                messages.c.dossier_code.in_(part),
                messages.c.packet == Packet.DOSSIER.value,
                messages.c.procedure.is_not(None),
            )
            .order_by(messages.c.sequence)
        )
        found |= {row.dossier_code: row.procedure for row in connection.execute(query)}
    return found


def settle_shares(work: Work, message_ids: Sequence[str]) -> frozenset[str]:
    """Note that everybody who may know of messages has them; return of which that is new."""
    settled: set[str] = set()
    for part in in_slices(message_ids):
        found = work.connection.execute(
            update(messages)
            .where(messages.c.id.in_(part), messages.c.share_due_at.is_not(None))
            .values(share_due_at=None)
            .returning(messages.c.id)
        )
        settled.update(found.scalars())
    return frozenset(settled)


def share_again(
    work: Work, agency: str, *, since: datetime, procedures: Sequence[str] | None
) -> int:
    """
    Have delivered messages shared that came to their end since a moment; return how many.

    Args:
        work: The transaction.
        agency: Whose.
        since: When they were delivered, at the earliest.
        procedures: Only of these, with the progress rows of all; None: of all.
    """
    condition = [
        messages.c.agency == agency,
        messages.c.state == State.DELIVERED.value,
        messages.c.packet.in_([packet.value for packet in TO_PORTAL]),
        messages.c.updated_at >= since,
    ]
    if procedures is not None:
        condition.append(messages.c.procedure.in_(procedures) | messages.c.procedure.is_(None))
    # In the order in which they were delivered.
    found = work.connection.execute(
        update(messages).where(*condition).values(share_due_at=messages.c.updated_at)
    )
    return found.rowcount
