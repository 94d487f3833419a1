"""
PKIPath: a chain of certificates in one token, from the authority down to who signs.

Source: X.509 Token Profile 1.1, section 3.1.2; ITU-T X.509 (`PkiPath ::= SEQUENCE OF Certificate`,
the last one is the signer's).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from signing.certificates import load_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

MAX_CERTIFICATES = 8
_SEQUENCE = 0x30


def build_pki_path(certificate: x509.Certificate, *, chain: tuple[x509.Certificate, ...]) -> bytes:
    """Return the DER of a path; `chain` begins with the nearest issuer."""
    ordered = (*reversed(chain), certificate)
    content = b"".join(one.public_bytes(Encoding.DER) for one in ordered)
    size = len(content)
    if size < 0x80:
        return bytes((_SEQUENCE, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((_SEQUENCE, 0x80 | len(length))) + length + content


def read_pki_path(der: bytes) -> tuple[x509.Certificate, ...]:
    """
    Return the certificates of a path, the signer's first.

    Raises:
        ValueError: it is no such path, is empty or too long, or a certificate cannot be read.
    """
    start, end = _sequence_at(der, 0)
    if end != len(der):
        raise ValueError("bytes follow the path")
    found = tuple(load_certificate(one) for one in _sequences_in(der, start))
    return found[::-1]


def _sequences_in(der: bytes, at: int) -> Iterator[bytes]:
    number = 0
    while at < len(der) or number == 0:
        number += 1
        if number > MAX_CERTIFICATES:
            raise ValueError(f"more than {MAX_CERTIFICATES} certificates")
        _, end = _sequence_at(der, at)
        yield der[at:end]
        at = end


def _sequence_at(der: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the sequence at `at` begins and ends."""
    head = der[at : at + 2]
    if len(head) < 2 or head[0] != _SEQUENCE:
        raise ValueError("no sequence")
    start, size = at + 2, head[1]
    if size >= 0x80:
        octets = der[start : start + (size & 0x7F)]
        if not 1 <= len(octets) <= 4 or len(octets) != size & 0x7F:
            raise ValueError("no definite length")
        start, size = start + len(octets), int.from_bytes(octets, "big")
    if start + size > len(der):
        raise ValueError("cut off")
    return start, start + size
