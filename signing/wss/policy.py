"""What a receiver demands of the security header, and what is proven of a message it took."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from signing.errors import Reason, SignatureRefused
from signing.wss.names import WSSE, WSU

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from signing.certificates import Signer
    from signing.keys import Passphrase
    from signing.policy import VerificationPolicy

Name = tuple[str, str]
"""Namespace and local name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPolicy:
    """One way to judge messages. Nobody is trusted, and nothing is demanded, that is not named."""

    certificates: VerificationPolicy | None
    """Whom to trust, and the size limit; None: messages are not signed."""
    signers: frozenset[str] = frozenset()
    """Common names that may sign; empty: whoever `certificates` vouches for."""
    passwords: Mapping[str, Passphrase] | None = field(default=None, repr=False)
    """By username; None: no login is asked, and none is taken."""
    allows_password_text: bool = False
    """Only for services that are reached by TLS alone."""
    needs_timestamp: bool = True
    needs_signed_tokens: bool = True
    """The certificate's and the login's elements must be signed, too. Some senders sign neither;
    the certificate is judged by its chain all the same."""
    signed_headers: frozenset[Name] = frozenset()
    """Header blocks that must be there, once, and be signed."""
    actor: str | None = None
    """For whom the header has to be; None: for whoever receives the message."""
    longest_life: timedelta = timedelta(minutes=5)
    """How old a message may be, whatever it says itself."""
    clock_skew: timedelta = timedelta(minutes=1)
    max_bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedMessage:
    """A message that was taken. Use what stands here, and nothing of what was received."""

    soap: str
    """Namespace of the SOAP version."""
    body: _Element
    """The body's only child, parsed from the very bytes that were digested; where nothing is
    signed, from the bytes that came."""
    headers: Mapping[Name, _Element]
    """Signed header blocks only, by name."""
    signer: Signer | None
    username: str | None
    created_at: datetime | None
    signature: bytes | None
    """The signature's value, which an answer can confirm."""


class SecurityRefused(SignatureRefused):
    """
    A message is not taken.

    `fault` is the published code that a sender is told. `signature` is the value that the answer
    can confirm, where at least the signature was right.
    """

    def __init__(self, reasons: tuple[Reason, ...], *, signature: bytes | None = None) -> None:
        super().__init__(reasons)
        self.fault = fault_of(reasons[0].code)
        self.signature = signature


def fault_of(code: str) -> Name:
    """
    Return the fault code (namespace, local name) that a reason amounts to.

    Source: SOAP Message Security 1.1, sections 10 and 12.
    """
    if code in _EXPIRED:
        return WSU, "MessageExpired"
    if code.startswith(("certificate.", "revocation.")):
        return WSSE, "InvalidSecurityToken" if code in _UNREADABLE else "FailedAuthentication"
    return WSSE, _FAULTS.get(code, "InvalidSecurity")


_EXPIRED = frozenset({"wss.expired", "wss.too_old", "wss.from_future"})
_UNREADABLE = frozenset({"certificate.unreadable"})
_FAULTS = {
    "wss.unsupported": "UnsupportedSecurityToken",
    "wss.token_missing": "SecurityTokenUnavailable",
    "wss.algorithm_forbidden": "UnsupportedAlgorithm",
    "wss.digest_differs": "FailedCheck",
    "wss.value_wrong": "FailedCheck",
    "wss.not_confirmed": "FailedCheck",
    "wss.login_wrong": "FailedAuthentication",
    "wss.signer_unknown": "FailedAuthentication",
}
"""All others are `wsse:InvalidSecurity`."""
