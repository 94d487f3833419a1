"""What stands in a record, value by value, and which of it the mapping reads."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mappings.language import EachGroup, FixedGroup, ItemRule, MappingFile, Path, SplitGroup
from mappings.lineage import Leaf
from mappings.values import NotAValue, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from adapters import SourceRecord, Value
    from mappings.language import FieldRule, GroupRule, ProgressRule

    Rules: TypeAlias = "Mapping[str, FieldRule | GroupRule]"

_INDEX = re.compile(r"\[\d+\]")


def source_paths_of(file: MappingFile) -> frozenset[str]:
    """Return every path that a mapping reads, from the record's root and without indices."""
    found = set(_paths_in((file.leave_out, file.event_key, file.order_by, file.valid_at), base=""))
    found.update(_rules(file.dossier, base=""))
    if file.progress is not None:
        found.update(_progress(file.progress))
    return frozenset(found)


def columns_read(file: MappingFile) -> frozenset[str]:
    """
    Return the paths of the texts that some rule reads: of a text anywhere else nothing is sent.

    They are those of which a preview says that a rule reads them, found before any record is.
    """
    paths = source_paths_of(file)
    # An entry that is no object is read as `value` of its list, an element by its own text.
    return paths | {path.removesuffix(".value") for path in paths} | {f"{p}.#text" for p in paths}


def _progress(rule: ProgressRule) -> Iterator[str]:
    base = "" if rule.each is None else _without_indices(rule.each.text)
    yield from _paths_in(rule.each, base="")
    yield from _paths_in(rule.event_key, base=base)
    yield from _item(rule.item, base=base)


def _rules(rules: Rules, *, base: str) -> Iterator[str]:
    for rule in rules.values():
        match rule:
            case FixedGroup(items=items):
                for item in items:
                    yield from _item(item, base=base)
            case EachGroup(path=path, item=item):
                yield _joined(base, path)
                yield from _item(item, base=_joined(base, path))
            case SplitGroup(path=path, item=item):
                yield _joined(base, path)
                # The part itself is no value of the record; rooted paths are.
                yield from _item(item, base=_joined(base, path))
            case _:
                yield from _paths_in(rule, base=base)


def _item(item: ItemRule, *, base: str) -> Iterator[str]:
    yield from _paths_in(item.when, base=base)
    yield from _rules(item.fields, base=base)


def _paths_in(part: object, *, base: str) -> Iterator[str]:
    """Yield the paths in any part of the language, so that a new kind of rule is not forgotten."""
    if isinstance(part, Path):
        yield _joined(base, part)
    elif isinstance(part, tuple):
        for each in part:
            yield from _paths_in(each, base=base)
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        for each in dataclasses.fields(part):
            yield from _paths_in(getattr(part, each.name), base=base)


def _joined(base: str, path: Path) -> str:
    text = _without_indices(path.text)
    return text if path.is_rooted or not base else f"{base}.{text}"


def _without_indices(path: str) -> str:
    return _INDEX.sub("", path)


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
    plain = _without_indices(path)
    return plain in used or f"{plain}.value" in used or plain.removesuffix(".#text") in used
