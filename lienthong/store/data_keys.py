"""The wrapped data keys of the vault, in the store itself: worthless without the key file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, LargeBinary, Table, Text, insert, select, text, update

from lienthong.store import audit
from lienthong.store.tables import UtcTime, metadata
from lienthong.store.vault import WrappedKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Engine

data_keys = Table(
    "data_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False, comment="nonce, ciphertext, tag"),
    Column("master_id", Text, nullable=False, comment="of the key file, which is not in here"),
    Column("created_at", UtcTime, nullable=False),
    Column("retired_at", UtcTime, comment="seals nothing new since then; opens as before"),
)
_FIELDS = ("id", "wrapped", "master_id", "created_at", "retired_at")


class SqlKeyStore:
    """The `KeyStore` of an engine; every change is written to the audit log as of `actor`."""

    def __init__(self, engine: Engine, *, actor: str = "lienthong") -> None:
        self._engine = engine
        self._actor = actor

    def load(self) -> list[WrappedKey]:
        """Return every data key, by id."""
        with self._engine.connect() as connection:
            # A vault may ask in the middle of a transaction that has SQLite's write lock.
            return _load(connection.execution_options(lienthong_reading=True))

    def write(
        self, *, before: Sequence[WrappedKey], after: Sequence[WrappedKey], at: datetime
    ) -> bool:
        """Replace `before` by `after`; False when another process changed the keys meanwhile."""
        with self._engine.begin() as connection:
            # SQLite has one writer at a time anyway.
            if connection.dialect.name == "postgresql":
                connection.execute(text("LOCK TABLE data_keys IN SHARE ROW EXCLUSIVE MODE"))
            if _load(connection) != list(before):
                return False
            change = _write_changes(connection, before={key.id: key for key in before}, after=after)
            audit.append(connection, [change], actor=self._actor, at=at)
        return True


def _load(connection: Connection) -> list[WrappedKey]:
    rows = connection.execute(select(data_keys).order_by(data_keys.c.id))
    return [WrappedKey(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def _write_changes(
    connection: Connection, *, before: dict[int, WrappedKey], after: Sequence[WrappedKey]
) -> audit.Entry:
    added = [key for key in after if key.id not in before]
    changed = [key for key in after if key.id in before and key != before[key.id]]
    if added:
        connection.execute(insert(data_keys), [_values(key) for key in added])
    for key in changed:
        connection.execute(update(data_keys).where(data_keys.c.id == key.id).values(_values(key)))
    return audit.Entry(
        action="vault.keys_changed",
        subject="data_keys",
        detail={
            "added": len(added),
            "rewrapped": sum(key.wrapped != before[key.id].wrapped for key in changed),
            "newest": after[-1].id,
            "master": after[-1].master_id,
        },
    )


def _values(key: WrappedKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in _FIELDS}
