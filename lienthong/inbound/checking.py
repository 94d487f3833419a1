"""
What is wrong with a message before it is acknowledged: everything, at once.

Services whose schema is here are judged by it, field by field; of others only what the settings
require. Whether an agency can do something with it is its mapping's question, asked later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lienthong.inbound.message import empty_names, is_blank, values_at
from lienthong.inbound.refusals import finding
from schemas.building import DocumentBuilder
from schemas.errors import InputError
from schemas.model import Kind
from schemas.validation import Validator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lxml.etree import _Element

    from lienthong.inbound.message import Fields, Message
    from lienthong.inbound.profile import PeerService
    from schemas.model import Group, SchemaVersion
    from schemas.problem import Problem

_ANY_ID = "00000000-0000-7000-8000-000000000000"
_ANY_UNIT = "000.00.00.H29"
"""Of the document in which an item is judged; nobody sees it."""


class Checker:
    """Judges the messages of one peer. Thread-safe."""

    def __init__(self, versions: Sequence[SchemaVersion], *, takes_unknown_fields: bool) -> None:
        self._validators = {version.namespace: Validator(version) for version in versions}
        self._newest = versions[-1]
        self._builders = {
            packet: DocumentBuilder(self._newest, packet) for packet in self._newest.packets
        }
        self._takes_unknown_fields = takes_unknown_fields

    def knows(self, service: str) -> bool:
        """Tell whether there is a schema for the items of a service."""
        return service in self._builders

    def knows_namespace(self, namespace: str) -> bool:
        """Tell whether elements of this namespace are judged here."""
        return namespace in self._validators

    def check_request(self, request: _Element, *, namespace: str) -> list[Problem]:
        """Return what is wrong with a request whose schema is here; empty when nothing is."""
        return self._validators[namespace].problems_of_element(request)

    def check_item(self, service: str, item: Fields, *, now: datetime) -> list[Problem]:
        """Return what is wrong with an item in JSON of a service with a schema."""
        problems: list[Problem] = []
        values = self._values(item, self._newest.packets[service], problems, where="")
        try:
            document = self._builders[service].build(
                values, message_id=_ANY_ID, agency_code=_ANY_UNIT, created_at=now
            )
        except InputError as error:
            return [*problems, error.problem]
        validator = self._validators[self._newest.namespace]
        return [*problems, *validator.problems(document)]

    def _values(
        self, item: Fields, group: Group, problems: list[Problem], *, where: str
    ) -> dict[str, Any]:
        """Return an item as values of a document; a blank text is an absent one."""
        values: dict[str, Any] = {}
        for name, value in item.items():
            known, place = group.fields.get(name), f"{where}{name}"
            if known is None:
                if not self._takes_unknown_fields:
                    problems.append(_wrong("inbound.field_unknown", place))
            elif is_blank(value):
                continue
            elif known.group is not None:
                rows = value if isinstance(value, list) else [value]
                if all(isinstance(row, dict) for row in rows):
                    values[name] = [
                        self._values(row, known.group, problems, where=f"{place}[{number}].")
                        for number, row in enumerate(rows, start=1)
                    ]
                else:
                    problems.append(_wrong("inbound.field_no_list", place))
            elif isinstance(value, bool) and known.kind is Kind.BOOLEAN:
                values[name] = str(value)
            elif isinstance(value, str):
                values[name] = value
            else:
                problems.append(_wrong("inbound.field_no_text", place))
        return values


def check_required(message: Message, service: PeerService) -> list[Problem]:
    """Return which fields, of those that the settings require, say nothing."""
    missing = [
        path
        for path in service.required
        if not (found := values_at(message.fields, path)) or any(map(is_blank, found))
    ]
    if service.every_field:
        missing += [name for name in empty_names(message.fields) if name not in missing]
        if not message.fields:
            missing.append("Data")
    return [_wrong("inbound.field_empty", name) for name in missing]


_WORDS = {
    "inbound.field_empty": ("thiếu hoặc để trống", "is missing or empty"),
    "inbound.field_unknown": ("không có trong quy định", "is no field of the schema"),
    "inbound.field_no_list": ("phải là một mảng các đối tượng", "must be a list of objects"),
    "inbound.field_no_text": ("phải là một chuỗi", "must be a text"),
}


def _wrong(code: str, name: str) -> Problem:
    vi, en = _WORDS[code]
    # A name that a peer made up may be of any length, and hold anything.
    shown = name[-100:] if name.isprintable() else "?"
    return finding(code, f"{shown} {vi}", f"{shown} {en}", name=shown)
