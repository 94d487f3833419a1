"""What the sandbox demands of WS-Security, and how it signs its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.building import SOAP_11, SOAP_12, build_envelope
from signing import Passphrase, load_policy
from signing.wss import ReplayMemory, SecurityPolicy, SecurityWriter, verify_message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from signing import SigningKey
    from signing.wss import VerifiedMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityDemands:
    """What a sandbox demands of every request; can be handed to another process."""

    trust: tuple[Path, ...] = ()
    """Certificates (PEM) that signatures must lead to; empty: none is asked, and none taken."""
    logins: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Passwords by username; empty: no login is asked, and none taken."""
    allows_password_text: bool = False
    signs_headers: bool = False
    """Of WS-Addressing's and X-Road's headers, only those that are signed count as there."""
    signs_answers: bool = False
    """Answers and faults are signed with the receipts' key, and confirm the request's signature."""


class Guard:
    """Judges requests and wraps answers. Thread-safe."""

    def __init__(self, demands: SecurityDemands, *, key: SigningKey) -> None:
        """
        Prepare what is demanded.

        Raises:
            TrustUnusable: a file of trust cannot be used.
        """
        passwords = {name: Passphrase(secret) for name, secret in demands.logins.items()}
        self._policy = SecurityPolicy(
            certificates=load_policy(demands.trust) if demands.trust else None,
            passwords=passwords or None,
            allows_password_text=demands.allows_password_text,
            needs_signed_tokens=False,
        )
        self._memory = ReplayMemory()
        self.takes_only_signed = demands.signs_headers and bool(demands.trust)
        """Of headers."""
        self._writers = (
            {soap: SecurityWriter(soap=soap, key=key) for soap in (SOAP_11, SOAP_12)}
            if demands.signs_answers
            else {}
        )

    @property
    def judges_requests(self) -> bool:
        """Whether anything is demanded of a request."""
        return self._policy.certificates is not None or self._policy.passwords is not None

    def open(self, data: bytes, *, now: datetime) -> VerifiedMessage:
        """
        Return what is proven of a request.

        Raises:
            SecurityRefused: it has not what is demanded.
        """
        return verify_message(data, policy=self._policy, memory=self._memory, now=now)

    def wrap(
        self,
        body: bytes,
        *,
        soap: str,
        now: datetime,
        confirms: bytes | None,
        headers: Sequence[bytes] = (),
    ) -> bytes:
        """Return the envelope of an answer to the request with this signature, if any was right."""
        writer = self._writers.get(soap)
        if writer is None:
            return build_envelope(body, soap=soap, headers=headers)
        return writer.write(body, at=now, confirms=confirms, headers=headers).envelope
