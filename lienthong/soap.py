"""A server's side of SOAP: taking the request out of its envelope, and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from schemas.building import SOAP_11, SOAP_12
from schemas.parser import XmlRefused, parse_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

CONTENT_TYPES = {
    SOAP_11: "text/xml; charset=utf-8",
    SOAP_12: "application/soap+xml; charset=utf-8",
}
_CODES_11 = {"Sender": "Client", "Receiver": "Server"}


class NotSoap(Exception):
    """The body is not a SOAP envelope with one element in it."""


def open_envelope(data: bytes) -> tuple[str, _Element, tuple[_Element, ...]]:
    """
    Return the SOAP namespace, the only element of the body, and the header blocks.

    Raises:
        NotSoap: with words for the fault.
    """
    try:
        root = parse_xml(data)
    except XmlRefused as error:
        raise NotSoap(error.en) from error
    for soap in CONTENT_TYPES:
        if root.tag == f"{{{soap}}}Envelope":
            body = root.find(f"{{{soap}}}Body")
            elements = [] if body is None else [one for one in body if isinstance(one.tag, str)]
            if len(elements) != 1:
                raise NotSoap(f"expected one element in the SOAP body, found {len(elements)}")
            header = root.find(f"{{{soap}}}Header")
            blocks = () if header is None else header
            return soap, elements[0], tuple(one for one in blocks if isinstance(one.tag, str))
    raise NotSoap(f"expected a SOAP envelope, found {root.tag!r}")


def build_fault(
    soap: str,
    *,
    code: str,
    reason: str,
    particular: tuple[str, str] | None = None,
    dotted: str | None = None,
) -> bytes:
    """
    Return a fault, as the only element of a body.

    Args:
        soap: Namespace of the SOAP version.
        code: In the words of SOAP 1.2: "Sender", "Receiver", "VersionMismatch", "MustUnderstand".
        reason: For a person.
        particular: A published code (namespace, local name) that says more; SOAP 1.1 has it in
            place of `code`, SOAP 1.2 below it.
        dotted: What X-Road's security servers write in the place of a code of SOAP 1.1.
    """
    text = escape(reason)
    ns, name = particular or ("", "")
    declared = f' xmlns:q="{ns}"' if particular else ""
    if soap == SOAP_11:
        plain = f"s:{_CODES_11.get(code, code)}"
        value = dotted or (f"q:{name}" if particular else plain)
        fault = (
            f'<s:Fault xmlns:s="{SOAP_11}"{declared}><faultcode>{value}</faultcode>'
            f"<faultstring>{text}</faultstring></s:Fault>"
        )
    else:
        below = f"<s:Subcode><s:Value>q:{name}</s:Value></s:Subcode>" if particular else ""
        fault = (
            f'<s:Fault xmlns:s="{SOAP_12}"{declared}><s:Code><s:Value>s:{code}</s:Value>{below}'
            f'</s:Code><s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason></s:Fault>'
        )
    return fault.encode()
