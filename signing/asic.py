"""
Write the signature of an ASiC-E container: XAdES baseline B over every file in it.

One `ds:Signature` in `META-INF/signatures.xml`, with a reference to each file by its name and no
transforms, so that what is digested are the files' own bytes.

Sources: ETSI EN 319 162-1 clause 4.4.3.2 (ASiC-E with XAdES), EN 319 132-1 (SigningTime,
SigningCertificateV2, a DataObjectFormat for each signed file).
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from signing.certificates import issuer_serial
from signing.profile import DS, EXCLUSIVE_C14N, SHA256_DIGEST, SIGNED_PROPERTIES_TYPE, XADES
from signing.values import algorithm_of, sign_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from signing.keys import SigningKey

ASIC = "http://uri.etsi.org/02918/v1.2.1#"
CONTAINER_TYPE = "application/vnd.etsi.asic-e+zip"
SIGNATURES = "META-INF/signatures.xml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", re.ASCII)
_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+", re.ASCII)
_METHOD = f'<ds:DigestMethod Algorithm="{SHA256_DIGEST}"></ds:DigestMethod>'


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainedFile:
    """One file of a container."""

    name: str
    """With letters, digits, dots, hyphens and slashes: a URI as it is."""
    media_type: str
    sha256: bytes
    size: int
    """Bytes."""


def sign_files(files: Sequence[ContainedFile], *, key: SigningKey, signed_at: datetime) -> bytes:
    """
    Return the content of `META-INF/signatures.xml` for a container of these files.

    Args:
        files: Every one but `mimetype` and those below META-INF, which nothing refers to.
        key: Signs.
        signed_at: Aware; written in UTC, to the second.

    Raises:
        ValueError: a name or type cannot stand in a container of ours.
        KeyUnusable: the certificate is not valid at `signed_at`.
    """
    for file in files:
        if not _NAME.fullmatch(file.name) or not _TYPE.fullmatch(file.media_type):
            raise ValueError(f"cannot stand in a container: {file.name!r} ({file.media_type!r})")
    moment = signed_at.astimezone(UTC).replace(microsecond=0)
    key.check_usable_at(moment)
    time = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    declared = (f' xmlns:ds="{DS}"', f' xmlns:xades="{XADES}"')
    canonical = _properties(files, key, time, ds=declared[0], xades=declared[1])
    info = _signed_info(files, key, of_properties=sha256(canonical.encode()).digest())
    value = _sign(key, f'<ds:SignedInfo xmlns:ds="{DS}">{info}</ds:SignedInfo>'.encode())
    certificates = "".join(
        f"<ds:X509Certificate>{_base64(one.public_bytes(Encoding.DER))}</ds:X509Certificate>"
        for one in (key.certificate, *key.chain)
    )
    return (
        f'<asic:XAdESSignatures xmlns:asic="{ASIC}"><ds:Signature xmlns:ds="{DS}" Id="S">'
        f"<ds:SignedInfo>{info}</ds:SignedInfo>"
        f"<ds:SignatureValue>{_base64(value)}</ds:SignatureValue>"
        f"<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo>"
        f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}" Target="#S">'
        f"{_properties(files, key, time)}</xades:QualifyingProperties></ds:Object>"
        "</ds:Signature></asic:XAdESSignatures>"
    ).encode()


def _signed_info(files: Sequence[ContainedFile], key: SigningKey, *, of_properties: bytes) -> str:
    """Return what stands in SignedInfo; the same in place and in its canonical form."""
    references = "".join(
        f'<ds:Reference Id="R{number}" URI="{file.name}">{_METHOD}'
        f"<ds:DigestValue>{_base64(file.sha256)}</ds:DigestValue></ds:Reference>"
        for number, file in enumerate(files, start=1)
    )
    return (
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{algorithm_of(key).value}"></ds:SignatureMethod>'
        f"{references}"
        f'<ds:Reference Type="{SIGNED_PROPERTIES_TYPE}" URI="#P"><ds:Transforms>'
        f'<ds:Transform Algorithm="{EXCLUSIVE_C14N}"></ds:Transform></ds:Transforms>{_METHOD}'
        f"<ds:DigestValue>{_base64(of_properties)}</ds:DigestValue></ds:Reference>"
    )


def _properties(
    files: Sequence[ContainedFile], key: SigningKey, time: str, *, ds: str = "", xades: str = ""
) -> str:
    """Return SignedProperties; `ds` and `xades` are the declarations its canonical form has."""
    digest = _base64(sha256(key.certificate.public_bytes(Encoding.DER)).digest())
    method = _METHOD.replace("<ds:DigestMethod", f"<ds:DigestMethod{ds}", 1)
    formats = "".join(
        f'<xades:DataObjectFormat ObjectReference="#R{number}">'
        f"<xades:MimeType>{file.media_type}</xades:MimeType></xades:DataObjectFormat>"
        for number, file in enumerate(files, start=1)
    )
    return (
        f'<xades:SignedProperties{xades} Id="P"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{time}</xades:SigningTime>"
        f"<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>{method}"
        f"<ds:DigestValue{ds}>{digest}</ds:DigestValue></xades:CertDigest>"
        f"<xades:IssuerSerialV2>{_base64(issuer_serial(key.certificate))}</xades:IssuerSerialV2>"
        "</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
        f"<xades:SignedDataObjectProperties>{formats}</xades:SignedDataObjectProperties>"
        "</xades:SignedProperties>"
    )


def _sign(key: SigningKey, data: bytes) -> bytes:
    value = sign_bytes(key, data)
    public = key.certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        return value
    r, s = decode_dss_signature(value)
    size = (public.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
