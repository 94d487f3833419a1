"""
The names of the signature profiles that are written and accepted here.

Sources: W3C XML Signature 1.1, Exclusive XML Canonicalization 1.0, RFC 6931 (algorithm names),
ETSI EN 319 132-1 (XAdES baseline). What is not named in this module is not accepted: no MD5 or
HMAC, no XPath or XSLT transform, no canonicalisation with comments. SHA-1 is never written, and
accepted only in the plain form, under a policy that names a `LegacyAlgorithm`.
"""

from __future__ import annotations

from enum import Enum

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
SIGNED_PROPERTIES_TYPE = "http://uri.etsi.org/01903#SignedProperties"
SHA1_DIGEST = "http://www.w3.org/2000/09/xmldsig#sha1"
SHA256_DIGEST = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA384_DIGEST = "http://www.w3.org/2001/04/xmldsig-more#sha384"
SHA512_DIGEST = "http://www.w3.org/2001/04/xmlenc#sha512"

MIN_RSA_BITS = 2048
CURVES = frozenset({"secp256r1", "secp384r1"})
"""P-256 and P-384; the curves whose keys may sign and be trusted."""


class Form(Enum):
    """Where a signature stands, and what it states besides."""

    ENVELOPED = "enveloped"
    """XAdES, inside the document."""
    DETACHED = "detached"
    """XAdES, a document of its own beside a file of any kind."""
    PLAIN = "plain"
    """Without XAdES, inside the document: no time of signing, no certificate signed along."""


class Algorithm(Enum):
    """Signature methods that may be allowed; the values are their XML names."""

    RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    RSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
    RSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
    ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
    ECDSA_SHA384 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
    ECDSA_SHA512 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"
    RSA_PSS_SHA256 = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
    RSA_PSS_SHA384 = "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1"
    RSA_PSS_SHA512 = "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1"
    """RSASSA-PSS with the same hash in MGF1, a salt as long as the hash, trailer 1; the names
    without parameters, so that there is nothing to choose (RFC 6931, section 2.3.10)."""

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash of this method."""
        return _HASHES[self]

    @property
    def padding(self) -> padding.AsymmetricPadding | None:
        """The padding of an RSA method; None for those of a key on an elliptic curve."""
        return _PADDINGS.get(self)


class LegacyAlgorithm(Enum):
    """
    Broken methods, only to verify what old systems have signed.

    A type of its own: nothing that signs can be given one.
    """

    RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash of this method."""
        return hashes.SHA1()  # noqa: S303 - see the class

    @property
    def padding(self) -> padding.AsymmetricPadding:
        """The padding of this method."""
        return padding.PKCS1v15()


class RsaPadding(Enum):
    """How an RSA key signs here."""

    PKCS1 = "pkcs1"
    """Version 1.5, which every receiver knows."""
    PSS = "pss"


class Hash(Enum):
    """The hashes that are signed with; the values are their names in hashlib."""

    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"

    @property
    def uri(self) -> str:
        """The XML name of this digest method."""
        return next(uri for uri, name in DIGESTS.items() if name == self.value)


_HASHES: dict[Algorithm, hashes.HashAlgorithm] = {
    Algorithm.RSA_SHA256: hashes.SHA256(),
    Algorithm.RSA_SHA384: hashes.SHA384(),
    Algorithm.RSA_SHA512: hashes.SHA512(),
    Algorithm.ECDSA_SHA256: hashes.SHA256(),
    Algorithm.ECDSA_SHA384: hashes.SHA384(),
    Algorithm.ECDSA_SHA512: hashes.SHA512(),
    Algorithm.RSA_PSS_SHA256: hashes.SHA256(),
    Algorithm.RSA_PSS_SHA384: hashes.SHA384(),
    Algorithm.RSA_PSS_SHA512: hashes.SHA512(),
}
_PKCS1 = (Algorithm.RSA_SHA256, Algorithm.RSA_SHA384, Algorithm.RSA_SHA512)
_PSS = (Algorithm.RSA_PSS_SHA256, Algorithm.RSA_PSS_SHA384, Algorithm.RSA_PSS_SHA512)
_PADDINGS: dict[Algorithm, padding.AsymmetricPadding] = {
    **{one: padding.PKCS1v15() for one in _PKCS1},
    **{
        one: padding.PSS(mgf=padding.MGF1(_HASHES[one]), salt_length=padding.PSS.DIGEST_LENGTH)
        for one in _PSS
    },
}

DIGESTS = {SHA256_DIGEST: "sha256", SHA384_DIGEST: "sha384", SHA512_DIGEST: "sha512"}
"""Digest methods by XML name, with their names in hashlib."""
LEGACY_DIGESTS = {**DIGESTS, SHA1_DIGEST: "sha1"}
