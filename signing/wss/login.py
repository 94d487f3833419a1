"""
A user's name and password in a message: UsernameToken Profile 1.1.

PasswordDigest is the Base64 of SHA-1 over nonce, creation time and password. SHA-1 is fixed by that
profile and used nowhere else; what the digest rests on is not collision resistance but that
nobody can guess the password, so long passwords are the remedy, and the signature beside it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import Enum

from signing.keys import Passphrase  # noqa: TC001 - readers of the field's type need it

NONCE_BYTES = 16
_FORBIDDEN = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class PasswordForm(Enum):
    """How the password travels."""

    DIGEST = "digest"
    """Digested with a nonce and the time; the password itself does not travel."""
    TEXT = "text"
    """As it is: only inside TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """
    Who we are to a partner that wants a name and a password.

    Raises:
        ValueError: name or password is empty, or has characters that no message can hold.
    """

    username: str
    password: Passphrase
    form: PasswordForm = PasswordForm.DIGEST

    def __post_init__(self) -> None:
        if not self.username or _FORBIDDEN.search(self.username):
            raise ValueError("the username is empty or has control characters")
        secret = self.password.reveal().decode()
        if not secret or _FORBIDDEN.search(secret):
            raise ValueError("the password is empty or has control characters")


def password_digest(*, nonce: bytes, created: str, password: Passphrase) -> bytes:
    """Return the digest that stands for a password; `created` is the time as it is written."""
    data = b"".join((nonce, created.encode(), password.reveal()))
    return hashlib.sha1(data).digest()  # noqa: S324 - the profile knows no other
