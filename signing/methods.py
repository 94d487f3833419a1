"""
Signature values as XML Signature writes them: made with a key, checked with a certificate.

ECDSA values are r and s side by side, not the DER that libraries give (XML Signature 1.1, 6.4.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

if TYPE_CHECKING:
    from cryptography import x509

    from signing.keys import SigningKey
    from signing.profile import Algorithm, LegacyAlgorithm


def make_value(key: SigningKey, data: bytes, *, algorithm: Algorithm) -> bytes:
    """
    Return the SignatureValue over `data`, the canonical SignedInfo.

    Raises:
        KeyUnusable: the key is kept elsewhere and cannot sign now.
    """
    value = key.sign(data, algorithm)
    if algorithm.padding is not None:
        return value
    r, s = decode_dss_signature(value)
    size = (key.public_key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def is_value_of(
    certificate: x509.Certificate,
    data: bytes,
    value: bytes,
    *,
    algorithm: Algorithm | LegacyAlgorithm,
) -> bool:
    """Tell whether a SignatureValue over `data` is of the certificate's key; not of trust."""
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm.padding is not None:
            key.verify(value, data, algorithm.padding, algorithm.hash)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm.padding is None:
            size = (key.curve.key_size + 7) // 8
            if len(value) != 2 * size:
                return False
            r = int.from_bytes(value[:size], "big")
            s = int.from_bytes(value[size:], "big")
            key.verify(encode_dss_signature(r, s), data, ec.ECDSA(algorithm.hash))
            return True
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        # ValueError: the key is too small for the hash; it is refused as weak, too.
        return False
    return False
