"""Attachments: what is declared and found of each, what waits for them, and where they are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables; no message waited for a file before."""
    time = sa.DateTime(timezone=True)
    op.add_column(
        "messages",
        sa.Column(
            "awaits_files",
            sa.Integer,
            comment="how often its files were looked for in vain; empty when it waits for none",
        ),
    )
    op.create_table(
        "attachments",
        sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, comment="1-based, as in the record"),
        sa.Column("way", sa.Text, nullable=False, comment="url, file, or data in the record"),
        sa.Column(
            "declared",
            sa.LargeBinary,
            comment="sealed JSON: name, place, address; erased with the document",
        ),
        sa.Column("size", sa.BigInteger, comment="bytes, as found; empty until then"),
        sa.Column("sha256", sa.Text, comment="as found"),
        sa.Column("kind", sa.Text, comment="as found: pdf, jpg, …"),
        sa.Column("blob", sa.Text, comment="its name in the file store; empty: not kept there"),
        sa.Column("checked_at", time),
        comment="the manifest of a dossier's files; nothing of it goes to the portal",
    )
    op.create_index("attachments_blob", "attachments", ["blob"])
    op.create_table(
        "blobs",
        sa.Column("sha256", sa.Text, primary_key=True, comment="of the bytes before sealing"),
        sa.Column("name", sa.Text, nullable=False, comment="in the file store; never used again"),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("kept_at", time, nullable=False, comment="when it was last asked for"),
        comment="files in the file store, each once",
    )
    op.create_table(
        "fetches",
        sa.Column("message_id", sa.Text, sa.ForeignKey("messages.id"), primary_key=True),
        sa.Column("agency", sa.Text, nullable=False),
        sa.Column("due_at", time, nullable=False),
        sa.Column("lease_until", time, comment="of the worker that fetches"),
        sa.Column("fence", sa.BigInteger, nullable=False),
        comment="messages whose files are to be fetched",
    )
    op.create_index("fetches_due", "fetches", ["due_at"])
