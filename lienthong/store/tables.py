"""
The tables of the message store: what is durable, and nothing of how it is used.

Every time is aware UTC. Bytes are stored as they are. Identifiers are UUID version 7, except
attempts, audit rows and seals, which are counted, and dossiers, which have their national code.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Dialect


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime, stored in UTC; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse naive times: a time without a zone is a bug."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time reached the store")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the stored time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


SLICE = 500
"""How many values one IN list carries."""


def in_slices(values: Sequence[str]) -> list[Sequence[str]]:
    """Cut `values` into lists that one IN can carry."""
    return [values[start : start + SLICE] for start in range(0, len(values), SLICE)]


metadata = MetaData()

submissions = Table(
    "submissions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agency", Text, nullable=False, comment="name of the agency's mapping"),
    Column("door", Text, nullable=False, comment="how it came: file, amqp, http, folder"),
    Column("sender", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False, comment="bytes"),
    Column("state", Text, nullable=False, comment="received, expanded, held, refused"),
    Column("records_done", Integer, nullable=False, default=0, comment="where expansion resumes"),
    Column("problems", Text, nullable=False, default="[]", comment="JSON, of the file as a whole"),
    Column("received_at", UtcTime, nullable=False),
    Column("expanded_at", UtcTime),
    Column("due_at", UtcTime, comment="when expansion goes on; empty when it has ended"),
    Column("hinted_at", UtcTime, comment="when a hint was last published"),
    Column("lease_until", UtcTime),
    Column("fence", Integer, nullable=False, default=0),
    Index("submissions_due", "agency", "due_at"),
)

dossiers = Table(
    "dossiers",
    metadata,
    Column("code", Text, primary_key=True),
    Column("agency", Text, nullable=False),
    Column("next_sequence", Integer, nullable=False, default=1),
    Column("acknowledged", Boolean, nullable=False, default=False, comment="by the portal, to us"),
    Column("at_portal", Boolean, nullable=False, default=False, comment="as far as is known"),
    Column("lease_until", UtcTime),
    Column("fence", Integer, nullable=False, default=0),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Text, primary_key=True),
    Column("submission_id", Text, ForeignKey("submissions.id"), nullable=False),
    Column("record", Integer, nullable=False, comment="1-based, in the submission"),
    Column("item", Integer, nullable=False, comment="0 the snapshot, 1… its progress rows"),
    Column("agency", Text, nullable=False),
    Column("dossier_code", Text, comment="empty when the record has none"),
    Column("packet", Text, nullable=False),
    Column("event_key", Text),
    Column("version", Text, comment="the agency's own order of snapshots, where it has one"),
    Column("content_digest", Text, comment="of the mapped values"),
    Column("sequence", Integer, comment="place in its dossier"),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("document", LargeBinary, comment="signed, exactly as sent"),
    Column("document_digest", Text),
    Column("place", Text, nullable=False, comment="JSON, where the record stands"),
    Column("problems", Text, nullable=False, default="[]", comment="JSON"),
    Column("mapping", Text, nullable=False, comment="name@version sha256:…"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0, comment="in a row"),
    Column("was_update", Boolean, nullable=False, default=False, comment="in the last attempt"),
    Column("unknown_since", UtcTime),
    Column("due_at", UtcTime, comment="when it is taken up again; empty when not by itself"),
    Column("hinted_at", UtcTime),
    Column("proof", Text, comment="receipt or lookup, once delivered"),
    Column("superseded_by", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index("messages_dossier", "dossier_code", "agency"),
    Index("messages_due", "due_at", "state"),
    Index("messages_state", "state", "agency"),
    Index("messages_event_key", "agency", "event_key"),
    Index("messages_submission", "submission_id", "record", "item"),
)

repeats = Table(
    "repeats",
    metadata,
    Column("submission_id", Text, ForeignKey("submissions.id"), primary_key=True),
    Column("record", Integer, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("message_id", Text, ForeignKey("messages.id"), nullable=False),
    comment="events that came again: acknowledged with the first answer, not delivered again",
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("message_id", Text, ForeignKey("messages.id"), nullable=False),
    Column("number", Integer, nullable=False, comment="1-based per message and kind"),
    Column("kind", Text, nullable=False, comment="send or lookup"),
    Column("is_updating", Boolean, nullable=False, default=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("outcome", Text),
    Column("code", Text),
    Column("http_status", Integer),
    Column("detail", Text, nullable=False, default="", comment="our words, for logs too"),
    Column("message", Text, comment="the peer's own words, never logged"),
    Column("answer", LargeBinary),
    Index("attempts_message", "message_id"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("message_id", Text, ForeignKey("messages.id"), primary_key=True),
    Column("document", LargeBinary, nullable=False),
    Column("verified_at", UtcTime, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False, comment="canonical JSON, no personal data"),
    Column("salt", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("seal_id", Integer, comment="empty until sealed"),
    Index("audit_unsealed", "seal_id", "id"),
    Index("audit_subject", "subject"),
    sqlite_autoincrement=True,
)

seals = Table(
    "seals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
