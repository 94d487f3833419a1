"""
Writing many rows in one statement, whatever the database.

PostgreSQL gets all rows as one JSON text and takes them apart itself: a statement per row, however
well they are pipelined, costs a driver written in Python five times as much. SQLite runs in this
process and has its own quick way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Text,
    TypeDecorator,
    bindparam,
    func,
    insert,
    text,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.schema import ScalarElementColumnDefault
from sqlalchemy.sql.visitors import InternalTraversal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection, Select, Table, TableValuedAlias, TextClause
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.operators import OperatorType
    from sqlalchemy.types import TypeEngine

_encode = msgspec.json.Encoder().encode
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all name the same columns."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    connection.execute(_insertion(table, tuple(rows[0])), {"rows": _encode(rows).decode()})


def update_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, by: tuple[str, ...]
) -> int:
    """
    Set columns of many rows; return how many were found.

    Args:
        connection: Of the transaction.
        table: Of the rows.
        rows: All name the same columns: those to set, and those of `by` with an underscore before.
        by: Which columns say which row is meant, a text first; a row may be meant once.
    """
    if not rows:
        return 0
    if connection.dialect.name != "postgresql":
        condition = [table.c[name] == bindparam(f"_{name}") for name in by]
        return connection.execute(update(table).where(*condition), rows).rowcount
    statement = _change(table, tuple(rows[0]), by)
    keys = [row[f"_{by[0]}"] for row in rows]
    return connection.execute(statement, {"rows": _encode(rows).decode(), "keys": keys}).rowcount


@lru_cache(maxsize=256)
def _insertion(table: Table, names: tuple[str, ...]) -> TextClause:
    given = set(names)
    # What SQLAlchemy would fill in by itself.
    defaults = {
        column.name: column.default.arg
        for column in table.c
        if column.name not in given and isinstance(column.default, ScalarElementColumnDefault)
    }
    columns = ", ".join((*names, *defaults))
    values = [_value(table, name, f"v.{name}") for name in names]
    values += [f":default_{name}" for name in defaults]
    # Names are those of our own tables; values are parameters.
    statement = text(
        f"INSERT INTO {table.name} ({columns}) SELECT {', '.join(values)} "  # noqa: S608
        f"FROM {_records(table, {name: name for name in names})}"
    )
    return statement.bindparams(
        *(
            bindparam(f"default_{name}", value, type_=table.c[name].type)
            for name, value in defaults.items()
        )
    )


@lru_cache(maxsize=256)
def _change(table: Table, names: tuple[str, ...], by: tuple[str, ...]) -> TextClause:
    keys = {f"_{name}" for name in by}
    sets = ", ".join(
        f"{name} = {_value(table, name, f'v.{name}')}" for name in names if name not in keys
    )
    # How many rows a JSON text has, the planner cannot know; of a list of keys it expects few.
    where = f"{table.name}.{by[0]} = ANY (:keys) AND "
    where += " AND ".join(f"{table.name}.{name} = v._{name}" for name in by)
    columns = {name: name[1:] if name in keys else name for name in names}
    return text(
        f"UPDATE {table.name} SET {sets} "  # noqa: S608 - see above
        f"FROM {_records(table, columns)} WHERE {where}"
    )


def _records(table: Table, columns: Mapping[str, str]) -> str:
    typed = ", ".join(f"{name} {_type(table, column)}" for name, column in columns.items())
    return f"json_to_recordset(CAST(:rows AS json)) AS v({typed})"


def _type(table: Table, column: str) -> str:
    kind: str = table.c[column].type.compile(_DIALECT)
    return "text" if kind == "BYTEA" else kind


def _value(table: Table, column: str, expression: str) -> str:
    is_bytes = table.c[column].type.compile(_DIALECT) == "BYTEA"
    return f"decode({expression}, 'base64')" if is_bytes else expression


class _Names(TypeDecorator[Any]):
    """Several texts as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the database takes."""
        return postgresql.ARRAY(Text()) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Return the parameter as the database takes it."""
        return list(value) if dialect.name == "postgresql" else _encode(list(value)).decode()


class _Among(ColumnElement[bool]):
    inherit_cache = True
    type = Boolean()
    _traverse_internals = [  # noqa: RUF012 - as the base class has it
        ("column", InternalTraversal.dp_clauseelement),
        ("values", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.values = bindparam(name, type_=_Names())

    def self_group(self, against: OperatorType | None = None) -> _Among:  # noqa: ARG002 - as theirs
        """Return itself: SQLite would be given `… = 1`, and look at every row."""
        return self


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """
    Return the condition that a text is one of those that the parameter `name` lists.

    An IN is put together anew for every number of values, and prepared for none of them.
    """
    return _Among(column, name)


def by_dialect(
    name: str, query: Callable[[TableValuedAlias], Select[Any]]
) -> dict[str, Select[Any]]:
    """Return a query over the texts that the parameter `name` lists, for each kind of database."""
    values = bindparam(name, type_=_Names())
    each = func.unnest(values, type_=Text()).table_valued("value", name="given")
    return {
        "sqlite": query(func.json_each(values).table_valued("value", name="given")),
        "postgresql": query(each.render_derived()),
    }


@compiles(_Among, "postgresql")
def _compile_any(element: _Among, compiler: Any, **named: Any) -> str:
    column = compiler.process(element.column, **named)
    return f"{column} = ANY ({compiler.process(element.values, **named)})"


@compiles(_Among)
def _compile_each(element: _Among, compiler: Any, **named: Any) -> str:
    column = compiler.process(element.column, **named)
    values = compiler.process(element.values, **named)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - a parameter
