"""
Reading tables of which somebody may have changed values by hand: whatever stands there is read.

SQLite keeps any kind of value in any column, and PostgreSQL times that Python has not. Read in the
usual way, one such value would end the reading of all. So what is no time is read as None, what is
no bytes as none at all, and text that is no UTF-8 with marks in place of what cannot be read:
nothing that fits a digest.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, case, type_coerce

from lienthong.store.tables import UtcTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import ColumnElement, Connection, Table
    from sqlalchemy.engine import Dialect

_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)


def columns_of(table: Table) -> list[ColumnElement[Any]]:
    """Return what to select instead of the columns of a table, under the same names."""
    return [_column(one).label(one.name) for one in table.c]


@contextmanager
def reading_any_text(connection: Connection) -> Iterator[None]:
    """Within it, text that is no UTF-8 is read, too."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    usual = driver.text_factory
    driver.text_factory = _decode
    try:
        yield
    finally:
        driver.text_factory = usual


def _column(column: Any) -> ColumnElement[Any]:
    if isinstance(column.type, UtcTime):
        # PostgreSQL's infinity and the years before and after ours would fail while being fetched.
        is_known = column.between(_EARLIEST, _LATEST)
        return type_coerce(case((is_known, column)), _AnyTime())
    if isinstance(column.type, LargeBinary):
        return type_coerce(column, _AnyBytes())
    return column  # type: ignore[no-any-return]


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class _AnyTime(UtcTime):
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        usual = super().result_processor(dialect, coltype)

        def read(value: Any) -> datetime | None:
            try:
                found: datetime | None = value if usual is None else usual(value)
            except (TypeError, ValueError, OverflowError):
                return None
            return found

        return read


class _AnyBytes(LargeBinary):
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:  # noqa: ARG002
        return _bytes_of


def _bytes_of(value: object) -> bytes | None:
    if value is None:
        return None
    # bytes(10**12), which is what SQLAlchemy does with a number, would take all memory.
    return bytes(value) if isinstance(value, bytes | memoryview) else b""
