"""
The profile of a source that is read by us: one `[pull.NAME]` table of the settings.

Everything that a system's owner can do differently is a setting, because agencies' systems are
theirs: which query, which column says what is new, how late a row may be committed.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cached_property
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from lienthong.pull.marks import Mark, Overlap, parse_start

MIB = 1024 * 1024
MARK_PARAMETER = "watermark"
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


class SqlPull(BaseModel):
    """A database that is asked for what is new. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["sql"]
    agency: str | None = Field(default=None, description="whose mapping; None: the name's")
    url: str = Field(description="postgresql://user@host:port/database or mariadb://…; no password")
    password: SecretStr = Field(default=SecretStr(""), description="LIENTHONG_PULL__NAME__PASSWORD")

    query: str | None = Field(default=None, description="a SELECT; instead of table and columns")
    table: str | None = Field(default=None, description="name, or schema.name")
    columns: tuple[str, ...] = Field(default=(), description="of the table, all that is read")
    watermark: str = Field(
        description="column that grows with every change of a row: a time, a day or a number"
    )
    key: tuple[str, ...] = Field(
        min_length=1, description="columns that, with the watermark, name one row"
    )
    start: str | None = Field(
        default=None, description="first watermark that is read; None: from the beginning"
    )
    overlap_seconds: float = Field(
        default=900, ge=0, description="longest time between a row's watermark and its commit"
    )
    overlap_numbers: int = Field(
        default=1000, ge=0, description="the same for a watermark that is a number"
    )
    time_zone: str = Field(
        default="Asia/Ho_Chi_Minh", description="of times without one, by its IANA name"
    )

    every_seconds: float = Field(default=60, ge=1, le=86_400, description="between two readings")
    connect_timeout_seconds: float = Field(default=10, ge=1, le=300)
    statement_timeout_seconds: float = Field(
        default=60, ge=1, le=900, description="for one page, at the database and here"
    )
    page_rows: int = Field(default=2000, ge=1, le=100_000, description="of one submission")
    page_bytes: int = Field(default=4 * MIB, ge=1024, le=64 * MIB, description="of one submission")
    fetch_rows: int = Field(default=200, ge=1, le=10_000, description="in memory of the driver")

    @property
    def overlap(self) -> Overlap:
        """How far before its mark it is read again."""
        return Overlap(time=timedelta(seconds=self.overlap_seconds), number=self.overlap_numbers)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of times without one."""
        return ZoneInfo(self.time_zone)

    @property
    def first_mark(self) -> Mark | None:
        """From where it is read when it never was."""
        return None if self.start is None else parse_start(self.start)

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

    @field_validator("time_zone")
    @classmethod
    def _check_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"there is no time zone {value!r}") from None
        return value

    @field_validator("start")
    @classmethod
    def _check_start(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_start(value)
            except ValueError:
                raise ValueError("expected a number, a day or a time: 2026-01-31T08:00") from None
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


PullProfile = SqlPull
