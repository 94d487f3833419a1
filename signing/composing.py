"""
Compose the text of signatures, in exclusive canonical form.

What is returned stays its own canonical form where it is put into a canonical document, so that
nothing is ever written anew. `xades` is declared on QualifyingProperties: on `ds:Signature`, where
nothing uses it, canonicalisation would move it there.

Sources: W3C XML Signature 1.1; ETSI EN 319 132-1 (SigningTime, SigningCertificateV2,
DataObjectFormat). Composing the text costs a tenth of what a general library does and avoids
its wrong digests with exclusive canonicalisation.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from signing.certificates import certificate_digest, issuer_serial
from signing.methods import make_value
from signing.profile import (
    DS,
    ENVELOPED,
    EXCLUSIVE_C14N,
    SIGNED_PROPERTIES_TYPE,
    XADES,
    Algorithm,
    Hash,
    RsaPadding,
)
from signing.values import algorithm_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from signing.keys import SigningKey

_EXCLUSIVE = f'Algorithm="{EXCLUSIVE_C14N}"'
_CANONICALIZED = f"<ds:Transform {_EXCLUSIVE}></ds:Transform>"
_INSIDE = (
    f'<ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"></ds:Transform>'
    f"{_CANONICALIZED}</ds:Transforms>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is signed, and how the signature refers to it."""

    digest: bytes
    """As `Composer.digest` makes it."""
    uri: str
    """"#" and an Id, or a file's relative name."""
    media_type: str
    is_inside: bool
    """The signature will stand in the document whose canonical form was digested."""


class Composer:
    """Composes the signatures of one key. Safe for threads."""

    def __init__(
        self, key: SigningKey, *, algorithm: Algorithm, digest: Hash = Hash.SHA256
    ) -> None:
        """Prepare what is the same in every signature; `digest` is that of its references."""
        self._key = key
        self._algorithm = algorithm
        certificates = [
            b64encode(one.public_bytes(Encoding.DER)) for one in (key.certificate, *key.chain)
        ]
        enclosed = "".join(
            f"<ds:X509Certificate>{one.decode()}</ds:X509Certificate>" for one in certificates
        )
        self._key_info = f"<ds:KeyInfo><ds:X509Data>{enclosed}</ds:X509Data></ds:KeyInfo>"
        self._digest_method = f'Algorithm="{digest.uri}"'
        self._digest_name = digest.value
        named = certificate_digest(key.certificate, method=self._digest_name)
        self._certificate_digest = b64encode(named).decode()
        self._issuer_serial = b64encode(issuer_serial(key.certificate)).decode()

    def digest(self, data: bytes) -> bytes:
        """Return the digest of what is signed, as a reference states it."""
        return hashlib.new(self._digest_name, data).digest()

    def xades(self, contents: Sequence[Content], *, identifier: str, moment: datetime) -> str:
        """Return a `ds:Signature` with XAdES properties, its ids made of `identifier`."""
        named = [
            (f"ref-{identifier}{f'-{number}' if number else ''}", content)
            for number, content in enumerate(contents)
        ]
        canonical = self._properties(
            named,
            identifier=identifier,
            moment=moment,
            ds=f' xmlns:ds="{DS}"',
            xades=f' xmlns:xades="{XADES}"',
        )
        about_properties = (
            f'<ds:Reference Type="{SIGNED_PROPERTIES_TYPE}" URI="#sp-{identifier}"><ds:Transforms>'
            f"{_CANONICALIZED}</ds:Transforms>{self._stated(self.digest(canonical.encode()))}"
            "</ds:Reference>"
        )
        references = "".join(self._reference(content, f' Id="{name}"') for name, content in named)
        properties = self._properties(named, identifier=identifier, moment=moment)
        return (
            f'<ds:Signature xmlns:ds="{DS}" Id="sig-{identifier}">'
            f"{self._signed(references + about_properties)}{self._key_info}"
            f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}"'
            f' Target="#sig-{identifier}">{properties}'
            "</xades:QualifyingProperties></ds:Object></ds:Signature>"
        )

    def plain(self, content: Content) -> str:
        """Return a `ds:Signature` without XAdES properties and without ids."""
        signed = self._signed(self._reference(content))
        return f'<ds:Signature xmlns:ds="{DS}">{signed}{self._key_info}</ds:Signature>'

    def _signed(self, references: str) -> str:
        """Return SignedInfo and SignatureValue."""
        # Without the start tag, the text is the same in place and in canonical form.
        info = (
            f"<ds:CanonicalizationMethod {_EXCLUSIVE}></ds:CanonicalizationMethod>"
            f'<ds:SignatureMethod Algorithm="{self._algorithm.value}"></ds:SignatureMethod>'
            f"{references}</ds:SignedInfo>"
        )
        canonical = f'<ds:SignedInfo xmlns:ds="{DS}">{info}'.encode()
        value = make_value(self._key, canonical, algorithm=self._algorithm)
        return (
            f"<ds:SignedInfo>{info}"
            f"<ds:SignatureValue>{b64encode(value).decode()}</ds:SignatureValue>"
        )

    def _reference(self, content: Content, identifier: str = "") -> str:
        return (
            f'<ds:Reference{identifier} URI="{content.uri}">{_INSIDE if content.is_inside else ""}'
            f"{self._stated(content.digest)}</ds:Reference>"
        )

    def _properties(
        self,
        named: Sequence[tuple[str, Content]],
        *,
        identifier: str,
        moment: datetime,
        ds: str = "",
        xades: str = "",
    ) -> str:
        """Return SignedProperties; `ds` and `xades` are the declarations its canonical form has."""
        formats = "".join(
            f'<xades:DataObjectFormat ObjectReference="#{name}">'
            f"<xades:MimeType>{content.media_type}</xades:MimeType></xades:DataObjectFormat>"
            for name, content in named
        )
        return (
            f'<xades:SignedProperties{xades} Id="sp-{identifier}">'
            "<xades:SignedSignatureProperties>"
            f"<xades:SigningTime>{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</xades:SigningTime>"
            "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
            f"<ds:DigestMethod{ds} {self._digest_method}></ds:DigestMethod>"
            f"<ds:DigestValue{ds}>{self._certificate_digest}</ds:DigestValue></xades:CertDigest>"
            f"<xades:IssuerSerialV2>{self._issuer_serial}</xades:IssuerSerialV2>"
            "</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
            f"<xades:SignedDataObjectProperties>{formats}</xades:SignedDataObjectProperties>"
            "</xades:SignedProperties>"
        )

    def _stated(self, digest: bytes) -> str:
        return (
            f"<ds:DigestMethod {self._digest_method}></ds:DigestMethod>"
            f"<ds:DigestValue>{b64encode(digest).decode()}</ds:DigestValue>"
        )


def composer_of(key: SigningKey, *, rsa_padding: RsaPadding, digest: Hash | None) -> Composer:
    """Return what composes a key's signatures; no `digest` is the usual one of the key."""
    algorithm = algorithm_of(key, rsa_padding=rsa_padding, digest=digest)
    return Composer(key, algorithm=algorithm, digest=digest or Hash.SHA256)
