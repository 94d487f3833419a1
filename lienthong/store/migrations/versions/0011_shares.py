"""Delivered messages of which other agencies are still to be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the flag; what was delivered before is shared only where somebody asks for it."""
    op.add_column(
        "messages",
        sa.Column(
            "share_due_at",
            sa.DateTime(timezone=True),
            comment="since when others may be told of it; empty: not",
        ),
    )
    condition = sa.text("share_due_at IS NOT NULL")
    op.create_index(
        "messages_share_due",
        "messages",
        ["share_due_at", "id"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
