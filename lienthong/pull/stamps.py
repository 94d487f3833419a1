"""
Watermarks as other systems write them, in replies and in parameters.

    iso                   2026-03-02T14:00:00, with or without a zone; 2026-03-02 is a day
    epoch_seconds         1772434800
    epoch_milliseconds    1772434800000
    dotnet                /Date(1772434800000+0700)/
    number                a whole number that grows
    %d/%m/%Y %H:%M:%S     whatever strptime reads; without hours it is a day

Times without a zone are of the source's zone: from here on every time has one.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from lienthong.pull.marked import WrongPull
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from datetime import tzinfo

    from lienthong.pull.marks import Mark

NAMED: Final = ("iso", "epoch_seconds", "epoch_milliseconds", "dotnet", "number")
_DOTNET: Final = re.compile(r"/Date\((-?\d{1,17})(?:[+-]\d{4})?\)/", re.ASCII)
_CLOCK: Final = re.compile(r"%[HIMSfTXcsR]")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def check_format(value: str) -> str:
    """Return a format as it is. Raises WrongPull: there is no such format."""
    if value in NAMED or "%" in value:
        return value
    raise WrongPull(
        vi=f"không có định dạng mốc «{value}»; dùng {', '.join(NAMED)} hoặc dạng %d/%m/%Y %H:%M:%S",
        en=f"there is no watermark format '{value}'; there are {', '.join(NAMED)}, or one like "
        "%d/%m/%Y %H:%M:%S",
    )


def read_stamp(value: Any, *, form: str, zone: tzinfo, field: str) -> Mark:
    """
    Return the watermark that a record carries.

    Raises:
        ConfigError: it is not written in this form.
    """
    try:
        return _read(value, form, zone)
    except (ValueError, TypeError, OverflowError, InvalidOperation) as error:
        # Not the value itself, which may be anybody's.
        raise ConfigError(
            Text(
                vi=f"Trường mốc «{field}» không đúng watermark_format = «{form}» (gặp kiểu "
                f"{type(value).__name__}); sửa watermark_format",
                en=f"the watermark field '{field}' is not written as watermark_format = '{form}' "
                f"(found a value of type {type(value).__name__}); mend watermark_format",
            ),
            code="pull.mark_kind",
        ) from error


def _read(value: Any, form: str, zone: tzinfo) -> Mark:
    if isinstance(value, bool):
        raise TypeError
    if form in ("number", "epoch_seconds", "epoch_milliseconds"):
        number = Decimal(str(value).strip())
        if not number.is_finite():
            raise ValueError
        if form == "number":
            return int(number) if number == number.to_integral_value() else number
        return _since_epoch(number if form == "epoch_seconds" else number / 1000, zone)
    text = str(value).strip()
    if form == "dotnet":
        found = _DOTNET.fullmatch(text)
        if found is None:
            raise ValueError
        return _since_epoch(Decimal(found[1]) / 1000, zone)
    if form == "iso":
        if len(text) == len("2026-03-02"):
            return date.fromisoformat(text)
        parsed = datetime.fromisoformat(text)
    else:
        parsed = datetime.strptime(text, form)  # noqa: DTZ007 - its zone comes next
        if not _CLOCK.search(form):
            return parsed.date()
    return parsed.replace(tzinfo=zone) if parsed.tzinfo is None else parsed.astimezone(zone)


def _since_epoch(seconds: Decimal, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=int(seconds * 1_000_000))).astimezone(zone)


def write_stamp(mark: Mark, *, form: str, zone: tzinfo) -> str | int:
    """
    Return a watermark as a parameter; what is finer than its form is cut off, never rounded up.

    Raises:
        ConfigError: it is a number, and the form a time's, or the other way round.
    """
    if (form == "number") == isinstance(mark, date):
        raise _other_kind(form)
    if not isinstance(mark, date):
        return int(mark) if mark == int(mark) else str(mark)
    if not isinstance(mark, datetime):
        if form == "iso":
            return mark.isoformat()
        mark = datetime.combine(mark, time(0), tzinfo=zone)
    mark = mark.replace(tzinfo=zone) if mark.tzinfo is None else mark.astimezone(zone)
    if form == "iso":
        return mark.isoformat(timespec="seconds")
    milliseconds = (mark - _EPOCH) // timedelta(milliseconds=1)
    if form == "epoch_seconds":
        return milliseconds // 1000
    if form == "epoch_milliseconds":
        return milliseconds
    return f"/Date({milliseconds})/" if form == "dotnet" else mark.strftime(form)


def align(mark: Mark, *, like: Mark, zone: tzinfo) -> Mark:
    """
    Return a mark, which a person may have written, as one that compares with `like`.

    Raises:
        ConfigError: one is a number, and the other a time.
    """
    if isinstance(mark, date) != isinstance(like, date):
        raise _other_kind("watermark_format")
    if not isinstance(mark, date) or not isinstance(like, date):
        return mark
    if not isinstance(like, datetime):
        return mark.astimezone(zone).date() if isinstance(mark, datetime) else mark
    if not isinstance(mark, datetime):
        return datetime.combine(mark, time(0), tzinfo=zone)
    return mark if mark.tzinfo is not None else mark.replace(tzinfo=zone)


def _other_kind(form: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Mốc của nguồn không hợp với định dạng «{form}» (số hay thời gian); đặt lại mốc: "
            "lienthong pull rewind TÊN --to GIÁ-TRỊ",
            en=f"the source's watermark does not fit the format '{form}' (a number, or a time); "
            "set it anew: lienthong pull rewind NAME --to VALUE",
        ),
        code="pull.mark_changed",
    )
