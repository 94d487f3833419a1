"""
The profile of a database that is read by us.

Everything that a system's owner can do differently is a setting, because agencies' systems are
theirs: which query, which column says what is new, how late a row may be committed.
"""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from lienthong.pull.marked import MarkedPull

MARK_PARAMETER = "watermark"
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


class SqlPull(MarkedPull):
    """A database that is asked for what is new. Times in seconds."""

    kind: Literal["sql"]
    url: str = Field(description="postgresql://user@host:port/database or mariadb://…; no password")
    password: SecretStr = Field(default=SecretStr(""), description="LIENTHONG_PULL__NAME__PASSWORD")

    query: str | None = Field(default=None, description="a SELECT; instead of table and columns")
    table: str | None = Field(default=None, description="name, or schema.name")
    columns: tuple[str, ...] = Field(default=(), description="of the table, all that is read")
    watermark: str = Field(
        description="column that grows with every change of a row: a time, a day or a number"
    )
    connect_timeout_seconds: float = Field(default=10, ge=1, le=300)
    statement_timeout_seconds: float = Field(
        default=60, ge=1, le=900, description="for one page, at the database and here"
    )
    fetch_rows: int = Field(default=200, ge=1, le=10_000, description="in memory of the driver")

    @property
    def longest_page_seconds(self) -> float:
        """The longest that one page takes."""
        return self.connect_timeout_seconds + self.statement_timeout_seconds

    @property
    def takes_mark(self) -> bool:
        """Whether the query itself wants to know from where it is read."""
        return self.query is not None and MARK_PARAMETER in _PARAMETER.findall(self.query)

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        try:
            address = make_url(value)
        except ArgumentError:
            # Not its words: they repeat the address, with what somebody may have written into it.
            raise ValueError("expected postgresql://user@host:port/database") from None
        if address.password is not None:
            raise ValueError(
                "it must not carry a password, because addresses are shown: "
                "set LIENTHONG_PULL__NAME__PASSWORD"
            )
        if address.get_backend_name() == "sqlite":
            raise ValueError("a file of SQLite is not read: reading it would hold its writers up")
        return value

    @model_validator(mode="after")
    def _check_what(self) -> Self:
        if (self.query is None) == (self.table is None):
            raise ValueError("give either query, or table with columns")
        if self.table is not None:
            missing = [name for name in (self.watermark, *self.key) if name not in self.columns]
            if missing:
                raise ValueError(f"columns must also name {', '.join(dict.fromkeys(missing))}")
        if self.query is not None:
            self._check_query(self.query)
        return self

    def _check_query(self, query: str) -> None:
        strange = sorted(set(_PARAMETER.findall(query)) - {MARK_PARAMETER})
        if strange:
            raise ValueError(
                f"the query may use :{MARK_PARAMETER} and no other parameter, found "
                f":{', :'.join(strange)}; order and paging are added around it, and a colon that "
                "is text is written \\:"
            )
        if self.takes_mark and self.start is None:
            raise ValueError(f"a query with :{MARK_PARAMETER} needs start, for the first time")
