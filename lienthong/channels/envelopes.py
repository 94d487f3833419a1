"""Taking a SOAP reply out of its envelope: what the body holds, and the header blocks; no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.channels.wire import one_line
from schemas.building import SOAP_11, SOAP_12
from schemas.parser import XmlRefused, parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

    from lienthong.channels.wire import Reply

ENVELOPES = (SOAP_11, SOAP_12)
MOST_CODE_PARTS = 8
"""Of a dotted fault code, those that are told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A SOAP fault."""

    codes: tuple[str, ...]
    """Local names, the most particular first."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a reply holds."""

    content: _Element | Fault | None = None
    """The only element of the SOAP body, a fault, or None where there is no such thing."""
    headers: tuple[_Element, ...] = ()
    """Header blocks; only those that are proven, where that is asked."""


def open_reply(reply: Reply) -> Opened:
    """Return what a reply holds, as it came."""
    try:
        root = parse_xml(reply.body)
    except XmlRefused:
        return Opened()
    envelope = next((name for name in ENVELOPES if root.tag == f"{{{name}}}Envelope"), None)
    body = None if envelope is None else root.find(f"{{{envelope}}}Body")
    if envelope is None or body is None:
        return Opened()
    elements = [child for child in body if isinstance(child.tag, str)]
    if len(elements) != 1:
        return Opened()
    header = root.find(f"{{{envelope}}}Header")
    blocks = () if header is None else tuple(one for one in header if isinstance(one.tag, str))
    return Opened(content=read_content(elements[0]), headers=blocks)


def read_content(element: _Element) -> _Element | Fault:
    """Return the only element of a body, or the fault that it is."""
    if element.tag == f"{{{SOAP_11}}}Fault":
        return _read_fault_11(element)
    if element.tag == f"{{{SOAP_12}}}Fault":
        return _read_fault_12(element)
    return element


def _read_fault_11(element: _Element) -> Fault:
    code = _local(element.findtext("faultcode"))
    # "Client.Authentication" is a Client fault: SOAP 1.1, section 4.4.1.
    parts = code.split(".")[:MOST_CODE_PARTS]
    codes = (code, *(".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)))
    return Fault(codes=codes, reason=one_line(element.findtext("faultstring") or ""))


def _read_fault_12(element: _Element) -> Fault:
    values = element.iterfind(f".//{{{SOAP_12}}}Value")
    codes = tuple(_local(value.text) for value in values)[::-1] or ("",)
    reason = element.findtext(f"{{{SOAP_12}}}Reason/{{{SOAP_12}}}Text")
    return Fault(codes=codes, reason=one_line(reason or ""))


def short(code: str) -> str:
    """Return a peer's code as it is compared and logged: one line of bounded length."""
    return one_line(code)[:64]


def _local(name: str | None) -> str:
    return short((name or "").strip().rpartition(":")[2])
