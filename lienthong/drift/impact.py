"""Which mappings make what has changed: by field, by code, else all that use the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lienthong.channels.dictionaries import Dictionary
from lienthong.drifts import Drift, Kind, Touched
from mappings.compiling import paths_of
from mappings.language import DOSSIER, PROGRESS, FieldRule, FixedGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mappings.language import GroupRule, MappingFile

ENTRY_FIELDS = {
    Dictionary.PROCEDURES.value: "MaTTHC",
    Dictionary.FIELDS.value: "MaLinhVuc",
}
"""Which field takes its codes from a dictionary of the target's."""
_OF_ENTRIES = frozenset({Kind.ENTRY_NEW, Kind.ENTRY_GONE, Kind.ENTRY_RENAMED})


def touched_by(drift: Drift, files: Iterable[MappingFile]) -> list[Touched]:
    """Return the mappings that a drift concerns, in the order of `files`."""
    about, _, rest = drift.subject.partition(" ")
    found = []
    for file in files:
        if about == "list":
            fields = _of_entry(drift, file, dictionary=rest)
        elif about == "document":
            fields = _of_item(drift, file)
        else:
            fields = _of_answer(drift, file, service=rest.partition(" ")[0])
        if fields is not None:
            found.append(Touched(mapping=file.name, fields=tuple(fields)))
    return found


def _of_entry(drift: Drift, file: MappingFile, *, dictionary: str) -> list[str] | None:
    """Return the fields that are filled with a code of a dictionary; None for none."""
    if dictionary == Dictionary.AGENCIES.value:
        return [] if file.agency_code == drift.place else None
    name = ENTRY_FIELDS.get(dictionary)
    fields = [
        _named(path, rule)
        for _, path, rule in rules_of(file)
        if path.rpartition(".")[2] == name and drift.place in codes_written(rule)
    ]
    return fields or None


def _of_item(drift: Drift, file: MappingFile) -> list[str] | None:
    """Return the fields of a document's item that a mapping fills; None for none."""
    what, _, rest = drift.place.partition(" ")
    if what not in {"element", "value", "type"}:
        # An operation, a message, an address: everything that is sent goes through it.
        return []
    path, _, value = rest.partition(" ")
    leaves = {one.rpartition(".")[2] for one in (drift.fields or (path,))}
    fields = [(name, rule) for _, name, rule in rules_of(file) if name.rpartition(".")[2] in leaves]
    if what == "value" and drift.kind is Kind.ITEM_GONE:
        fields = [(name, rule) for name, rule in fields if value in codes_written(rule)]
    if _is_demanded(drift):
        # Whoever fills it is well; the others are not.
        return None if fields or not _sends(file, path) else [f"{path.rpartition('.')[2]} ← ?"]
    return [_named(name, rule) for name, rule in fields] or None


def _is_demanded(drift: Drift) -> bool:
    """Tell whether something has to be there now that had not to be."""
    if drift.kind is Kind.ITEM_NEW:
        return drift.after == "required"
    return drift.place.endswith(" required") and drift.after == "yes"


def _sends(file: MappingFile, path: str) -> bool:
    """Tell whether a mapping sends what an element stands in."""
    outer = path.partition(".")[0]
    of_progress = outer == file.schema.element_of(PROGRESS)
    return file.progress is not None if of_progress else outer == file.schema.element_of(DOSSIER)


def _of_answer(drift: Drift, file: MappingFile, *, service: str) -> list[str] | None:
    """Return the fields that an answer has changed, where it names them; [] for all of them."""
    if service == PROGRESS and file.progress is None:
        return None
    leaf = drift.place.rpartition(".")[2]
    return [
        _named(name, rule) for _, name, rule in rules_of(file) if name.rpartition(".")[2] == leaf
    ]


def rules_of(file: MappingFile) -> Iterator[tuple[str, str, FieldRule]]:
    """Give packet, path and rule of every field that a mapping fills."""
    yield from _inside(DOSSIER, "", file.dossier)
    if file.progress is not None:
        yield from _inside(PROGRESS, "", file.progress.item.fields)


def codes_written(rule: FieldRule) -> frozenset[str]:
    """Return the codes that a mapping has written down for a field."""
    found = {rule.default}
    for way in rule.ways:
        found |= {way.constant, way.default}
        if way.codes is not None:
            found |= {entry.target for entry in way.codes.entries}
    return frozenset(code for code in found if code)


def _inside(
    packet: str, prefix: str, rules: Mapping[str, FieldRule | GroupRule]
) -> Iterator[tuple[str, str, FieldRule]]:
    for name, rule in rules.items():
        if isinstance(rule, FieldRule):
            yield packet, f"{prefix}{name}", rule
        else:
            items = rule.items if isinstance(rule, FixedGroup) else (rule.item,)
            for item in items:
                yield from _inside(packet, f"{prefix}{name}.", item.fields)


def _named(name: str, rule: FieldRule) -> str:
    paths = paths_of(rule)
    return f"{name} ← {paths[0].text}" if len(paths) == 1 else name
