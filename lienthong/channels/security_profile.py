"""What a target demands of the WS-Security header, and whether its answers are signed."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class SecurityProfile(BaseModel):
    """The `[target.security]` table; without it messages have no such header. Times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    signature: bool = Field(default=True, description="sign time, certificate, login and body")
    signed_by: str = Field(
        default="operator",
        min_length=1,
        description="whose key signs: operator, or an agency by the name of its mapping",
    )
    rsa_padding: Literal["pkcs1", "pss"] = Field(default="pkcs1", description="of an RSA key")
    signed_headers: tuple[str, ...] | None = Field(
        default=None,
        description="of the other headers, those that are signed: wsa:To, xroad:id; None: all",
    )
    timestamp: bool = True
    validity_seconds: float = Field(
        default=300, gt=0, le=3600, description="from Created to Expires; of answers, too"
    )
    username: str | None = Field(default=None, description="for targets that want a login")
    password: SecretStr = Field(
        default=SecretStr(""), description="LIENTHONG_TARGET__SECURITY__PASSWORD"
    )
    password_form: Literal["digest", "text"] = Field(
        default="digest", description="text only to endpoints with https"
    )
    actor: str | None = Field(
        default=None, description="for whom the header is; None: whoever receives the message"
    )
    must_understand: bool = True

    signed_answers: bool = Field(default=False, description="an unsigned answer says nothing")
    answer_trust: tuple[Path, ...] = Field(
        default=(), description="certificates (PEM) that signatures of answers must lead to"
    )
    answer_signers: tuple[str, ...] = Field(
        default=(),
        description="common names that may sign answers; empty: whoever answer_trust vouches for",
    )
    answers_confirm: bool = Field(
        default=False, description="an answer must name its request (SignatureConfirmation)"
    )
    clock_skew_seconds: float = Field(
        default=60, ge=0, le=3600, description="that the target's clock may differ from ours"
    )

    @model_validator(mode="after")
    def _check_agreement(self) -> Self:
        secret = self.password.get_secret_value()
        problems = []
        if not (self.signature or self.timestamp or self.username or self.signed_answers):
            problems.append("nothing is asked for: leave the table out")
        if self.signed_headers and not self.signature:
            problems.append("signed_headers needs signature")
        if bool(self.username) != bool(secret):
            problems.append("username and password belong together")
        elif not (self.username or "").isprintable() or not secret.isprintable():
            problems.append("username and password: one line of printable characters each")
        if self.signed_answers and not self.answer_trust:
            # An agency's certificate may lead to any root that is already pinned here.
            problems.append("signed_answers needs answer_trust: the target's certificate file")
        if self.answers_confirm and not (self.signature and self.signed_answers):
            problems.append("answers_confirm needs signature and signed_answers")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def shows_password(self) -> bool:
        """Whether the password travels as it is."""
        return bool(self.username) and self.password_form == "text"  # noqa: S105 - no secret
