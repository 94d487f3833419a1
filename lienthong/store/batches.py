"""
Going through many rows beside running workers: found without a lock, changed a few at a time.

What is found may have changed before it is locked, so whoever changes rows names the condition
once more. Rows that a worker holds are left out instead of waited for: nobody waits for us, and we
can be part of no deadlock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, tuple_

from lienthong.store.database import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Row, Select

    from lienthong.store.database import Store

    Key = tuple[Column[Any], ...]
    """The primary key of one table."""


def pages(
    store: Store, key: Key, condition: ColumnElement[bool], *, size: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the keys of the rows that meet `condition`, in their order, `size` at a time."""
    after: tuple[Any, ...] | None = None
    while True:
        query = select(*key).where(condition).order_by(*key).limit(size)
        if after is not None:
            query = query.where(tuple_(*key) > after)
        with reading(store) as connection:
            found = [tuple(row) for row in connection.execute(query)]
        if not found:
            return
        yield found
        after = found[-1]


def lock(
    connection: Connection,
    key: Key,
    condition: ColumnElement[bool],
    *,
    keys: Sequence[tuple[Any, ...]],
    columns: Sequence[ColumnElement[Any]] = (),
) -> Sequence[Row[Any]]:
    """
    Lock the rows of `keys` that nobody else holds and that meet `condition`.

    Returns:
        Their keys and `columns`. On PostgreSQL the condition may have been judged a moment before
        the lock was had, where it speaks of other tables.
    """
    query: Select[Any] = (
        select(*key, *columns)
        .where(among(key, keys), condition)
        .order_by(*key)
        .with_for_update(of=key[0].table, skip_locked=True)
    )
    return connection.execute(query).all()


def among(key: Key, keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    """Return the condition that a row is one of `keys`."""
    return tuple_(*key).in_(keys)


def count(store: Store, key: Key, condition: ColumnElement[bool]) -> int:
    """Return how many rows meet `condition`."""
    query = select(func.count()).select_from(key[0].table).where(condition)
    with reading(store) as connection:
        return int(connection.execute(query).scalar_one())
