"""A submission knows the span in which it was received."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there already was not traced."""
    op.add_column(
        "submissions",
        sa.Column("trace", sa.Text, comment="traceparent of its receiving; empty: not traced"),
    )
