"""The addresses at which an authority tells what it has revoked, as its certificates name them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ADDRESSES = 4
"""Of one kind in one certificate; who names more gets no more calls."""
LONGEST_ADDRESS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One address that answers about one certificate, or about all of its issuer's."""

    kind: Kind
    url: str
    about: str = ""
    """SHA-256 of the certificate, for OCSP; a list is about all."""

    @property
    def key(self) -> str:
        """What the answer is kept under; also a file name."""
        return sha256(f"{self.kind.value}\n{self.about}\n{self.url}".encode()).hexdigest()


# Fast path: asked for every receipt, and reading the extensions costs 30 µs.
@lru_cache(maxsize=256)
def addresses_for(
    certificate: x509.Certificate, *, further_lists: tuple[str, ...] = ()
) -> tuple[Address, ...]:
    """
    Return where to ask about a certificate: OCSP first, then lists, each address once.

    Args:
        certificate: Already proven; anybody may write any address into one.
        further_lists: Addresses of lists from the settings.
    """
    about = certificate.fingerprint(hashes.SHA256()).hex()
    answers = [url for url in _responders(certificate) if is_callable(url)][:MOST_ADDRESSES]
    named = [url for url in _points(certificate) if is_callable(url)][:MOST_ADDRESSES]
    lists = dict.fromkeys((*named, *further_lists))
    return (
        *(Address(kind=Kind.OCSP, url=url, about=about) for url in dict.fromkeys(answers)),
        *(Address(kind=Kind.CRL, url=url) for url in lists),
    )


def is_callable(url: str) -> bool:
    """Tell whether an address is one that we call: http or https, without a user."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and " " not in url
    return (
        is_plain
        and len(url) <= LONGEST_ADDRESS
        and parts.scheme in {"http", "https"}
        and bool(parts.hostname)
        and parts.username is None
    )


def _responders(certificate: x509.Certificate) -> Iterator[str]:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            for one in extension.value:
                is_ocsp = one.access_method == AuthorityInformationAccessOID.OCSP
                if is_ocsp and isinstance(one.access_location, x509.UniformResourceIdentifier):
                    yield one.access_location.value


def _points(certificate: x509.Certificate) -> Iterator[str]:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.CRLDistributionPoints):
            for point in extension.value:
                for name in point.full_name or ():
                    if isinstance(name, x509.UniformResourceIdentifier):
                        yield name.value
