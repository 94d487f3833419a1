"""What is set of one agency as a receiver: `[receivers.NAME]`, by the name of its mapping."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from lienthong.loopback import is_loopback

_CLOSED = ConfigDict(extra="forbid", frozen=True)
SHORTEST_SECRET = 24
"""Bytes, as Standard Webhooks say."""
ENCODED = "whsec_"
"""Before a secret that is written in base64."""


class HookProfile(BaseModel):
    """`[receivers.NAME.hook]`: an address of the agency that takes files. Times in seconds."""

    model_config = _CLOSED

    url: str = Field(description="https://…; http:// only on this machine")
    secret: SecretStr = Field(
        description="signs every request; LIENTHONG_RECEIVERS__NAME__HOOK__SECRET"
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="sent as Authorization: Bearer, where it wants one"
    )
    rejected_statuses: tuple[int, ...] = Field(
        default=(400, 413, 415, 422), description="that refuse this very file: it is parked"
    )
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    client_certificate: Path | None = Field(default=None, description="PEM, for mutual TLS")
    client_key: Path | None = Field(default=None, description="PEM; None: beside the certificate")
    connect_timeout_seconds: float = Field(default=5, gt=0, le=60)
    read_timeout_seconds: float = Field(default=20, gt=0, le=60, description="between two bytes")
    call_timeout_seconds: float = Field(default=30, gt=0, le=60, description="for a whole call")
    keep_alive_seconds: float = Field(default=15, ge=0, le=300)
    max_answer_bytes: int = Field(default=64 * 1024, ge=1024, le=1024 * 1024)
    retry_after_limit_seconds: float = Field(default=3600, gt=0, le=86_400)

    @property
    def endpoint(self) -> str:
        """Its URL, as `channels.wire` calls it."""
        return self.url

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.username or parts.password:
            raise ValueError("no user and password in an address: give token")
        if parts.scheme == "https" and parts.hostname:
            return value
        if parts.scheme == "http" and is_loopback(parts.hostname or ""):
            return value
        raise ValueError(f"{value!r}: dossiers would go there openly: give https://…")

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, value: SecretStr) -> SecretStr:
        return checked_secret(value)

    @field_validator("rejected_statuses")
    @classmethod
    def _check_statuses(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 400 <= status < 500 for status in value):
            raise ValueError("only statuses from 400 to 499 can refuse a file for good")
        return value


class ReceiverProfile(BaseModel):
    """The `[receivers.NAME]` table: exactly one way."""

    model_config = _CLOSED

    folder: Path | None = Field(default=None, description="in which the files appear, whole")
    hook: HookProfile | None = None
    queue: bool = Field(default=False, description="its results queue (RabbitMQ)")
    slots: int = Field(
        default=4, ge=1, le=64, description="calls at once in one process, of this agency alone"
    )

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        ways = [self.folder is not None, self.hook is not None, self.queue]
        if sum(ways) != 1:
            raise ValueError("give exactly one of folder, hook and queue = true")
        return self

    @property
    def longest_call(self) -> timedelta:
        """How long a call may take, as a rule: a repeat after that does no harm."""
        if self.hook is not None:
            return timedelta(seconds=self.hook.call_timeout_seconds)
        return timedelta(seconds=5 if self.folder is not None else 30)


def checked_secret(value: SecretStr) -> SecretStr:
    """
    Return a secret that signs what is sent to a hook.

    Raises:
        ValueError: it is too short, or no base64 where it says so; the secret is not quoted.
    """
    try:
        key = secret_bytes(value.get_secret_value())
    except ValueError:
        # Not its words: they may quote the secret.
        raise ValueError(f"{ENCODED} is followed by base64") from None
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"at least {SHORTEST_SECRET} characters, or bytes behind {ENCODED}")
    return value


def secret_bytes(secret: str) -> bytes:
    """Return the key of a secret: as its libraries write it (whsec_ and base64), or as it is."""
    if secret.startswith(ENCODED):
        return base64.b64decode(secret.removeprefix(ENCODED), validate=True)
    return secret.encode()
