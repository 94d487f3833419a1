"""
Bulk replay: what one person asked to be done to many messages, frozen, and what became of each.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; nobody has asked for anything yet."""
    op.create_table(
        "replay_jobs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("verb", sa.Text, nullable=False, comment="resend, reissue or discard"),
        sa.Column("selection", sa.Text, nullable=False, comment="JSON, as asked for"),
        sa.Column("agencies", sa.Text, nullable=False, comment="JSON: whose messages are in it"),
        sa.Column(
            "mappings", sa.Text, nullable=False, comment="JSON: by agency, what a reissue goes by"
        ),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, comment="SHA-256 of what was frozen"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rate", sa.Double, nullable=False, comment="messages a second at most"),
        sa.Column(
            "stop_percent", sa.Integer, nullable=False, comment="failing, above which it stops"
        ),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column(
            "judged_from", sa.BigInteger, nullable=False, comment="items up to it are not judged"
        ),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.Text, comment="who approved or declined it"),
        sa.Column("decided_at", _TIME),
        sa.Column("lease_until", _TIME, comment="of the process that works on it"),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("ended_at", _TIME),
        sa.Column("why", sa.Text, nullable=False, comment="it stands where it stands"),
        comment="what one person asked to be done to many messages, and another approved",
    )
    op.create_index("replay_jobs_state", "replay_jobs", ["state", "id"])
    op.create_table(
        "replay_items",
        sa.Column("job", sa.Text, sa.ForeignKey("replay_jobs.id"), primary_key=True),
        sa.Column(
            "number", sa.BigInteger, primary_key=True, comment="1-based, the order of acting"
        ),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="when it was frozen"),
        sa.Column("updated_at", _TIME, nullable=False, comment="when it was frozen"),
        sa.Column("outcome", sa.Text, comment="done, or the code of why not; empty: not yet"),
        sa.Column("new_id", sa.Text, comment="of a reissue"),
        sa.Column("acted_at", _TIME),
        comment="the messages of a bulk replay as they were frozen, and what became of each",
    )
    op.create_index(
        "replay_items_left",
        "replay_items",
        ["job", "number"],
        postgresql_where=sa.text("outcome IS NULL"),
        sqlite_where=sa.text("outcome IS NULL"),
    )
