"""
From a portal field back to the agency's own cell, for findings that come after a mapping is done:
the schema's, of the built document, and the portal's.

Nothing is written down while records are converted; the way is gone again, for the one record.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from mappings.compiling import paths_of
from mappings.groups import each_scope, item_scopes, make_item
from mappings.language import DOSSIER, PROGRESS, FieldRule, FixedGroup
from mappings.scope import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mappings.language import GroupRule, MappingFile, ProgressRule
    from mappings.scope import Scope
    from schemas.model import Group
    from schemas.problem import Place

    Rules = Mapping[str, FieldRule | GroupRule]

_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d{1,6})\])?(?:\.|$)")


def trace_field(
    file: MappingFile, scope: Scope, field: str, *, row: int
) -> tuple[Place, str | None]:
    """Return what `Converter.trace` does; `scope` is that of the whole record."""
    packet = DOSSIER if row == 0 else PROGRESS
    rules: Rules = file.dossier
    if row != 0 and file.progress is not None:
        rules = file.progress.item.fields
        scope = next(islice(_rows(file, file.progress, scope), row - 1, None), scope)
    group = file.schema.packets[packet]
    for found in _STEP.finditer(field):
        name, number = found[1], int(found[2] or 1)
        rule = rules.get(name)
        if rule is None or name not in group.fields:
            break
        if isinstance(rule, FieldRule):
            return Site(name, paths_of(rule)).source(scope)
        inside = group.fields[name].group
        assert inside is not None
        items = _items(rule, scope, name=name, group=inside)
        item = next(islice(items, number - 1, None), None)
        if item is None:
            paths = () if isinstance(rule, FixedGroup) else (rule.path,)
            return Site(name, paths).source(scope)
        (rules, scope), group = item, inside
    return scope.place_of(None), None


def column_of(file: MappingFile, packet: str, field: str) -> str | None:
    """Return what `Converter.column_of` does."""
    if packet == DOSSIER:
        rules: Rules = file.dossier
    else:
        rules = {} if file.progress is None else file.progress.item.fields
    rule = rules.get(field)
    paths = paths_of(rule) if isinstance(rule, FieldRule) else ()
    return paths[0].text if len(paths) == 1 else None


def _items(
    rule: GroupRule, scope: Scope, *, name: str, group: Group
) -> Iterator[tuple[Rules, Scope]]:
    """Yield the rules and the scope of every item that was built: the others left no number."""
    for item, inner in item_scopes(rule, scope, name=name):
        if make_item(item, group=group)(inner):
            yield item.fields, inner


def _rows(file: MappingFile, rule: ProgressRule, scope: Scope) -> Iterator[Scope]:
    build = make_item(rule.item, group=file.schema.packets[PROGRESS])
    for inner in [scope] if rule.each is None else each_scope(rule.each, "", rule.item)(scope):
        if build(inner) is not None:
            yield inner
