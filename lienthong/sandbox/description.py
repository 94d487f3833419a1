"""The WSDL and the schemas as the sandbox serves them, with its own address in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

from schemas.model import read_file
from schemas.parser import parse_xml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.model import SchemaVersion

SOAP_ADDRESSES = (
    "{http://schemas.xmlsoap.org/wsdl/soap/}address",
    "{http://schemas.xmlsoap.org/wsdl/soap12/}address",
)
XSDS = ("dossier.xsd", "messages.xsd")


def describe_service(versions: Iterable[SchemaVersion], *, url: str) -> dict[str, bytes]:
    """
    Return what is served on GET, by path and query.

    Args:
        versions: The first is the one that "/?wsdl" and "/portal?wsdl" describe; every one is
            at "/portal/{name}?wsdl".
        url: Of the portal, without a slash at its end.
    """
    pages: dict[str, bytes] = {}
    for version in versions:
        wsdl = _address(version, url=url)
        pages[f"/portal/{version.name}?wsdl"] = wsdl
        pages.setdefault("/?wsdl", wsdl)
        pages.setdefault("/portal?wsdl", wsdl)
        for name in XSDS:
            pages[f"/portal/{version.name}/{name}"] = read_file(version, name)
            pages.setdefault(f"/portal/{name}", read_file(version, name))
    return pages


def _address(version: SchemaVersion, *, url: str) -> bytes:
    root = parse_xml(read_file(version, "portal.wsdl"))
    for element in root.iter(etree.Element):
        if element.tag in SOAP_ADDRESSES:
            element.set("location", url)
        for name in ("schemaLocation", "location"):
            if element.get(name) in XSDS:
                element.set(name, f"{url}/{version.name}/{element.get(name)}")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
