"""
Which of the portal's fields which agency sends: counted from the mappings, without a record.

A mapping of an older schema version cannot send the fields of a later one; those are told apart
from fields that it could send and does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from mappings.codes import unfinished_words
from mappings.language import DOSSIER, PROGRESS, FieldRule, FixedGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mappings.language import GroupRule, ItemRule, MappingFile
    from schemas.model import Field, Group, SchemaVersion
    from schemas.problem import Text

    _Fields: TypeAlias = dict[tuple[str, str], tuple["Need", Field]]


class Need(Enum):
    """Whether the portal insists on a field."""

    ALWAYS = "always"
    WITHIN = "within"
    """In every item of its group, or every progress row, that is sent."""
    OPTIONAL = "optional"


class Cover(Enum):
    """How one mapping fills one field."""

    MAPPED = "mapped"
    """From the record."""
    CONSTANT = "constant"
    UNFINISHED = "unfinished"
    """From the record, by a code list in which a draft still says "?"."""
    ABSENT = "absent"
    MISSING = "missing"
    """Absent although the portal insists on it: the mapping cannot be used yet."""
    UNKNOWN = "not_in_schema"
    """The schema version of the mapping has no such field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRow:
    """One field of the portal, over all mappings."""

    packet: str
    field: str
    """With its groups, for example "TaiLieuNop.TenTepDinhKem"."""
    need: Need
    """In the newest of the schema versions that have it."""
    about: Text
    covers: tuple[Cover, ...]
    """One for each mapping, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The fields of the portal against mappings."""

    files: tuple[MappingFile, ...]
    rows: tuple[CoverageRow, ...]
    """In the order of the newest schema version, dossier before progress."""

    def count(self, number: int, *needs: Need) -> tuple[int, int]:
        """
        Return how many of the fields with one of `needs` a mapping fills, and of how many.

        number: the mapping's place in `files`.
        """
        covers = [row.covers[number] for row in self.rows if row.need in needs]
        known = [cover for cover in covers if cover is not Cover.UNKNOWN]
        filled = sum(cover in (Cover.MAPPED, Cover.CONSTANT) for cover in known)
        return filled, len(known)


def cover_fields(files: Iterable[MappingFile]) -> Coverage:
    """Return the coverage of the portal's fields by `files`; no rows without files."""
    chosen = tuple(files)
    versions = {file.schema.name: file.schema for file in chosen}
    fields = {name: _fields_of(version) for name, version in versions.items()}
    filled = [_filled_by(file) for file in chosen]
    rows = []
    for key, (need, field) in _merged([fields[name] for name in sorted(fields, reverse=True)]):
        packet, name = key
        rows.append(
            CoverageRow(
                packet=packet,
                field=name,
                need=need,
                about=field.about,
                covers=tuple(
                    found.get(key) or _unfilled(key, fields[file.schema.name], found)
                    for file, found in zip(chosen, filled, strict=True)
                ),
            )
        )
    return Coverage(files=chosen, rows=tuple(rows))


def _fields_of(version: SchemaVersion) -> _Fields:
    found: _Fields = {}
    for packet in (DOSSIER, PROGRESS):
        is_inner = packet == PROGRESS
        for name, need, field in _fields(version.packets[packet], is_inner=is_inner):
            found[packet, name] = (need, field)
    return found


def _fields(group: Group, *, is_inner: bool, prefix: str = "") -> Iterator[tuple[str, Need, Field]]:
    required = Need.WITHIN if is_inner else Need.ALWAYS
    for name, field in group.fields.items():
        yield f"{prefix}{name}", required if field.required else Need.OPTIONAL, field
        if field.group is not None:
            yield from _fields(field.group, is_inner=True, prefix=f"{prefix}{name}.")


def _merged(
    newest_first: Iterable[_Fields],
) -> Iterator[tuple[tuple[str, str], tuple[Need, Field]]]:
    """Yield every field once; those that a later version dropped follow those of their packet."""
    merged: _Fields = {}
    for fields in newest_first:
        merged |= {key: value for key, value in fields.items() if key not in merged}
    for packet in (DOSSIER, PROGRESS):
        yield from ((key, value) for key, value in merged.items() if key[0] == packet)


def _unfilled(
    key: tuple[str, str], known: _Fields, found: Mapping[tuple[str, str], Cover]
) -> Cover:
    if key not in known:
        return Cover.UNKNOWN
    packet, name = key
    need, _ = known[key]
    is_sent = (packet, name.rpartition(".")[0]) in found
    return (
        Cover.MISSING if need is Need.ALWAYS or (need is Need.WITHIN and is_sent) else Cover.ABSENT
    )


def _filled_by(file: MappingFile) -> dict[tuple[str, str], Cover]:
    found: dict[tuple[str, str], Cover] = {}
    _fill(found, DOSSIER, file.dossier)
    if file.progress is not None:
        # The rows themselves, as the group that their fields are in.
        found[PROGRESS, ""] = Cover.MAPPED
        _fill(found, PROGRESS, file.progress.item.fields)
    return found


def _fill(
    found: dict[tuple[str, str], Cover],
    packet: str,
    rules: Mapping[str, FieldRule | GroupRule],
    prefix: str = "",
) -> None:
    for name, rule in rules.items():
        key = (packet, f"{prefix}{name}")
        ways = rule.ways if isinstance(rule, FieldRule) else ()
        if ways and all(way.constant is not None for way in ways):
            # One item of a group may take from the record what another has as a constant.
            found.setdefault(key, Cover.CONSTANT)
            continue
        if any(way.codes and unfinished_words(way.codes) for way in ways):
            found[key] = Cover.UNFINISHED
        if found.get(key) is not Cover.UNFINISHED:
            found[key] = Cover.MAPPED
        if not isinstance(rule, FieldRule):
            for item in _items(rule):
                _fill(found, packet, item.fields, f"{prefix}{name}.")


def _items(rule: GroupRule) -> tuple[ItemRule, ...]:
    return rule.items if isinstance(rule, FixedGroup) else (rule.item,)
