"""
The first tables, of stores on SQLite that have no number of their version yet.

What this makes is what those stores have, to the letter.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)
_metadata = sa.MetaData()

sa.Table(
    "submissions",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("door", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("records_done", sa.Integer, nullable=False),
    sa.Column("problems", sa.Text, nullable=False),
    sa.Column("received_at", _TIME, nullable=False),
    sa.Column("expanded_at", _TIME),
    sa.Column("due_at", _TIME),
    sa.Column("hinted_at", _TIME),
    sa.Column("lease_until", _TIME),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Index("submissions_due", "agency", "due_at"),
)
sa.Table(
    "dossiers",
    _metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("next_sequence", sa.Integer, nullable=False),
    sa.Column("acknowledged", sa.Boolean, nullable=False),
    sa.Column("at_portal", sa.Boolean, nullable=False),
    sa.Column("lease_until", _TIME),
    sa.Column("fence", sa.Integer, nullable=False),
)
sa.Table(
    "messages",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("submission_id", sa.Text, sa.ForeignKey("submissions.id"), nullable=False),
    sa.Column("record", sa.Integer, nullable=False),
    sa.Column("item", sa.Integer, nullable=False),
    sa.Column("agency", sa.Text, nullable=False),
    sa.Column("dossier_code", sa.Text),
    sa.Column("packet", sa.Text, nullable=False),
    sa.Column("event_key", sa.Text),
    sa.Column("version", sa.Text),
    sa.Column("content_digest", sa.Text),
    sa.Column("sequence", sa.Integer),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("document", sa.LargeBinary),
    sa.Column("document_digest", sa.Text),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("problems", sa.Text, nullable=False),
    sa.Column("mapping", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("was_update", sa.Boolean, nullable=False),
    sa.Column("unknown_since", _TIME),
    sa.Column("due_at", _TIME),
    sa.Column("hinted_at", _TIME),
    sa.Column("proof", sa.Text),
    sa.Column("superseded_by", sa.Text),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("updated_at", _TIME, nullable=False),
    sa.Index("messages_dossier", "dossier_code", "agency"),
    sa.Index("messages_due", "due_at", "state"),
    sa.Index("messages_state", "state", "agency"),
    sa.Index("messages_event_key", "agency", "event_key"),
    sa.Index("messages_submission", "submission_id", "record", "item"),
)
sa.Table(
    "repeats",
    _metadata,
    sa.Column("submission_id", sa.Text, sa.ForeignKey("submissions.id"), primary_key=True),
    sa.Column("record", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("item", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), nullable=False),
)
sa.Table(
    "attempts",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("is_updating", sa.Boolean, nullable=False),
    sa.Column("started_at", _TIME, nullable=False),
    sa.Column("ended_at", _TIME),
    sa.Column("outcome", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("http_status", sa.Integer),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("message", sa.Text),
    sa.Column("answer", sa.LargeBinary),
    sa.Index("attempts_message", "message_id"),
)
sa.Table(
    "receipts",
    _metadata,
    sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), primary_key=True),
    sa.Column("document", sa.LargeBinary, nullable=False),
    sa.Column("verified_at", _TIME, nullable=False),
)
sa.Table(
    "audit",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("seal_id", sa.Integer),
    sa.Index("audit_unsealed", "seal_id", "id"),
    sa.Index("audit_subject", "subject"),
    sqlite_autoincrement=True,
)
sa.Table(
    "seals",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("first", sa.Integer, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("previous", sa.LargeBinary, nullable=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)


def upgrade() -> None:
    """Make the tables."""
    _metadata.create_all(op.get_bind(), checkfirst=False)
