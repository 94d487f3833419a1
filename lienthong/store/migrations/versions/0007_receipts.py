"""
What proves a delivery, and what came of each attempt; receipts for what was received.

Before, a bare answer was called a look-up: which of the two it was stands in the attempts.
Submissions of before get no receipt: they were acknowledged without one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)

_ADDED = {
    "attempts": (
        sa.Column(
            "answer_size",
            sa.BigInteger,
            comment="bytes that came, also those that were not kept",
        ),
        sa.Column("answer_digest", sa.Text, comment="SHA-256 of these; erased with the answer"),
        sa.Column("answer_whole", sa.Boolean, comment="whether these are all there were"),
        sa.Column(
            "proof",
            sa.Text,
            comment="receipt, answer or query, of the one that proved the delivery",
        ),
    ),
    "receipts": (
        sa.Column("digest", sa.Text, comment="SHA-256 of the document; empty before version 0007"),
        sa.Column(
            "signer",
            sa.Text,
            comment="fingerprint of its certificate; empty before version 0007",
        ),
        sa.Column("signer_name", sa.Text, comment="as its certificate says"),
    ),
    "submissions": (
        sa.Column(
            "receipt_due_at", _TIME, comment="since when a receipt is to be made; empty: none"
        ),
    ),
}
_TO_ANSWERS = """
    UPDATE messages SET proof = 'answer'
    WHERE proof = 'lookup' AND EXISTS (
        SELECT 1 FROM attempts
        WHERE attempts.message_id = messages.id AND attempts.kind = 'send'
        -- One that came late, after the portal was asked, may have a receipt: it proved nothing.
        AND attempts.outcome = 'delivered' AND attempts.detail NOT LIKE '%receipt verified'
    )
"""
_TO_QUERIES = "UPDATE messages SET proof = 'query' WHERE proof = 'lookup'"
_OF_SENDS = """
    UPDATE attempts SET proof = (
        SELECT messages.proof FROM messages WHERE messages.id = attempts.message_id
    )
    WHERE kind = 'send' AND outcome = 'delivered' AND EXISTS (
        SELECT 1 FROM messages
        WHERE messages.id = attempts.message_id AND messages.proof IN ('receipt', 'answer')
    )
"""
_OF_LOOK_UPS = """
    UPDATE attempts SET proof = 'query'
    WHERE kind = 'lookup' AND outcome = 'present' AND EXISTS (
        SELECT 1 FROM messages
        WHERE messages.id = attempts.message_id AND messages.proof = 'query'
    )
    AND number = (
        SELECT max(others.number) FROM attempts AS others
        WHERE others.message_id = attempts.message_id AND others.kind = 'lookup'
    )
"""


def upgrade() -> None:
    """Add the columns and the table; tell bare answers from look-ups."""
    for table, columns in _ADDED.items():
        for column in columns:
            op.add_column(table, column)
    op.create_table(
        "submission_receipts",
        sa.Column("submission_id", sa.Text, sa.ForeignKey("submissions.id"), primary_key=True),
        sa.Column("statement", sa.Text, primary_key=True, comment="received or refused"),
        sa.Column(
            "document",
            sa.LargeBinary,
            nullable=False,
            comment="sealed; signed, exactly as given",
        ),
        sa.Column("digest", sa.Text, nullable=False, comment="SHA-256 of the document"),
        sa.Column("signer", sa.Text, nullable=False, comment="fingerprint of its certificate"),
        sa.Column("made_at", _TIME, nullable=False),
        comment="what the operator signed for agencies about what was received from them",
    )
    due = sa.text("receipt_due_at IS NOT NULL")
    op.create_index(
        "submissions_receipt_due",
        "submissions",
        ["receipt_due_at", "id"],
        postgresql_where=due,
        sqlite_where=due,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("COMMENT ON COLUMN messages.proof IS 'receipt, answer or query, once delivered'")
    for statement in (_TO_ANSWERS, _TO_QUERIES, _OF_SENDS, _OF_LOOK_UPS):
        op.execute(statement)
