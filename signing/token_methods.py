"""
How a signature method is asked of a token.

The hash is made here and the token signs it where it can: then a document need not travel to the
device, and the oldest mechanisms, which every device has, suffice. A token that only offers the
mechanisms that hash by themselves is given the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import new as new_hash
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, KeyType, Mechanism, MechanismInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from signing.profile import Algorithm

_DIGEST_INFOS = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What PKCS#1 v1.5 has before the hash. Source: RFC 8017, section 9.2, note 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How one algorithm is asked for."""

    mechanism: Mechanism
    parameter: Any
    prepare: Callable[[bytes], bytes]
    """Returns what the token is given of the bytes to sign."""
    finish: Callable[[bytes], bytes]
    """Returns the signature as libraries have it, from what the token gives."""


def method_for(
    algorithm: Algorithm, *, key_type: KeyType, offered: Collection[Mechanism | int]
) -> Method:
    """
    Return how a token that offers these mechanisms is asked for an algorithm.

    Raises:
        pkcs11.MechanismInvalid: it does not offer it, or the key is of another kind.
    """
    kind = "ec" if algorithm.name.startswith("ECDSA") else "rsa"
    if kind != {KeyType.RSA: "rsa", KeyType.EC: "ec"}.get(key_type):
        raise MechanismInvalid
    name = algorithm.hash.name
    raw, hashing, parameter = _mechanisms(algorithm)
    finish = _der if kind == "ec" else bytes
    if raw in offered:
        prefix = _DIGEST_INFOS[name] if raw is Mechanism.RSA_PKCS else b""

        def prepare(data: bytes) -> bytes:
            return prefix + new_hash(name, data).digest()

        return Method(mechanism=raw, parameter=parameter, prepare=prepare, finish=finish)
    if hashing in offered:
        return Method(mechanism=hashing, parameter=parameter, prepare=bytes, finish=finish)
    raise MechanismInvalid


def _mechanisms(algorithm: Algorithm) -> tuple[Mechanism, Mechanism, Any]:
    """Return the mechanism that signs a hash, the one that hashes too, and the parameter."""
    hash_name = algorithm.hash.name.upper()
    if algorithm.name.startswith("ECDSA"):
        return Mechanism.ECDSA, Mechanism[f"ECDSA_{hash_name}"], None
    if "_PSS_" not in algorithm.name:
        return Mechanism.RSA_PKCS, Mechanism[f"{hash_name}_RSA_PKCS"], None
    parameter = (Mechanism[hash_name], MGF[hash_name], algorithm.hash.digest_size)
    return Mechanism.RSA_PKCS_PSS, Mechanism[f"{hash_name}_RSA_PKCS_PSS"], parameter


def _der(signature: bytes) -> bytes:
    """Return r and s, which tokens give side by side (PKCS#11, 2.3.1), in DER."""
    half = len(signature) // 2
    r, s = signature[:half], signature[half:]
    return encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
