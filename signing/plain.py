"""
Write XML signatures without XAdES, for partners that know nothing else.

They state no time and do not sign the certificate along; where both ends can, use XAdES.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing.canonical import canonical_bytes
from signing.composing import Content, composer_of
from signing.profile import Form, Hash, RsaPadding
from signing.signable import identifier_of, parse_unsigned
from signing.xades import put_inside

if TYPE_CHECKING:
    from datetime import datetime

    from signing.keys import SigningKey
    from signing.second import SecondOpinion


class PlainSigner:
    """Signs documents with one key. Safe for threads."""

    def __init__(
        self,
        key: SigningKey,
        *,
        rsa_padding: RsaPadding = RsaPadding.PKCS1,
        digest: Hash | None = None,
        second: SecondOpinion | None = None,
    ) -> None:
        """Prepare what is the same in every signature; the arguments are `XadesSigner`'s."""
        self._key = key
        self._second = second
        self._composer = composer_of(key, rsa_padding=rsa_padding, digest=digest)

    def sign(self, document: bytes, *, at: datetime) -> bytes:
        """
        Return the document with the signature as its last child, in exclusive canonical form.

        Args:
            document: Unsigned, its root with an `Id`, no other `Id` in it.
            at: Aware; now. It is not written anywhere: the key must be usable then.

        Raises:
            KeyUnusable: the certificate is not valid at `at`.
            DocumentUnsignable: not well-formed, without a usable `Id`, or signed already.
        """
        self._key.check_usable_at(at)
        root = parse_unsigned(document)
        identifier = identifier_of(root)
        data = canonical_bytes(root)
        content = Content(
            digest=self._composer.digest(data),
            uri=f"#{identifier}",
            media_type="text/xml",
            is_inside=True,
        )
        signed = put_inside(data, self._composer.plain(content))
        if self._second is not None:
            self._second(signed, form=Form.PLAIN)
        return signed
