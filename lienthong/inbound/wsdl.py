"""
The service's WSDL, for one peer and one version of the schema: always the same text for the same
settings, so that its digest says whether anything changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from schemas.inbound import NAMESPACE, OPERATION, XSD, inbound_xsd
from schemas.model import load_version, read_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lienthong.inbound.profile import PeerProfile
    from schemas.model import SchemaVersion

XML_TYPE = "text/xml; charset=utf-8"
FOLDER = "schemas"
"""Beside the service's address; where the WSDL's imports lead."""
OURS = "inbound-1"
_XSDS = ("messages.xsd", "dossier.xsd")
_BINDINGS = {
    "1.1": ("Soap11", "soap", "http://schemas.xmlsoap.org/wsdl/soap/"),
    "1.2": ("Soap12", "soap12", "http://schemas.xmlsoap.org/wsdl/soap12/"),
}


def describe(profile: PeerProfile, *, version: str | None, address: str) -> bytes | None:
    """
    Return the WSDL, or None where the peer has no such version.

    Args:
        profile: The peer's; operations are those of the services it may send.
        version: Of the schema; None: the first of the profile's.
        address: Of the service.
    """
    names = profile.schema_versions
    if profile.soap is None or (version or names[0]) not in names:
        return None
    schema = load_version(version or names[0])
    known = [("m", name) for name in schema.packets if name in profile.services]
    operations = [*known, ("in", OPERATION)]
    return _write(schema, operations, versions=profile.soap.versions, address=address)


def read_schema(profile: PeerProfile, *, folder: str, name: str) -> bytes | None:
    """Return one of the files that the WSDL leads to, or None where there is none such."""
    if (folder, name) == (OURS, XSD):
        return inbound_xsd()
    if folder in profile.schema_versions and name in _XSDS:
        return read_file(load_version(folder), name)
    return None


def _write(
    schema: SchemaVersion,
    operations: Iterable[tuple[str, str]],
    *,
    versions: Iterable[str],
    address: str,
) -> bytes:
    operations = list(operations)
    spaces = {"m": schema.namespace, "in": NAMESPACE}
    messages = "".join(
        f'<wsdl:message name="{name}{kind}"><wsdl:part name="parameters" '
        f'element="{prefix}:{name}{element}"/></wsdl:message>'
        for prefix, name in operations
        for kind, element in (("Request", ""), ("Response", "Response"))
    )
    port_type = "".join(
        f'<wsdl:operation name="{name}"><wsdl:input message="tns:{name}Request"/>'
        f'<wsdl:output message="tns:{name}Response"/></wsdl:operation>'
        for _, name in operations
    )
    bound = [_BINDINGS[version] for version in versions]
    bindings = "".join(
        f'<wsdl:binding name="{binding}" type="tns:TiepNhan">'
        f'<{soap}:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
        + "".join(
            f'<wsdl:operation name="{name}"><{soap}:operation '
            f'soapAction="{spaces[prefix]}:{name}" style="document"/>'
            f'<wsdl:input><{soap}:body use="literal"/></wsdl:input>'
            f'<wsdl:output><{soap}:body use="literal"/></wsdl:output></wsdl:operation>'
            for prefix, name in operations
        )
        + "</wsdl:binding>"
        for binding, soap, _ in bound
    )
    ports = "".join(
        f'<wsdl:port name="{binding}" binding="tns:{binding}">'
        f"<{soap}:address location={quoteattr(address)}/></wsdl:port>"
        for binding, soap, _ in bound
    )
    declared = "".join(f' xmlns:{soap}="{namespace}"' for _, soap, namespace in bound)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"'
        f'{declared} xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:m="{schema.namespace}" '
        f'xmlns:in="{NAMESPACE}" xmlns:tns="{NAMESPACE}:wsdl" '
        f'targetNamespace="{NAMESPACE}:wsdl" name="TiepNhan"><wsdl:types><xs:schema>'
        f'<xs:import namespace="{schema.namespace}" '
        f'schemaLocation="{FOLDER}/{schema.name}/messages.xsd"/>'
        f'<xs:import namespace="{NAMESPACE}" schemaLocation="{FOLDER}/{OURS}/{XSD}"/>'
        f"</xs:schema></wsdl:types>{messages}"
        f'<wsdl:portType name="TiepNhan">{port_type}</wsdl:portType>{bindings}'
        f'<wsdl:service name="TiepNhan">{ports}</wsdl:service></wsdl:definitions>\n'
    ).encode()
