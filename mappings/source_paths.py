"""Which paths of a record its mapping reads; of a text anywhere else nothing is ever sent."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from mappings.language import EachGroup, FixedGroup, ItemRule, MappingFile, Path, SplitGroup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeAlias

    from mappings.language import (
        FieldRule,
        GroupRule,
        InboundColumn,
        InboundService,
        ProgressRule,
    )

    Rules: TypeAlias = "Mapping[str, FieldRule | GroupRule]"

_INDEX = re.compile(r"\[\d+\]")


def source_paths_of(file: MappingFile) -> frozenset[str]:
    """Return every path that a mapping reads, from the record's root and without indices."""
    found = set(_paths_in((file.leave_out, file.event_key, file.order_by, file.valid_at), base=""))
    found.update(_rules(file.dossier, base=""))
    for number, rule in enumerate(file.attachments):
        found.update(_rules({str(number): rule}, base=""))
    if file.progress is not None:
        found.update(_progress(file.progress))
    return frozenset(found)


def columns_read(file: MappingFile) -> frozenset[str]:
    """
    Return the paths of the texts that some rule reads: of a text anywhere else nothing is sent.

    They are those of which a preview says that a rule reads them, found before any record is.
    """
    return _with_own_texts(source_paths_of(file))


def _with_own_texts(paths: frozenset[str]) -> frozenset[str]:
    # An entry that is no object is read as `value` of its list, an element by its own text.
    return paths | {path.removesuffix(".value") for path in paths} | {f"{p}.#text" for p in paths}


def inbound_columns_read(service: InboundService) -> frozenset[str]:
    """Return the paths of the texts in a message that its rules read."""
    paths = set(_paths_in((*_identity(service), service.file_name), base=""))
    base = "" if service.each is None else without_indices(service.each.text)
    paths.update(_paths_in(service.each, base=""))
    paths.update(_paths_in(service.when, base=base))
    paths.update(_inbound(service.columns, base=base))
    return _with_own_texts(frozenset(paths))


def _identity(service: InboundService) -> tuple[object, ...]:
    return (
        service.dossier_code,
        service.procedure,
        service.status,
        service.deadline,
        service.event_key,
    )


def _inbound(columns: tuple[InboundColumn, ...], *, base: str) -> Iterator[str]:
    for column in columns:
        inner = base if column.each is None else _joined(base, column.each)
        yield from _paths_in(column.each, base=base)
        yield from _paths_in((column.rule, column.when), base=inner)
        yield from _inbound(column.columns, base=inner)


def _progress(rule: ProgressRule) -> Iterator[str]:
    base = "" if rule.each is None else without_indices(rule.each.text)
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
    text = without_indices(path.text)
    return text if path.is_rooted or not base else f"{base}.{text}"


def without_indices(path: str) -> str:
    """Return a path without its positions in lists."""
    return _INDEX.sub("", path)
