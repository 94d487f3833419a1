"""Signatures over plain bytes, without XML: RSA PKCS#1 v1.5 or ECDSA in DER, with SHA-2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

if TYPE_CHECKING:
    from cryptography import x509

    from signing.keys import SigningKey


def sign_bytes(key: SigningKey, data: bytes) -> bytes:
    """Return the signature of `data`: SHA-256, on P-384 SHA-384."""
    private_key = key.private_key
    if isinstance(private_key, rsa.RSAPrivateKey):
        return private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return private_key.sign(data, ec.ECDSA(_hash_on(private_key.curve)))


def is_signed_by(certificate: x509.Certificate, data: bytes, signature: bytes) -> bool:
    """Tell whether `signature` over `data` is of the certificate's key; whom to trust is another
    question."""
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(_hash_on(key.curve)))
            return True
    except (InvalidSignature, ValueError):
        return False
    return False


def _hash_on(curve: ec.EllipticCurve) -> hashes.HashAlgorithm:
    return hashes.SHA384() if curve.key_size > 256 else hashes.SHA256()
