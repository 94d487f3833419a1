"""
Is a packet as the XSD says, and if not, everything that is wrong with it, in words and with places.

The order of fields is no mistake. A code of a status that nobody published is one: what it means
would be a guess. libxml2 has the last word, so that an XSD put in the place of ours is obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from schemas.edxml import names
from schemas.edxml.building import NewPacket, build_packet
from schemas.edxml.findings import finding
from schemas.edxml.model import load_model, load_statuses, schema_complaint
from schemas.edxml.names import Packet
from schemas.problem import Place, Problem, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from schemas.edxml.names import Values
    from schemas.model import Field, Group

    PlaceAt = Callable[[str], Place]

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def judge_fields(packet: Packet, fields: Values, *, place_at: PlaceAt) -> tuple[Problem, ...]:
    """
    Return everything wrong with the fields of a packet; unknown ones are warnings.

    Args:
        packet: What they are of.
        fields: As `ReadPacket` has them.
        place_at: From a path ("To[0].OrganId") to where it stands.
    """
    model = load_model()
    own = {name: value for name, value in fields.items() if name != names.TRACES}
    found = list(_group(own, model.packets[packet], "", place_at))
    if names.TRACES in fields:
        traces = fields[names.TRACES]
        found += _value(traces, model.traces.name, None, model.traces, names.TRACES, place_at)
    if packet is Packet.STATUS:
        found += _status(fields, place_at)
    if all(one.severity is Severity.WARNING for one in found):
        complaint = schema_complaint(
            build_packet(NewPacket(packet=packet, fields=known_fields(packet, fields)))
        )
        if complaint is not None:
            found.append(finding("schema", _schema(complaint), place=place_at("")))
    return tuple(found)


def known_fields(packet: Packet, fields: Values) -> Values:
    """Return the fields that the model knows, without spaces around and without empty ones."""
    model = load_model()
    known = dict(_known(fields, model.packets[packet]))
    traces = fields.get(names.TRACES)
    if isinstance(traces, Mapping) and (kept := _known(traces, model.traces)):
        known[names.TRACES] = kept
    return known


def _known(fields: Values, group: Group) -> Values:
    kept: dict[str, str | Values | list[str | Values]] = {}
    for name, field in group.fields.items():
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, str | Mapping):
            if item := _known_one(value, field):
                kept[name] = [item] if field.repeated else item
        elif items := [item for one in value if (item := _known_one(one, field))]:
            kept[name] = items
    return kept


def _known_one(value: str | Values, field: Field) -> str | Values:
    if isinstance(value, str):
        return value.strip()
    return {} if field.group is None else _known(value, field.group)


def _group(fields: Values, group: Group, path: str, place_at: PlaceAt) -> Iterator[Problem]:
    for name in fields:
        if name not in group.fields and not name.startswith(("@", "#")):
            inner = _inside(path, name)
            yield finding("field_unknown", _unknown(inner), place=place_at(inner), is_warning=True)
    for name, field in group.fields.items():
        inner = _inside(path, name)
        value = fields.get(name)
        if value is None or value in ("", (), []) or (isinstance(value, str) and not value.strip()):
            if field.required:
                yield finding("field_missing", _missing(inner), place=place_at(inner))
            continue
        yield from _value(value, name, field, field.group, inner, place_at)


def _value(
    value: str | Values | Sequence[str | Values],
    name: str,
    field: Field | None,
    group: Group | None,
    path: str,
    place_at: PlaceAt,
) -> Iterator[Problem]:
    if not isinstance(value, str | Mapping):
        if field is None or not field.repeated:
            yield finding("field_repeated", _once(name), place=place_at(path))
            return
        for number, one in enumerate(value):
            yield from _value(one, name, field, group, f"{path}[{number}]", place_at)
    elif isinstance(value, str):
        yield from _text(value, name, field, group, path, place_at)
    elif group is None:
        yield finding("field_shape", _shape(name, "một văn bản", "a text"), place=place_at(path))
    else:
        yield from _group(value, group, path, place_at)


def _text(
    value: str,
    name: str,
    field: Field | None,
    group: Group | None,
    path: str,
    place_at: PlaceAt,
) -> Iterator[Problem]:
    place = place_at(path)
    if group is not None or field is None:
        if value.strip():
            shape = _shape(name, "các phần tử con", "elements inside")
            yield finding("field_shape", shape, place=place)
        return
    if (unwritable := _UNWRITABLE.search(value)) is not None:
        text = _character(name, unwritable[0])
        yield finding("character", text, place=place)
    elif field.pattern is not None and not re.fullmatch(field.pattern, value.strip(), re.ASCII):
        yield finding("field_form", _form(field, value), place=place, value=value)


def _status(fields: Values, place_at: PlaceAt) -> Iterator[Problem]:
    code = fields.get("StatusCode")
    statuses = load_statuses()
    if isinstance(code, str) and code.strip() and code.strip() not in statuses:
        known = ", ".join(statuses)
        text = Text(
            vi=f"mã trạng thái '{code.strip()[:20]}' không có trong danh sách: {known}",
            en=f"the status code '{code.strip()[:20]}' is none of {known}",
        )
        yield finding("status_unknown", text, place=place_at("StatusCode"), value=code)


def texts_at(fields: Mapping[str, object], path: str) -> str:
    """Return the text at a path like "From.OrganId", trimmed; "" where there is none."""
    value: object = fields
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value.strip() if isinstance(value, str) else ""


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unknown(path: str) -> Text:
    return Text(
        vi=f"{path[:200]} không có trong lược đồ: được giữ lại, không được kiểm tra",
        en=f"{path[:200]} is not in the schema: it is kept and not checked",
    )


def _missing(path: str) -> Text:
    return Text(vi=f"thiếu {path[:200]}", en=f"{path[:200]} is missing")


def _once(name: str) -> Text:
    return Text(vi=f"{name} chỉ được có một", en=f"{name} may stand only once")


def _shape(name: str, vi: str, en: str) -> Text:
    return Text(vi=f"{name} cần {vi}", en=f"{name}: expected {en}")


def _form(field: Field, value: str) -> Text:
    form = field.form or Text(vi=str(field.pattern), en=str(field.pattern))
    shown = value.strip()[:80]
    return Text(
        vi=f"{field.name} cần {form.vi}, thực tế là '{shown}'",
        en=f"{field.name}: expected {form.en}, found '{shown}'",
    )


def _character(name: str, found: str) -> Text:
    return Text(
        vi=f"{name} chứa ký tự U+{ord(found):04X} mà XML không ghi được",
        en=f"{name} holds the character U+{ord(found):04X}, which XML cannot hold",
    )


def _schema(complaint: str) -> Text:
    return Text(
        vi=f"không đúng lược đồ edxml.xsd: {complaint[:500]}",
        en=f"not as edxml.xsd says: {complaint[:500]}",
    )
