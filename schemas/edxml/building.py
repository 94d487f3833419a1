"""
Packets of edXML as bytes: the same fields give the same bytes, whatever order they come in.

Order and prefixes are those of the library that most packets are written with; `DocumentId` stands
after `To` there, last in others. Nothing is signed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from schemas.edxml import names
from schemas.edxml.model import load_model
from schemas.edxml.names import Packet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.edxml.names import Values
    from schemas.model import Field, Group

DOCUMENT_ID_PLACES = ("after-to", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """One attachment to be enclosed."""

    content_id: str
    """Without "cid:"."""
    content_type: str
    """Of the file itself."""
    description: str
    name: str
    encoded: str
    """Base64 of a ZIP with the file alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPacket:
    """What is to be written; its fields must be right, see `judging`."""

    packet: Packet
    fields: Values
    """As `ReadPacket` has them."""
    attachments: Sequence[NewAttachment] = ()
    document_id: str = DOCUMENT_ID_PLACES[0]
    """Where it stands: one of `DOCUMENT_ID_PLACES`."""


def build_packet(new: NewPacket) -> bytes:
    """Return the file; empty fields are left out, those that the model does not know too."""
    model = load_model()
    group = model.packets[new.packet]
    traces = new.fields.get(names.TRACES)
    inner = _prefixed(new.packet.value, _fields(new.fields, _order(group, new.document_id)))
    if isinstance(traces, Mapping):
        held = _fields(traces, tuple(model.traces.fields.values()))
        inner += _prefixed(names.TRACES, held, ' version="1.0"')
    body = ""
    if new.packet is Packet.DOCUMENT:
        lines = "".join(_reference(one) for one in new.attachments)
        body = _prefixed(names.BODY, _prefixed(names.MANIFEST, lines, ' version="1.0"'))
    envelope = _prefixed(names.ENVELOPE, _prefixed(names.HEADER, inner) + body, _XMLNS)
    enclosed = "".join(_attachment(one) for one in new.attachments)
    held = f"<{names.ENCLOSED}>{enclosed}</{names.ENCLOSED}>" if enclosed else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{names.ROOT} xmlns="{names.QCVN}">'
        f"{envelope}{held}</{names.ROOT}>\n"
    ).encode()


_XMLNS = f' xmlns:{names.PREFIX}="{names.QCVN}"'


def _order(group: Group, document_id: str) -> tuple[Field, ...]:
    fields = tuple(group.fields.values())
    if document_id != DOCUMENT_ID_PLACES[1] or "DocumentId" not in group.fields:
        return fields
    return (*(one for one in fields if one.name != "DocumentId"), group.fields["DocumentId"])


def _fields(values: Values, order: Sequence[Field]) -> str:
    parts: list[str] = []
    for field in order:
        value = values.get(field.name)
        items = value if isinstance(value, list | tuple) else (value,)
        for one in items:
            parts += _field(one, field)
    return "".join(parts)


def _field(value: object, field: Field) -> list[str]:
    if isinstance(value, str) and field.group is None:
        return [_element(field.name, value)] if value.strip() else []
    if isinstance(value, Mapping) and field.group is not None:
        inner = _fields(value, tuple(field.group.fields.values()))
        return [f"<{field.name}>{inner}</{field.name}>"] if inner else []
    return []


def _reference(one: NewAttachment) -> str:
    return (
        "<Reference>"
        f"{_element('ContentId', names.CONTENT_ID + one.content_id)}"
        f"{_element('ContentType', one.content_type)}"
        f"{_element('Description', one.description) if one.description else ''}"
        f"{_element('AttachmentName', one.name)}"
        "</Reference>"
    )


def _attachment(one: NewAttachment) -> str:
    return (
        f"<{names.ATTACHMENT}>"
        f"{_element('ContentId', one.content_id)}"
        f"{_element('ContentType', names.ZIP_TYPE)}"
        f"{_element('Description', one.description) if one.description else ''}"
        f"{_element('AttachmentName', one.name)}"
        f"{_prefixed(names.CONTENT, one.encoded, _XMLNS)}"
        f"</{names.ATTACHMENT}>"
    )


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text, _ENTITIES)}</{name}>"


# A carriage return would come back as a line feed.
_ENTITIES = {"\r": "&#13;"}


def _prefixed(name: str, inner: str, attributes: str = "") -> str:
    return f"<{names.PREFIX}:{name}{attributes}>{inner}</{names.PREFIX}:{name}>"
