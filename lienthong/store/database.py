"""
Opening the store: one engine per process, SQLite made durable and safe for several processes.

A transaction of `engine.begin()` begins with the write lock: one that reads first and asks for
the lock later could be refused in the middle. Whoever only looks uses `reading(engine)`, which
waits for nobody.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from lienthong.store.tables import metadata
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 60
"""How long a writer waits for another writer before it gives up."""


def open_store(path: Path) -> Engine:
    """
    Open, or make, the store in the SQLite file at `path`.

    Raises:
        ConfigError: the file cannot be made, written or read as a store.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _make_durable)
        event.listen(engine, "begin", _take_write_lock)
        with engine.begin() as connection:
            metadata.create_all(connection)
    except (OSError, OperationalError, DatabaseError) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        raise ConfigError(
            Text(
                vi=f"Không mở được kho thông điệp {path} ({cause}); chọn thư mục dữ liệu ghi được "
                "(--data-dir), sửa quyền truy cập hoặc giải phóng dung lượng đĩa",
                en=f"the message store {path} cannot be opened ({cause}); give a data directory "
                "that can be written (--data-dir), mend its permissions or free disk space",
            ),
            code="store.unusable",
        ) from error
    return engine


def _make_durable(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN would be a deferred one; _take_write_lock begins instead.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _take_write_lock(connection: Connection) -> None:
    reading_only = connection.get_execution_options().get("lienthong_reading", False)
    connection.exec_driver_sql("BEGIN" if reading_only else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that sees one moment of the store and changes nothing."""
    with engine.connect() as connection:
        yield connection.execution_options(lienthong_reading=True)
