"""
Opening the store: one engine per process, on a SQLite file or on PostgreSQL, durable on both.

On SQLite a transaction of `begin` starts with the write lock: one that reads first and asks for
the lock later could be refused in the middle. On PostgreSQL it locks the rows it decides about,
always in the order of their names, or skips those that others have. Whoever only looks uses
`reading(store)`, which waits for nobody and sees one moment.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from lienthong.store.data_keys import SqlKeyStore
from lienthong.store.master_keys import KEY_BYTES
from lienthong.store.sealed import search_key_context
from lienthong.store.tables import metadata, search_keys
from lienthong.store.vault import Vault, open_vault
from lienthong.store.versions import check_version, write_version
from schemas.errors import ConfigError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from psycopg import Connection as PgConnection
    from sqlalchemy import URL, Connection, Engine, Table
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_SECONDS = 60
"""How long a writer on SQLite waits for another writer before it gives up."""
CONNECT_SECONDS = 5
IDLE_IN_TRANSACTION_MS = 15_000
"""After which PostgreSQL ends the transaction of a process that froze inside it, and frees its
rows; between two statements of ours pass milliseconds."""
SILENCE_MS = 20_000
"""How long sent bytes may stay unacknowledged before a connection counts as dead."""
POOL_SIZE = 16
_PERSON = "person"
_SESSION = {
    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
    # Workers find few rows by their keys, or the first ones in the order of an index. The planner
    # goes by statistics of a minute ago, and in a store that fills it reads the whole table
    # instead, or all that ever was in the index of what is due: the way became slower with every
    # dossier. Joins stay its choice: reports join whole tables.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    # The price that the planner then puts on reading a table has it compile even small queries.
    "jit": "off",
}
"""Settings of our sessions on PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The message store of one process: the database, and the keys of what is sealed in it."""

    engine: Engine
    vault: Vault
    has_clock: bool = False
    """Whether the database tells the time of a transaction, so that the workers of several machines
    agree on when a lease ends, whatever their own clocks say."""

    def dispose(self) -> None:
        """Close the connections that are not in use."""
        self.engine.dispose()


def open_store(engine: Engine, *, key_file: Path, encrypt: bool = True, now: datetime) -> Store:
    """
    Open the store behind `engine`; an empty SQLite file is made one.

    Args:
        engine: Of `open_sqlite` or `open_postgresql`.
        key_file: The master keys, apart from the data; made when neither keys nor data are there.
        encrypt: False stores new payloads plainly.
        now: The moment a first key is made at.

    Raises:
        ConfigError: it has another version than this program, or its keys cannot be used.
        PeerError: PostgreSQL cannot be reached.
    """
    with translating(engine):
        if engine.dialect.name == "sqlite" and not inspect(engine).get_table_names():
            make_tables(engine)
        with engine.connect() as connection:
            check_version(connection)
        vault = open_vault(key_file, SqlKeyStore(engine), encrypt=encrypt, now=now)
        vault.search_by(_search_key(engine, vault))
        return Store(
            engine=engine,
            vault=vault,
            has_clock=engine.dialect.name == "postgresql",
        )


def _search_key(engine: Engine, vault: Vault) -> bytes:
    """Return the key of `person_index`; a store that has none yet gets it."""
    query = select(search_keys.c.secret).where(search_keys.c.name == _PERSON)
    context = search_key_context(_PERSON)
    with engine.connect() as connection:
        sealed = connection.execution_options(lienthong_reading=True).execute(query).scalar()
    if sealed is None:
        made = vault.seal(secrets.token_bytes(KEY_BYTES), context=context)
        with engine.begin() as connection:
            making = insert_into(connection, search_keys).values(name=_PERSON, secret=made)
            # Another process may have been first.
            connection.execute(making.on_conflict_do_nothing())
            sealed = connection.execute(query).scalar_one()
    return vault.open(sealed, context=context)


def make_tables(engine: Engine) -> None:
    """Make the tables in an empty database; does nothing where there are tables."""
    with engine.begin() as connection:
        if not inspect(connection).get_table_names():
            metadata.create_all(connection)
            write_version(connection)


def open_sqlite(path: Path) -> Engine:
    """
    Return the engine of the SQLite file at `path`.

    Raises:
        ConfigError: its folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable_file(str(path), error) from error
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_SECONDS},
        # The values of a failed statement may be anybody's data, and its error goes into logs.
        hide_parameters=True,
    )
    event.listen(engine, "connect", _make_durable)
    event.listen(engine, "begin", _take_write_lock)
    return engine


