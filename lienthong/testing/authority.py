"""
A small time-stamp authority (RFC 3161), for tests and the demo: its word is worth nothing.

It issues real tokens with a development key, over HTTP as application/timestamp-query, and may be
told to misbehave in the ways that authorities, and people between, do.
"""

from __future__ import annotations

import hmac
import secrets
import time
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier

from signing import sign_bytes
from signing.timestamp_shapes import (
    CONTENT_TYPE,
    HASHES,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    TST_INFO,
    Accuracy,
    AlgorithmIdentifier,
    Attribute,
    Content,
    EssCertIdV2,
    Granted,
    IssuerAndSerial,
    PkiStatusInfo,
    Refusal,
    SignedData,
    SignerInfo,
    SigningCertificateV2,
    TimeStampReq,
    Token,
    TstInfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from signing import SigningKey

POLICY = ObjectIdentifier("1.3.6.1.4.1.32473.1")
"""From the arc for examples (RFC 5612)."""
LARGEST_REQUEST = 4096
_SHA256 = AlgorithmIdentifier(algorithm=HASHES["sha256"], parameters=None)
_RSA_SHA256 = AlgorithmIdentifier(
    algorithm=ObjectIdentifier("1.2.840.113549.1.1.11"), parameters=asn1.Null()
)
_ECDSA_SHA256 = AlgorithmIdentifier(
    algorithm=ObjectIdentifier("1.2.840.10045.4.3.2"), parameters=None
)


class Mood(Enum):
    """How the authority behaves."""

    WELL = "well"
    DOWN = "down"
    """Closes the connection without a word."""
    SLOW = "slow"
    """Answers after `slow_seconds`."""
    BROKEN = "broken"
    """HTTP 500."""
    GARBAGE = "garbage"
    """An answer that is none."""
    ENDLESS = "endless"
    """An answer that does not end."""
    REFUSES = "refuses"
    OTHER_DATA = "other data"
    OTHER_NONCE = "other nonce"


@dataclass(slots=True, kw_only=True)
class Authority:
    """Issues tokens; everything may be changed while it serves."""

    key: SigningKey
    clock: Callable[[], datetime]
    mood: Mood = Mood.WELL
    accuracy_seconds: int | None = 1
    slow_seconds: float = 5.0
    credentials: tuple[str, str] | None = None
    """User and password that who asks must have."""
    asked: int = 0

    def answer(self, request: bytes) -> bytes:
        """Return the answer to a request; raises ValueError if it is none."""
        asked = asn1.decode_der(TimeStampReq, request)
        if self.mood is Mood.GARBAGE:
            return b"\x30\x03nothing of the kind"
        if self.mood is Mood.REFUSES:
            words = ["Hệ thống đang bảo trì", "maintenance"]
            status = PkiStatusInfo(status=2, words=words, fail_info=None)
            return asn1.encode_der(Refusal(status=status))
        token = asn1.decode_der(asn1.TLV, self.issue(asked))
        granted = PkiStatusInfo(status=0, words=None, fail_info=None)
        return asn1.encode_der(Granted(status=granted, token=token))

    def issue(self, asked: TimeStampReq) -> bytes:
        """Return the token for a request."""
        imprint = asked.imprint
        if self.mood is Mood.OTHER_DATA:
            imprint = replace(imprint, digest=bytes(len(imprint.digest)))
        within = self.accuracy_seconds
        info = TstInfo(
            version=1,
            policy=POLICY,
            imprint=imprint,
            serial=secrets.randbits(64),
            at=asn1.GeneralizedTime(self.clock()),
            accuracy=None if within is None else Accuracy(seconds=within, millis=None, micros=None),
            ordering=False,
            nonce=7 if self.mood is Mood.OTHER_NONCE else asked.nonce,
            tsa=None,
            extensions=None,
        )
        return sign_info(asn1.encode_der(info), self.key)


def sign_info(info: bytes, key: SigningKey) -> bytes:
    """Return the token that states `info`, a TSTInfo in DER."""
    certificate = key.certificate.public_bytes(Encoding.DER)
    named = EssCertIdV2(method=None, digest=sha256(certificate).digest(), issuer_serial=None)
    attributes = asn1.SetOf(
        [
            _attribute(CONTENT_TYPE, TST_INFO),
            _attribute(MESSAGE_DIGEST, sha256(info).digest()),
            _attribute(
                SIGNING_CERTIFICATE_V2, SigningCertificateV2(certificates=[named], policies=None)
            ),
        ]
    )
    signer = SignerInfo(
        version=1,
        signer=IssuerAndSerial(
            issuer=asn1.decode_der(asn1.TLV, key.certificate.issuer.public_bytes()),
            serial=key.certificate.serial_number,
        ),
        digest_method=_SHA256,
        attributes=attributes,
        method=_RSA_SHA256 if isinstance(key.private_key, rsa.RSAPrivateKey) else _ECDSA_SHA256,
        signature=sign_bytes(key, asn1.encode_der(attributes)),
        unsigned=None,
    )
    chain = [one.public_bytes(Encoding.DER) for one in (key.certificate, *key.chain)]
    data = SignedData(
        version=3,
        digest_methods=asn1.SetOf([_SHA256]),
        content=Content(kind=TST_INFO, body=info),
        certificates=asn1.SetOf([asn1.decode_der(asn1.TLV, one) for one in chain]),
        lists=None,
        signers=asn1.SetOf([signer]),
    )
    return asn1.encode_der(Token(kind=SIGNED_DATA, data=data))


def _attribute(kind: ObjectIdentifier, value: object) -> Attribute:
    encoded = asn1.decode_der(asn1.TLV, asn1.encode_der(value))
    return Attribute(kind=kind, values=asn1.SetOf([encoded]))


@contextmanager
def served(authority: Authority) -> Iterator[str]:
    """Serve it on a free port of this machine; give its address."""

    class Handler(_Handler):
        of = authority

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    of: Authority
    timeout = 30

    def do_POST(self) -> None:
        self.of.asked += 1
        mood = self.of.mood
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LARGEST_REQUEST))
        if mood is Mood.DOWN:
            self.close_connection = True
        elif not self._may():
            self._say(HTTPStatus.UNAUTHORIZED, b"", kind="text/plain")
        elif mood is Mood.BROKEN:
            self._say(HTTPStatus.INTERNAL_SERVER_ERROR, b"", kind="text/plain")
        elif mood is Mood.ENDLESS:
            self._pour()
        else:
            if mood is Mood.SLOW:
                time.sleep(self.of.slow_seconds)
            self._grant(body)

    def _grant(self, body: bytes) -> None:
        if self.headers.get("Content-Type") != "application/timestamp-query":
            self._say(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, b"", kind="text/plain")
            return
        try:
            answer = self.of.answer(body)
        except ValueError:
            self._say(HTTPStatus.BAD_REQUEST, b"", kind="text/plain")
        else:
            self._say(HTTPStatus.OK, answer, kind="application/timestamp-reply")

    def _may(self) -> bool:
        if self.of.credentials is None:
            return True
        expected = "Basic " + b64encode(":".join(self.of.credentials).encode()).decode()
        return hmac.compare_digest(self.headers.get("Authorization", ""), expected)

    def _pour(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        try:
            while True:
                self.wfile.write(bytes(65536))
        except OSError:
            self.close_connection = True

    def _say(self, status: HTTPStatus, body: bytes, *, kind: str) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            # Whoever asked did not wait.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing: whoever asked knows."""
