"""
Dates and numbers as agencies write them, from the portal's own writing: the reverse of `dates`.

What is written in a format, the reader of the same format reads as the same moment, as far as the
format goes: dd/MM/yyyy has no time of day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from mappings.dates import VIETNAM

if TYPE_CHECKING:
    from collections.abc import Callable

    from mappings.language import DateWriting

PORTAL = "yyyyMMddHHmmss"
DATE_CELL = "workbook"
"""The format of a workbook's date cells; its text stays the portal's."""
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook's serial has no zone
_DAY = timedelta(days=1)
_CLOCKS = {
    PORTAL: "%Y%m%d%H%M%S",
    "dd/MM/yyyy": "%d/%m/%Y",
    "dd/MM/yyyy HH:mm": "%d/%m/%Y %H:%M",
    "dd/MM/yyyy HH:mm:ss": "%d/%m/%Y %H:%M:%S",
    "dd-MM-yyyy": "%d-%m-%Y",
    "dd.MM.yyyy": "%d.%m.%Y",
    "yyyy-MM-dd": "%Y-%m-%d",
    "yyyy-MM-dd HH:mm:ss": "%Y-%m-%d %H:%M:%S",
    "yyyy/MM/dd": "%Y/%m/%d",
    "yyyy/MM/dd HH:mm:ss": "%Y/%m/%d %H:%M:%S",
    "MM/dd/yyyy": "%m/%d/%Y",
    "yyyyMMdd": "%Y%m%d",
    "iso_local_labelled_utc": "%Y-%m-%dT%H:%M:%SZ",
}


def make_date_writer(rule: DateWriting) -> Callable[[str], str]:
    """Return a function from yyyyMMddHHmmss, Vietnam's time, to the agency's writing."""
    name, zone = rule.write, rule.zone
    if name == DATE_CELL:
        return lambda text: text
    write = _MOMENTS.get(name) or _clock(_CLOCKS[name])

    def written(text: str) -> str:
        return write(moment_of(text).astimezone(zone))

    return written


def moment_of(text: str) -> datetime:
    """Return the moment that yyyyMMddHHmmss says in Vietnam's time."""
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=VIETNAM)


def make_number_writer(name: str) -> Callable[[str], str]:
    """Return a function from a plain number, 1234567.5, to the agency's writing, 1.234.567,5."""
    if name != "vietnamese":
        return lambda text: text

    def written(text: str) -> str:
        whole, _, decimals = text.partition(".")
        grouped = f"{int(whole):,}".replace(",", ".")
        # The sign of -0,5 is lost with its whole number.
        sign = "-" if whole.startswith("-") and not grouped.startswith("-") else ""
        return f"{sign}{grouped},{decimals}" if decimals else f"{sign}{grouped}"

    return written


def _clock(pattern: str) -> Callable[[datetime], str]:
    return lambda moment: moment.strftime(pattern)


def _iso(moment: datetime) -> str:
    text = moment.isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if moment.utcoffset() == timedelta(0) else text


def _epoch_ms(moment: datetime) -> str:
    return str(int(moment.timestamp()) * 1000)


def _epoch_s(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def _dotnet(moment: datetime) -> str:
    return f"/Date({_epoch_ms(moment)}{moment.strftime('%z')})/"


def _excel_serial(moment: datetime) -> str:
    days, rest = divmod(moment.replace(tzinfo=None) - _EXCEL_EPOCH, _DAY)
    if not rest:
        return str(days)
    # Ten digits tell every second of a day apart.
    return f"{days}{f'{rest / _DAY:.10f}'[1:]}".rstrip("0")


_MOMENTS: dict[str, Callable[[datetime], str]] = {
    "iso": _iso,
    "epoch_ms": _epoch_ms,
    "epoch_s": _epoch_s,
    "dotnet": _dotnet,
    "excel_serial": _excel_serial,
}
WRITTEN_FORMATS = (*_CLOCKS, *_MOMENTS, DATE_CELL)
"""Every name that a mapping may write; those of `dates` that lose the day are read only."""


def parse_zone(text: str) -> timezone | None:
    """Return the zone that "Z" or "+07:00" means; None: it means none."""
    if text in ("Z", "z"):
        return UTC
    try:
        parsed = datetime.strptime(text, "%z").tzinfo if len(text) == 6 else None
    except ValueError:
        return None
    return parsed if isinstance(parsed, timezone) else None
