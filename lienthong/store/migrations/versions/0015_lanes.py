"""What is due for one agency, and how many messages stand where, are found by an index alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make two indexes anew, with one more column each."""
    op.drop_index("messages_due_inbound", "messages")
    condition = sa.text("due_at IS NOT NULL AND packet = 'inbound'")
    op.create_index(
        "messages_due_inbound",
        "messages",
        ["agency", "deadline", "due_at"],
        postgresql_where=condition,
        sqlite_where=condition,
    )
    op.drop_index("messages_state", "messages")
    op.create_index("messages_state", "messages", ["agency", "state", "packet"])
