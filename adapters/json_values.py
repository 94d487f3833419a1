"""
What JSON values become: exact numbers, NFC text, no key twice.

A number that a float cannot hold exactly stays text, digit for digit. A key that is there twice
would silently lose one of its values in every common parser; here it makes the record unreadable.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, cast

from adapters import text as texts
from adapters.refusal import MAX_PROBLEMS, problem
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from adapters.record import Value
    from schemas.problem import Problem


MAX_DIGITS = 4300
"""Python's own limit; no field of a dossier holds a number of that size."""


NUMBER_TOO_LONG = Text(
    vi=f"có một số dài hơn {MAX_DIGITS} chữ số, hoặc số mũ lớn như vậy",
    en=f"a number of more than {MAX_DIGITS} digits, or with an exponent of that size",
)
MEND_NUMBER = Text(vi="sửa số này ở hệ thống nguồn", en="mend the number at its source")


class NumberTooLong(ValueError):
    """A number has more digits, or a larger exponent, than can be read."""


def whole_number(number: str) -> int:
    """
    Return a whole number as it is.

    Raises:
        NumberTooLong: It has more than MAX_DIGITS digits.
    """
    if len(number.lstrip("-")) > MAX_DIGITS:
        raise NumberTooLong
    return int(number)


def exact_number(number: str | Decimal) -> float | str:
    """
    Return a decimal fraction as a float if that loses nothing, else its digits.

    Raises:
        NumberTooLong: Its exponent is beyond what any program can hold.
    """
    try:
        return _exact(number)
    except InvalidOperation as error:
        raise NumberTooLong from error


def _exact(number: str | Decimal) -> float | str:
    value = float(number)
    exact = Decimal(number)
    return value if value - value == 0 and Decimal(repr(value)) == exact else str(number)


class Strictly:
    """One JSON text -> value; remembers what a plain parser would let pass."""

    def __init__(self) -> None:
        self.repeated: list[str] = []
        """Keys found twice in one object of the last text."""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=exact_number,
            parse_int=whole_number,
            parse_constant=_refuse_constant,
        )

    def decode(self, text: str) -> object:
        """
        Return the value of `text`.

        Raises:
            ValueError: Not JSON; `NaN` and `Infinity` are not either.
            RecursionError: Nested deeper than the interpreter can follow.
        """
        self.repeated.clear()
        return self._decoder.decode(text)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in pairs:
            name = texts.nfc(key)
            if name in found:
                self.repeated.append(name)
            found[name] = value
        return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class Cleaner:
    """Brings one record's values to NFC and collects what is wrong with them, with paths."""

    def __init__(self, *, place: Place, code: str, max_depth: int) -> None:
        self.problems: list[Problem] = []
        self._place = place
        self._code = code
        self._max_depth = max_depth

    def record(self, value: object) -> dict[str, Value]:
        """Return the fields of a record; {} with a problem when `value` is not an object."""
        if not isinstance(value, dict):
            kind = _KINDS.get(type(value), type(value).__name__)
            vi = f"cần một đối tượng {{...}}, tìm thấy {kind}"
            self._report("not_object", Text(vi=vi, en=f"expected an object {{...}}, found {kind}"))
            return {}
        return cast("dict[str, Value]", self._clean(value, path="", depth=1))

    def value(self, value: object) -> Value:
        """Return a value of any kind."""
        return cast("Value", self._clean(value, path="", depth=1))

    def report_repeated(self, keys: list[str]) -> None:
        """Report keys that an object has twice."""
        for key in dict.fromkeys(keys):
            vi = f"khóa '{key}' xuất hiện nhiều lần trong một đối tượng"
            text = Text(vi=vi, en=f"key '{key}' is there more than once in one object")
            self._report("key_repeated", text, path=key)

    def report_too_deep(self) -> None:
        """Report nesting beyond the limit."""
        limit = self._max_depth
        text = Text(vi=f"lồng nhau quá {limit} cấp", en=f"nested more than {limit} levels deep")
        self._report("too_deep", text)

    def report_number_too_long(self) -> None:
        """Report a number that cannot be read."""
        self._report("number_too_long", NUMBER_TOO_LONG)

    def _clean(self, value: object, *, path: str, depth: int) -> object:
        if isinstance(value, str):
            return value if texts.is_clean(value) else self._text(value, path=path)
        if not isinstance(value, dict | list):
            return value
        if depth > self._max_depth:
            if not self.problems:
                self.report_too_deep()
            return None
        if isinstance(value, list):
            return [
                self._clean(item, path=f"{path}[{index}]", depth=depth + 1)
                for index, item in enumerate(value)
            ]
        below = f"{path}." if path else ""
        for key in value:
            if not texts.is_clean(key):
                self._text(key, path=below + texts.nfc(key))
        return {
            key: self._clean(item, path=below + key, depth=depth + 1) for key, item in value.items()
        }

    def _text(self, value: str, *, path: str) -> str:
        found = texts.fault(value, marks=False)
        if found is not None:
            self._report(found[0], found[1], path=path.encode(errors="replace").decode())
        return texts.nfc(value)

    def _report(self, code: str, text: Text, *, path: str | None = None) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            return
        remedy = _REMEDIES.get(code) or texts.REMEDIES[code]
        base = self._place.path
        joined = base if not path else path if base is None else f"{base}.{path}"
        place = self._place.at(path=joined)
        self.problems.append(problem(f"{self._code}.{code}", text, place=place, remedy=remedy))


_REMEDIES = {
    "number_too_long": Remedy(MEND_NUMBER),
    "not_object": Remedy(
        Text(
            vi="mỗi bản ghi phải là một đối tượng; sửa ở hệ thống nguồn",
            en="every record must be an object; mend it at the source",
        ),
        Text(vi="hoặc kiểm tra khóa records", en="or check the key records"),
    ),
    "key_repeated": Remedy(
        Text(
            vi="sửa việc xuất dữ liệu để mỗi khóa chỉ có một lần",
            en="mend the export so that every key is there once",
        )
    ),
    "too_deep": Remedy(
        Text(vi="sửa việc xuất dữ liệu", en="mend the export"),
        Text(vi="hoặc tăng max_depth", en="or raise max_depth"),
    ),
}
_KINDS = {str: "string", int: "number", float: "number", bool: "boolean", list: "array"}
_KINDS[type(None)] = "null"
