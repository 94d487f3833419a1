"""
Databases that tests use one after the other, each as if it had just been made.

To empty one takes a small part of the time in which a server makes and removes one. Where a test
did more than write rows (it changed tables, indexes, rights or settings), its database is removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.testing.postgresql import GivenPostgres, PrivatePostgres

USES = 200
"""How often one is used: what was deleted lies there until the server has time for it."""
END_MS = 5_000
"""How long those who are still connected may take to leave."""
_CATALOGS = (
    *("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger"),
    *("pg_proc", "pg_type", "pg_namespace", "pg_policy", "pg_default_acl", "pg_extension"),
)
"""Where each statement that is about more than rows leaves a row that is new, or one less."""
_NEWEST = "SELECT count(*), max(t.xmin::text::bigint) FROM "
_SHAPE = " UNION ALL ".join(
    [
        *(f"{_NEWEST}{catalog} t" for catalog in _CATALOGS),
        _NEWEST + "pg_database t WHERE datname = current_database()",
        _NEWEST + "pg_db_role_setting t JOIN pg_database d ON setdatabase = d.oid"
        " WHERE datname = current_database()",
    ]
)


@dataclass(slots=True)
class _Database:
    name: str
    url: str
    connection: psycopg.Connection
    shape: Sequence[tuple[int, int]]
    emptying: sql.Composed
    rows: Sequence[tuple[sql.Composed, bytes]]
    """What the copied tables hold: how it is written, and what."""
    uses: int = 0


@dataclass(slots=True)
class ReusedDatabases:
    """Copies of one database; for one process."""

    server: GivenPostgres | PrivatePostgres
    like: str
    """The database to copy."""
    _free: list[_Database] = field(default_factory=list)
    _used: dict[str, _Database] = field(default_factory=dict)

    def take(self) -> str:
        """Return the address of a database that nobody uses, as it was when it was copied."""
        database = self._free.pop() if self._free else self._make()
        self._used[database.url] = database
        return database.url

    def give_back(self, url: str) -> None:
        """Take a database back from whoever is connected to it, and make it what it was."""
        database = self._used.pop(url)
        database.uses += 1
        try:
            is_good = database.uses < USES and _restore(database)
        except psycopg.Error:
            # Its server was killed meanwhile, or a lock of somebody else's stays.
            is_good = False
        if is_good:
            self._free.append(database)
        else:
            database.connection.close()
            self.server.remove_database(database.name)

    def close(self) -> None:
        """Remove those that are not in use."""
        while self._free:
            database = self._free.pop()
            database.connection.close()
            self.server.remove_database(database.name)

    def _make(self) -> _Database:
        name = f"t{uuid4().hex}"
        url = self.server.create_database(name, like=self.like)
        connection = psycopg.connect(url, autocommit=True)
        # Nothing checks references, in whatever order rows go.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET lock_timeout = '5s'")
        tables = [
            sql.Identifier(table)
            for (table,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
        ]
        return _Database(
            name=name,
            url=url,
            connection=connection,
            shape=_shape(connection),
            emptying=_emptying(connection, tables),
            rows=[
                (sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(table), rows)
                for table in tables
                if (rows := _copy_of(connection, table)) is not None
            ],
        )


def _emptying(connection: psycopg.Connection, tables: Sequence[sql.Identifier]) -> sql.Composed:
    sequences = connection.execute(
        "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL"
        " FROM pg_sequences WHERE schemaname = 'public'"
    ).fetchall()
    statements = [sql.SQL("DELETE FROM {}").format(table) for table in tables]
    for name, value, is_called in sequences:
        restart = sql.SQL("SELECT setval({}, {}, {})")
        statements.append(restart.format(sql.Literal(f'"{name}"'), value, is_called))
    return sql.SQL("; ").join(statements)


def _copy_of(connection: psycopg.Connection, table: sql.Identifier) -> bytes | None:
    """Return the rows of a table, or None where there are none."""
    if connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone() is None:
        return None
    out = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(table)
    with connection.cursor().copy(out) as copy:
        return b"".join(copy)


def _restore(database: _Database) -> bool:
    """Have the rows be what they were; return False where more than rows is different."""
    connection = database.connection
    connection.execute(
        "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        [END_MS],
    )
    if _shape(connection) != database.shape:
        return False
    with connection.transaction():
        connection.execute(database.emptying)
        for writing, rows in database.rows:
            with connection.cursor().copy(writing) as copy:
                copy.write(rows)
    return True


def _shape(connection: psycopg.Connection) -> Sequence[tuple[int, int]]:
    return connection.execute(_SHAPE).fetchall()
