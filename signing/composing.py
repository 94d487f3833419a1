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

    data: bytes
    uri: str
    """"#" and an Id, or a file's relative name."""
    media_type: str
    is_inside: bool
    """The signature will stand in the document that `data` is the canonical form of."""


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

    def xades(self, content: Content, *, identifier: str, moment: datetime) -> str:
        """Return a `ds:Signature` with XAdES properties, its ids made of `identifier`."""
        canonical = self._properties(
            content,
            identifier=identifier,
            moment=moment,
            ds=f' xmlns:ds="{DS}"',
            xades=f' xmlns:xades="{XADES}"',
        )
        about_properties = (
            f'<ds:Reference Type="{SIGNED_PROPERTIES_TYPE}" URI="#sp-{identifier}"><ds:Transforms>'
            f"{_CANONICALIZED}</ds:Transforms>{self._digest(canonical.encode())}</ds:Reference>"
        )
        references = self._reference(content, f' Id="ref-{identifier}"') + about_properties
        properties = self._properties(content, identifier=identifier, moment=moment)
        return (
            f'<ds:Signature xmlns:ds="{DS}" Id="sig-{identifier}">'
            f"{self._signed(references)}{self._key_info}"
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
            f"{self._digest(content.data)}</ds:Reference>"
        )

    def _properties(
        self,
        content: Content,
        *,
        identifier: str,
        moment: datetime,
        ds: str = "",
        xades: str = "",
    ) -> str:
        """Return SignedProperties; `ds` and `xades` are the declarations its canonical form has."""
        return (
            f'<xades:SignedProperties{xades} Id="sp-{identifier}">'
            "<xades:SignedSignatureProperties>"
            f"<xades:SigningTime>{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</xades:SigningTime>"
            "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
            f"<ds:DigestMethod{ds} {self._digest_method}></ds:DigestMethod>"
            f"<ds:DigestValue{ds}>{self._certificate_digest}</ds:DigestValue></xades:CertDigest>"
            f"<xades:IssuerSerialV2>{self._issuer_serial}</xades:IssuerSerialV2>"
            "</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
            "<xades:SignedDataObjectProperties>"
            f'<xades:DataObjectFormat ObjectReference="#ref-{identifier}">'
            f"<xades:MimeType>{content.media_type}</xades:MimeType></xades:DataObjectFormat>"
            "</xades:SignedDataObjectProperties></xades:SignedProperties>"
        )

    def _digest(self, data: bytes) -> str:
        value = b64encode(hashlib.new(self._digest_name, data).digest()).decode()
        return (
            f"<ds:DigestMethod {self._digest_method}></ds:DigestMethod>"
            f"<ds:DigestValue>{value}</ds:DigestValue>"
        )


def composer_of(key: SigningKey, *, rsa_padding: RsaPadding, digest: Hash | None) -> Composer:
    """Return what composes a key's signatures; no `digest` is the usual one of the key."""
    algorithm = algorithm_of(key, rsa_padding=rsa_padding, digest=digest)
    return Composer(key, algorithm=algorithm, digest=digest or Hash.SHA256)
