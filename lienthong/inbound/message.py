"""
One message of a peer, however it came, and what its fields say.

The bytes are what goes on: of XML the canonical form of the message's element, of JSON the item's
own bytes. Fields are only looked at, to find the agency and what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

Fields: TypeAlias = "Mapping[str, Any]"
"""By name: texts, such mappings, lists of either; None and booleans where JSON has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What becomes one submission."""

    service: str
    """One that the peer may send."""
    body: bytes
    file_name: str
    key: str
    """The peer's message id, or what stands for it."""
    fields: Fields
    envelope: Fields
    """What stands around it and says for whom it is."""


def fields_of(element: _Element) -> Fields:
    """Return what stands inside an element, by local names; namespaces and attributes are not."""
    found: dict[str, Any] = {}
    for child in element.iterchildren(etree.Element):
        name = etree.QName(child).localname
        value = fields_of(child) if len(child) else (child.text or "")
        before = found.get(name)
        if name not in found:
            found[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            found[name] = [before, value]
    return found


def texts_named(fields: Fields, name: str) -> frozenset[str]:
    """Return every text that stands under a name, in any letter case, at any depth."""
    wanted = name.casefold()
    return frozenset(
        value.strip()
        for key, value in _scalars(fields)
        if key.casefold() == wanted and isinstance(value, str) and value.strip()
    )


def empty_names(fields: Fields) -> list[str]:
    """Return the names, each once, of what is there and says nothing."""
    return list(dict.fromkeys(key for key, value in _scalars(fields) if is_blank(value)))


def values_at(value: Any, path: str) -> list[Any]:
    """Return what stands at a path of names; of each item, where lists are on the way."""
    found = [value]
    for name in path.split("."):
        found = [inner for one in _spread(found) if (inner := _inside(one, name)) is not None]
    return list(_spread(found))


def is_blank(value: Any) -> bool:
    """Tell whether a value says nothing; False and 0 say something."""
    return value is None or value in ({}, []) or (isinstance(value, str) and not value.strip())


def _inside(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _spread(values: list[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _spread(value)
        else:
            yield value


def _scalars(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value that holds no others, with the name it stands under."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _scalars(inner, key)
    elif isinstance(value, list) and value:
        for inner in value:
            yield from _scalars(inner, name)
    elif name:
        yield name, value
