"""How a sandbox's answers change as a portal's do when its next version goes live unannounced."""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any

from lxml import etree

from schemas.parser import parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

LARGER = 10
STRANGE_VALUE = "99"
"""No code list of ours has it."""


class Change(Enum):
    """What changes; the values are those of the control address."""

    CODE = "code"
    """Success is said as "00"."""
    DROP = "drop"
    """The message is gone, from JSON and from SOAP."""
    VALUE = "value"
    """A look-up shows a status that no code list has."""
    KEY = "key"
    """There is a field more."""
    LARGE = "large"
    """The message is so long that the answer is ten times as large."""


def change_json(body: bytes, change: Change) -> bytes:
    """Return an answer in JSON as it would be after a change."""
    answer: dict[str, Any] = json.loads(body)
    if change is Change.CODE and answer.get("error_code") == "0":
        answer["error_code"] = "00"
    elif change is Change.DROP:
        answer.pop("message", None)
    elif change is Change.KEY:
        answer["trace_id"] = "thu-nghiem"
    elif change is Change.LARGE:
        answer["message"] = _longer(str(answer.get("message")), body)
    elif change is Change.VALUE and isinstance(answer.get("result"), list):
        for item in answer["result"]:
            item["TrangThaiHoSo"] = STRANGE_VALUE
    return json.dumps(answer, ensure_ascii=False).encode()


def change_xml(body: bytes, change: Change) -> bytes:
    """Return the response element of a SOAP answer as it would be after a change."""
    root = parse_xml(body)
    if change is Change.KEY:
        added = etree.SubElement(root, _beside(root, "MaTheoDoi"))
        added.text = "thu-nghiem"
    for element in _named(root, "error_code"):
        if change is Change.CODE and element.text == "0":
            element.text = "00"
    for element in _named(root, "message"):
        if change is Change.DROP:
            root.remove(element)
        elif change is Change.LARGE:
            element.text = _longer(element.text or "", body)
    if change is Change.VALUE:
        for element in root.iter("{*}TrangThaiHoSo"):
            element.text = STRANGE_VALUE
    return etree.tostring(root)


def _named(root: _Element, name: str) -> Iterator[_Element]:
    yield from root.findall(f"{{*}}{name}")


def _beside(root: _Element, name: str) -> str:
    return f"{str(root.tag).rpartition('}')[0]}}}{name}"


def _longer(text: str, body: bytes) -> str:
    return f"{text} " + "x" * (LARGER * len(body))