def open_postgresql(url: str, *, password: str | None = None) -> Engine:
    """
    Return the engine of a PostgreSQL database; connects when it is first used.

    Args:
        url: postgresql://user@host:port/database, several hosts as libpq takes them.
        password: Kept out of the address, because addresses are shown.

    Raises:
        ConfigError: the address is wrong or carries a password.
    """
    address = _address(url)
    if password:
        address = address.set(password=password)
    engine = create_engine(
        address,
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        # One that the server or a cable cut is found before it is used, not by a failed commit.
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "lienthong",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": SILENCE_MS,
            "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
        },
    )
    event.listen(engine, "connect", _insist_on_durability)
    return engine


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise _wrong_address("?") from error
    if address.get_backend_name() != "postgresql" or not address.database:
        raise _wrong_address(address.render_as_string(hide_password=True))
    if address.password is not None:
        raise ConfigError(
            Text(
                vi="store.url không được chứa mật khẩu vì địa chỉ có thể được hiển thị; "
                "đặt LIENTHONG_STORE__PASSWORD hoặc dùng ~/.pgpass",
                en="store.url must not carry a password, because addresses are shown; "
                "set LIENTHONG_STORE__PASSWORD or use ~/.pgpass",
            ),
            code="store.password_in_url",
        )
    return address.set(drivername="postgresql+psycopg")


def _wrong_address(shown: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"store.url «{shown}» không đúng dạng postgresql://người-dùng@máy:cổng/cơ-sở-dữ-liệu",
            en=f"store.url '{shown}' is not of the form postgresql://user@host:port/database",
        ),
        code="store.url",
    )


@contextmanager
def translating(engine: Engine) -> Iterator[None]:
    """
    Turn what a database says while it is opened into words.

    Raises:
        ConfigError: the SQLite file is no store, or cannot be made, written or read; PostgreSQL
            refuses the login or has no such database.
        PeerError: PostgreSQL cannot be reached now.
    """
    try:
        yield
    except DatabaseError as error:
        if engine.dialect.name == "sqlite":
            raise _unusable_file(str(engine.url.database), error.orig) from error
        shown = engine.url.set(drivername="postgresql").render_as_string(hide_password=True)
        # What libpq says when nobody answers has no SQLSTATE; a refusal names login or database.
        refused = str(error.orig) if "FATAL" in str(error.orig) else None
        starting = refused is not None and "starting up" in refused
        if isinstance(error, OperationalError) and (refused is None or starting):
            raise PeerError(
                f"the message store {shown} cannot be reached ({_line(error.orig)})",
                retryable=True,
                code="store.unreachable",
            ) from error
        raise ConfigError(
            Text(
                vi=f"Không dùng được kho thông điệp {shown}: {_line(error.orig)}",
                en=f"the message store {shown} cannot be used: {_line(error.orig)}",
            ),
            code="store.refused",
        ) from error


def _line(cause: BaseException | None) -> str:
    return " ".join(str(cause).split())


def _unusable_file(path: str, cause: object) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không mở được kho thông điệp {path} ({cause}); chọn thư mục dữ liệu ghi được "
            "(--data-dir), sửa quyền truy cập hoặc giải phóng dung lượng đĩa",
            en=f"the message store {path} cannot be opened ({cause}); give a data directory "
            "that can be written (--data-dir), mend its permissions or free disk space",
        ),
        code="store.unusable",
    )


def _make_durable(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN would be a deferred one; _take_write_lock begins instead.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _take_write_lock(connection: Connection) -> None:
    reading_only = connection.get_execution_options().get("lienthong_reading", False)
    connection.exec_driver_sql("BEGIN" if reading_only else "BEGIN IMMEDIATE")


def _insist_on_durability(connection: PgConnection[Any], _entry: ConnectionPoolEntry) -> None:
    # A server tuned for speed may answer a commit before it is on the disk; ours must be.
    row = connection.execute("SHOW synchronous_commit").fetchone()
    if row is not None and row[0] == "off":
        connection.execute("SET synchronous_commit = on")
    connection.commit()


@contextmanager
def reading(store: Store) -> Iterator[Connection]:
    """Open a transaction that sees one moment of the store and changes nothing."""
    with store.engine.connect() as connection:
        if store.engine.dialect.name == "postgresql":
            yield connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        else:
            yield connection.execution_options(lienthong_reading=True)


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that can say what happens `on_conflict_…`, for the database at hand."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
