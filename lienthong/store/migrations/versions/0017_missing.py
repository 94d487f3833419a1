"""A dossier that the portal does not have is known to be missing there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what is there already nothing is known."""
    op.add_column(
        "dossiers",
        sa.Column(
            "missing_since",
            sa.DateTime(timezone=True),
            comment="when the portal was last proven not to have it",
        ),
    )
