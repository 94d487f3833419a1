"""Which delivered messages other agencies are still to be told of: a flag, and its order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import bindparam, select, update

from lienthong.channels.port import TO_PORTAL, Packet
from lienthong.states import State
from lienthong.store.sealed import document_context
from lienthong.store.tables import in_slices, messages
from lienthong.store.vault import SealBroken

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from lienthong.store.vault import Vault
    from lienthong.store.work import Work

log = structlog.get_logger()

NO_PROFILE = "no_profile"
"""Why nothing was shared: since it was delivered, all profiles of its agency were removed."""
TERMS = "sharing.terms"
"""Action of the row of the audit log with all that a profile says; its subject is the digest."""

_SHARED = select(
    messages.c.id,
    messages.c.agency,
    messages.c.packet,
    messages.c.procedure,
    messages.c.status,
    messages.c.document,
    messages.c.dossier_code,
    messages.c.sequence,
)
_DUE = (
    _SHARED.where(messages.c.share_due_at.is_not(None))
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
    """None once erased, and where it does not open."""
    why_none: str = ""
    """Why there is no document: erased or unreadable."""


def due_shares(connection: Connection, *, vault: Vault, limit: int) -> list[DueShare]:
    """Return what is longest due, also what cannot be opened: it must hold up nothing else."""
    return _shares(connection, list(connection.execute(_DUE, {"_limit": limit})), vault)


def load_shares(
    connection: Connection, message_ids: Sequence[str], *, vault: Vault
) -> list[DueShare]:
    """Return these messages, in this order."""
    rows: dict[str, Any] = {}
    for part in in_slices(message_ids):
        found = connection.execute(_SHARED.where(messages.c.id.in_(part)))
        rows |= {row.id: row for row in found}
    return _shares(connection, [rows[one] for one in message_ids if one in rows], vault)


def _shares(connection: Connection, rows: Sequence[Any], vault: Vault) -> list[DueShare]:
    lacking = {row.dossier_code for row in rows if row.procedure is None}
    snapshots = _procedures(connection, lacking)
    found = []
    for row in rows:
        document, why_none = _open(vault, row)
        found.append(
            DueShare(
                message_id=row.id,
                agency=row.agency,
                packet=Packet(row.packet),
                procedure=row.procedure or _before(row, snapshots),
                status=row.status,
                document=document,
                why_none=why_none,
            )
        )
    return found


def _open(vault: Vault, row: Row[Any]) -> tuple[bytes | None, str]:
    if row.document is None:
        return None, "erased"
    try:
        return vault.open(row.document, context=document_context(row.id)), ""
    except SealBroken as error:
        log.error("sharing.unreadable", message_id=row.id, code=error.code)  # noqa: TRY400 - words
        return None, "unreadable"


def _procedures(
    connection: Connection, codes: Collection[str]
) -> dict[tuple[str, str], list[tuple[int, str]]]:
    """Return place and procedure of each snapshot of dossiers, by code and agency, in order."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for part in in_slices(sorted(codes)):
        query = (
            select(
                messages.c.dossier_code,
                messages.c.agency,
                messages.c.sequence,
                messages.c.procedure,
            )
            .where(
                messages.c.dossier_code.in_(part),
                messages.c.packet == Packet.DOSSIER.value,
                messages.c.procedure.is_not(None),
            )
            .order_by(messages.c.sequence)
        )
        for row in connection.execute(query):
            places = found.setdefault((row.dossier_code, row.agency), [])
            places.append((row.sequence or 0, row.procedure))
    return found


def _before(
    row: Row[Any], snapshots: Mapping[tuple[str, str], list[tuple[int, str]]]
) -> str | None:
    """
    Return of which procedure a dossier was at a progress row.

    A row that stands before every snapshot goes after the first one.
    """
    places = snapshots.get((row.dossier_code, row.agency), [])
    before = [procedure for place, procedure in places if place < (row.sequence or 0)]
    if before:
        return before[-1]
    return places[0][1] if places else None


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


def drop_shares(work: Work, *, shared: Collection[str], limit: int) -> int:
    """
    Have messages due no longer whose agency no profile names any more, and write that down.

    A profile that is made later must not share by itself what was delivered before it.

    Args:
        work: The transaction.
        shared: Agencies of whose dossiers others may be told.
        limit: At most so many.

    Returns:
        How many.
    """
    query = (
        select(messages.c.id)
        .where(messages.c.share_due_at.is_not(None), messages.c.agency.not_in(sorted(shared)))
        .order_by(messages.c.share_due_at, messages.c.id)
        .limit(limit)
    )
    settled = settle_shares(work, list(work.connection.execute(query).scalars()))
    for message_id in sorted(settled):
        note_not_shared(work, message_id, profile=None, code=NO_PROFILE)
    return len(settled)


def note_not_shared(work: Work, message_id: str, *, profile: str | None, code: str) -> None:
    """Write down that a message is not shared, by which profile, and why."""
    work.note("dossier.not_shared", message_id, profile=profile, code=code)


def delivered_since(connection: Connection, agency: str, *, since: datetime) -> list[str]:
    """Return the ids of an agency's messages that the portal took since a moment, in that order."""
    query = (
        select(messages.c.id)
        .where(
            messages.c.agency == agency,
            messages.c.state == State.DELIVERED.value,
            messages.c.packet.in_([packet.value for packet in TO_PORTAL]),
            messages.c.updated_at >= since,
        )
        .order_by(messages.c.updated_at, messages.c.sequence, messages.c.id)
    )
    return list(connection.execute(query).scalars())


def later_than(connection: Connection, message_id: str) -> list[str]:
    """Return the ids of the messages behind one in its dossier's way to the portal."""
    one = select(messages).where(messages.c.id == message_id).subquery()
    query = select(messages.c.id).where(
        messages.c.dossier_code == one.c.dossier_code,
        messages.c.agency == one.c.agency,
        messages.c.packet.in_([packet.value for packet in TO_PORTAL]),
        messages.c.sequence > one.c.sequence,
    )
    return list(connection.execute(query).scalars())
