"""
WS-Security towards one target: a header for each attempt, and the judgement of answers.

The header belongs to the attempt: a resend carries the same signed document under a new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from signing import Hash, Passphrase, RsaPadding
from signing.wss import (
    Login,
    MessageOpinion,
    PasswordForm,
    ReplayMemory,
    SecuredMessage,
    SecurityPolicy,
    SecurityWriter,
    verify_message,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lienthong.channels.headers import Block
    from lienthong.channels.security_profile import SecurityProfile
    from signing import SigningKey, VerificationPolicy
    from signing.wss import VerifiedMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityKeys:
    """What the profile names and somebody else keeps."""

    signing: Callable[[], SigningKey]
    """Returns the key that signs now; asked before each message, so that keys may change."""
    answers: VerificationPolicy | None
    """Trust in answers; None where none is demanded."""
    digest: Hash | None = None
    """That messages are signed with; None: as the key demands."""
    second_check_every: int = 1
    """Of so many messages one is verified by xmlsec before it leaves."""


class MessageSecurity:
    """Writes requests to one target and opens its answers. Thread-safe."""

    def __init__(self, profile: SecurityProfile, *, soap: str, keys: SecurityKeys) -> None:
        """Prepare; `soap` is the namespace of the SOAP version."""
        self._profile = profile
        self._soap = soap
        self._keys = keys
        self._lock = Lock()
        self._writer: tuple[SigningKey | None, SecurityWriter] | None = None
        self._memory = ReplayMemory()
        self._policy = None
        if profile.signed_answers:
            validity = timedelta(seconds=profile.validity_seconds)
            self._policy = SecurityPolicy(
                certificates=keys.answers,
                signers=frozenset(profile.answer_signers),
                longest_life=validity,
                clock_skew=timedelta(seconds=profile.clock_skew_seconds),
                # Most servers do not sign their certificate's element; its chain is judged.
                needs_signed_tokens=False,
            )

    @property
    def judges_answers(self) -> bool:
        """Whether an answer counts only when it is signed."""
        return self._policy is not None

    def write(self, body: bytes, *, at: datetime, headers: Sequence[Block] = ()) -> SecuredMessage:
        """
        Return the message around `body`, whose bytes stay as they are.

        Which of `headers` are signed is the profile's to say.

        Raises:
            SigningError: the key cannot be used now, or what it signed does not verify.
        """
        chosen = self._profile.signed_headers
        signed = [one for one in headers if chosen is None or one.name in chosen]
        return self._current_writer().write(
            body,
            at=at,
            headers=[one.text for one in signed],
            unsigned=[one.text for one in headers if one not in signed],
        )

    def open_answer(
        self, data: bytes, *, request: SecuredMessage, now: datetime
    ) -> VerifiedMessage:
        """
        Return what is proven of an answer: its body's only element, and the headers signed.

        Raises:
            SecurityRefused: it is not signed as the profile demands.
        """
        assert self._policy is not None
        return verify_message(
            data,
            policy=self._policy,
            memory=self._memory,
            now=now,
            confirms=request.signature if self._profile.answers_confirm else None,
        )

    def _current_writer(self) -> SecurityWriter:
        key = self._keys.signing() if self._profile.signature else None
        with self._lock:
            if self._writer is None or self._writer[0] is not key:
                self._writer = (key, self._make_writer(key))
            return self._writer[1]

    def _make_writer(self, key: SigningKey | None) -> SecurityWriter:
        profile = self._profile
        every = self._keys.second_check_every
        return SecurityWriter(
            soap=self._soap,
            key=key,
            login=_login_of(profile),
            validity=timedelta(seconds=profile.validity_seconds) if profile.timestamp else None,
            rsa_padding=RsaPadding(profile.rsa_padding),
            digest=self._keys.digest,
            actor=profile.actor,
            must_understand=profile.must_understand,
            second=None if key is None else MessageOpinion(key.certificate, every=every),
        )


def _login_of(profile: SecurityProfile) -> Login | None:
    if not profile.username:
        return None
    return Login(
        username=profile.username,
        password=Passphrase(profile.password.get_secret_value()),
        form=PasswordForm(profile.password_form),
    )
