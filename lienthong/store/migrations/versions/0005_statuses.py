"""Snapshots say which status they give their dossier, submissions how many records are left out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns; what is there was made before either was kept, and nothing left out."""
    op.add_column(
        "messages",
        sa.Column(
            "status", sa.Text, comment="TrangThaiHoSo of a snapshot; empty where it was not kept"
        ),
    )
    op.add_column(
        "submissions",
        sa.Column(
            "left_out",
            sa.BigInteger,
            nullable=False,
            server_default="0",
            comment="of the records done, by the mapping",
        ),
    )
