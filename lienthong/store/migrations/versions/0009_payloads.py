"""Attempts say what was sent, on channels whose payload is derived from the signed document."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; until now the document itself was sent, and nothing was derived."""
    op.add_column(
        "attempts",
        sa.Column(
            "payload_digest",
            sa.Text,
            comment="SHA-256 of what was derived from the document; erased with the answer",
        ),
    )
