"""Attempts keep the headers that went with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of earlier attempts nobody knows any more."""
    op.add_column(
        "attempts",
        sa.Column("headers", sa.LargeBinary, comment="sealed; without passwords, tokens and keys"),
    )
