"""What the store knows of messages that are to be sent again, without their documents."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.channels.port import Packet
from lienthong.replay_previews import Document, LastAttempt, Outlook, Stored
from lienthong.states import State
from lienthong.store.ledgers import ledger_of, load_ledgers
from lienthong.store.sealed import document_context
from lienthong.store.tables import attempts, in_slices, messages
from lienthong.store.vault import SealBroken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from lienthong.admission import Known
    from lienthong.store.vault import Vault

_ENDED_UNSENT = (State.DISCARDED, State.REISSUED, State.SUPERSEDED)


def read_stored(connection: Connection, ids: Sequence[str]) -> dict[str, Stored]:
    """Return messages by id; what does not exist is not there."""
    last: dict[str, LastAttempt] = {}
    found: dict[str, Stored] = {}
    for part in in_slices(ids):
        query = select(
            attempts.c.message_id,
            attempts.c.kind,
            attempts.c.started_at,
            attempts.c.outcome,
            attempts.c.code,
            attempts.c.http_status,
            attempts.c.detail,
        ).where(attempts.c.message_id.in_(part))
        # Of each message the last one stays.
        for row in connection.execute(query.order_by(attempts.c.started_at, attempts.c.number)):
            last[row.message_id] = LastAttempt(
                kind=row.kind,
                started_at=row.started_at,
                outcome=row.outcome,
                code=row.code,
                http_status=row.http_status,
                detail=row.detail,
            )
        columns = ("id", "agency", "dossier_code", "packet", "state", "mapping", "attempts")
        listed = select(*(messages.c[name] for name in columns), messages.c.document_digest)
        for one in connection.execute(listed.where(messages.c.id.in_(part))):
            found[one.id] = Stored(
                agency=one.agency,
                dossier_code=one.dossier_code,
                packet=Packet(one.packet),
                state=State(one.state),
                mapping=one.mapping,
                digest=one.document_digest,
                attempts=one.attempts,
                last_attempt=last.get(one.id),
            )
    return found


def read_outlook(connection: Connection, message_id: str, stored: Stored) -> Outlook:
    """Return what stands in a message's dossier behind it, and what the portal has of it."""
    if stored.dossier_code is None:
        return Outlook()
    code = ledger_of(stored.packet, stored.dossier_code, stored.agency)
    ledger = load_ledgers(connection, [code], agency=stored.agency)[code]
    own = next((message for message in ledger.messages if message.id == message_id), None)
    behind = [
        message
        for message in ledger.messages
        if own is not None
        and _is_behind(message, own)
        and message.content_digest is not None
        and message.sender == own.sender
        and message.state not in _ENDED_UNSENT
    ]
    return Outlook(
        acknowledged=ledger.acknowledged,
        newer_snapshots=tuple(message.id for message in behind if message.is_snapshot),
        progress_behind=sum(message.said is Packet.PROGRESS for message in behind),
    )


def _is_behind(message: Known, own: Known) -> bool:
    if not own.sequence:
        # Refused, it has no place in its dossier; ids grow with time.
        return message.id > own.id
    return message.sequence > own.sequence


def read_kept(
    connection: Connection, message_id: str, *, vault: Vault
) -> tuple[Document, bytes | None]:
    """Return what there is of a message's document, and the document where it is whole."""
    query = select(messages.c.document, messages.c.document_digest)
    row: Any = connection.execute(query.where(messages.c.id == message_id)).one()
    if row.document is None:
        return (Document.NONE if row.document_digest is None else Document.ERASED), None
    try:
        document = vault.open(row.document, context=document_context(message_id))
    except SealBroken:
        return Document.UNREADABLE, None
    if sha256(document).hexdigest() != row.document_digest:
        return Document.UNREADABLE, None
    return Document.KEPT, document
