"""The texts inside a record's values, with their paths, and the same values with other texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.record import Value


def texts_of(values: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every text, as `SourceRecord.place_of` takes the path."""
    for key, value in values.items():
        if isinstance(value, str):
            yield key, value
        elif value is not None and not isinstance(value, (int, float)):
            yield from _inside(value, key)


def column_of(path: str) -> str:
    """Return the path without the positions in lists, which are no columns of their own."""
    return re.sub(r"\[[0-9]+\]", "", path) if "[" in path else path


def _inside(value: Value, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _inside(item, f"{path}.{key}")
    elif isinstance(value, Sequence):
        for number, item in enumerate(value):
            yield from _inside(item, f"{path}[{number}]")


def replaced(values: Mapping[str, Value], texts: Mapping[str, str]) -> dict[str, Value]:
    """Return the values with the text at each path of `texts` replaced; the rest is shared."""
    return {key: _replaced(value, key, texts) for key, value in values.items()}


def _replaced(value: Value, path: str, texts: Mapping[str, str]) -> Value:
    if isinstance(value, str):
        return texts.get(path, value)
    if isinstance(value, Mapping):
        return {key: _replaced(item, f"{path}.{key}", texts) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_replaced(item, f"{path}[{n}]", texts) for n, item in enumerate(value)]
    return value
