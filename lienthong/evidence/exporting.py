"""
The whole log as JSON lines: first who signed, then every seal, each followed by its rows.

    {"signer": fingerprint, "certificates": PEM}
    {"seal": body, "signature": base64, "signer": fingerprint, "stamp": base64 or null}
    {"row": number, "at", "actor", "action", "subject", "detail" or "erased", "salt", "digest"}

Digests and salts are hexadecimal. Rows at the end, behind no seal, are not sealed yet.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from lienthong.store.tables import audit, seal_signers, seals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Row, Select

AT_ONCE = 1_000
"""Rows in memory."""


def export_log(connection: Connection) -> Iterator[str]:
    """Give the lines of the whole log."""
    for signer in connection.execute(select(seal_signers)):
        yield _line({"signer": signer.fingerprint, "certificates": signer.certificates})
    every = select(seals).order_by(seals.c.id).execution_options(yield_per=AT_ONCE)
    for mark in connection.execute(every):
        yield _line(
            {
                "seal": mark.body,
                "signature": b64encode(mark.signature).decode(),
                "signer": mark.signer,
                "stamp": b64encode(mark.stamp).decode() if mark.stamp else None,
            }
        )
        yield from _rows(connection, select(audit).where(audit.c.seal_id == mark.id))
    yield from _rows(connection, select(audit).where(audit.c.seal_id.is_(None)))


def _rows(connection: Connection, query: Select[Any]) -> Iterator[str]:
    ordered = query.order_by(audit.c.id).execution_options(yield_per=AT_ONCE)
    for row in connection.execute(ordered):
        yield _line(row_values(row))


def row_values(row: Row[Any]) -> dict[str, Any]:
    """Return one row of the log with everything that its digest is made of."""
    return {
        "row": row.id,
        "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        **(
            {"erased": row.erased.hex() if row.erased else None}
            if row.detail is None
            else {"detail": row.detail, "salt": row.salt.hex()}
        ),
        "digest": row.digest.hex(),
    }


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"
