"""Comparisons of agency, store and portal: how far each has got, and what does not agree."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables; nothing was compared before."""
    time = sa.DateTime(timezone=True)
    op.create_table(
        "reconciliations",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column(
            "occasion",
            sa.Text,
            comment="what it was begun for by itself, once; empty: by a person",
        ),
        sa.Column("agency", sa.Text, comment="only its dossiers; empty: all"),
        sa.Column("since", time, comment="only dossiers that moved since; empty: all"),
        sa.Column("source", sa.Text, comment="SHA-256 of the agency's list; empty: without one"),
        sa.Column("phase", sa.Text, nullable=False, comment="comparing, confirming, done"),
        sa.Column("after", sa.Text, nullable=False, comment="where it goes on"),
        sa.Column(
            "total",
            sa.BigInteger,
            nullable=False,
            comment="to compare, as counted at the beginning",
        ),
        sa.Column("compared", sa.BigInteger, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False, comment="look-ups at the portal"),
        sa.Column("present", sa.BigInteger, nullable=False, comment="of these: it was there"),
        sa.Column("unreadable", sa.BigInteger, nullable=False, comment="records of the list"),
        sa.Column("started_at", time, nullable=False),
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("ended_at", time),
        sa.Column("lease_until", time, comment="of the process that works on it"),
        sa.Column("fence", sa.BigInteger, nullable=False),
        comment="comparisons of agency, store and portal, and how far each has got",
    )
    op.create_index("reconciliations_occasion", "reconciliations", ["occasion"], unique=True)
    op.create_table(
        "discrepancies",
        sa.Column("run", sa.Text, sa.ForeignKey("reconciliations.id"), primary_key=True),
        sa.Column("dossier_code", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("agency", sa.Text, nullable=False),
        sa.Column("message_id", sa.Text, comment="which should be in effect, or waits"),
        sa.Column(
            "fields",
            sa.Text,
            nullable=False,
            comment="JSON: names; codes and digests, no other data",
        ),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column(
            "times", sa.Integer, nullable=False, comment="the portal was asked and it was so"
        ),
        sa.Column("found_at", time, nullable=False, comment="first"),
        sa.Column("sent_at", time, comment="when it was let go again"),
        comment="what a comparison found that does not agree",
    )
    op.create_index("discrepancies_dossier", "discrepancies", ["dossier_code", "found_at"])
