"""
A database that is asked for what is new, page by page, in the order of its watermark.

The query of the profile is wrapped, never changed: `SELECT * FROM (query) WHERE mark, key > …
ORDER BY mark, key LIMIT n`. Each page is one statement in a transaction of its own that only reads,
over a cursor of the server's, and is over before anything is written down here. The connection is
closed between two readings.
"""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    column,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError

from lienthong.pull import marks
from lienthong.pull.databases import open_engine, reading_only, shown_address
from lienthong.pull.page import Page, PulledRow
from lienthong.pull.rows import line_of
from lienthong.pull.sql_profile import MARK_PARAMETER
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnClause, ColumnElement, CursorResult, FromClause, Select

    from lienthong.pull.marks import Mark
    from lienthong.pull.sql_profile import SqlPull


class SqlSource:
    """
    One database.

    Raises:
        ConfigError: its driver is not installed.
    """

    def __init__(self, profile: SqlPull) -> None:
        self._profile = profile
        self._engine = open_engine(profile)

    @property
    def address(self) -> str:
        """Where it is, as people may see it."""
        return shown_address(self._engine.url)

    def pages(self, *, low: Mark | None) -> Generator[Page]:
        """
        Yield what there is from `low` on, to the end.

        Args:
            low: The first mark that is read; None is from the beginning.

        Raises:
            PeerError: the database cannot be reached, broke off, or is too slow: later helps.
            ConfigError: the query or a value is wrong; pages before it are right.
        """
        after: tuple[Any, ...] | None = None
        while True:
            page, position, is_last = self._page(low, after)
            if page is not None:
                yield page
            if is_last:
                return
            if position == after:
                raise self._stands_still()
            after = position

    def lines(self, rows: Sequence[PulledRow]) -> list[bytes]:
        """Return the lines of rows: they are whole."""
        return [row.line for row in rows]

    def probe(self) -> None:
        """
        Ask for one row, to see whether it would be read.

        Raises:
            PeerError, ConfigError: as `pages`.
        """
        statement = self._statement(self._profile.first_mark, None).limit(1)
        with reading_only(self._engine, self._profile) as connection:
            self._names(connection.execute(statement))

    def close(self) -> None:
        """Give back what it holds."""
        self._engine.dispose()

    def _page(
        self, low: Mark | None, after: tuple[Any, ...] | None
    ) -> tuple[Page | None, tuple[Any, ...] | None, bool]:
        """Return a page, the position of its last row, and whether it is the last."""
        profile = self._profile
        rows: list[PulledRow] = []
        position, size = after, 0
        with reading_only(self._engine, profile) as connection:
            streamed = connection.execution_options(
                stream_results=True, max_row_buffer=profile.fetch_rows
            )
            with (
                closing(streamed.execute(self._statement(low, after))) as result,
                _closed_on_error(result),
            ):
                names = self._names(result)
                for row in result:
                    values = dict(zip(names, row, strict=True))
                    here = self._position(values)
                    if here == position:
                        raise self._not_unique()
                    if len(rows) == profile.page_rows or size >= profile.page_bytes:
                        return _page(rows, names), position, False
                    position = here
                    rows.append(self._row(values, here))
                    size += len(rows[-1].line)
        return (_page(rows, names) if rows else None), position, True

    def _row(self, values: Mapping[str, Any], position: tuple[Any, ...]) -> PulledRow:
        mark = marks.check_mark(position[0], column=self._profile.watermark)
        key = [str(part) for part in position[1:]]
        return PulledRow(
            mark=mark,
            name=json.dumps([marks.encode(mark), *key], ensure_ascii=False).encode(),
            line=line_of(values, zone=self._profile.zone),
        )

    def _position(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(values[name] for name in (self._profile.watermark, *self._profile.key))

    def _names(self, result: CursorResult[Any]) -> Sequence[str]:
        names = list(result.keys())
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise _wrong_columns(
                f"trả về hai cột cùng tên: {', '.join(double)}; đặt tên khác bằng AS",
                f"gives two columns of one name: {', '.join(double)}; name them apart with AS",
            )
        missing = [
            name for name in (self._profile.watermark, *self._profile.key) if name not in names
        ]
        if missing:
            raise _wrong_columns(
                f"không trả về cột {', '.join(missing)}; có: {', '.join(names)}",
                f"does not give the columns {', '.join(missing)}; there are: {', '.join(names)}",
            )
        return names

    def _statement(self, low: Mark | None, after: tuple[Any, ...] | None) -> Select[Any]:
        profile = self._profile
        source, output = self._source(low)
        order: list[ColumnElement[Any]] = [source.c[profile.watermark]]
        order += [source.c[name] for name in profile.key]
        statement = select(*output).select_from(source).where(order[0].is_not(None))
        if low is not None:
            statement = statement.where(order[0] >= low)
        if after is not None:
            # The first condition lets the database use an index of the watermark.
            statement = statement.where(order[0] >= after[0], _beyond(order, after))
        return statement.order_by(*order).limit(profile.page_rows + 1)

    def _source(self, low: Mark | None) -> tuple[FromClause, Sequence[ColumnElement[Any]]]:
        profile = self._profile
        if profile.table is not None:
            schema, _, name = profile.table.rpartition(".")
            columns: list[ColumnClause[Any]] = [column(each) for each in profile.columns]
            named = table(name, *columns, schema=schema or None)
            return named, list(named.c)
        assert profile.query is not None
        query = text(profile.query.strip().rstrip(";"))
        if profile.takes_mark:
            query = query.bindparams(**{MARK_PARAMETER: low})
        known = dict.fromkeys((profile.watermark, *profile.key))
        wrapped = query.columns(*(column(name) for name in known)).subquery("pulled")
        return wrapped, [literal_column("pulled.*")]

    def _not_unique(self) -> ConfigError:
        return _wrong_columns(
            f"có nhiều dòng trùng cả «{self._profile.watermark}» lẫn khóa "
            f"({', '.join(self._profile.key)}); thêm cột vào key để mỗi dòng chỉ có một",
            f"has several rows with the same '{self._profile.watermark}' and key "
            f"({', '.join(self._profile.key)}); add columns to key until it names one row",
        )

    def _stands_still(self) -> ConfigError:
        return _wrong_columns(
            f"không sắp xếp được theo «{self._profile.watermark}»; chọn cột mốc khác",
            f"cannot be put in the order of '{self._profile.watermark}'; choose another watermark",
        )


def _page(rows: Sequence[PulledRow], columns: Sequence[str]) -> Page:
    return Page(rows=rows, columns=columns, mark=rows[-1].mark)


def _beyond(order: Sequence[ColumnElement[Any]], after: tuple[Any, ...]) -> ColumnElement[bool]:
    """Return the condition for rows after a position; row values are not known to every dialect."""
    (first, *rest), (value, *values) = order, after
    is_beyond: ColumnElement[bool] = first > value
    if not rest:
        return is_beyond
    return or_(is_beyond, and_(first == value, _beyond(rest, tuple(values))))


@contextmanager
def _closed_on_error(result: CursorResult[Any]) -> Iterator[None]:
    """Close the driver's cursor also after an error, when nobody else does."""
    cursor = result.cursor
    assert cursor is not None
    try:
        yield
    except DBAPIError:
        cursor.close()
        raise


def _wrong_columns(vi: str, en: str) -> ConfigError:
    return ConfigError(
        Text(vi=f"Nguồn trong [pull] {vi}", en=f"the source in [pull] {en}"), code="pull.columns"
    )
