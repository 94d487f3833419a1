"""
Read and write the validation data of XAdES baseline LT: certificates, and what their issuers said.

They stand beside the signature time-stamp and nobody signs them (ETSI EN 319 132-1, sections 5.4.1
and 5.4.2). In this profile both elements are there, hold DER and nothing else, and are bounded.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from signing.parts import (
    MOST_CERTIFICATE_BYTES,
    Departure,
    bytes_of,
    children_of,
    load_enclosed,
)
from signing.profile import XADES
from signing.standing import Evidence, Kind

if TYPE_CHECKING:
    from cryptography import x509
    from lxml.etree import _Element

    from signing.standing import Standing

MOST_CERTIFICATES = 16
MOST_EVIDENCE = 16
"""Lists, and as many answers."""
MOST_LIST_BYTES = 5 * 1024 * 1024
"""In base64 it fits into one text of a document."""
MOST_ANSWER_BYTES = 128 * 1024
_HOLDERS = {
    "CRLValues": ("EncapsulatedCRLValue", Kind.CRL),
    "OCSPValues": ("EncapsulatedOCSPValue", Kind.OCSP),
}
_MOST_BYTES = {Kind.CRL: MOST_LIST_BYTES, Kind.OCSP: MOST_ANSWER_BYTES}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnclosedValues:
    """What stands there; it may help to judge, and adds no trust."""

    certificates: tuple[x509.Certificate, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesFindings:
    """What became of the values of one document."""

    values: EnclosedValues
    certificates: tuple[x509.Certificate, ...]
    """Those that stand in a chain to a pinned root."""
    standings: tuple[Standing, ...]
    """What is known from the lists and answers: of the signer's chain, then of the authority's."""


def read_values(certificates: _Element, revocation: _Element) -> EnclosedValues:
    """Return what `CertificateValues` and `RevocationValues` hold."""
    encoded = _read_all(
        certificates,
        "EncapsulatedX509Certificate",
        most=MOST_CERTIFICATES,
        most_bytes=MOST_CERTIFICATE_BYTES,
    )
    names = [str(one.tag).rpartition("}")[2] for one in revocation]
    if names not in (["CRLValues"], ["OCSPValues"], ["CRLValues", "OCSPValues"]):
        raise Departure(
            "signature.structure",
            vi="RevocationValues phải gồm CRLValues, OCSPValues hoặc cả hai theo thứ tự đó",
            en="RevocationValues must hold CRLValues, OCSPValues or both in this order",
        )
    evidence: list[Evidence] = []
    for holder in children_of(revocation, " ".join(names), namespace=XADES):
        name, kind = _HOLDERS[etree.QName(holder).localname]
        pieces = _read_all(holder, name, most=MOST_EVIDENCE, most_bytes=_MOST_BYTES[kind])
        evidence += [
            Evidence(kind=kind, data=data, origin=f"{name} {number}")
            for number, data in enumerate(pieces, start=1)
        ]
    if not evidence:
        raise _count_wrong(revocation, 0, MOST_EVIDENCE)
    return EnclosedValues(
        certificates=tuple(load_enclosed(one) for one in encoded), evidence=tuple(evidence)
    )


def is_enclosable(evidence: Evidence) -> bool:
    """Tell whether a piece is small enough to be read again."""
    return len(evidence.data) <= _MOST_BYTES[evidence.kind]


def append_values(about_signature: _Element, values: EnclosedValues) -> None:
    """Write them behind the time-stamp in `UnsignedSignatureProperties`."""
    certificates = etree.SubElement(about_signature, f"{{{XADES}}}CertificateValues")
    for one in values.certificates:
        _append(certificates, "EncapsulatedX509Certificate", one.public_bytes(Encoding.DER))
    revocation = etree.SubElement(about_signature, f"{{{XADES}}}RevocationValues")
    for holder, (name, kind) in _HOLDERS.items():
        pieces = [one.data for one in values.evidence if one.kind is kind]
        if pieces:
            element = etree.SubElement(revocation, f"{{{XADES}}}{holder}")
            for data in pieces:
                _append(element, name, data)


def _append(parent: _Element, name: str, der: bytes) -> None:
    etree.SubElement(parent, f"{{{XADES}}}{name}").text = b64encode(der).decode()


def _read_all(parent: _Element, name: str, *, most: int, most_bytes: int) -> list[bytes]:
    if len(parent) > most:
        raise _count_wrong(parent, len(parent), most)
    found = []
    for one in children_of(parent, " ".join([name] * len(parent)), namespace=XADES):
        if one.attrib:
            raise Departure(
                "signature.structure",
                vi=f"{name} không được có thuộc tính (chỉ nhận DER)",
                en=f"{name} must have no attributes (only DER is accepted)",
            )
        data = bytes_of(one)
        if len(data) > most_bytes:
            raise Departure(
                "signature.structure",
                vi=f"{name} lớn hơn {most_bytes} byte",
                en=f"{name} is larger than {most_bytes} bytes",
            )
        found.append(data)
    return found


def _count_wrong(parent: _Element, found: int, most: int) -> Departure:
    name = etree.QName(parent).localname
    return Departure(
        "signature.structure",
        vi=f"{name} chứa {found} giá trị; nhận nhiều nhất {most}, và ít nhất một dữ liệu thu hồi",
        en=f"{name} holds {found} values; expected at most {most}, and some revocation data",
    )
