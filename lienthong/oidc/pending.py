"""
A sign-in under way: what is remembered between sending a browser away and its coming back.

It lies in a cookie of that browser alone, encrypted and authenticated (AES-256-GCM) by a key that
follows from the client's secret, so that every process of the console can read what another one
wrote, and nothing is kept here for whoever only knocks.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LASTS = timedelta(minutes=10)
"""For a person to sign in at the provider."""
LONGEST_PATH = 1_500
"""Of where to go on to; browsers keep cookies of 4 KB."""
_LONGEST = 4_096
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """One sign-in that was begun."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    """Of PKCE: the provider sees its digest first, and itself only from us."""
    to: str
    until: datetime

    @classmethod
    def begin(cls, *, to: str, at: datetime) -> Self:
        """Return a new one; `to` is where to go on to, forgotten if it is too long to be kept."""
        return cls(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            to=to if len(to) <= LONGEST_PATH else "/",
            until=at + LASTS,
        )

    @property
    def challenge(self) -> str:
        """What PKCE calls S256. Source: RFC 7636, section 4.2."""
        return _text(sha256(self.verifier.encode()).digest())


class Sealing:
    """Writes and reads the cookie."""

    def __init__(self, secret: str, *, issuer: str, client_id: str) -> None:
        """Take the secret of a client of an issuer."""
        kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"lienthong oidc cookie")
        self._cipher = AESGCM(kdf.derive(secret.encode()))
        self._bound = f"{issuer}\n{client_id}".encode()

    def seal(self, pending: Pending) -> str:
        """Return what the browser keeps."""
        values = [
            pending.state,
            pending.nonce,
            pending.verifier,
            pending.to,
            pending.until.isoformat(),
        ]
        nonce = os.urandom(_NONCE_BYTES)
        return _text(nonce + self._cipher.encrypt(nonce, json.dumps(values).encode(), self._bound))

    def open(self, cookie: str, *, at: datetime) -> Pending | None:
        """Return what was sealed, or None: it is nothing of ours, or over."""
        if len(cookie) > _LONGEST or not cookie.isascii():
            return None
        try:
            sealed = base64.urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound)
        except (binascii.Error, ValueError, InvalidTag):
            return None
        state, nonce, verifier, to, until = json.loads(plain)
        pending = Pending(
            state=state,
            nonce=nonce,
            verifier=verifier,
            to=to,
            until=datetime.fromisoformat(until),
        )
        return pending if at < pending.until else None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
