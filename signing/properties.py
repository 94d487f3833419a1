"""Read the XAdES properties of a signature: when it was made, and with which certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from signing.canonical import canonical_bytes
from signing.parts import Departure, Digest, bytes_of, children_of, read_digest
from signing.profile import XADES

if TYPE_CHECKING:
    from lxml.etree import _Element


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedProperties:
    """What the signer states besides the document."""

    element: _Element
    canonical: bytes
    """Exclusive canonical form of `element`."""
    signed_at: datetime
    certificate_digest: Digest
    issuer_serial: bytes | None
    unsigned: _Element | None
    """What stands beside them and is not signed."""


def read_properties(held: _Element, signature_id: str | None) -> SignedProperties:
    """Return what the `ds:Object` of the signature with this `Id` holds: XAdES properties."""
    (qualifying,) = children_of(held, "QualifyingProperties", namespace=XADES)
    if not signature_id or qualifying.get("Target") != f"#{signature_id}":
        raise Departure(
            "signature.structure",
            vi="QualifyingProperties phải trỏ (Target) tới Id của chính chữ ký này",
            en="QualifyingProperties must point (Target) to the Id of this very signature",
        )
    names = "SignedProperties UnsignedProperties" if len(qualifying) > 1 else "SignedProperties"
    element, *unsigned = children_of(qualifying, names, namespace=XADES)
    about_signature = element.find(f"{{{XADES}}}SignedSignatureProperties")
    if about_signature is None:
        raise _no_property("SignedSignatureProperties")
    certificate = _only(about_signature, "SigningCertificateV2/Cert")
    method, value = children_of(_only(certificate, "CertDigest"), "DigestMethod DigestValue")
    issuer = certificate.find(f"{{{XADES}}}IssuerSerialV2")
    return SignedProperties(
        element=element,
        canonical=canonical_bytes(element),
        signed_at=_time_of(_only(about_signature, "SigningTime")),
        certificate_digest=read_digest(method, value),
        issuer_serial=None if issuer is None else bytes_of(issuer),
        unsigned=unsigned[0] if unsigned else None,
    )


def _only(parent: _Element, path: str) -> _Element:
    found = parent.findall("/".join(f"{{{XADES}}}{step}" for step in path.split("/")))
    if len(found) != 1:
        raise _no_property(path)
    return found[0]


def _time_of(element: _Element) -> datetime:
    try:
        stated = datetime.fromisoformat((element.text or "").strip())
        moment = None if stated.tzinfo is None else stated.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise Departure(
            "signature.structure",
            vi="SigningTime phải là thời điểm có múi giờ, ví dụ 2026-11-24T08:00:00Z",
            en="SigningTime must be a time with a zone, for example 2026-11-24T08:00:00Z",
        )
    return moment


def _no_property(name: str) -> Departure:
    return Departure(
        "signature.structure",
        vi=f"Thuộc tính ký phải có đúng một {name}",
        en=f"The signed properties must have exactly one {name}",
    )
