"""Putting another text in the place of one value of a record, found by the mapping's own path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from mappings.source_paths import without_indices
from mappings.values import NotAValue, as_items, as_text, make_getter, steps_of

if TYPE_CHECKING:
    from adapters.record import SourceRecord, Value


class NoSuchPlace(ValueError):
    """The record has nothing in which such a path could end."""


class EncodedPlace(ValueError):
    """The bytes of a file stand there, which nobody types."""


def value_at(record: SourceRecord, path: str) -> str:
    """
    Return the text of what stands at a path; "" for nothing.

    Raises:
        NotAValue: several values stand there.
    """
    return as_text(make_getter(path)(record.values))


def with_value(record: SourceRecord, path: str, text: str) -> SourceRecord:
    """
    Return the record with `text` at `path`; what it was made of stays as it is.

    A date of a workbook stays a date where the text is one (`2026-03-02`). Of a text in a legacy
    font the new one is in none.

    Raises:
        NoSuchPlace: the part that should hold it is not there.
        EncodedPlace: the bytes of a file stand there.
        NotAValue: several values stand there.
    """
    if without_indices(path) in record.encoded:
        raise EncodedPlace
    steps = (path,) if path in record.values else steps_of(path)
    if not steps:
        raise NoSuchPlace
    values = _put(record.values, steps, text)
    if not isinstance(values, Mapping):
        raise NoSuchPlace
    fonts = {name: font for name, font in record.fonts.items() if name != path}
    return replace(record, values=values, fonts=fonts)


def _put(value: Value, steps: tuple[str | int, ...], text: str) -> Value:
    if not steps:
        return _leaf(value, text)
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        return _put_item(value, step, rest, text)
    if isinstance(value, Mapping):
        if step not in value and rest:
            raise NoSuchPlace
        return {**value, step: _put(value.get(step), rest, text)}
    if step == "#text" and isinstance(value, str) and not rest:
        # An element without attributes is plain text: its own text is all of it.
        return text
    raise NoSuchPlace


def _put_item(value: Value, number: int, rest: tuple[str | int, ...], text: str) -> Value:
    items = as_items(value)
    if number >= len(items):
        raise NoSuchPlace
    new = _put(items[number], rest, text)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [*items[:number], new, *items[number + 1 :]]
    return new


def _leaf(value: Value, text: str) -> Value:
    if isinstance(value, datetime):
        with suppress(ValueError):
            return datetime.fromisoformat(text).replace(tzinfo=value.tzinfo)
        return text
    if isinstance(value, Mapping) and value:
        if all(key[:1] in "@#" for key in value):
            return {**value, "#text": text}
        raise NotAValue
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        raise NotAValue
    return text
