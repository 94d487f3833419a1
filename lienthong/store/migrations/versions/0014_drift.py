"""Contracts of targets as they were learnt, and how targets differ from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables; nothing was learnt before."""
    time = sa.DateTime(timezone=True)
    op.create_table(
        "contracts",
        sa.Column("target", sa.Text, primary_key=True, comment="its endpoint"),
        sa.Column(
            "subject", sa.Text, primary_key=True, comment="kind of answer, document or dictionary"
        ),
        sa.Column(
            "fingerprint",
            sa.Text,
            nullable=False,
            comment="JSON: names, types, codes; no values",
        ),
        sa.Column("answers", sa.Integer, nullable=False, comment="that it was learnt from"),
        sa.Column("settled_at", time, comment="when it was learnt; empty: still learning"),
        sa.Column("seen_at", time, nullable=False),
        comment="what a target's answers, documents and dictionaries look like",
    )
    op.create_table(
        "drifts",
        sa.Column(
            "id",
            sa.Text,
            primary_key=True,
            comment="of the difference: the same in every process",
        ),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column(
            "patch",
            sa.Text,
            nullable=False,
            comment="JSON: what accepting it does to the contract",
        ),
        sa.Column("touched", sa.Text, nullable=False, comment="JSON: mappings and their fields"),
        sa.Column("ending", sa.Text, nullable=False, comment="open, accepted, returned"),
        sa.Column("found_at", time, nullable=False),
        sa.Column("seen_at", time, nullable=False, comment="last"),
        sa.Column("ended_at", time),
        sa.Column("ended_by", sa.Text),
        sa.Column("reason", sa.Text),
        comment="how a target differs from its contract, once each",
    )
    op.create_index("drifts_subject", "drifts", ["target", "subject", "ending"])
