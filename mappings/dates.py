"""
Dates as agencies write them, turned into the portal's yyyyMMddHHmmss.

Every format but the absolute ones (`epoch_ms`, `epoch_s`, `dotnet`, `iso` with a zone) is the
wall clock of Asia/Ho_Chi_Minh. The zone has been UTC+7 without a change since 1975, and dates
outside 1990..2100 are refused, so the fixed offset is exact and needs no zone database.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

VIETNAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
FIRST_YEAR = 1990
LAST_YEAR = 2100

_DAY = r"(?P<d>\d{1,2})"
_MONTH = r"(?P<m>\d{1,2})"
_YEAR = r"(?P<y>\d{4})"
_TIME = r"(?P<H>\d{1,2}):(?P<M>\d{2})"
_SECONDS = r":(?P<S>\d{2})"
_ISO_TIME = r"[Tt ](?P<H>\d{2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,]\d{1,9})?)?"

_WALL_CLOCK = {
    "yyyyMMddHHmmss": r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d)",
    "dd/MM/yyyy": f"{_DAY}/{_MONTH}/{_YEAR}",
    "dd/MM/yyyy HH:mm": f"{_DAY}/{_MONTH}/{_YEAR} +{_TIME}",
    "dd/MM/yyyy HH:mm:ss": f"{_DAY}/{_MONTH}/{_YEAR} +{_TIME}{_SECONDS}",
    "dd-MM-yyyy": f"{_DAY}-{_MONTH}-{_YEAR}",
    "dd.MM.yyyy": rf"{_DAY}\.{_MONTH}\.{_YEAR}",
    "yyyy-MM-dd": f"{_YEAR}-{_MONTH}-{_DAY}",
    "yyyy-MM-dd HH:mm:ss": f"{_YEAR}-{_MONTH}-{_DAY} +{_TIME}{_SECONDS}",
    "yyyy/MM/dd": f"{_YEAR}/{_MONTH}/{_DAY}",
    "yyyy/MM/dd HH:mm:ss": f"{_YEAR}/{_MONTH}/{_DAY} +{_TIME}{_SECONDS}",
    "MM/dd/yyyy": f"{_MONTH}/{_DAY}/{_YEAR}",
    "yyyyMMdd": r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
    # A partial date is its first day.
    "MM/yyyy": f"{_MONTH}/{_YEAR}",
    "MM.yyyy": rf"{_MONTH}\.{_YEAR}",
    "MM-yyyy": f"{_MONTH}-{_YEAR}",
    "yyyy": _YEAR,
    # The writer put a literal Z after its local time (provincial LGSP feeds do).
    "iso_local_labelled_utc": rf"{_YEAR}-(?P<m>\d\d)-(?P<d>\d\d){_ISO_TIME}Z",
}
_ISO = re.compile(
    rf"{_YEAR}-(?P<m>\d\d)-(?P<d>\d\d)(?:{_ISO_TIME} ?(?P<z>[Zz]|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)
_DOTNET = re.compile(r"\\?/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?/", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook's serial has no zone

# Pairs that read one text as two different moments: a file may list only one of each.
AMBIGUOUS = (
    ("dd/MM/yyyy", "MM/dd/yyyy"),
    ("iso", "iso_local_labelled_utc"),
)


class DateInvalid(ValueError):
    """No listed format reads this text as a date that exists."""


class DateImplausible(ValueError):
    """A date outside the years that a dossier can have."""


def format_moment(moment: datetime) -> str:
    """
    Return a date cell or a moment in the portal's writing.

    A moment with a zone is turned into Vietnam's time, one without is taken as it is.

    Raises:
        DateImplausible: outside 1990..2100.
    """
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(VIETNAM)
        except OverflowError as exc:
            raise DateImplausible from exc
    return _written(moment)


def make_date_reader(formats: Iterable[str]) -> Callable[[str], str]:
    """
    Return a function from a trimmed text to yyyyMMddHHmmss; the first format that fits wins.

    The function raises DateImplausible or DateInvalid. `workbook` adds nothing here: date cells
    are not text.
    """
    readers = tuple(_READERS[name] for name in formats if name != "workbook")

    def read(text: str) -> str:
        is_implausible = False
        for reader in readers:
            try:
                moment = reader(text)
                if moment is not None:
                    return _written(moment)
            except DateImplausible:
                is_implausible = True
            except (ValueError, OverflowError):
                continue
        raise DateImplausible if is_implausible else DateInvalid

    return read


def _written(moment: datetime) -> str:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise DateImplausible
    # Fast path: an f-string with widths takes 1.8 µs here, this 0.9.
    return moment.isoformat()[:19].replace("-", "").replace("T", "").replace(":", "")


def _wall_clock(pattern: str) -> Callable[[str], datetime | None]:
    match = re.compile(pattern, re.ASCII).fullmatch
    groups = re.compile(pattern).groupindex
    y, m, d = groups["y"], groups.get("m"), groups.get("d")
    hour, second = groups.get("H"), groups.get("S")

    def read(text: str) -> datetime | None:
        found = match(text)
        if found is None:
            return None
        if m is None or d is None:
            return datetime(int(found[y]), int(found[m]) if m else 1, 1)  # noqa: DTZ001 - wall clock
        if hour is None:
            return datetime(int(found[y]), int(found[m]), int(found[d]))  # noqa: DTZ001
        return datetime(  # noqa: DTZ001
            int(found[y]),
            int(found[m]),
            int(found[d]),
            int(found[hour]),
            int(found[hour + 1]),
            int(found[second] or 0) if second is not None else 0,
        )

    return read


def _iso(text: str) -> datetime | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, month, day = int(found["y"]), int(found["m"]), int(found["d"])
    hour, minute, second = (int(found[part] or 0) for part in ("H", "M", "S"))
    moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - zone follows
    zone = found["z"]
    if not zone:
        return moment
    return _local(moment.replace(tzinfo=UTC) - _offset(zone))


def _offset(zone: str) -> timedelta:
    if zone in "Zz":
        return timedelta(0)
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 14 or minutes > 59:
        raise DateInvalid
    size = timedelta(hours=hours, minutes=minutes)
    return -size if zone[0] == "-" else size


def _local(moment: datetime) -> datetime:
    return moment.astimezone(VIETNAM)


def _epoch_ms(text: str) -> datetime | None:
    if not re.fullmatch(r"-?[0-9]{1,15}", text):
        return None
    return _local(_EPOCH + timedelta(milliseconds=int(text)))


def _epoch_s(text: str) -> datetime | None:
    if not re.fullmatch(r"-?[0-9]{1,12}", text):
        return None
    return _local(_EPOCH + timedelta(seconds=int(text)))


def _dotnet(text: str) -> datetime | None:
    # The offset inside /Date(…+0700)/ only labels; the number is always UTC.
    found = _DOTNET.fullmatch(text)
    return None if found is None else _epoch_ms(found[1])


def _excel_serial(text: str) -> datetime | None:
    if not re.fullmatch(r"[0-9]{1,6}(?:\.[0-9]{1,20})?", text):
        return None
    days, _, fraction = text.partition(".")
    seconds = round(float(f"0.{fraction or 0}") * 86_400)
    return _EXCEL_EPOCH + timedelta(days=int(days), seconds=seconds)


_READERS: dict[str, Callable[[str], datetime | None]] = {
    name: _wall_clock(pattern) for name, pattern in _WALL_CLOCK.items()
} | {
    "iso": _iso,
    "epoch_ms": _epoch_ms,
    "epoch_s": _epoch_s,
    "dotnet": _dotnet,
    "excel_serial": _excel_serial,
}
DATE_FORMATS = (*_READERS, "workbook")
"""Every name that a mapping may list."""
