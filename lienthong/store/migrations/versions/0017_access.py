"""
The operators' HTTP API: tokens that open it, and the requests that may be repeated.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables; nobody has a token yet."""
    op.create_table(
        "access_tokens",
        sa.Column("id", sa.Text, primary_key=True, comment="stands in the token"),
        sa.Column(
            "name", sa.Text, nullable=False, comment="who uses it, as the audit log calls them"
        ),
        sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the whole token"),
        sa.Column("grants", sa.Text, nullable=False, comment="JSON: roles, and for which agencies"),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("expires_at", _TIME, comment="empty: not by itself"),
        sa.Column("revoked_at", _TIME),
        comment="what opens the operators' HTTP API; the tokens themselves are nowhere",
    )
    op.create_table(
        "api_requests",
        sa.Column("principal", sa.Text, primary_key=True, comment="who asked"),
        sa.Column("key", sa.Text, primary_key=True, comment="the caller's own id of the request"),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column(
            "digest", sa.LargeBinary, nullable=False, comment="SHA-256 of what was asked for"
        ),
        sa.Column("answer", sa.Text, comment="JSON, no personal data; empty while there is none"),
        sa.Column("made_at", _TIME, nullable=False),
        comment="requests that a caller may repeat and get the first answer to",
    )
    op.create_index("api_requests_made", "api_requests", ["made_at"])
