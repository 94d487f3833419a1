"""
The envelope of ours for messages of services that have no schema here: `NhanBanTin`.

Peers that follow the portal's services need none of it. Its XSD is `inbound.xsd`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lxml import etree

from schemas.errors import InputError
from schemas.parser import parse_xml
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "urn:lienthong:inbound:1"
OPERATION = "NhanBanTin"
XSD = "inbound.xsd"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRequest:
    """One `NhanBanTin`."""

    service: str
    message_id: str | None
    unit: str | None
    """Code of the unit it is for."""
    content: _Element
    """The message itself."""


def inbound_xsd() -> bytes:
    """Return the schema."""
    return files("schemas").joinpath(XSD).read_bytes()


def read_inbound_request(element: _Element) -> InboundRequest:
    """
    Return what a `NhanBanTin` says.

    Raises:
        InputError: it is not of the shape of `inbound.xsd`.
    """
    schema = etree.XMLSchema(parse_xml(inbound_xsd()))
    if not schema.validate(element):
        raise InputError(
            Problem(
                code="inbound.request",
                message=Text(
                    vi="NhanBanTin không đúng inbound.xsd: MaBanTin, DichVu, MaDonVi, rồi DuLieu "
                    "có đúng một phần tử",
                    en="The NhanBanTin is not as inbound.xsd says: MaBanTin, DichVu, MaDonVi, then "
                    "DuLieu with exactly one element",
                ),
                suggestion=Text(vi="Xem WSDL tại ?wsdl", en="See the WSDL at ?wsdl"),
            )
        )
    found = {etree.QName(one).localname: one for one in element.iterchildren(etree.Element)}
    texts = {name: one.text for name, one in found.items()}
    return InboundRequest(
        service=texts["DichVu"] or "",
        message_id=texts.get("MaBanTin"),
        unit=texts.get("MaDonVi"),
        content=next(found["DuLieu"].iterchildren(etree.Element)),
    )


def build_inbound_response(*, error_code: str, message: str) -> bytes:
    """Return the answer to a `NhanBanTin`."""
    return (
        f'<{OPERATION}Response xmlns="{NAMESPACE}"><error_code>{escape(error_code)}</error_code>'
        f"<message>{escape(message)}</message></{OPERATION}Response>"
    ).encode()
