"""A second opinion on our own message signatures, by xmlsec; see `signing.second`."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding
from xmlsec import constants

from schemas.parser import XmlRefused, parse_xml
from signing.errors import Reason
from signing.profile import DS
from signing.second import SignatureUnproven
from signing.wss.names import WSU, WSU_ID

if TYPE_CHECKING:
    from cryptography import x509

_TRANSFORMS = (
    constants.TransformExclC14N,
    constants.TransformSha256,
    constants.TransformSha384,
    constants.TransformSha512,
)


class MessageOpinion:
    """Verifies envelopes that one key has signed; thread-safe."""

    def __init__(self, certificate: x509.Certificate, *, every: int = 1) -> None:
        """
        Prepare for one key.

        Args:
            certificate: Of the key that signs.
            every: 1 verifies each envelope, 10 every tenth.
        """
        pem = certificate.public_bytes(Encoding.PEM)
        self._key = xmlsec.Key.from_memory(pem, constants.KeyDataFormatCertPem)
        self._every = every
        self._count = 0
        self._lock = Lock()

    def __call__(self, envelope: bytes) -> None:
        """
        Verify an envelope, if it is its turn.

        Raises:
            SignatureUnproven: it is not accepted.
        """
        with self._lock:
            self._count += 1
            is_its_turn = (self._count - 1) % self._every == 0
        if is_its_turn and not self._accepts(envelope):
            raise SignatureUnproven(
                Reason(
                    code="signature.unproven",
                    vi="Bộ kiểm tra thứ hai (xmlsec) không chấp nhận chữ ký WS-Security vừa tạo: "
                    "không gửi gì; chạy lienthong doctor và báo nhà phát triển",
                    en="the second verifier (xmlsec) does not accept the WS-Security signature "
                    "just made: nothing is sent; run lienthong doctor and tell the developers",
                )
            )

    def _accepts(self, envelope: bytes) -> bool:
        try:
            root = parse_xml(envelope)
            header, body = root
            signature = header[-1].find(f"{{{DS}}}Signature")
            if signature is None:
                return False
            context = xmlsec.SignatureContext()
            context.key = self._key
            for element in (body, *header[:-1], *header[-1]):
                if element.get(WSU_ID) is not None:
                    context.register_id(element, "Id", WSU)
            for transform in _TRANSFORMS:
                context.enable_reference_transform(transform)
            context.verify(signature)
        except (XmlRefused, xmlsec.Error):
            return False
        return True
