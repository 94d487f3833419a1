"""
What a WSDL or an XSD demands, as a fingerprint: operations, elements, types, lengths and values.

Names are local and paths are those of the document, so that white space, comments, prefixes and the
order of declarations make no difference. What is imported is named and not followed: each document
that is to be watched is named itself. The order of a sequence counts, for it is part of a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from schemas.errors import PeerError
from schemas.model import load_version, read_file, version_names
from schemas.parser import XmlRefused, parse_xml
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from lienthong.drifts import Fingerprint

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
NAMESPACE, ORDER, ADDRESS = "namespace", "order", "address"
FILES: Final = ("dossier.xsd", "messages.xsd", "portal.wsdl")
"""Of a bundled version."""
MAX_DEPTH: Final = 32
LONGEST: Final = 300
"""Characters of one thing that a document says."""
_FACETS: Final = (
    "length",
    "minLength",
    "maxLength",
    "pattern",
    "minInclusive",
    "maxInclusive",
    "minExclusive",
    "maxExclusive",
    "totalDigits",
    "fractionDigits",
)


def read_document(data: bytes, *, name: str) -> Fingerprint:
    """
    Return the fingerprint of a WSDL or an XSD.

    Raises:
        PeerError: it is neither.
    """
    try:
        root = parse_xml(data)
    except XmlRefused as error:
        raise _no_document(name, error.code) from error
    found: dict[str, str] = {}
    if root.tag == f"{WSDL}definitions":
        found[NAMESPACE] = root.get("targetNamespace", "")
        found.update(_wsdl(root))
        for schema in root.iterfind(f"{WSDL}types/{XS}schema"):
            found.update(_schema(schema))
    elif root.tag == f"{XS}schema":
        found[NAMESPACE] = root.get("targetNamespace", "")
        found.update(_schema(root))
    else:
        raise _no_document(name, "no definitions, no schema")
    return {key[:LONGEST]: value[:LONGEST] for key, value in found.items()}


def bundled_like(found: Fingerprint) -> Fingerprint | None:
    """Return the fingerprint of the file of ours that a document should agree with, or None."""
    best: Fingerprint | None = None
    for version_name in version_names():
        version = load_version(version_name)
        for file in FILES:
            ours = read_document(read_file(version, file), name=file)
            if ours[NAMESPACE] != found.get(NAMESPACE):
                continue
            if best is None or len(ours.keys() & found) > len(best.keys() & found):
                best = ours
    if best is None:
        return None
    # Where a service answers is the target's alone to say.
    addresses = {name: value for name, value in found.items() if name.startswith(f"{ADDRESS} ")}
    others = {name: value for name, value in best.items() if not name.startswith(f"{ADDRESS} ")}
    return others | addresses


def _wsdl(root: _Element) -> Iterator[tuple[str, str]]:
    messages = {
        message.get("name", ""): " ".join(
            _bare(part.get("element") or part.get("type") or "")
            for part in message.iterfind(f"{WSDL}part")
        )
        for message in root.iterfind(f"{WSDL}message")
    }
    for operation in root.iterfind(f"{WSDL}portType/{WSDL}operation"):
        path = f"operation {operation.get('name', '')}"
        yield path, ""
        for way in ("input", "output", "fault"):
            for one in operation.iterfind(f"{WSDL}{way}"):
                yield f"{path} {way}", messages.get(_bare(one.get("message", "")), "?")
    for binding in root.iterfind(f"{WSDL}binding"):
        for operation in binding.iterfind(f"{WSDL}operation"):
            for soap in operation.iterfind("{*}operation"):
                if soap.tag != operation.tag:
                    name = f"{binding.get('name', '')}.{operation.get('name', '')}"
                    yield f"action {name}", soap.get("soapAction", "")
    for port in root.iterfind(f"{WSDL}service/{WSDL}port"):
        for address in port.iterfind("{*}address"):
            yield f"{ADDRESS} {port.get('name', '')}", address.get("location", "")
    for one in root.iterfind(f"{WSDL}import"):
        yield f"import {one.get('namespace', '')}", ""


def _schema(root: _Element) -> Iterator[tuple[str, str]]:
    for one in root:
        name = one.get("name", "")
        if one.tag == f"{XS}element":
            yield from _element(one, "", depth=0)
        elif one.tag in {f"{XS}complexType", f"{XS}group", f"{XS}attributeGroup"}:
            yield f"element {name}", ""
            yield from _inside(one, name, depth=0)
        elif one.tag == f"{XS}simpleType":
            yield f"type {name}", ""
            yield from _simple(one, name, about=f"type {name}")
        elif one.tag in {f"{XS}import", f"{XS}include"}:
            # Where it lies is the target's alone to say, as with the address of a service.
            yield f"import {one.get('namespace', '')}", ""


def _element(one: _Element, outer: str, *, depth: int) -> Iterator[tuple[str, str]]:
    name = _bare(one.get("ref", "")) or one.get("name", "")
    path = f"{outer}.{name}" if outer else name
    about = f"element {path}"
    yield about, ""
    if outer:
        yield f"{about} required", "no" if one.get("minOccurs") == "0" else "yes"
        yield f"{about} most", one.get("maxOccurs", "1")
    for attribute in ("type", "fixed", "default", "nillable"):
        value = one.get(attribute)
        if value is not None:
            yield f"{about} {attribute}", _bare(value) if attribute == "type" else value
    for kind in one.iterfind(f"{XS}simpleType"):
        yield from _simple(kind, path, about=about)
    if depth < MAX_DEPTH:
        for kind in one.iterfind(f"{XS}complexType"):
            yield from _inside(kind, path, depth=depth + 1)


def _inside(kind: _Element, path: str, *, depth: int) -> Iterator[tuple[str, str]]:
    """Give what a complex type holds."""
    names = []
    for one in kind.iterdescendants(f"{XS}element", f"{XS}attribute", f"{XS}extension"):
        if _owner(one) is not kind:
            continue
        if one.tag == f"{XS}extension":
            yield f"element {path} base", _bare(one.get("base", ""))
        elif one.tag == f"{XS}element":
            names.append(_bare(one.get("ref", "")) or one.get("name", ""))
            yield from _element(one, path, depth=depth)
            parent = one.getparent()
            if parent is not None and parent.tag == f"{XS}choice":
                yield f"element {path}.{names[-1]} choice", "yes"
        else:
            about = f"element {path}.@{one.get('name', '')}"
            yield about, ""
            yield f"{about} required", "yes" if one.get("use") == "required" else "no"
            yield f"{about} type", _bare(one.get("type", ""))
    if names:
        yield f"{ORDER} {path}", " ".join(names)


def _owner(one: _Element) -> _Element | None:
    """Return the type that something stands in, not that of an element further out."""
    kinds = (f"{XS}complexType", f"{XS}group", f"{XS}attributeGroup")
    return next((outer for outer in one.iterancestors() if outer.tag in kinds), None)


def _simple(kind: _Element, path: str, *, about: str) -> Iterator[tuple[str, str]]:
    for restriction in kind.iterfind(f"{XS}restriction"):
        yield f"{about} base", _bare(restriction.get("base", ""))
        for facet in _FACETS:
            values = [one.get("value", "") for one in restriction.iterfind(f"{XS}{facet}")]
            if values:
                yield f"{about} {facet}", " ".join(values)
        for value in restriction.iterfind(f"{XS}enumeration"):
            yield f"value {path} {value.get('value', '')}", ""


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _no_document(name: str, why: str) -> PeerError:
    return PeerError(
        Text(
            vi=f"{name} không phải WSDL hay XSD ({why})",
            en=f"{name} is no WSDL and no XSD ({why})",
        ),
        retryable=True,
        code="drift.no_document",
    )
