"""What differs between two contents of a dossier: counts per field, and a few examples."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mappings.language import DOSSIER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mappings import Event
    from schemas.model import Group, SchemaVersion
    from schemas.problem import Place

_INDEX = re.compile(r"\[\d+\]")
_LONGEST_SHAPE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One value that changed; "" for nothing."""

    field: str
    """With its item number."""
    place: Place
    """Of the record."""
    before: str
    after: str


@dataclass(slots=True, kw_only=True)
class FieldChange:
    """How often one field changed, over all dossiers."""

    dossiers: int = 0
    filled: int = 0
    """Of these: nothing stood there before."""
    emptied: int = 0
    examples: list[Example] = field(default_factory=list)


@dataclass(slots=True)
class Differences:
    """The fields that changed, by name without item numbers."""

    fields: dict[str, FieldChange] = field(default_factory=dict)

    def add(
        self, old: Mapping[str, str], new: Mapping[str, str], *, place: Place, examples: int
    ) -> None:
        """Note what changed in one dossier; a field that changed in several items counts once."""
        first: dict[str, Example] = {}
        for name in (*old, *(name for name in new if name not in old)):
            before, after = old.get(name, ""), new.get(name, "")
            if before != after:
                example = Example(field=name, place=place, before=before, after=after)
                first.setdefault(without_indices(name), example)
        for name, example in first.items():
            change = self.fields.setdefault(name, FieldChange())
            change.dossiers += 1
            change.filled += not example.before
            change.emptied += not example.after
            if len(change.examples) < examples:
                change.examples.append(example)

    def by_weight(self) -> list[tuple[str, FieldChange]]:
        """Return the fields, those that changed most often first."""
        return sorted(self.fields.items(), key=lambda found: (-found[1].dossiers, found[0]))


def contents_of(events: Iterable[Event]) -> dict[str, str]:
    """Return everything that the events of a record say, keys and versions included, flat."""
    content: dict[str, str] = {}
    row = 0
    for event in events:
        prefix = ""
        if event.packet != DOSSIER:
            row += 1
            prefix = f"{event.packet}[{row}]."
        content.update(flat(event.values, prefix))
        for name, text in (("event_key", event.key), ("order_by", event.version)):
            if text is not None:
                content[prefix + name] = text
    return content


def flat(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Give every text of a content under its name, with the numbers of items."""
    for name, value in values.items():
        if isinstance(value, str):
            yield prefix + name, value
        elif isinstance(value, list):
            for number, item in enumerate(value, start=1):
                yield from flat(item, f"{prefix}{name}[{number}].")


def without_indices(name: str) -> str:
    """Return the name of a field without the numbers of items."""
    return _INDEX.sub("", name)


def coded_fields(schema: SchemaVersion) -> frozenset[str]:
    """Return the fields, without item numbers, that hold codes: those tell nothing of a person."""
    return frozenset(
        name
        for packet, group in schema.packets.items()
        for name in _coded(group, "" if packet == DOSSIER else f"{packet}.")
    )


def _coded(group: Group, prefix: str) -> Iterator[str]:
    for name, each in group.fields.items():
        if each.group is not None:
            yield from _coded(each.group, f"{prefix}{name}.")
        elif each.codes:
            yield prefix + name


def shape_of(text: str) -> str:
    """Return a value without what it says: letters as x and X, digits as 9, the rest as it is."""
    shape = "".join(_shape(letter) for letter in text[:_LONGEST_SHAPE])
    return shape if len(text) <= _LONGEST_SHAPE else f"{shape}… ({len(text)})"


def _shape(letter: str) -> str:
    if letter.isdigit():
        return "9"
    if not letter.isalpha():
        return letter
    return "X" if letter.isupper() else "x"
