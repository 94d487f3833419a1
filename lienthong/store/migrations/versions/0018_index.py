"""Messages are found by an identity number, by the code of an error, by their last change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; what is there already is gone through by `lienthong store index`."""
    op.create_index(
        "messages_latest",
        "messages",
        ["agency", "updated_at", "id"],
        sqlite_where=sa.text("updated_at IS NOT NULL"),
    )
    op.create_table(
        "person_index",
        sa.Column("digest", sa.LargeBinary, primary_key=True, comment="HMAC of an identity number"),
        sa.Column("message_id", sa.Text, primary_key=True),
        comment="messages by the identity numbers in them; erased with the document",
    )
    op.create_index("person_index_message", "person_index", ["message_id"])
    code = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "message_problems",
        sa.Column("code", code, primary_key=True),
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column(
            "field", sa.Text, primary_key=True, comment="without numbers of items; may be blank"
        ),
        sa.Column("severity", sa.Text, nullable=False),
        comment="codes of what `messages.problems` holds; they quote nothing, and stay when it is "
        "erased",
    )
    op.create_index("message_problems_message", "message_problems", ["message_id"])
    op.create_table(
        "search_keys",
        sa.Column("name", sa.Text, primary_key=True, comment="of what it is for"),
        sa.Column(
            "secret",
            sa.LargeBinary,
            nullable=False,
            comment="sealed; of the digests in person_index",
        ),
    )
    op.create_table(
        "backfills",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("after", sa.Text, nullable=False, comment="where it goes on"),
        sa.Column("until", sa.Text, nullable=False, comment="the last message"),
        comment="what messages from before an upgrade are still gone through for; nothing: no row",
    )
    op.execute(
        "INSERT INTO backfills (name, after, until) "
        "SELECT 'index', '', max(id) FROM messages HAVING count(*) > 0"
    )
