"""The sandbox's side of SOAP: taking the request out of its envelope, and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from schemas.building import SOAP_11, SOAP_12, build_envelope
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


def open_envelope(data: bytes) -> tuple[str, _Element]:
    """
    Return the SOAP namespace and the only element of the body.

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
            return soap, elements[0]
    raise NotSoap(f"expected a SOAP envelope, found {root.tag!r}")


def build_fault(soap: str, *, code: str, reason: str) -> bytes:
    """
    Return an envelope with a fault.

    Args:
        soap: Namespace of the SOAP version.
        code: In the words of SOAP 1.2: "Sender" or "Receiver".
        reason: For a person.
    """
    text = escape(reason)
    if soap == SOAP_11:
        fault = (
            f'<s:Fault xmlns:s="{SOAP_11}"><faultcode>s:{_CODES_11[code]}</faultcode>'
            f"<faultstring>{text}</faultstring></s:Fault>"
        )
    else:
        fault = (
            f'<s:Fault xmlns:s="{SOAP_12}"><s:Code><s:Value>s:{code}</s:Value></s:Code>'
            f'<s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason></s:Fault>'
        )
    return build_envelope(fault.encode(), soap=soap)
