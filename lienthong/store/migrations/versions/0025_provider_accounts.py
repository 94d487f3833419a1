"""An account may be one that signs in through an identity provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; every account that is there goes on signing in by its password."""
    op.add_column(
        "accounts",
        sa.Column(
            "by_provider",
            sa.Boolean,
            nullable=False,
            server_default=sa.false(),
            comment="signs in through the identity provider, and not by a password",
        ),
    )
    op.add_column(
        "accounts",
        sa.Column("provider_issuer", sa.Text, comment="who proved it first; empty: nobody has yet"),
    )
    op.add_column(
        "accounts",
        sa.Column("provider_subject", sa.Text, comment="whom it proved: one person for ever"),
    )
    op.create_index(
        "accounts_subject", "accounts", ["provider_issuer", "provider_subject"], unique=True
    )
