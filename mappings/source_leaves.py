"""What stands in a record, value by value, and which of it the mapping reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mappings.lineage import Leaf
from mappings.source_paths import without_indices
from mappings.values import NotAValue, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters import SourceRecord, Value


def leaves_of(record: SourceRecord, *, used: frozenset[str]) -> tuple[Leaf, ...]:
    """Return every value of a record that is not empty, in its order."""
    return tuple(
        Leaf(path=path, place=record.place_of(path), text=text, is_used=_is_used(path, used))
        for name, value in record.values.items()
        for path, text in _leaves(name, value)
    )


def _leaves(path: str, value: Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}", inner)
        return
    if isinstance(value, Sequence) and not isinstance(value, str):
        for number, inner in enumerate(value):
            yield from _leaves(f"{path}[{number}]", inner)
        return
    try:
        text = as_text(value)
    except NotAValue:
        # A number too long to be written.
        text = "…"
    if text:
        yield path, text


def _is_used(path: str, used: frozenset[str]) -> bool:
    # `value` stands for an entry that is no object; an element is read by its own text.
    plain = without_indices(path)
    return plain in used or f"{plain}.value" in used or plain.removesuffix(".#text") in used
