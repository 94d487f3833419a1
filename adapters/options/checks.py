"""What single values of a source section must be; a check returns them as options hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from adapters.options.faults import Fault, unknown_choice

if TYPE_CHECKING:
    from collections.abc import Callable

    Check: TypeAlias = Callable[[object], object]

MIB = 1024 * 1024

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "tcvn3",
    "vni",
    "viscii",
    "windows-1258",
)
_MARKED = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
"""Encodings of whole files, not of the fields of a record."""


def text(value: object) -> str:
    """Take any text."""
    if not isinstance(value, str):
        raise Fault.of(f"cần một chuỗi, không phải {value!r}", f"expected a text, found {value!r}")
    return value


def filled_text(value: object) -> str:
    """Take a text that is not blank."""
    if not text(value).strip():
        raise Fault.of("không được để trống", "must not be empty")
    return text(value)


def boolean(value: object) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise Fault.of(f"cần true hoặc false, không phải {value!r}", "expected true or false")
    return value


def whole_number(lowest: int, highest: int) -> Check:
    """Return a check for a whole number in a range, both ends included."""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            en = f"expected a whole number, found {value!r}"
            raise Fault.of(f"cần một số nguyên, không phải {value!r}", en)
        if not lowest <= value <= highest:
            en = f"must be from {lowest} to {highest}, found {value}"
            raise Fault.of(f"phải từ {lowest} đến {highest}, không phải {value}", en)
        return value

    return check


def choice(*choices: str) -> Check:
    """Return a check for one of a few words."""

    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise Fault(unknown_choice(value, choices))
        return value

    return check


def character(*, empty: bool = False, blank: bool = False) -> Check:
    """Return a check for one character; `empty` lets none through, `blank` a space."""

    def check(value: object) -> str:
        found = text(value)
        refused = "\r\n\0" if blank else "\r\n\0 "
        if (found == "" and empty) or (len(found) == 1 and found not in refused):
            return found
        en = f'must be one character ("\\t" for a tab), found {found!r}'
        raise Fault.of(f'phải là đúng một ký tự ("\\t" là dấu tab), không phải {found!r}', en)

    return check


def names(value: object) -> tuple[str, ...]:
    """Take a list of names, none twice."""
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
        raise Fault.of("cần một danh sách tên cột", "expected a list of column names")
    if len(set(value)) != len(value):
        raise Fault.of("có tên cột lặp lại", "a column name is repeated")
    return tuple(value)


def encoding(value: object) -> str:
    """Take one of the encodings that text is read in."""
    return str(choice(*ENCODINGS)(value))


def field_encoding(value: object) -> str:
    """Take one of the encodings that a single field can be in."""
    return str(choice(*(name for name in ENCODINGS if name not in _MARKED))(value))


def xml_path(value: object) -> str:
    """Take a path of elements from the root."""
    steps = text(value).split("/")
    if len(steps) < 2 or steps[0] or not all(re.fullmatch(r"([^:]+:)?[^:]+", s) for s in steps[1:]):
        en = f"expected a path like '/danhSach/hoSo', found {value!r}"
        raise Fault.of(f"cần một đường dẫn như '/danhSach/hoSo', không phải {value!r}", en)
    return text(value)


def prefixes(value: object) -> Mapping[str, str]:
    """Take pairs of prefix and namespace."""
    if not isinstance(value, Mapping) or not all(
        isinstance(k, str) and isinstance(v, str) and k and v for k, v in value.items()
    ):
        raise Fault.of("cần các cặp tiền tố: URI", "expected pairs of prefix: URI")
    return dict(value)
