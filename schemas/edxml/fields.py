"""
The fields of a packet from its elements: by name, whatever their order, each with its place.

A field is taken from the packet's own namespaces only: what stands in a foreign one may be called
the same and mean anything.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.edxml.findings import (
    finding,
    is_standard_signature,
    local_name,
    namespace_of,
    path_of,
    place_of,
)
from schemas.edxml.names import SIGNATURES
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

    from schemas.edxml.names import Values
    from schemas.model import Field, Group

MOST_PROBLEMS = 100


@dataclass(slots=True, kw_only=True)
class Fields:
    """Takes fields out of elements, and notes their places and what is wrong with them."""

    file_name: str
    namespaces: frozenset[str]
    places: dict[str, Place] = field(default_factory=dict)
    """By path in the values: "To[0].OrganId"."""
    problems: list[Problem] = field(default_factory=list)

    def report(self, code: str, text: Text, element: _Element, *, is_warning: bool = False) -> None:
        """Note something about an element; at most so much that somebody reads it."""
        if len(self.problems) < MOST_PROBLEMS:
            place = place_of(element, file_name=self.file_name)
            self.problems.append(finding(code, text, place=place, is_warning=is_warning))

    def own_children(self, element: _Element) -> Iterator[_Element]:
        """Yield the children in the packet's namespaces, and report the others."""
        for child in element.iterchildren("*"):
            if namespace_of(child) in self.namespaces:
                yield child
            elif not is_standard_signature(child):
                self.report("namespace_foreign", _foreign(child), child)

    def packet(self, element: _Element, group: Group, *, path: str = "") -> Values:
        """Return the fields of a part of the header; `path`: under which they stand."""
        return self._group(element, group, path, path_of(element))

    def _group(self, element: _Element, group: Group | None, path: str, shown: str) -> Values:
        """Return the fields inside an element; `group` says which may repeat, None: nobody does."""
        values: dict[str, str | Values | list[str | Values]] = {}
        known = {} if group is None else group.fields
        children: dict[str, list[_Element]] = {}
        for child in self.own_children(element):
            children.setdefault(local_name(child), []).append(child)
        for name, found in children.items():
            inner = f"{path}.{name}" if path else name
            values[name] = self._field(found, known.get(name), inner, f"{shown}/{name}")
        if (element.text or "").strip() and len(element):
            self.report("text_between", _BETWEEN, element)
        return values

    def _field(
        self, found: list[_Element], known: Field | None, path: str, shown: str
    ) -> str | Values | list[str | Values]:
        is_list = len(found) > 1 if known is None else known.repeated
        if is_list:
            return [
                self._value(one, known, f"{path}[{n}]", f"{shown}[{n + 1}]")
                for n, one in enumerate(found)
            ]
        if len(found) > 1:
            # Which of them counts is not ours to choose.
            self.report("field_repeated", _repeated(local_name(found[0]), len(found)), found[1])
        return self._value(found[0], known, path, shown)

    def _value(self, element: _Element, known: Field | None, path: str, shown: str) -> str | Values:
        self.places[path] = place_of(element, file_name=self.file_name, path=shown)
        has_parts = len(element) > 0
        if known is None:
            return self._group(element, None, path, shown) if has_parts else text_of(element)
        if known.group is not None:
            if not has_parts and text_of(element).strip():
                self.report("field_shape", _no_parts(known), element)
            return self._group(element, known.group, path, shown)
        if has_parts:
            self.report("field_shape", _parts(known.name), element)
        return text_of(element)


def texts_of(fields: Fields, element: _Element) -> Mapping[str, _Element]:
    """Return the children of an entry by name, each name once."""
    found: dict[str, _Element] = {}
    for child in fields.own_children(element):
        name = local_name(child)
        if name in found:
            fields.report("field_repeated", _repeated(name, 2), child)
        else:
            found[name] = child
    return found


def text_of(element: _Element | None) -> str:
    """Return the text of an element in NFC, "" for none."""
    return "" if element is None else unicodedata.normalize("NFC", element.text or "")


def is_signature_name(element: _Element) -> bool:
    """Return whether an element is called like a signature, in whatever namespace."""
    return local_name(element) in SIGNATURES


def _foreign(element: _Element) -> Text:
    name, found = local_name(element)[:80], namespace_of(element)[:200] or "-"
    return Text(
        vi=f"phần tử <{name}> thuộc không gian tên khác: {found}",
        en=f"element <{name}> is in a foreign namespace: {found}",
    )


def _repeated(name: str, count: int) -> Text:
    return Text(
        vi=f"<{name[:80]}> có {count} lần, chỉ được có một",
        en=f"<{name[:80]}> stands {count} times, expected once",
    )


def _no_parts(known: Field) -> Text:
    names = ", ".join(known.group.fields) if known.group is not None else ""
    return Text(
        vi=f"<{known.name}> là văn bản, cần các phần tử {names}",
        en=f"<{known.name}> is a text, expected the elements {names}",
    )


def _parts(name: str) -> Text:
    return Text(
        vi=f"<{name}> chứa phần tử con, cần một văn bản",
        en=f"<{name}> holds elements, expected a text",
    )


_BETWEEN = Text(
    vi="có văn bản đứng giữa các phần tử con", en="there is text between the elements inside"
)
