"""
A second opinion on our own signatures, by an implementation that shares no code with ours: xmlsec.

Whoever composes signatures by themselves may be wrong in the same way where they verify them. So
what was signed is verified by xmlsec before it leaves: digests of all references and the value,
under the certificate's key. Whom to trust is not its question, for it is our own key.
"""

from __future__ import annotations

from contextlib import nullcontext
from threading import Lock
from typing import TYPE_CHECKING

import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding
from xmlsec import constants

from schemas.parser import XmlRefused, parse_xml
from signing.errors import Reason, SigningError
from signing.profile import DS, XADES, Form
from signing.second_files import given

if TYPE_CHECKING:
    from cryptography import x509

_OF_REFERENCES = (
    constants.TransformEnveloped,
    constants.TransformExclC14N,
    constants.TransformSha256,
    constants.TransformSha384,
    constants.TransformSha512,
)


class SignatureUnproven(SigningError):
    """xmlsec does not accept a signature of ours: a bug, or a damaged machine. Nothing is sent."""


class SecondOpinion:
    """Verifies documents that one key has signed; thread-safe."""

    def __init__(self, certificate: x509.Certificate, *, every: int = 1) -> None:
        """
        Prepare for one key.

        Args:
            certificate: Of the key that signs.
            every: 1 verifies each document, 10 every tenth.
        """
        pem = certificate.public_bytes(Encoding.PEM)
        self._key = xmlsec.Key.from_memory(pem, constants.KeyDataFormatCertPem)
        self._every = every
        self._count = 0
        self._lock = Lock()

    def __call__(
        self,
        document: bytes,
        *,
        form: Form = Form.ENVELOPED,
        file: tuple[str, bytes] | None = None,
    ) -> None:
        """
        Verify a document, if it is its turn.

        Args:
            document: What was signed, or the signature beside a file.
            form: Of the signature.
            file: Name and content of the file that a detached signature is of.

        Raises:
            SignatureUnproven: it is not accepted.
        """
        with self._lock:
            self._count += 1
            is_its_turn = (self._count - 1) % self._every == 0
        if is_its_turn and not self._accepts(document, form, file):
            raise SignatureUnproven(
                Reason(
                    code="signature.unproven",
                    vi="Bộ kiểm tra thứ hai (xmlsec) không chấp nhận chữ ký vừa tạo: không gửi gì; "
                    "chạy lienthong doctor và báo nhà phát triển",
                    en="the second verifier (xmlsec) does not accept the signature that was just "
                    "made: nothing is sent; run lienthong doctor and tell the developers",
                )
            )

    def _accepts(self, document: bytes, form: Form, file: tuple[str, bytes] | None) -> bool:
        try:
            root = parse_xml(document)
            signature = root if form is Form.DETACHED else root.find(f"{{{DS}}}Signature")
            properties = root.find(f".//{{{XADES}}}SignedProperties")
            if signature is None or (properties is None) is not (form is Form.PLAIN):
                return False
            context = xmlsec.SignatureContext()
            context.key = self._key
            context.register_id(root, "Id")
            if properties is not None:
                context.register_id(properties, "Id")
            for transform in _OF_REFERENCES:
                context.enable_reference_transform(transform)
            with given(*file) if file is not None else nullcontext():
                context.verify(signature)
        except (XmlRefused, xmlsec.Error):
            return False
        return True
