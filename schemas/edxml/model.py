"""What packets of edXML hold, read from their XSD, and what the codes of statuses mean."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from lxml import etree

from schemas.edxml.names import Packet
from schemas.model import read_folder, read_group
from schemas.parser import parse_xml
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.model import Group

_FOLDER = "edxml_2016"
_XSD = "edxml.xsd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One status that the receiver of a document, or its sender, may send."""

    code: str
    meaning: Text
    usually_after: frozenset[str]
    """Codes after which it usually comes; nothing published says so, so it refuses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The fields by what they stand in."""

    packets: Mapping[Packet, Group]
    traces: Group
    reference: Group
    attachment: Group


@cache
def load_model() -> Model:
    """Return the fields of all packets. Raises ConfigError for a file that was changed."""
    xsd = _files()[_XSD]
    return Model(
        packets={packet: read_group(xsd, packet.value) for packet in Packet},
        traces=read_group(xsd, "TraceHeaderList"),
        reference=read_group(xsd, "Reference"),
        attachment=read_group(xsd, "Attachment"),
    )


@cache
def load_statuses() -> Mapping[str, Status]:
    """Return the statuses by code, in their order. Raises ConfigError for a changed file."""
    read = msgspec.json.decode(_files()["statuses.json"], type=_Statuses)
    return {
        one.code: Status(
            code=one.code,
            meaning=Text(vi=one.vi, en=one.en),
            usually_after=frozenset(one.usually_after),
        )
        for one in read.statuses
    }


def schema_complaint(document: bytes) -> str | None:
    """Return what libxml2 says against a document in its XSD; None: it is valid."""
    schema = _compiled.schema()
    if schema.validate(parse_xml(document)):
        return None
    found = schema.error_log.last_error
    return "?" if found is None else found.message


class _Status(msgspec.Struct, frozen=True):
    code: str
    vi: str
    en: str
    usually_after: list[str]


class _Statuses(msgspec.Struct, frozen=True):
    statuses: list[_Status]


class _Compiled(threading.local):
    """One compiled schema per thread, because its error log belongs to the object."""

    def __init__(self) -> None:
        self._schema: etree.XMLSchema | None = None

    def schema(self) -> etree.XMLSchema:
        if self._schema is None:
            self._schema = etree.XMLSchema(parse_xml(_files()[_XSD]))
        return self._schema


_compiled = _Compiled()


@cache
def _files() -> Mapping[str, bytes]:
    return read_folder(_FOLDER)
