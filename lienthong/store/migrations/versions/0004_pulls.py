"""Sources that are read by us: how far each was read, and what of the overlap was taken over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the two tables; nothing was read before."""
    time = sa.DateTime(timezone=True)
    op.create_table(
        "pulls",
        sa.Column("source", sa.Text, primary_key=True, comment="its name in the settings"),
        sa.Column(
            "mark", sa.Text, comment="JSON: up to where it was read; empty before the first row"
        ),
        sa.Column(
            "salt",
            sa.LargeBinary,
            nullable=False,
            comment="sealed; of its digests in pull_seen",
        ),
        sa.Column("lease_until", time, comment="of the worker that reads it"),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("due_at", time, nullable=False, comment="when it is read next"),
        sa.Column("tried_at", time, comment="when it was last read, well or not"),
        sa.Column("read_at", time, comment="when it was last read to its end"),
        sa.Column("rows", sa.BigInteger, nullable=False, comment="taken over, ever"),
        sa.Column(
            "trouble",
            sa.Text,
            comment="code of what kept it from being read; empty when all is well",
        ),
        comment="sources that are read by us; one moves on with the submission that holds its rows",
    )
    op.create_table(
        "pull_seen",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column(
            "name", sa.LargeBinary, primary_key=True, comment="salted digest of mark and key"
        ),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="salted, of all values"),
        sa.Column("place", sa.BigInteger, nullable=False, comment="of the mark, to forget it by"),
        comment="rows of the overlap that were taken over; they are read again and not taken again",
    )
    op.create_index("pull_seen_place", "pull_seen", ["source", "place"])
