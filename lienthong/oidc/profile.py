"""The settings of an identity provider; times in seconds."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from lienthong.loopback import is_loopback

SHORTEST_SECRET = 16
RETURN_PATH = "/sign-in/provider/return"
"""Where the provider sends browsers back to; it has the whole address on its list."""

Value = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class OidcSettings(BaseModel):
    """`[console.oidc]`: who else proves that somebody is who they say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field(description="https://…, exactly as its discovery document says it")
    client_id: Value
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="or client_secret_file; 16 characters at least"
    )
    client_secret_file: Path | None = Field(default=None, description="has it, and nothing else")
    public_url: str = Field(description="of the console as browsers call it: https://host[:port]")
    scopes: tuple[Value, ...] = Field(default=("openid", "profile"))
    claim: Value = Field(
        default="preferred_username", description="of the ID token: the name of the account"
    )
    second_factor_amr: tuple[Value, ...] = Field(
        default=(), description="values of `amr` of which one proves a second factor"
    )
    second_factor_acr: tuple[Value, ...] = Field(
        default=(), description="values of `acr` that prove one; they are asked for, too"
    )
    label_vi: str = Field(
        default="Đăng nhập bằng tài khoản của cơ quan", min_length=1, max_length=80
    )
    label_en: str = Field(
        default="Sign in with your organisation's account", min_length=1, max_length=80
    )
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    timeout_seconds: float = Field(
        default=10, gt=0, le=60, description="for all that one sign-in asks the provider"
    )
    leeway_seconds: float = Field(
        default=60, ge=0, le=300, description="between its clock and ours"
    )

    @property
    def return_url(self) -> str:
        """Where the provider sends browsers back to."""
        return self.public_url + RETURN_PATH

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        if not is_usable_address(value) or "?" in value or "#" in value:
            raise ValueError(f"{value!r}: give https://…; http:// only on this machine")
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if not is_usable_address(value) or value != f"{parts.scheme}://{parts.netloc}":
            raise ValueError(
                f"{value!r}: give https://host[:port] alone; http:// only on this machine"
            )
        return value

    @field_validator("scopes")
    @classmethod
    def _check_scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("'openid' is missing")
        return value

    @model_validator(mode="after")
    def _check_secret(self) -> Self:
        given = self.client_secret.get_secret_value()
        if bool(given) is (self.client_secret_file is not None):
            raise ValueError(
                "give client_secret_file, or LIENTHONG_CONSOLE__OIDC__CLIENT_SECRET; one of them"
            )
        if given and len(given) < SHORTEST_SECRET:
            raise ValueError(f"client_secret has less than {SHORTEST_SECRET} characters")
        return self


def is_usable_address(value: str) -> bool:
    """Tell whether an address is https, or http on this machine, and has no user in it."""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        is_plain = parts.username is None and parts.password is None and parts.port != 0
    except ValueError:
        return False
    if not (host and is_plain and value.isascii() and value.isprintable() and " " not in value):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
