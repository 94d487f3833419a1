"""
Write XAdES baseline B signatures: into a document, as the last child of its root, or beside a file.

What is returned is its own exclusive canonical form and goes to the wire as it is.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING

from signing.canonical import canonical_bytes
from signing.composing import Content, composer_of
from signing.profile import Form, Hash, RsaPadding
from signing.signable import check_file, identifier_of, parse_unsigned

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from signing.keys import SigningKey
    from signing.second import SecondOpinion


class XadesSigner:
    """
    Signs with one key. Safe for threads; RSA runs outside the interpreter lock.

    Any root with an `Id` attribute can be signed: a `BanTin` as well as a `BienNhan`.
    """

    def __init__(
        self,
        key: SigningKey,
        *,
        rsa_padding: RsaPadding = RsaPadding.PKCS1,
        digest: Hash | None = None,
        second: SecondOpinion | None = None,
    ) -> None:
        """
        Prepare what is the same in every signature.

        Args:
            key: Signs.
            rsa_padding: Where it is an RSA key.
            digest: Of the signature method and the references; None: SHA-256, but the method of
                a key on P-384 has SHA-384.
            second: Is shown every signed document before it is returned, and raises if it has
                anything against it; see `signing.second`.
        """
        self._key = key
        self._second = second
        self._composer = composer_of(key, rsa_padding=rsa_padding, digest=digest)

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
        return self.sign_parsed(parse_unsigned(document), signed_at=signed_at)

    def sign_parsed(self, root: _Element, *, signed_at: datetime) -> bytes:
        """
        Return the same for a document that `schemas.parser` has parsed already.

        Raises:
            KeyUnusable: the certificate is not valid at `signed_at`.
            DocumentUnsignable: without a usable `Id`, or signed already.
        """
        moment = signed_at.astimezone(UTC).replace(microsecond=0)
        self._key.check_usable_at(moment)
        identifier = identifier_of(root)
        data = canonical_bytes(root)
        content = Content(
            digest=self._composer.digest(data),
            uri=f"#{identifier}",
            media_type="text/xml",
            is_inside=True,
        )
        signature = self._composer.xades([content], identifier=identifier, moment=moment)
        signed = put_inside(data, signature)
        if self._second is not None:
            self._second(signed)
        return signed

    def sign_file(
        self,
        content: bytes,
        *,
        name: str,
        signed_at: datetime,
        media_type: str = "application/octet-stream",
    ) -> bytes:
        """
        Return a signature beside a file: a document of its own, in exclusive canonical form.

        Args:
            content: The file's bytes, of any kind; they are signed as they are.
            name: Relative URI by which the signature refers to the file; see `relative_uri`.
            signed_at: Aware; written in UTC, to the second.
            media_type: Of the file, for its readers.

        Raises:
            KeyUnusable: the certificate is not valid at `signed_at`.
            DocumentUnsignable: the name or the media type cannot stand in a signature.
        """
        moment = signed_at.astimezone(UTC).replace(microsecond=0)
        self._key.check_usable_at(moment)
        check_file(name, media_type)
        # No document gives an id, so the content does: signing it again gives the same ones.
        identifier = f"f-{hashlib.sha256(content).hexdigest()[:16]}"
        beside = Content(
            digest=self._composer.digest(content), uri=name, media_type=media_type, is_inside=False
        )
        signature = self._composer.xades([beside], identifier=identifier, moment=moment).encode()
        if self._second is not None:
            self._second(signature, form=Form.DETACHED, file=(name, content))
        return signature


def put_inside(document: bytes, signature: str) -> bytes:
    """Return a canonical document with the signature as the last child of its root."""
    end = document.rindex(b"</")
    return b"%b%b%b" % (document[:end], signature.encode(), document[end:])
