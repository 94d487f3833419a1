"""
What a number in a workbook is: its cell's format decides between number, date and padded text.

Source: ISO/IEC 29500-1, 18.8.30 (number formats), 18.17.4 (dates). A date is a serial day count
from 1900 (with the 29 February 1900 that never was) or from 1904.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

DATE = -1
"""Kind of a date or time format."""
PLAIN = 0
"""Kind of every other format; a kind above is the width of a format of zeros only ("0000")."""

_BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)})
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.')
_BRACKETS = re.compile(r"\[[^\]]*\]")
_ELAPSED = re.compile(r"\[(h+|m+|s+)\]")
_WHOLE = re.compile(r"-?[0-9]{1,400}")
_INDEX = re.compile("[0-9]{1,9}")
_MAX_CODE = 255
"""Characters of a number format, Excel's own limit. A format is looked at for every cell, and one
of a million zeros asks for a million letters in each."""
_DAYS_1900 = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook's date has no zone
_DAYS_1904 = datetime(1904, 1, 1)  # noqa: DTZ001 - a workbook's date has no zone
_MAX_SERIAL = 2_958_466
"""The day after 9999-12-31."""


def read_index(text: str) -> int:
    """Return a number by which a part of a workbook refers to another; -1: it is none."""
    return int(text) if _INDEX.fullmatch(text) else -1


def kind_of_format(code: str) -> int:
    """Return DATE, PLAIN, or the width of a format of zeros only, such as "000000000000"."""
    if len(code) > _MAX_CODE:
        return PLAIN
    section = _LITERALS.sub("", code).split(";")[0].lower()
    if re.fullmatch("0{2,}", section):
        return len(section)
    # Elapsed time is a quantity, not a point in time.
    if _ELAPSED.search(section) or "#" in section:
        return PLAIN
    return DATE if re.search("[ymdhs]", _BRACKETS.sub("", section)) else PLAIN


def load_kinds(styles: _Element | None, *, namespace: str) -> list[int]:
    """Return the kind of each cell style; [] when the workbook has no styles."""
    if styles is None:
        return []
    tag = f"{{{namespace}}}"
    custom = {
        item.get("numFmtId", ""): kind_of_format(item.get("formatCode", ""))
        for item in styles.iterfind(f"{tag}numFmts/{tag}numFmt")
    }
    return [
        _kind_of_id(item.get("numFmtId", "0"), custom)
        for item in styles.iterfind(f"{tag}cellXfs/{tag}xf")
    ]


def kind_of(number: int, code: str) -> int:
    """Return the kind of a format known by its number and, beyond the built-in ones, its code."""
    return DATE if number in _BUILT_IN_DATES else kind_of_format(code)


def _kind_of_id(number: str, custom: Mapping[str, int]) -> int:
    if number in custom:
        return custom[number]
    return DATE if read_index(number) in _BUILT_IN_DATES else PLAIN


def read_number(text: str, *, kind: int, from_1904: bool) -> int | float | str | datetime:
    """
    Return the value of a number cell.

    Raises:
        ValueError: `text` is no number, or the number is no date although its format says so.
    """
    if _WHOLE.fullmatch(text):
        whole = int(text)
        if kind == PLAIN:
            return whole
        if kind > 0:
            return text.zfill(kind) if whole >= 0 else text
    if not text.isascii() or "_" in text:
        raise ValueError("not a number")
    number = float(text)
    if number - number != 0:
        raise ValueError("not a finite number")
    if kind == DATE:
        return _date(number, from_1904=from_1904)
    if kind > 0 and number >= 0 and number == int(number):
        return str(int(number)).zfill(kind)
    return number


def _date(serial: float, *, from_1904: bool) -> datetime | float:
    if 0 <= serial < 1 and not from_1904:
        # A time of day without a day stays the fraction it is.
        return serial
    if not 0 <= serial < _MAX_SERIAL or (not from_1904 and 60 <= serial < 61):
        raise ValueError("not a date of the calendar")
    first = _DAYS_1904 if from_1904 else _DAYS_1900
    if not from_1904 and serial < 60:
        serial += 1
    # Serial days are binary fractions; a millisecond is what they hold without noise.
    try:
        return first + timedelta(milliseconds=round(serial * 86_400_000))
    except OverflowError as error:
        raise ValueError("not a date of the calendar") from error
