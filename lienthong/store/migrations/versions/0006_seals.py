"""
Rows of the audit log whose detail can be erased, with a tag; seals that are signed.

Every row is digested anew; one whose old digest was wrong keeps it, so that it stays wrong. The old
seals were signed by nobody and kept nowhere else: they go, and the next sealer seals every row.
"""

from __future__ import annotations

import json
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    Progress = Callable[[str, int, int], object]

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHUNK = 5_000
"""Rows per statement: between two of them progress is told."""

_TIME = sa.DateTime(timezone=True)
_COUNT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_OLD = "audit_0005"
_metadata = sa.MetaData()

audit = sa.Table(
    "audit",
    _metadata,
    sa.Column("id", _COUNT, primary_key=True, autoincrement=True),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, comment="canonical JSON, no personal data; empty once erased"),
    sa.Column("salt", sa.LargeBinary, comment="of the detail; erased with it"),
    sa.Column("erased", sa.LargeBinary, comment="salted digest of the detail that was erased"),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("tag", sa.LargeBinary, comment="of the digest, by a key of the vault"),
    sa.Column("seal_id", sa.BigInteger, comment="empty until sealed"),
    sqlite_autoincrement=True,
)
sa.Table(
    "seals",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", _TIME, nullable=False),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, comment="SHA-256 of the body"),
    sa.Column("body", sa.Text, nullable=False, comment="canonical JSON, what is signed"),
    sa.Column("signature", sa.LargeBinary, nullable=False),
    sa.Column("signer", sa.Text, nullable=False, comment="fingerprint of the certificate"),
    sa.Column(
        "stamp",
        sa.LargeBinary,
        comment="RFC 3161 token over the digest; empty until it is there",
    ),
    comment="each seals a batch of rows of the audit log and names the seal before it",
)
sa.Table(
    "seal_signers",
    _metadata,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("certificates", sa.Text, nullable=False, comment="PEM, the signer's own first"),
    comment="certificates of the keys that seals were signed with",
)


def upgrade() -> None:
    """Make the tables anew and fill them."""
    connection = op.get_bind()
    config = op.get_context().config
    assert config is not None
    op.rename_table("audit", _OLD)
    if connection.dialect.name == "postgresql":
        # What stands behind a table keeps its name, which the new table's would be given.
        op.execute(f"ALTER INDEX audit_pkey RENAME TO {_OLD}_pkey")
        op.execute(f"ALTER SEQUENCE audit_id_seq RENAME TO {_OLD}_id_seq")
    op.drop_table("seals")
    _metadata.create_all(connection, checkfirst=False)
    _fill(connection, progress=config.attributes["progress"])
    op.drop_table(_OLD)
    op.create_index("audit_seal", "audit", ["seal_id", "id"])
    op.create_index("audit_subject", "audit", ["subject"])
    if connection.dialect.name == "postgresql":
        # It has counted nothing yet.
        op.execute("SELECT setval('audit_id_seq', max(id)) FROM audit HAVING max(id) IS NOT NULL")


def _fill(connection: sa.Connection, *, progress: Progress) -> None:
    old = sa.Table(_OLD, sa.MetaData(), autoload_with=connection, resolve_fks=False)
    total = connection.execute(sa.select(sa.func.count()).select_from(old)).scalar_one()
    done, last = 0, None
    while True:
        query = sa.select(old).order_by(old.c.id).limit(CHUNK)
        rows = connection.execute(query if last is None else query.where(old.c.id > last)).all()
        if not rows:
            return
        connection.execute(sa.insert(audit), [_convert(row) for row in rows])
        done, last = done + len(rows), rows[-1].id
        progress("audit", done, total)


def _convert(row: sa.Row[Any]) -> dict[str, Any]:
    at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
    head = [_moment(at), row.actor, row.action, row.subject]
    old = json.dumps([*head, row.detail], ensure_ascii=False).encode()
    digest = row.digest
    if sha256(row.salt + old).digest() == digest:
        of_detail = sha256(row.salt + row.detail.encode()).digest()
        new = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
        digest = sha256(new + of_detail).digest()
    return {
        "id": row.id,
        "at": at,
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "detail": row.detail,
        "salt": row.salt,
        "digest": digest,
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
