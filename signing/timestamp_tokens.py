"""
Take a time-stamp token apart (RFC 3161 section 2.4.2, in CMS); what stands in it is a claim.

Exactly one signer, whose certificate is in the token; a bounded number of certificates.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding

from signing import timestamp_shapes as shapes
from signing.certificates import load_certificate

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

MOST_CERTIFICATES = 8
_LARGEST_ACCURACY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token says of itself."""

    info: shapes.TstInfo
    at: datetime
    """UTC."""
    accuracy: timedelta | None
    signer: shapes.SignerInfo
    certificate: x509.Certificate
    """The one that the signer is named by."""
    chain: tuple[x509.Certificate, ...]
    """What was sent along."""


def read_token(token: bytes) -> TokenClaims:
    """
    Take a token apart.

    Raises:
        ValueError: it is none; the words say what is not as it must be.
    """
    whole = asn1.decode_der(shapes.Token, token)
    data = whole.data
    if whole.kind != shapes.SIGNED_DATA or data.content.kind != shapes.TST_INFO:
        raise ValueError("not a time-stamp")
    signers = data.signers.as_list()
    if len(signers) != 1:
        raise ValueError(f"{len(signers)} signatures")
    held = [] if data.certificates is None else data.certificates.as_list()
    if len(held) > MOST_CERTIFICATES:
        raise ValueError(f"{len(held)} certificates")
    certificates = [load_certificate(asn1.encode_der(one)) for one in held]
    (signer,) = signers
    own = next((one for one in certificates if _is_named(one, signer)), None)
    if own is None:
        raise ValueError("the certificate of its signer is not in it")
    info = asn1.decode_der(shapes.TstInfo, data.content.body)
    if info.version != 1:
        raise ValueError(f"version {info.version}")
    return TokenClaims(
        info=info,
        at=info.at.as_datetime(),
        accuracy=_accuracy_of(info.accuracy),
        signer=signer,
        certificate=own,
        chain=tuple(one for one in certificates if one != own),
    )


def names_its_certificate(claims: TokenClaims) -> bool:
    """
    Tell whether the signer signed along which certificate is theirs (RFC 5816).

    Older authorities name it by SHA-1 only (RFC 3161 of 2001), which proves nothing here: then
    issuer and number, and the pinned root, must do.
    """
    stated = claims.signer.attributes
    attributes = [] if stated is None else stated.as_list()
    named = [one for one in attributes if one.kind == shapes.SIGNING_CERTIFICATE_V2]
    if not named:
        return any(one.kind == shapes.SIGNING_CERTIFICATE for one in attributes)
    try:
        ((value,),) = (one.values.as_list() for one in named)
        first = value.parse(shapes.SigningCertificateV2).certificates[0]
    except (ValueError, IndexError):
        return False
    method = "sha256" if first.method is None else shapes.HASH_NAMES.get(first.method.algorithm)
    if method is None:
        return False
    digest = hashlib.new(method, claims.certificate.public_bytes(Encoding.DER)).digest()
    return hmac.compare_digest(digest, first.digest)


def _is_named(certificate: x509.Certificate, signer: shapes.SignerInfo) -> bool:
    named = signer.signer
    is_issuer = certificate.issuer.public_bytes() == asn1.encode_der(named.issuer)
    return is_issuer and certificate.serial_number == named.serial


def _accuracy_of(stated: shapes.Accuracy | None) -> timedelta | None:
    if stated is None:
        return None
    parts = (stated.seconds or 0, stated.millis or 0, stated.micros or 0)
    limit = _LARGEST_ACCURACY.total_seconds()
    if any(not 0 <= one <= limit for one in parts):
        raise ValueError("an accuracy that is none")
    return timedelta(seconds=parts[0], milliseconds=parts[1], microseconds=parts[2])
