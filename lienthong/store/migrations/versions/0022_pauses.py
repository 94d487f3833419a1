"""
What people keep from being taken in or sent, of one agency or for the portal.

And an index of what is due by agency, so that what is due of a paused one is no way to others.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table; nothing is stopped yet."""
    op.create_table(
        "pauses",
        sa.Column("subject", sa.Text, primary_key=True, comment="an agency, or target:portal"),
        sa.Column("what", sa.Text, primary_key=True, comment="intake, delivery or drain"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("until", _TIME, comment="it ends by itself then; empty: when somebody ends it"),
        comment="what people keep from being taken in or sent",
    )
    is_due = sa.text("due_at IS NOT NULL AND packet <> 'inbound'")
    op.create_index(
        "messages_due_of_agency",
        "messages",
        ["agency", "deadline", "due_at"],
        postgresql_where=is_due,
        sqlite_where=is_due,
    )
