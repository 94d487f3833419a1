"""Messages say which procedure their dossier follows, so that coverage can be counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is there was made before it was kept."""
    op.add_column(
        "messages",
        sa.Column("procedure", sa.Text, comment="MaTTHC; empty where it was not kept"),
    )
