"""Which words of an agency its mapping knows for a field of the portal, and what they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mappings.language import (
    DOSSIER,
    PROGRESS,
    UNFINISHED,
    EachGroup,
    FieldRule,
    SplitGroup,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from mappings.language import CodeEntry, GroupRule, MappingFile
    from schemas.model import Field, Group
    from schemas.problem import Text

MOST = 300
"""Values of one field; nobody chooses from longer lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One value that a record may have where a field is read."""

    value: str
    """As the agency writes it."""
    code: str
    """What the portal gets for it."""
    meaning: Text | None
    """Of the code, by the portal's schema."""


def allowed_values(file: MappingFile, *, day: date) -> Mapping[str, tuple[Allowed, ...]]:
    """
    Return the values that are known for each field, where its values are a list.

    Fields of the dossier stand by their names, others after the name of their packet, both without
    numbers of items: "TrangThaiHoSo", "TaiLieuNop.LoaiGiayTo".

    Args:
        file: The mapping.
        day: On which the entries of code lists are valid.
    """
    packets = file.schema.packets
    found = dict(_of_group(file.dossier, packets[DOSSIER], "", day))
    if file.progress is not None:
        rules = file.progress.item.fields
        found |= _of_group(rules, packets[PROGRESS], f"{PROGRESS}.", day)
    return found


def _of_group(
    rules: Mapping[str, FieldRule | GroupRule], group: Group, prefix: str, day: date
) -> Iterator[tuple[str, tuple[Allowed, ...]]]:
    for name, rule in rules.items():
        field = group.fields[name]
        if isinstance(rule, FieldRule):
            values = tuple(_of_rule(rule, field, day))
            if 0 < len(values) <= MOST:
                yield prefix + name, values
        elif isinstance(rule, EachGroup | SplitGroup) and field.group is not None:
            yield from _of_group(rule.item.fields, field.group, f"{prefix}{name}.", day)


def _of_rule(rule: FieldRule, field: Field, day: date) -> Iterator[Allowed]:
    read = [way for way in rule.ways if way.sources]
    if len(read) != 1:
        # Which of several is read depends on the record.
        return
    (way,) = read
    if way.codes is not None:
        for entry in way.codes.entries:
            if entry.target in ("", UNFINISHED) or not _is_valid(entry, day):
                continue
            for word in entry.sources:
                meaning = field.codes.get(entry.target)
                yield Allowed(value=word, code=entry.target, meaning=meaning)
    elif not any((way.date, way.number, way.kind, way.lookup, way.write)):
        for code, meaning in field.codes.items():
            yield Allowed(value=code, code=code, meaning=meaning)


def _is_valid(entry: CodeEntry, day: date) -> bool:
    begins, ends = entry.valid_from, entry.valid_to
    return (begins is None or begins <= day) and (ends is None or day <= ends)
