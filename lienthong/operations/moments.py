"""Moments as requests write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from schemas.building import in_vietnam

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""Between them a moment has a date in every zone."""


def _no_number(given: Any) -> Any:
    # A number would be read as seconds since 1970, or as milliseconds where it is large.
    is_number = isinstance(given, int | float)
    if isinstance(given, str):
        is_number = not given.strip().strip("+-").translate({ord("."): None}).strip("0123456789")
    if is_number:
        raise PydanticCustomError("datetime_number", "a moment is written as RFC 3339 says")
    return given


def _within_calendar(given: datetime) -> datetime:
    aware = in_vietnam(given)
    assert aware is not None
    if EARLIEST <= aware <= LATEST:
        return given
    return EARLIEST if aware < EARLIEST else LATEST


Moment = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_within_calendar)]
"""As RFC 3339 writes it; without a zone: Việt Nam's. At the ends of the calendar: a day within."""
