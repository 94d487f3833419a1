"""Finding values in a record and turning them into text; compiled once per path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.record import Value

    Record: TypeAlias = Mapping[str, Value]
    Getter: TypeAlias = Callable[[Record], Value]

_STEP = re.compile(r"([^.\[\]]+)((?:\[\d{1,6}\])*)(?:\.|$)")


class NotAValue(ValueError):
    """A list or an object stands where a single value is needed."""


def make_getter(path: str) -> Getter:
    """
    Return a function from a record to what stands at `path`, None when nothing does.

    A key that equals the whole path wins over its reading as steps.
    """
    steps = steps_of(path)
    if len(steps) < 2:
        return lambda record: record.get(path)

    def get(record: Record) -> Value:
        if path in record:
            return record[path]
        value: Value = record
        for step in steps:
            value = _step(value, step)
            if value is None:
                return None
        return value

    return get


def make_obstacle_finder(path: str) -> Callable[[Record], tuple[str, Value] | None]:
    """
    Return a function to what ends the way to `path` too early, with its own path.

    It returns None where nothing stands in the way: the path leads to something, or to nothing. An
    element that has neither the attribute nor text of its own is nothing in the way.
    """
    parts = path.split(".") if steps_of(path) else []
    if parts and parts[-1][:1] in "@#":
        parts.pop()
    ways = [".".join(parts[:length]) for length in range(1, len(parts))]
    getters = [(way, make_getter(way)) for way in ways]

    def find(record: Record) -> tuple[str, Value] | None:
        for way, get in getters:
            value = get(record)
            if not is_present(value):
                return None
            if not isinstance(value, Mapping):
                return way, value
        return None

    return find


def steps_of(path: str) -> tuple[str | int, ...]:
    """Return the keys and positions that a path goes by; none for what is no such path."""
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None:
            return ()
        steps.append(found[1])
        steps.extend(int(index) for index in re.findall(r"\d+", found[2]))
        position = found.end()
    return tuple(steps)


def _step(value: Value, step: str | int) -> Value:
    if isinstance(step, int):
        items = as_items(value)
        return items[step] if step < len(items) else None
    if isinstance(value, Mapping):
        return value.get(step)
    # An element without attributes is plain text: its own text is all of it.
    return value if step == "#text" and isinstance(value, str) else None


def as_text(value: Value) -> str:
    """
    Return a leaf value as trimmed NFC text; "" for nothing.

    An XML element with attributes stands for its own text.

    Raises:
        NotAValue: the value is a list, or an object without a text of its own.
    """
    if isinstance(value, str):
        text = value.strip()
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _int_text(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if not value:
        return ""
    if isinstance(value, Mapping) and all(key[:1] in "@#" for key in value):
        return as_text(value.get("#text"))
    raise NotAValue


def _int_text(value: int) -> str:
    try:
        return str(value)
    except ValueError as exc:
        # Python refuses to write numbers of more than 4300 digits; no field holds one.
        raise NotAValue from exc


def _float_text(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")


def as_items(value: Value) -> Sequence[Value]:
    """Return a list as it is, nothing as no items and anything else as a list of one."""
    if value is None or value == "":
        return ()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    return (value,)


def is_present(value: Value) -> bool:
    """Return whether something stands there; white space and empty lists are nothing."""
    if isinstance(value, str):
        return bool(value.strip())
    if value is None:
        return False
    return bool(value) if isinstance(value, (Mapping, Sequence)) else True
