"""
Write XAdES baseline B signatures into documents: enveloped, as the last child of the root.

The signature's text is composed in canonical form, so what is returned is its own exclusive
canonical form and goes to the wire as it is. `xades` is declared on QualifyingProperties: on
`ds:Signature`, where nothing uses it, canonicalisation would move it there.

Sources: W3C XML Signature 1.1; ETSI EN 319 132-1 (SigningTime, SigningCertificateV2,
DataObjectFormat). Composing the text costs a tenth of what a general library does and avoids
its wrong digests with exclusive canonicalisation.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from schemas.parser import XmlRefused, parse_xml
from signing.canonical import canonical_bytes
from signing.certificates import issuer_serial
from signing.errors import DocumentUnsignable, Reason
from signing.nodes import has_instructions, has_signature_names, ids_in
from signing.profile import (
    DS,
    ENVELOPED,
    EXCLUSIVE_C14N,
    SHA256_DIGEST,
    SIGNED_PROPERTIES_TYPE,
    XADES,
    RsaPadding,
)
from signing.values import algorithm_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lxml.etree import _Element

    from signing.keys import SigningKey

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}", re.ASCII)

_EXCLUSIVE = f'Algorithm="{EXCLUSIVE_C14N}"'
_DIGEST_METHOD = f'Algorithm="{SHA256_DIGEST}"'


class XadesSigner:
    """
    Signs documents with one key. Safe for threads; RSA runs outside the interpreter lock.

    Any root with an `Id` attribute can be signed: a `BanTin` as well as a `BienNhan`.
    """

    def __init__(
        self,
        key: SigningKey,
        *,
        rsa_padding: RsaPadding = RsaPadding.PKCS1,
        second: Callable[[bytes], object] | None = None,
    ) -> None:
        """
        Prepare what is the same in every signature.

        Args:
            key: Signs.
            rsa_padding: Where it is an RSA key.
            second: Is shown every signed document before it is returned, and raises if it has
                anything against it; see `signing.second`.
        """
        self._key = key
        self._second = second
        self._algorithm = algorithm_of(key, rsa_padding=rsa_padding)
        certificates = [
            b64encode(one.public_bytes(Encoding.DER)) for one in (key.certificate, *key.chain)
        ]
        self._key_info = "".join(
            f"<ds:X509Certificate>{one.decode()}</ds:X509Certificate>" for one in certificates
        )
        self._certificate_digest = _digest(key.certificate.public_bytes(Encoding.DER))
        self._issuer_serial = b64encode(issuer_serial(key.certificate)).decode()

    @property
    def key(self) -> SigningKey:
        """The key that signs."""
        return self._key

    def sign(self, document: bytes, *, signed_at: datetime) -> bytes:
        """
        Return the document with the signature as its last child, in exclusive canonical form.

        A document that is canonical already is otherwise unchanged, byte for byte; any other
        (XML declaration, comments, another encoding) is brought into canonical form first.

        Args:
            document: Unsigned, its root with an `Id`, no other `Id` in it.
            signed_at: Aware; written in UTC, to the second.

        Raises:
            KeyUnusable: the certificate is not valid at `signed_at`.
            DocumentUnsignable: not well-formed, without a usable `Id`, or signed already.
        """
        return self.sign_parsed(_parse(document), signed_at=signed_at)

    def sign_parsed(self, root: _Element, *, signed_at: datetime) -> bytes:
        """
        Return the same for a document that `schemas.parser` has parsed already.

        Raises:
            KeyUnusable: the certificate is not valid at `signed_at`.
            DocumentUnsignable: without a usable `Id`, or signed already.
        """
        moment = signed_at.astimezone(UTC).replace(microsecond=0)
        self._key.check_usable_at(moment)
        identifier = _identifier_of(root)
        content = canonical_bytes(root)
        signature = self._compose(
            identifier,
            content_digest=_digest(content),
            signing_time=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        end = content.rindex(b"</")
        signed = b"%b%b%b" % (content[:end], signature.encode(), content[end:])
        if self._second is not None:
            self._second(signed)
        return signed

    def _compose(self, identifier: str, *, content_digest: str, signing_time: str) -> str:
        canonical_properties = self._signed_properties(
            identifier,
            signing_time=signing_time,
            ds=f' xmlns:ds="{DS}"',
            xades=f' xmlns:xades="{XADES}"',
        )
        info = self._signed_info(
            identifier,
            content_digest=content_digest,
            properties_digest=_digest(canonical_properties.encode()),
        )
        value = self._sign_bytes(f'<ds:SignedInfo xmlns:ds="{DS}">{info}'.encode())
        properties = self._signed_properties(identifier, signing_time=signing_time)
        return (
            f'<ds:Signature xmlns:ds="{DS}" Id="sig-{identifier}">'
            f"<ds:SignedInfo>{info}"
            f"<ds:SignatureValue>{b64encode(value).decode()}</ds:SignatureValue>"
            f"<ds:KeyInfo><ds:X509Data>{self._key_info}</ds:X509Data></ds:KeyInfo>"
            f'<ds:Object><xades:QualifyingProperties xmlns:xades="{XADES}"'
            f' Target="#sig-{identifier}">{properties}'
            "</xades:QualifyingProperties></ds:Object></ds:Signature>"
        )

    def _signed_info(self, identifier: str, *, content_digest: str, properties_digest: str) -> str:
        """Return SignedInfo without its start tag; the rest is the same in place and canonical."""
        return (
            f"<ds:CanonicalizationMethod {_EXCLUSIVE}></ds:CanonicalizationMethod>"
            f'<ds:SignatureMethod Algorithm="{self._algorithm.value}"></ds:SignatureMethod>'
            f'<ds:Reference Id="ref-{identifier}" URI="#{identifier}"><ds:Transforms>'
            f'<ds:Transform Algorithm="{ENVELOPED}"></ds:Transform>'
            f"<ds:Transform {_EXCLUSIVE}></ds:Transform></ds:Transforms>"
            f"<ds:DigestMethod {_DIGEST_METHOD}></ds:DigestMethod>"
            f"<ds:DigestValue>{content_digest}</ds:DigestValue></ds:Reference>"
            f'<ds:Reference Type="{SIGNED_PROPERTIES_TYPE}" URI="#sp-{identifier}"><ds:Transforms>'
            f"<ds:Transform {_EXCLUSIVE}></ds:Transform></ds:Transforms>"
            f"<ds:DigestMethod {_DIGEST_METHOD}></ds:DigestMethod>"
            f"<ds:DigestValue>{properties_digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        )

    def _signed_properties(
        self, identifier: str, *, signing_time: str, ds: str = "", xades: str = ""
    ) -> str:
        """Return SignedProperties; `ds` and `xades` are the declarations its canonical form has."""
        return (
            f'<xades:SignedProperties{xades} Id="sp-{identifier}">'
            "<xades:SignedSignatureProperties>"
            f"<xades:SigningTime>{signing_time}</xades:SigningTime>"
            "<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>"
            f"<ds:DigestMethod{ds} {_DIGEST_METHOD}></ds:DigestMethod>"
            f"<ds:DigestValue{ds}>{self._certificate_digest}</ds:DigestValue></xades:CertDigest>"
            f"<xades:IssuerSerialV2>{self._issuer_serial}</xades:IssuerSerialV2>"
            "</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>"
            "<xades:SignedDataObjectProperties>"
            f'<xades:DataObjectFormat ObjectReference="#ref-{identifier}">'
            "<xades:MimeType>text/xml</xades:MimeType></xades:DataObjectFormat>"
            "</xades:SignedDataObjectProperties></xades:SignedProperties>"
        )

    def _sign_bytes(self, data: bytes) -> bytes:
        value = self._key.sign(data, self._algorithm)
        public_key = self._key.public_key
        if isinstance(public_key, rsa.RSAPublicKey):
            return value
        r, s = decode_dss_signature(value)
        # XML Signature wants r and s side by side, not the DER that libraries give (RFC 4050).
        size = (public_key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _parse(document: bytes) -> _Element:
    try:
        return parse_xml(document)
    except XmlRefused as exc:
        raise DocumentUnsignable(Reason(code=exc.code, vi=exc.vi, en=exc.en)) from exc


def _identifier_of(root: _Element) -> str:
    identifier = root.get("Id")
    if identifier is None or _IDENTIFIER.fullmatch(identifier) is None:
        raise _unsignable(
            "document.id_missing",
            vi="Phần tử gốc cần có thuộc tính Id (chữ cái, chữ số, dấu . _ -) để được ký",
            en="The root needs an Id attribute (letters, digits, . _ -) to be signed",
        )
    if len(ids_in(root)) != 1:
        raise _unsignable(
            "signature.duplicate_id",
            vi="Chỉ phần tử gốc được mang thuộc tính Id trong tài liệu chưa ký",
            en="Only the root may carry an Id in a document that is not signed yet",
        )
    if has_instructions(root):
        raise _unsignable(
            "document.instruction",
            vi="Tài liệu cần ký không được có chỉ thị xử lý (<?…?>)",
            en="A document to sign must not hold processing instructions (<?…?>)",
        )
    if has_signature_names(root):
        raise _unsignable(
            "document.signed_already",
            vi="Tài liệu đã có phần tử của chữ ký: hãy đưa vào tài liệu chưa ký",
            en="The document has elements of a signature already: hand in the unsigned document",
        )
    return identifier


def _digest(data: bytes) -> str:
    return b64encode(sha256(data).digest()).decode()


def _unsignable(code: str, *, vi: str, en: str) -> DocumentUnsignable:
    return DocumentUnsignable(Reason(code=code, vi=vi, en=en))
