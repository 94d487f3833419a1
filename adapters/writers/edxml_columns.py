"""
Columns of a packet of edXML: which fields their names are, and which are missing.

A name is the path of an element as it is published, from what stands in the header:
"From/OrganId", "TraceHeaderList/Bussiness/BussinessDocType", "AttachmentEncoded/Attachment".
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from adapters.writers.cells import DATE, NO_DATES
from schemas.edxml import names
from schemas.edxml.answering import PARTS
from schemas.edxml.model import load_model
from schemas.edxml.names import Packet
from schemas.model import Field, Group, Kind
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from adapters.writers.cells import Column

ATTACHMENT = f"{names.ENCLOSED}/{names.ATTACHMENT}"
_OF_ITSELF = frozenset({"ContentId", "ContentType"})
"""Of an attachment: what the writer says where no column does."""
_COMPOSED = ("From/OrganId", "PromulgationInfo/PromulgationDate", "Code/CodeNumber")
"""Columns that a DocumentId is made of, like those of `PARTS`, where it has no column."""


def fields_of(packet: Packet) -> Mapping[str, Field]:
    """Return what may stand in a packet, by the first steps of paths; attachments included."""
    model = load_model()
    fields = dict(model.packets[packet].fields)
    fields[names.TRACES] = _group_field(names.TRACES, model.traces, is_repeated=False)
    if packet is Packet.DOCUMENT:
        held = _group_field(names.ATTACHMENT, model.attachment, is_repeated=True)
        group = Group(name=names.ENCLOSED, fields={names.ATTACHMENT: held})
        fields[names.ENCLOSED] = _group_field(names.ENCLOSED, group, is_repeated=False)
    return fields


def column_faults(packet: Packet, columns: Sequence[Column]) -> list[tuple[str, Text]]:
    """Return what is wrong with the columns of a packet; the keys are their names."""
    fields = fields_of(packet)
    found = _faults(columns, fields)
    paths = {column.name for column in columns}
    if not found:
        is_composed = all(one in paths for one in _COMPOSED) and len(_COMPOSED) == len(PARTS)
        found += [
            (path, _NO_COLUMN)
            for path in _lacking(columns, fields, "")
            if not (path == "DocumentId" and is_composed)
        ]
    return found


def field_at(fields: Mapping[str, Field], path: str) -> Field | None:
    """Return the field at a path, or None."""
    found: Field | None = None
    for step in path.split("/"):
        found = fields.get(step)
        if found is None:
            return None
        fields = {} if found.group is None else found.group.fields
    return found


def _faults(columns: Sequence[Column], fields: Mapping[str, Field]) -> list[tuple[str, Text]]:
    found: list[tuple[str, Text]] = []
    taken: list[str] = []
    for column in columns:
        name = column.name
        field = field_at(fields, name)
        clash = next((one for one in taken if _overlap(one, name)), None)
        taken.append(name)
        if column.kind == DATE:
            found.append((name, NO_DATES))
        if field is None:
            found.append((name, _unknown(name, fields)))
        elif clash is not None:
            found.append((name, _clash(clash)))
        elif column.columns:
            found += _list_faults(column, field)
        elif field.group is not None:
            found.append((name, _is_group(field.group)))
    return found


def _list_faults(column: Column, field: Field) -> list[tuple[str, Text]]:
    if not field.repeated:
        return [(column.name, _ONCE)]
    if field.group is not None:
        found = _faults(column.columns, field.group.fields)
        return [(column.name, Text(*(f"{name}: {one}" for one in text))) for name, text in found]
    if [one.name for one in column.columns] != [field.name]:
        vi, en = f"cần đúng một cột '{field.name}'", f"expected the one column '{field.name}'"
        return [(column.name, Text(vi=vi, en=en))]
    return []


def _lacking(columns: Sequence[Column], fields: Mapping[str, Field], base: str) -> Iterator[str]:
    """Yield the paths that must have a value and have no column."""
    for name, field in fields.items():
        path = f"{base}/{name}" if base else name
        whole = next((one for one in columns if one.name == path), None)
        below = [one for one in columns if one.name.startswith(f"{path}/")]
        if whole is not None:
            if whole.columns and field.group is not None:
                lacking = _lacking(whole.columns, field.group.fields, "")
                is_file = path == ATTACHMENT
                yield from (
                    f"{path}/{one}" for one in lacking if not (is_file and one in _OF_ITSELF)
                )
        elif field.group is not None and (below or field.required):
            yield from _lacking(below, field.group.fields, path)
        elif field.required:
            yield path


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _group_field(name: str, group: Group, *, is_repeated: bool) -> Field:
    return Field(
        name=name,
        kind=Kind.GROUP,
        required=False,
        repeated=is_repeated,
        max_length=None,
        pattern=None,
        form=None,
        codes={},
        about=Text(vi="", en=""),
        group=group,
    )


def _paths(fields: Mapping[str, Field], base: str = "") -> Iterator[str]:
    for name, field in fields.items():
        path = f"{base}/{name}" if base else name
        yield path
        if field.group is not None:
            yield from _paths(field.group.fields, path)


def _unknown(name: str, fields: Mapping[str, Field]) -> Text:
    near = difflib.get_close_matches(name, list(_paths(fields)), n=1)
    hint_vi, hint_en = (
        (f"; gần giống: '{near[0]}'", f"; similar: '{near[0]}'") if near else ("", "")
    )
    return Text(
        vi=f"không phải đường dẫn phần tử của edXML{hint_vi}",
        en=f"is no path of an element of edXML{hint_en}",
    )


def _clash(other: str) -> Text:
    return Text(vi=f"trùng với cột '{other}'", en=f"is written by column '{other}', too")


def _is_group(group: Group) -> Text:
    inside = ", ".join(group.fields)
    return Text(vi=f"chứa các phần tử {inside}", en=f"holds the elements {inside}")


_NO_COLUMN = Text(
    vi="phần tử này bắt buộc mà không có cột nào ghi",
    en="this element must be there, and no column writes it",
)
_ONCE = Text(vi="phần tử này chỉ có một", en="this element does not repeat")
