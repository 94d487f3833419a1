"""
The shapes of time-stamps on the wire, in DER: requests, answers, and tokens with their signer.

Sources: RFC 3161 (TimeStampReq, TimeStampResp, TSTInfo), RFC 5652 (SignedData), RFC 5035
(SigningCertificateV2). Field for field as there, but for names; what has no use here is kept as
it stands. Reading and writing is cryptography's.
"""

from __future__ import annotations

from typing import Annotated

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

SIGNED_DATA = ObjectIdentifier("1.2.840.113549.1.7.2")
TST_INFO = ObjectIdentifier("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = ObjectIdentifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = ObjectIdentifier("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE = ObjectIdentifier("1.2.840.113549.1.9.16.2.12")
"""The first form, whose digest is always SHA-1."""
SIGNING_CERTIFICATE_V2 = ObjectIdentifier("1.2.840.113549.1.9.16.2.47")

HASHES = {
    "sha256": ObjectIdentifier("2.16.840.1.101.3.4.2.1"),
    "sha384": ObjectIdentifier("2.16.840.1.101.3.4.2.2"),
    "sha512": ObjectIdentifier("2.16.840.1.101.3.4.2.3"),
}
"""Digest methods by their names in hashlib."""
HASH_NAMES = {oid: name for name, oid in HASHES.items()}


@asn1.sequence
class AlgorithmIdentifier:
    """A hash or signature method that has no parameters worth the name."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


@asn1.sequence
class MessageImprint:
    """What is stamped."""

    method: AlgorithmIdentifier
    digest: bytes


@asn1.sequence
class TimeStampReq:
    """A request; version 1."""

    version: int
    imprint: MessageImprint
    policy: ObjectIdentifier | None
    nonce: int | None
    cert_req: Annotated[bool, asn1.Default(False)]


@asn1.sequence
class PkiStatusInfo:
    """How a request was answered, with the authority's words."""

    status: int
    words: list[str] | None
    fail_info: asn1.BitString | None


@asn1.sequence
class Refusal:
    """An answer without a token."""

    status: PkiStatusInfo


@asn1.sequence
class Granted:
    """An answer with a token."""

    status: PkiStatusInfo
    token: asn1.TLV


@asn1.sequence
class Accuracy:
    """How far the stated time may be off, to either side."""

    seconds: int | None
    millis: Annotated[int | None, asn1.Implicit(0)]
    micros: Annotated[int | None, asn1.Implicit(1)]


@asn1.sequence
class TstInfo:
    """What an authority states; version 1."""

    version: int
    policy: ObjectIdentifier
    imprint: MessageImprint
    serial: int
    at: asn1.GeneralizedTime
    accuracy: Accuracy | None
    ordering: Annotated[bool, asn1.Default(False)]
    nonce: int | None
    tsa: Annotated[list[asn1.TLV] | None, asn1.Explicit(0)]
    extensions: Annotated[list[asn1.TLV] | None, asn1.Implicit(1)]


@asn1.sequence
class Attribute:
    """One thing that the signer signed along."""

    kind: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class IssuerAndSerial:
    """Which certificate is the signer's."""

    issuer: asn1.TLV
    serial: int


@asn1.sequence
class SignerInfo:
    """A signature, over the attributes."""

    version: int
    signer: IssuerAndSerial
    digest_method: AlgorithmIdentifier
    attributes: Annotated[asn1.SetOf[Attribute] | None, asn1.Implicit(0)]
    method: AlgorithmIdentifier
    signature: bytes
    unsigned: Annotated[asn1.SetOf[Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class Content:
    """What is signed, after its kind: a TSTInfo in DER."""

    kind: ObjectIdentifier
    body: Annotated[bytes, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    """A signed content; version 3."""

    version: int
    digest_methods: asn1.SetOf[AlgorithmIdentifier]
    content: Content
    certificates: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(0)]
    lists: Annotated[asn1.SetOf[asn1.TLV] | None, asn1.Implicit(1)]
    signers: asn1.SetOf[SignerInfo]


@asn1.sequence
class Token:
    """A time-stamp token."""

    kind: ObjectIdentifier
    data: Annotated[SignedData, asn1.Explicit(0)]


@asn1.sequence
class EssCertIdV2:
    """The certificate that the signer names, with SHA-256 where no method is given."""

    method: AlgorithmIdentifier | None
    digest: bytes
    issuer_serial: list[asn1.TLV] | None


@asn1.sequence
class SigningCertificateV2:
    """The certificates that the signer names; the first is the signer's own."""

    certificates: list[EssCertIdV2]
    policies: list[asn1.TLV] | None
