"""
Watermarks: up to which value of one column a source was read, and from where it is read again.

A mark is a number or a time, as the driver gives it: with a zone or without, to the microsecond, or
a day. Reading begins an overlap before the mark, because rows that were committed late carry older
values than rows that were read already. A mark never goes beyond the present: a row that is dated
in the future would hide all that come after it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from datetime import tzinfo

Mark: TypeAlias = int | Decimal | datetime | date

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LAST_PLACE = 2**63 - 1
"""Of what is never forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How far before its mark a source is read again."""

    time: timedelta
    """Of marks that are times; of days at least one."""
    number: int
    """Of marks that are numbers."""


def check_mark(value: object, *, column: str) -> Mark:
    """
    Return `value` as a mark.

    Raises:
        ConfigError: it is neither a number nor a time.
    """
    if isinstance(value, int | date) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal) and value.is_finite():
        return value
    # Not the value itself, which may be anybody's.
    kind = type(value).__name__
    raise ConfigError(
        Text(
            vi=f"Cột mốc «{column}» phải là số hoặc thời gian, gặp kiểu {kind}; chọn cột khác, "
            "hoặc chuyển kiểu trong câu SELECT",
            en=f"the watermark column '{column}' must be a number or a time, found a value of type "
            f"{kind}; choose another column, or convert it in the SELECT",
        ),
        code="pull.mark_kind",
    )


def encode(mark: Mark) -> str:
    """Return a mark as the store keeps it."""
    if isinstance(mark, datetime):
        return json.dumps({"time": mark.isoformat()})
    if isinstance(mark, date):
        return json.dumps({"day": mark.isoformat()})
    return json.dumps({"decimal" if isinstance(mark, Decimal) else "number": str(mark)})


def decode(text: str) -> Mark:
    """Return the mark that `encode` wrote."""
    ((kind, value),) = json.loads(text).items()
    match kind:
        case "time":
            return datetime.fromisoformat(value)
        case "day":
            return date.fromisoformat(value)
        case "decimal":
            return Decimal(value)
        case _:
            return int(value)


def parse_start(text: str) -> Mark:
    """
    Read a mark that a person wrote: a whole number, a day or a time, in ISO form.

    Raises:
        ValueError: it is none of them.
    """
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


def place_of(mark: Mark) -> int:
    """Return a whole number that orders marks of one kind; marks close together may share it."""
    if isinstance(mark, datetime):
        aware = mark if mark.tzinfo is not None else mark.replace(tzinfo=UTC)
        place = (aware - _EPOCH) // _MICROSECOND
    elif isinstance(mark, date):
        place = mark.toordinal()
    else:
        place = math.floor(mark)
    # Only what is forgotten depends on it, and that rather too late than too early.
    return max(-LAST_PLACE, min(place, LAST_PLACE))


def before(mark: Mark, overlap: Overlap) -> Mark:
    """Return from where on a source is read again whose mark is `mark`."""
    if isinstance(mark, datetime):
        earliest = datetime.min.replace(tzinfo=mark.tzinfo)
        return mark - overlap.time if mark - earliest > overlap.time else earliest
    if isinstance(mark, date):
        days = max(1, math.ceil(overlap.time / timedelta(days=1)))
        return date.fromordinal(max(1, mark.toordinal() - days))
    return mark - overlap.number


def advance(known: Mark | None, found: Mark, *, now: datetime, zone: tzinfo) -> Mark:
    """
    Return the mark of a source after a row marked `found`: the later of both, but not the future.

    Args:
        known: The mark so far.
        found: Of the row.
        now: The present.
        zone: Of times without one.

    Raises:
        ConfigError: the column changed its kind.
    """
    today: Mark
    if isinstance(found, datetime):
        here = now.astimezone(found.tzinfo or zone)
        today = here if found.tzinfo is not None else here.replace(tzinfo=None)
        found = min(found, today)
    elif isinstance(found, date):
        found = min(found, now.astimezone(zone).date())
    if known is None:
        return found
    if isinstance(known, date) != isinstance(found, date):
        raise _other_kind()
    # A day that somebody wrote, before times: it was where to begin, and no more.
    return max(known, found, key=_comparable) if kind_of(known) == kind_of(found) else found


def is_after(mark: Mark, other: Mark) -> bool:
    """Tell whether one mark is later than another of its kind."""
    return bool(_comparable(mark) > _comparable(other))


def _comparable(mark: Mark) -> Any:
    return mark


def kind_of(mark: Mark) -> str:
    """Return what can be compared with each other: numbers, days, times with or without a zone."""
    if isinstance(mark, datetime):
        return "time" if mark.tzinfo is None else "time with zone"
    return "day" if isinstance(mark, date) else "number"


def _other_kind() -> ConfigError:
    return ConfigError(
        Text(
            vi="Cột mốc đã đổi kiểu so với lần đọc trước (số hay thời gian); "
            "đặt lại mốc: lienthong pull rewind TÊN --to GIÁ-TRỊ",
            en="the watermark column has another type than before (a number, or a time); set the "
            "mark anew: lienthong pull rewind NAME --to VALUE",
        ),
        code="pull.mark_changed",
    )
