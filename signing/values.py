"""Signatures over plain bytes, without XML: RSA PKCS#1 v1.5 or ECDSA in DER, with SHA-2."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.errors import KeyUnusable, Reason
from signing.profile import Algorithm, Hash, RsaPadding

if TYPE_CHECKING:
    from cryptography import x509

    from signing.keys import PublicKey, SigningKey


_RSA = {
    Hash.SHA256: Algorithm.RSA_SHA256,
    Hash.SHA384: Algorithm.RSA_SHA384,
    Hash.SHA512: Algorithm.RSA_SHA512,
}
_RSA_PSS = {
    Hash.SHA256: Algorithm.RSA_PSS_SHA256,
    Hash.SHA384: Algorithm.RSA_PSS_SHA384,
    Hash.SHA512: Algorithm.RSA_PSS_SHA512,
}
_ECDSA = {
    Hash.SHA256: Algorithm.ECDSA_SHA256,
    Hash.SHA384: Algorithm.ECDSA_SHA384,
    Hash.SHA512: Algorithm.ECDSA_SHA512,
}


def sign_bytes(key: SigningKey, data: bytes) -> bytes:
    """Return the signature of `data`: SHA-256, on P-384 SHA-384."""
    return key.sign(data, algorithm_of(key))


def algorithm_of(
    key: SigningKey, *, rsa_padding: RsaPadding = RsaPadding.PKCS1, digest: Hash | None = None
) -> Algorithm:
    """
    Return the signature method a key signs with.

    Args:
        key: Signs.
        rsa_padding: Where it is an RSA key.
        digest: None: SHA-256, on P-384 SHA-384.
    """
    return algorithm_for(key.public_key, rsa_padding=rsa_padding, digest=digest)


def algorithm_for(
    public_key: PublicKey,
    *,
    rsa_padding: RsaPadding = RsaPadding.PKCS1,
    digest: Hash | None = None,
) -> Algorithm:
    """Return the signature method of the private half of `public_key`."""
    if isinstance(public_key, rsa.RSAPublicKey):
        methods = _RSA_PSS if rsa_padding is RsaPadding.PSS else _RSA
        return methods[digest or Hash.SHA256]
    usual = Hash.SHA384 if public_key.curve.key_size > 256 else Hash.SHA256
    return _ECDSA[digest or usual]


def prove(key: SigningKey) -> None:
    """
    Let a key sign random bytes, and return if its certificate says that it did.

    Raises:
        KeyUnusable: it cannot sign now, or "key.wrong_signature".
    """
    data = os.urandom(32)
    if not is_signed_by(key.certificate, data, sign_bytes(key, data)):
        raise KeyUnusable(
            Reason(
                code="key.wrong_signature",
                vi="Chữ ký thử của khóa không khớp với chứng thư của nó: không dùng khóa này, kiểm "
                "tra thiết bị giữ khóa",
                en="what the key signed does not fit its certificate: do not use this key, look "
                "after the device that keeps it",
            )
        )


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
