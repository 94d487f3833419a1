"""Whoever asks may keep searches of messages and problems under names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; nobody has any yet."""
    op.create_table(
        "saved_filters",
        sa.Column(
            "principal", sa.Text, primary_key=True, comment="whose; as the audit log calls them"
        ),
        sa.Column("page", sa.Text, primary_key=True, comment="messages or problems"),
        sa.Column("name", sa.Text, primary_key=True, comment="NFC"),
        sa.Column(
            "query",
            sa.Text,
            nullable=False,
            comment="as an address has it; no number of a person",
        ),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False, comment="last"),
        comment="searches that people come back to",
    )
