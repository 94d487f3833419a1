"""
Codes of an authenticator app (TOTP, RFC 6238: SHA-1, six digits, 30 seconds), and those in reserve.

A code counts in its own step and one before and after it, and once: whoever has used the code of a
step uses only codes of later ones.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b32encode
from hashlib import sha256
from typing import TYPE_CHECKING

from pyotp import HOTP, TOTP, random_base32

if TYPE_CHECKING:
    from datetime import datetime

STEP_SECONDS = 30
DIGITS = 6
AROUND = 1
"""Steps by which two clocks may differ."""
ISSUER = "Lienthong"
RECOVERY_CODES = 10


def new_totp_secret() -> str:
    """Return a secret of 160 bits, in base 32."""
    return random_base32(32)


def totp_uri(secret: str, name: str) -> str:
    """Return the address that an authenticator app reads as a picture."""
    app = TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    return app.provisioning_uri(name=name, issuer_name=ISSUER)


def find_step(secret: str, code: str, *, at: datetime, after: int | None) -> int | None:
    """
    Return the step whose code was presented, or None where it is none that counts.

    Args:
        secret: In base 32.
        code: As it was typed.
        at: Now.
        after: The step whose code was used last.
    """
    now = int(at.timestamp()) // STEP_SECONDS
    made = HOTP(secret, digits=DIGITS)
    found = None
    for step in range(max(now - AROUND, 0), now + AROUND + 1):
        is_it = hmac.compare_digest(made.at(step).encode(), code.encode())
        if is_it and (after is None or step > after):
            found = step
    return found


def new_recovery_codes() -> list[str]:
    """Return codes of 80 bits for whoever has lost the app; each is good once."""
    return [_recovery_code() for _ in range(RECOVERY_CODES)]


def recovery_digest(account_id: str, code: str) -> str:
    """Return what is kept of a code in reserve; hyphens, spaces and case do not matter."""
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    return sha256(f"{account_id} {plain}".encode()).hexdigest()


def _recovery_code() -> str:
    text = b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
