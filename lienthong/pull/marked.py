"""
What every `[pull.NAME]` table has, whatever its kind: whose mapping it is, how often it is read,
and, for sources of records, from which point on.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lienthong.pull.marks import Mark, Overlap, parse_start
from schemas.problem import Text

MIB = 1024 * 1024


class WrongPull(ValueError):
    """Something in a `[pull.NAME]` table cannot be used; `text` says what."""

    def __init__(self, *, vi: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(vi=vi, en=en)


class AnyPull(BaseModel):
    """One source. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agency: str | None = Field(default=None, description="whose mapping; None: the name's")
    every_seconds: float = Field(default=60, ge=1, le=86_400, description="between two readings")


class MarkedPull(AnyPull):
    """A source of records that is read from a watermark on."""

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
    page_rows: int = Field(default=2000, ge=1, le=100_000, description="of one submission")
    page_bytes: int = Field(default=4 * MIB, ge=1024, le=64 * MIB, description="of one submission")

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
