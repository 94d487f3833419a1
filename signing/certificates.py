"""
What a certificate says about its holder and its use. Nothing here decides trust.

Which attribute of an official-duty certificate carries the agency's code is not published; the
attribute is therefore a parameter (`VerificationPolicy.agency_attribute`). Development
certificates use organizationIdentifier (X.520, 2.5.4.97).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.errors import Reason
from signing.profile import CURVES, MIN_RSA_BITS

if TYPE_CHECKING:
    from datetime import datetime

# What the library raises besides ValueError for certificates that somebody made up.
_UNREADABLE = (
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
    TypeError,
)

_OTHER_PURPOSES = frozenset(
    {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CODE_SIGNING,
        ExtendedKeyUsageOID.TIME_STAMPING,
        ExtendedKeyUsageOID.OCSP_SIGNING,
    }
)
"""A certificate with no purpose besides these is for nothing else (RFC 5280, section 4.2.1.12)."""
_MAX_SHOWN = 200
"""Letters of a name; whoever makes up a certificate may write a million."""
AGENCY_ATTRIBUTE = NameOID.ORGANIZATION_IDENTIFIER.dotted_string


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signed, as the certificate says; true only as far as the certificate is trusted."""

    common_name: str | None
    organization: str | None
    agency_code: str | None
    serial: str
    """Lower-case hexadecimal."""
    not_before: datetime
    not_after: datetime
    fingerprint: str
    """SHA-256 of the certificate, lower-case hexadecimal."""


def load_certificate(der: bytes) -> x509.Certificate:
    """
    Return a certificate of which every part that we look at can be read.

    Raises:
        ValueError: some part cannot be read, or the kind of key is unknown.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        # The library reads lazily: without this, a broken part would surface anywhere later.
        _ = certificate.subject, certificate.issuer, certificate.serial_number
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        _ = certificate.extensions, certificate.public_key()
    except _UNREADABLE as exc:
        raise ValueError(str(exc)) from exc
    return certificate


def load_certificates(pem: bytes) -> list[x509.Certificate]:
    """
    Return the certificates of a PEM text, at least one, as `load_certificate` does.

    Raises:
        ValueError: there is none, or one cannot be read.
    """
    try:
        certificates = x509.load_pem_x509_certificates(pem)
    except _UNREADABLE as exc:
        raise ValueError(str(exc)) from exc
    return [load_certificate(one.public_bytes(Encoding.DER)) for one in certificates]


@lru_cache(maxsize=256)
def read_signer(
    certificate: x509.Certificate, *, agency_attribute: str = AGENCY_ATTRIBUTE
) -> Signer:
    """Return what `certificate` says about its holder; absent attributes are None."""
    return Signer(
        common_name=_attribute(certificate.subject, NameOID.COMMON_NAME),
        organization=_attribute(certificate.subject, NameOID.ORGANIZATION_NAME),
        agency_code=_attribute(certificate.subject, x509.ObjectIdentifier(agency_attribute)),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def subject_text(certificate: x509.Certificate) -> str:
    """Return the name to show for `certificate`: its common name, or its whole subject."""
    common_name = _attribute(certificate.subject, NameOID.COMMON_NAME)
    name = common_name or certificate.subject.rfc4514_string() or "(không tên)"
    return name[:_MAX_SHOWN]


@lru_cache(maxsize=256)
def is_for_signing(certificate: x509.Certificate) -> bool:
    """Tell whether keyUsage allows signing documents; a certificate authority's is not for that."""
    values = [extension.value for extension in certificate.extensions]
    if any(one.ca for one in values if isinstance(one, x509.BasicConstraints)):
        return False
    usages = [one for one in values if isinstance(one, x509.KeyUsage)]
    return any(one.digital_signature or one.content_commitment for one in usages)


@lru_cache(maxsize=256)
def is_for_other_purposes(certificate: x509.Certificate) -> bool:
    """Tell whether it is for time-stamps, OCSP answers, web servers or programs alone."""
    return any(
        isinstance(one.value, x509.ExtendedKeyUsage) and _OTHER_PURPOSES.issuperset(one.value)
        for one in certificate.extensions
    )


@lru_cache(maxsize=256)
def is_for_timestamps(certificate: x509.Certificate) -> bool:
    """Tell whether it is for this use alone, marked critical (RFC 3161, section 2.3)."""
    return any(
        isinstance(one.value, x509.ExtendedKeyUsage)
        and one.critical
        and list(one.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
        for one in certificate.extensions
    )


@lru_cache(maxsize=256)
def weakness_of(
    certificate: x509.Certificate, *, min_rsa_bits: int = MIN_RSA_BITS
) -> Reason | None:
    """Return why the certificate's key is too weak or of a kind not accepted, or None."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size >= min_rsa_bits:
            return None
        found_vi, found_en = f"RSA {key.key_size} bit", f"RSA of {key.key_size} bits"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name in CURVES:
            return None
        found_vi, found_en = f"đường cong {key.curve.name}", f"curve {key.curve.name}"
    else:
        found_vi, found_en = "loại khóa khác", "another kind of key"
    name = subject_text(certificate)
    return Reason(
        code="certificate.weak",
        vi=f"Khóa của chứng thư {name} không đủ mạnh: cần RSA từ {min_rsa_bits} bit hoặc P-256, "
        f"P-384; thực tế là {found_vi}",
        en=f"The key of certificate {name} is not strong enough: expected RSA of at least "
        f"{min_rsa_bits} bits or P-256, P-384; found {found_en}",
    )


@lru_cache(maxsize=256)
def certificate_digest(certificate: x509.Certificate, *, method: str) -> bytes:
    """Return the digest of the certificate's DER; `method` is a name in hashlib."""
    return hashlib.new(method, certificate.public_bytes(Encoding.DER)).digest()


@lru_cache(maxsize=256)
def issuer_serial(certificate: x509.Certificate) -> bytes:
    """
    Return the DER of IssuerSerial, as XAdES names the certificate's issuer and number.

    Source: RFC 5035 section 5, used by ETSI EN 319 132-1 section 5.2.2.
    """
    name = _tagged(0xA4, certificate.issuer.public_bytes())
    number = certificate.serial_number
    digits = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
    return _tagged(0x30, _tagged(0x30, name) + _tagged(0x02, digits))


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _attribute(name: x509.Name, kind: x509.ObjectIdentifier) -> str | None:
    values = name.get_attributes_for_oid(kind)
    if not values:
        return None
    value = values[0].value
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
