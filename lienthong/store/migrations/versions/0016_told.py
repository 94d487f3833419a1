"""
What is missing is known: a dossier at the portal, and the file of which an agency was told.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of what is there already nothing is known."""
    op.add_column(
        "fetches",
        sa.Column(
            "told", sa.Text, comment="what its agency was told that it waits for: code and file"
        ),
    )
    op.add_column(
        "dossiers",
        sa.Column(
            "missing_since",
            sa.DateTime(timezone=True),
            comment="when the portal was last proven not to have it",
        ),
    )
