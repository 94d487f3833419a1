"""The settings of alerts: who is told, how often, and of what; times in seconds unless named."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from lienthong.loopback import is_loopback
from lienthong.receivers.profile import checked_secret

_CLOSED = ConfigDict(extra="forbid", frozen=True)
MAIL = "mail"
"""Name of the way by e-mail; no webhook may have it."""
HookName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")]
# What a mail server and its relays take without extensions: one address, nothing around it.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}", re.ASCII)


class MailSettings(BaseModel):
    """`[alerts.mail]`: the mail server that takes our messages."""

    model_config = _CLOSED

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none: only to a server on this machine, or without a user"
    )
    user: str | None = Field(default=None, description="where it wants one")
    password: SecretStr = SecretStr("")
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    sender: str = Field(alias="from", description="address")
    to: tuple[str, ...] = Field(min_length=1, description="addresses")
    timeout_seconds: float = Field(default=20, gt=0, le=120)

    @field_validator("sender", "to")
    @classmethod
    def _check_addresses(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for one in (value,) if isinstance(value, str) else value:
            if not _ADDRESS.fullmatch(one):
                raise ValueError(f"{one!r} is no address: give name@host alone")
        return value

    @model_validator(mode="after")
    def _check_security(self) -> Self:
        if self.security == "none" and self.user is not None and not is_loopback(self.host):
            raise ValueError("user and password would go openly: security = 'starttls' or 'tls'")
        return self


class HookSettings(BaseModel):
    """`[alerts.webhooks.NAME]`: an address that is told, signed as Standard Webhooks say."""

    model_config = _CLOSED

    url: str = Field(description="https://…; http:// only on this machine")
    secret: SecretStr = Field(description="signs every request; 24 characters at least")
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    client_certificate: Path | None = Field(default=None, description="PEM, for mutual TLS")
    client_key: Path | None = Field(default=None, description="PEM; None: beside the certificate")
    connect_timeout_seconds: float = Field(default=5, gt=0, le=60)
    read_timeout_seconds: float = Field(default=10, gt=0, le=60, description="between two bytes")
    call_timeout_seconds: float = Field(default=20, gt=0, le=60, description="for a whole call")

    @property
    def endpoint(self) -> str:
        """Its URL, as `channels.wire` calls it."""
        return self.url

    @property
    def keep_alive_seconds(self) -> float:
        """Alerts are seldom: no connection is kept."""
        return 0

    @property
    def max_answer_bytes(self) -> int:
        """What it says is not read further."""
        return 64 * 1024

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.username or parts.password:
            raise ValueError("no user and password in an address: the signature proves us")
        if parts.scheme == "https" and parts.hostname:
            return value
        if parts.scheme == "http" and is_loopback(parts.hostname or ""):
            return value
        raise ValueError("give https://…; http:// only on this machine")

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, value: SecretStr) -> SecretStr:
        return checked_secret(value)


class AlertSettings(BaseModel):
    """`[alerts]`: who is told when something needs somebody."""

    model_config = _CLOSED

    mail: MailSettings | None = None
    webhooks: dict[HookName, HookSettings] = Field(default={}, description="by name")
    name: str = Field(
        default="Lienthong",
        min_length=1,
        max_length=60,
        pattern=r"^[^\r\n]+$",
        description="how this installation calls itself in them",
    )
    least: Literal["warning", "critical"] = Field(
        default="warning", description="severity from which somebody is told"
    )
    off: tuple[str, ...] = Field(default=(), description="names of alerts that are not told")
    every_seconds: float = Field(
        default=60, ge=1, le=300, description="between two looks at everything"
    )
    remind_hours: float = Field(
        default=24, ge=1, le=24 * 30, description="after which what still holds is told again"
    )
    mails_per_hour: int = Field(
        default=10, ge=1, le=1000, description="more are put together into the next one"
    )
    disk_percent: int = Field(
        default=10, ge=1, le=90, description="of the disk under data_dir free, below which it warns"
    )

    @property
    def channels(self) -> tuple[str, ...]:
        """By which ways somebody is told; none: alerts are off."""
        return (*((MAIL,) if self.mail is not None else ()), *sorted(self.webhooks))

    @field_validator("webhooks")
    @classmethod
    def _check_names(cls, value: dict[str, HookSettings]) -> dict[str, HookSettings]:
        if MAIL in value:
            raise ValueError(f"a webhook cannot be called {MAIL!r}")
        return value
