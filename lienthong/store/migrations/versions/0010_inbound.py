"""Messages of peers to the agencies: lines of their own, services, and what goes to an agency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_DUE = "due_at IS NOT NULL"


def upgrade() -> None:
    """Add the columns; everything that is there came from an agency, in the line of that name."""
    op.add_column(
        "submissions",
        sa.Column(
            "line",
            sa.Text,
            nullable=False,
            server_default="",
            comment="in which it is expanded: its agency, or what a peer sends to that agency",
        ),
    )
    op.add_column(
        "submissions",
        sa.Column(
            "service", sa.Text, comment="of a message of a peer, as it is published; empty: none"
        ),
    )
    op.add_column(
        "messages",
        sa.Column(
            "file", sa.Text, comment="JSON: name, type and service of what goes to an agency"
        ),
    )
    op.execute("UPDATE submissions SET line = agency")
    for name in ("submissions_arrival", "submissions_key", "submissions_due"):
        op.drop_index(name, "submissions")
    op.create_index("submissions_arrival", "submissions", ["line", "arrival"], unique=True)
    op.create_index("submissions_key", "submissions", ["line", "key"], unique=True)
    _create_partial("submissions_due", "submissions", ["line", "arrival"], where=_DUE)
    op.drop_index("messages_due", "messages")
    due = ["deadline", "due_at"]
    _create_partial("messages_due", "messages", due, where=f"{_DUE} AND packet <> 'inbound'")
    _create_partial("messages_due_inbound", "messages", due, where=f"{_DUE} AND packet = 'inbound'")


def _create_partial(name: str, table: str, columns: list[str], *, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)
