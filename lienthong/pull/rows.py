"""
One row of a database as one JSON line, its types kept: what a mapping with `format: jsonl` reads.

    whole numbers, true and false       as they are
    decimals                            text, with every digit the database has
    times with a zone                   ISO 8601 in the source's zone, with the offset
    times without one                   ISO 8601 as they stand: Vietnam's clock was others' before
                                        1975, and a birthday must not become the day before
    days, times of day, intervals       ISO 8601 text, as far as there is a form
    bytes                               base64
    NULL                                null
    arrays and JSON columns             nested
"""

from __future__ import annotations

import base64
import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo


def line_of(values: Mapping[str, Any], *, zone: tzinfo) -> bytes:
    """
    Return one row as a line, its end included.

    Args:
        values: By column, as the driver gives them.
        zone: In which times with a zone are written.
    """
    plain = {name: _plain(value, zone) for name, value in values.items()}
    # A lone surrogate cannot come out of a database, but out of a JSON column it can; escaped it
    # is told of with its place, like every other value that is wrong.
    try:
        return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(plain, allow_nan=False).encode() + b"\n"


def _plain(value: Any, zone: tzinfo) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return format(value, "f") if value.is_finite() else str(value)
        case datetime():
            return _time(value, zone).isoformat()
        case date() | time():
            return value.isoformat()
        case timedelta():
            return _clock(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case dict():
            return {str(name): _plain(item, zone) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item, zone) for item in value]
        case _:
            # UUIDs, addresses, ranges: their text is what the database shows.
            return str(value)


def _time(value: datetime, zone: tzinfo) -> datetime:
    if value.tzinfo is None:
        return value
    try:
        return value.astimezone(zone)
    except OverflowError:
        return value


def _clock(value: timedelta) -> str:
    """Return a TIME of MariaDB, which may be negative or longer than a day, as it shows it."""
    sign, value = ("-", -value) if value < timedelta(0) else ("", value)
    seconds = value.days * 86_400 + value.seconds
    hours, rest = divmod(seconds, 3600)
    fraction = f".{value.microseconds:06}" if value.microseconds else ""
    return f"{sign}{hours:02}:{rest // 60:02}:{rest % 60:02}{fraction}"
