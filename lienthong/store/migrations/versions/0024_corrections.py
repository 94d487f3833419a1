"""A message may be made of a record that an operator corrected."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what is there already was made of records as they came."""
    op.add_column(
        "messages",
        sa.Column(
            "corrected_paths", sa.Text, comment="JSON: what a person corrected in its record"
        ),
    )
    op.add_column(
        "messages",
        sa.Column("corrections", sa.LargeBinary, comment="sealed JSON: paths and values"),
    )
    op.add_column(
        "messages",
        sa.Column(
            "source_digest",
            sa.Text,
            comment="content_digest of its record as it came, where that was corrected",
        ),
    )
