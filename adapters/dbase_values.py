"""What the bytes of one field of a dBase or FoxPro record mean, by the type of its column."""

from __future__ import annotations

import re
import struct
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from adapters.dbase_header import VISUAL
from adapters.json_values import exact_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.dbase_header import Column
    from adapters.record import Value

    Reader = Callable[[bytes], Value]

_PADDING = b" \0"
_WHOLE = re.compile(rb"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(rb"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})")
_DAY_MILLISECONDS = 86_400_000
_FIRST_DAY = 1_721_425
"""The Julian day before 0001-01-01."""
_UNITS = 10_000
"""Of a currency value."""


class FieldWrong(Exception):
    """A field does not hold what its column is for; the words say what it holds."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


def reader_of(column: Column, *, version: int) -> Reader | None:
    """Return the function from the bytes of a field to its value; None: no text can be made."""
    if version in VISUAL and (column.kind, column.size) in _VISUAL:
        return _VISUAL[column.kind, column.size]
    return _READERS.get(column.kind)


def memo_block(data: bytes) -> int:
    """Return the number of the block that a memo field points to; 0: none."""
    if len(data) == 4:
        return int.from_bytes(data, "little")
    text = data.strip(_PADDING)
    if text and not text.isdigit():
        raise FieldWrong(f"con trỏ ghi chú {text!a}", f"memo pointer {text!a}")
    return int(text or b"0")


def _number(data: bytes) -> Value:
    text = data.strip(_PADDING)
    if not text:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return exact_number(text.decode())
    if not text.strip(b"*"):
        raise FieldWrong("số quá lớn cho cột (***)", "a number too large for its column (***)")
    shown = ascii(text.decode("latin-1"))
    raise FieldWrong(f"cần một số, tìm thấy {shown}", f"expected a number, found {shown}")


def _date(data: bytes) -> Value:
    text = data.strip(_PADDING)
    if not text or text == b"00000000":
        return None
    found = _DATE.fullmatch(text)
    try:
        if found is not None:
            year, month, day = map(int, found.groups())
            return datetime(year, month, day)  # noqa: DTZ001 - a day has no zone
    except ValueError:
        pass
    shown = ascii(text.decode("latin-1"))
    vi = f"cần ngày yyyyMMdd có trong lịch, tìm thấy {shown}"
    raise FieldWrong(vi, f"expected a date of the calendar, yyyyMMdd, found {shown}")


_LOGICAL: Mapping[bytes, bool | None] = {
    **dict.fromkeys((b"T", b"t", b"Y", b"y"), True),
    **dict.fromkeys((b"F", b"f", b"N", b"n"), False),
    **dict.fromkeys((b" ", b"?", b"\0")),
}


def _logical(data: bytes) -> Value:
    # A header may claim any width for the column.
    if data in _LOGICAL:
        return _LOGICAL[data]
    shown = ascii(data.decode("latin-1"))
    raise FieldWrong(f"cần T hoặc F, tìm thấy {shown}", f"expected T or F, found {shown}")


def _integer(data: bytes) -> Value:
    return int.from_bytes(data, "little", signed=True)


def _double(data: bytes) -> Value:
    (number,) = struct.unpack("<d", data)
    if number - number != 0:
        raise FieldWrong("không phải một số", "not a number")
    return float(number)


def _currency(data: bytes) -> Value:
    whole, rest = divmod(int.from_bytes(data, "little", signed=True), _UNITS)
    if not rest:
        return whole
    total = whole * _UNITS + rest
    sign, total = ("-", -total) if total < 0 else ("", total)
    return exact_number(f"{sign}{total // _UNITS}.{total % _UNITS:04}")


def _moment(data: bytes) -> Value:
    day, milliseconds = struct.unpack("<LL", data)
    if data.strip(_PADDING) == b"":
        return None
    try:
        if milliseconds < _DAY_MILLISECONDS:
            return datetime.fromordinal(day - _FIRST_DAY) + timedelta(milliseconds=milliseconds)
    except (ValueError, OverflowError):
        pass
    shown = f"({day}, {milliseconds})"
    raise FieldWrong(f"thời điểm ngoài lịch {shown}", f"a moment outside the calendar {shown}")


_READERS: Mapping[str, Reader] = {"N": _number, "F": _number, "D": _date, "L": _logical}
_VISUAL: Mapping[tuple[str, int], Reader] = {
    ("I", 4): _integer,
    ("B", 8): _double,
    ("Y", 8): _currency,
    ("T", 8): _moment,
}
