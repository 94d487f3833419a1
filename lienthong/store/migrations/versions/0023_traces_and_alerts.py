"""A submission knows the span in which it was received; what needs somebody is told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the column (what is there already was not traced), and the tables."""
    op.add_column(
        "submissions",
        sa.Column("trace", sa.Text, comment="traceparent of its receiving; empty: not traced"),
    )
    op.create_table(
        "alerts",
        sa.Column("rule", sa.Text, primary_key=True),
        sa.Column(
            "subject", sa.Text, primary_key=True, comment="what tells it from others of its rule"
        ),
        sa.Column("since", _TIME, nullable=False, comment="found without a pause"),
        sa.Column("seen_at", _TIME, nullable=False, comment="last"),
        sa.Column("fired_at", _TIME, comment="when somebody was told first; empty: not yet"),
        sa.Column("gone_at", _TIME, comment="since when it is not found any more"),
        sa.Column("told_at", _TIME, comment="when somebody was told last that it holds"),
        sa.Column("silenced_until", _TIME, comment="no reminders before"),
        sa.Column(
            "detail", sa.Text, nullable=False, comment="JSON: severity, words; no personal data"
        ),
        comment="what needs somebody, as the role `alerts` found it",
    )
    op.create_table(
        "alert_notices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False, comment="mail, or a webhook's name"),
        sa.Column(
            "detail", sa.Text, nullable=False, comment="JSON: what is told; no personal data"
        ),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, comment="in vain"),
        sa.Column("lease_until", _TIME, comment="of the process that sends it"),
        sa.Column("sent_at", _TIME),
        sa.Index("alert_notices_channel", "channel", "sent_at"),
        comment="what somebody is told of alerts, by each way; sent ones go after a while",
    )
    op.create_table(
        "alert_turns",
        sa.Column("name", sa.Text, primary_key=True, comment="looking, or a channel"),
        sa.Column("at", _TIME, nullable=False),
        comment="one process at a time looks for alerts, or sends by a channel",
    )
