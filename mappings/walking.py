"""
Going through a mapping: every rule with its place, and every path with what it reads.

What is asked of a whole file (columns that are not there, lists nobody uses, coverage) asks here,
so that the shape of groups is known in one place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from mappings.file_fields import FILE
from mappings.language import (
    DOSSIER,
    PROGRESS,
    AnyOf,
    EachGroup,
    Every,
    FieldRule,
    FixedGroup,
    Not,
    Path,
    SplitGroup,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mappings.language import (
        Condition,
        GroupRule,
        ItemRule,
        MappingFile,
        Template,
    )
    from schemas.model import Field, Group


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRule:
    """One field rule where it stands."""

    rule: FieldRule
    field: Field
    key: str
    """In the file, for example "dossier.TaiLieuNop.fields.TenTepDinhKem"."""
    is_in_record: bool
    """Whether its paths start at the record, not at an entry of a list."""

    @property
    def ways(self) -> tuple[PlacedRule, ...]:
        """The rules that make its value, each where it stands."""
        if not self.rule.first:
            return (self,)
        return tuple(
            replace(self, rule=way, key=f"{self.key}.first[{number}]")
            for number, way in enumerate(self.rule.first)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPath:
    """One path where it stands."""

    path: Path
    key: str
    line: int
    is_in_record: bool
    """Whether it starts at the record, not at an entry of a list."""


def rules_of(file: MappingFile) -> Iterator[PlacedRule]:
    """Yield the rules of all fields, those inside groups and of progress rows included."""
    packets = file.schema.packets
    yield from _rules(file.dossier, packets[DOSSIER], key="dossier", is_in_record=True)
    if file.progress is not None:
        yield from _rules(
            file.progress.item.fields,
            packets[PROGRESS],
            key="progress.fields",
            is_in_record=file.progress.each is None,
        )


def _attachment_rules(file: MappingFile) -> Iterator[PlacedRule]:
    for key, rule in _attachments(file):
        for item, where, inside in _items(rule, key, is_in_record=True):
            yield from _rules(item.fields, FILE, key=f"{where}.fields", is_in_record=inside)


def _attachments(file: MappingFile) -> Iterator[tuple[str, GroupRule]]:
    several = len(file.attachments) > 1
    for number, rule in enumerate(file.attachments):
        yield f"attachments[{number}]" if several else "attachments", rule


def paths_of(file: MappingFile) -> Iterator[PlacedPath]:
    """Yield every path in the file, those of conditions, templates and look-ups included."""
    for placed in chain(rules_of(file), _attachment_rules(file)):
        yield from _of_rule(placed.rule, key=placed.key, is_in_record=placed.is_in_record)
    if file.leave_out is not None:
        for path in condition_paths(file.leave_out.condition):
            yield _placed(path, "leave_out", file.leave_out.line, is_in_record=True)
    yield from _of_rule(file.valid_at, key="valid_at", is_in_record=True)
    for name, template in (("event_key", file.event_key), ("order_by", file.order_by)):
        yield from _of_template(template, key=name, is_in_record=True)
    yield from _of_groups(file.dossier, key="dossier", is_in_record=True)
    for key, rule in _attachments(file):
        # As a field of that name would be: its list or text, and its conditions.
        yield from _of_groups({key: rule}, key="", is_in_record=True)
    progress = file.progress
    if progress is None:
        return
    is_in_record = progress.each is None
    if progress.each is not None:
        yield PlacedPath(
            path=progress.each, key="progress.each", line=progress.line, is_in_record=True
        )
    yield from _of_template(progress.event_key, key="progress.event_key", is_in_record=is_in_record)
    yield from _of_item(progress.item, key="progress", is_in_record=is_in_record)


def item_paths(item: ItemRule) -> Iterator[Path]:
    """Yield the paths of an item that start at it, those of groups inside it by their lists."""
    placed = [
        one
        for rule in item.fields.values()
        if isinstance(rule, FieldRule)
        for one in _of_rule(rule, key="", is_in_record=False)
    ]
    placed += _of_item(item, key="", is_in_record=False)
    yield from (one.path for one in placed if not one.is_in_record)


def condition_paths(condition: Condition | None) -> Iterator[Path]:
    """Yield the paths that a condition looks at, in its order."""
    match condition:
        case None:
            return
        case Every(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from condition_paths(part)
        case Not(part=part):
            yield from condition_paths(part)
        case _:
            yield condition.path


def _rules(
    rules: Mapping[str, FieldRule | GroupRule], group: Group, *, key: str, is_in_record: bool
) -> Iterator[PlacedRule]:
    for name, rule in rules.items():
        field = group.fields[name]
        if isinstance(rule, FieldRule):
            yield PlacedRule(rule=rule, field=field, key=f"{key}.{name}", is_in_record=is_in_record)
        elif field.group is not None:
            for item, where, inside in _items(rule, f"{key}.{name}", is_in_record=is_in_record):
                yield from _rules(
                    item.fields, field.group, key=f"{where}.fields", is_in_record=inside
                )


def _items(
    rule: GroupRule, key: str, *, is_in_record: bool
) -> Iterator[tuple[ItemRule, str, bool]]:
    """Yield each item rule of a group, its key, and whether its paths start at the record."""
    if isinstance(rule, FixedGroup):
        for number, item in enumerate(rule.items):
            yield item, f"{key}.items[{number}]", is_in_record
    else:
        yield rule.item, key, False


def _of_groups(
    rules: Mapping[str, FieldRule | GroupRule], *, key: str, is_in_record: bool
) -> Iterator[PlacedPath]:
    for name, rule in rules.items():
        if isinstance(rule, FieldRule):
            continue
        where = f"{key}.{name}" if key else name
        if isinstance(rule, EachGroup | SplitGroup):
            word = "each" if isinstance(rule, EachGroup) else "split.from"
            yield _placed(rule.path, f"{where}.{word}", rule.line, is_in_record=is_in_record)
        for item, inner, inside in _items(rule, where, is_in_record=is_in_record):
            yield from _of_item(item, key=inner, is_in_record=inside)


def _of_item(item: ItemRule, *, key: str, is_in_record: bool) -> Iterator[PlacedPath]:
    """Yield the paths of an item but for those of its field rules."""
    for path in condition_paths(item.when):
        yield _placed(path, f"{key}.when", item.line, is_in_record=is_in_record)
    yield from _of_groups(item.fields, key=f"{key}.fields", is_in_record=is_in_record)


def _of_rule(rule: FieldRule, *, key: str, is_in_record: bool) -> Iterator[PlacedPath]:
    for number, way in enumerate(rule.first):
        yield from _of_rule(way, key=f"{key}.first[{number}]", is_in_record=is_in_record)
    paths = list(rule.sources)
    if rule.template is not None:
        paths += rule.template.paths
    if rule.lookup is not None and rule.lookup.key is not None:
        paths.append(rule.lookup.key)
    if rule.kind is not None:
        paths += (path for path in (rule.kind.born, rule.kind.sex) if path is not None)
    if rule.date is not None and isinstance(rule.date.working_days, Path):
        paths.append(rule.date.working_days)
    paths += condition_paths(rule.when)
    for path in paths:
        yield _placed(path, key, rule.line, is_in_record=is_in_record)


def _of_template(
    template: Template | None, *, key: str, is_in_record: bool
) -> Iterator[PlacedPath]:
    if template is not None:
        for path in template.paths:
            yield _placed(path, key, template.line, is_in_record=is_in_record)


def _placed(path: Path, key: str, line: int, *, is_in_record: bool) -> PlacedPath:
    return PlacedPath(path=path, key=key, line=line, is_in_record=is_in_record or path.is_rooted)
