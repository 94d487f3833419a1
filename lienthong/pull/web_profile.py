"""
The profile of a web service that is asked for what is new; REST and SOAP have it in common.

Requests are written with holes: {since} and {until} (watermarks), {page}, {offset}, {size} and
{cursor} (paging), {token}, {user}, {password} and {api_key} (secrets, of the environment).
"""

from __future__ import annotations

import ipaddress
from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    field_validator,
    model_validator,
)

from lienthong.pull.marked import MIB, MarkedPull, WrongPull
from lienthong.pull.stamps import check_format
from lienthong.pull.templates import check_holes, holes_in

SECRETS = ("user", "password", "api_key", "token")
CALLS_OF_A_PAGE = 6
"""A page asked for, a token, the page again; then details for one call's time, and these three
for the last of them."""

ResultCodes = Annotated[
    tuple[str, ...], Field(min_length=1, description="values there that mean success")
]


class Paging(BaseModel):
    """How a list comes in pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["page", "offset", "cursor", "next"]
    first: int = Field(default=1, ge=0, description="number of the first page")
    size: int = Field(default=100, ge=1, le=100_000, description="{size}: records of one page")
    total: str | None = Field(default=None, description="path of the number of all records")
    cursor: str | None = Field(default=None, description="path of the next page's cursor")
    next: str | None = Field(default=None, description="path of the next page's address")
    short_page_ends: bool = Field(
        default=False, description="a page with fewer than size records is the last"
    )
    max_pages: int = Field(default=1000, ge=1, le=100_000, description="of one reading")

    @model_validator(mode="after")
    def _check_path(self) -> Self:
        for name in ("cursor", "next"):
            if (getattr(self, name) is None) == (self.kind == name):
                raise WrongPull(
                    vi=f'{name} (đường dẫn trong câu trả lời) đi với kind = "{name}", và ngược lại',
                    en=f'{name} (a path in the reply) belongs to kind = "{name}", and it to it',
                )
        return self


class Token(BaseModel):
    """Where a token comes from, which every call then carries as {token}."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["client_credentials", "login"]
    url: str = Field(description="where it is asked for")
    body: dict[str, JsonValue] = Field(
        default={}, description='of a login, as JSON: {username = "{user}", password = …}'
    )
    headers: dict[str, str] = Field(default={}, description="besides Content-Type and Accept")
    scope: str | None = None
    client_in_body: bool = Field(
        default=False, description="client_id and client_secret as parameters, not as Basic"
    )
    path: str = Field(default="access_token", description="of the token in the reply")
    expires: str | None = Field(
        default="expires_in", description="path of its life in seconds, where the reply has one"
    )
    lifetime_seconds: float = Field(
        default=600, ge=1, description="of a token whose reply says nothing of it"
    )
    error: str | None = Field(default=None, description="path of a result code in the reply")
    success: ResultCodes = ("0", "00")

    @model_validator(mode="after")
    def _check_body(self) -> Self:
        if self.kind == "login" and not self.body:
            raise WrongPull(
                vi='login cần body: {username = "{user}", password = "{password}"}',
                en='login needs body: {username = "{user}", password = "{password}"}',
            )
        check_holes((self.body, self.headers), where="token", known=SECRETS[:-1])
        return self


class WebPull(MarkedPull):
    """A web service. Times in seconds."""

    url: str = Field(description="https://host/path; http only where allow_http says so")
    allow_http: bool = Field(default=False, description="also to other machines, unencrypted")
    headers: dict[str, str] = Field(default={}, description="of every call")

    user: str | None = Field(default=None, description="{user}; without token: HTTP Basic")
    password: SecretStr = Field(default=SecretStr(""), description="LIENTHONG_PULL__NAME__PASSWORD")
    api_key: SecretStr = Field(default=SecretStr(""), description="LIENTHONG_PULL__NAME__API_KEY")
    api_key_header: str | None = Field(default=None, description="that carries {api_key}")
    token: Token | None = None
    ca_file: Path | None = Field(default=None, description="roots for TLS; None: the system's")
    client_certificate: Path | None = Field(default=None, description="PEM, for mutual TLS")
    client_key: Path | None = Field(default=None, description="PEM; None: beside the certificate")

    records: str = Field(default="", description="path of the records; empty: the whole reply")
    error: str | None = Field(default=None, description="path of a result code in the reply")
    success: ResultCodes = ("0", "00")
    expired: tuple[str, ...] = Field(
        default=(), description="values there that mean that the token has expired"
    )
    watermark: str | None = Field(
        default=None, description="path in a record; None: the whole list is read every time"
    )
    watermark_format: str = Field(default="iso", description="how records write it")
    since_format: str | None = Field(
        default=None, description="of {since} and {until}; None: as watermark_format"
    )
    sorted: bool = Field(
        default=False, description="records come in rising order of their watermark, on all pages"
    )
    paging: Paging | None = None

    connect_timeout_seconds: float = Field(default=10, gt=0, le=300)
    read_timeout_seconds: float = Field(default=30, gt=0, le=600, description="between two bytes")
    call_timeout_seconds: float = Field(default=60, gt=0, le=900, description="for a whole call")
    max_reply_bytes: int = Field(default=8 * MIB, ge=1024, le=64 * MIB)
    retry_after_limit_seconds: float = Field(
        default=3600, gt=0, le=86_400, description="longest Retry-After that is honoured"
    )

    asks: ClassVar[tuple[str, ...]] = ()
    """The fields that are templates of the request for a page."""

    @property
    def longest_page_seconds(self) -> float:
        """The longest that one page takes, its details apart but for one."""
        return CALLS_OF_A_PAGE * self.call_timeout_seconds

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address that is called, besides the next pages'."""
        return (self.url,) if self.token is None else (self.url, self.token.url)

    @property
    def request_holes(self) -> set[str]:
        """What the request for a page has holes for."""
        return holes_in([getattr(self, name) for name in (*self.asks, "headers")])

    @field_validator("watermark_format", "since_format")
    @classmethod
    def _check_format(cls, value: str | None) -> str | None:
        return None if value is None else check_format(value)

    @model_validator(mode="after")
    def _check_addresses(self) -> Self:
        for address in self.addresses:
            check_address(address, allow_http=self.allow_http)
        return self

    @model_validator(mode="after")
    def _check_request(self) -> Self:
        known = {"since", "until", "page", "offset", "size", "cursor", *SECRETS}
        check_holes(
            [getattr(self, name) for name in (*self.asks, "headers")], where="[pull]", known=known
        )
        holes = self.request_holes
        for hole in ("since", "until"):
            if hole in holes and self.watermark is None:
                raise WrongPull(
                    vi=f"{{{hole}}} cần watermark: trường nào của bản ghi là mốc",
                    en=f"{{{hole}}} needs watermark: which field of a record it is",
                )
        if "token" in holes and self.token is None:
            raise WrongPull(
                vi="{token} cần bảng [pull.TÊN.token]", en="{token} needs a table [pull.NAME.token]"
            )
        self._check_paging(holes)
        self._check_secrets()
        return self

    def _check_paging(self, holes: set[str]) -> None:
        kind = None if self.paging is None else self.paging.kind
        for hole in ("page", "offset", "cursor"):
            if (hole in holes) != (kind == hole):
                raise WrongPull(
                    vi=f'{{{hole}}} trong yêu cầu đi với paging.kind = "{hole}", và ngược lại',
                    en=f'{{{hole}}} in the request belongs to paging.kind = "{hole}", and it to it',
                )
        if "size" in holes and self.paging is None:
            raise WrongPull(
                vi="{size} cần bảng [pull.TÊN.paging]", en="{size} needs a table [pull.NAME.paging]"
            )

    def _check_secrets(self) -> None:
        if (self.client_key is not None) and self.client_certificate is None:
            raise WrongPull(
                vi="client_key cần client_certificate", en="client_key needs client_certificate"
            )
        if self.token is not None and self.token.kind == "client_credentials" and not self.user:
            raise WrongPull(
                vi="client_credentials cần user (client_id)",
                en="client_credentials needs user (the client_id)",
            )
        if self.expired and (self.error is None or self.token is None):
            raise WrongPull(
                vi="expired cần error và [pull.TÊN.token]",
                en="expired needs error and [pull.NAME.token]",
            )


def check_address(address: str, *, allow_http: bool) -> None:
    """Refuse an address that cannot be meant, or would send secrets in the clear. WrongPull."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    else:
        if host and parts.scheme in ("http", "https") and not parts.fragment:
            _check_exposure(parts.scheme, parts.username, host, allow_http=allow_http)
            return
    raise WrongPull(vi="cần địa chỉ https://máy/đường-dẫn", en="expected https://host/path")


def _check_exposure(scheme: str, user: str | None, host: str, *, allow_http: bool) -> None:
    if user is not None:
        raise WrongPull(
            vi="địa chỉ không được chứa người dùng và mật khẩu: dùng user và "
            "LIENTHONG_PULL__TÊN__PASSWORD",
            en="an address must not carry user and password: set user and "
            "LIENTHONG_PULL__NAME__PASSWORD",
        )
    if scheme == "http" and not allow_http and not _is_loopback(host):
        raise WrongPull(
            vi="http gửi hồ sơ không mã hóa: dùng https, hoặc allow_http = true trong mạng riêng",
            en="http sends dossiers unencrypted: use https, or allow_http = true in a network of "
            "your own",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def plain_values(profile: WebPull) -> dict[str, Any]:
    """Return what fills the holes of secrets; a secret that is not set leaves its value out."""
    return {
        "user": profile.user,
        "password": profile.password.get_secret_value() or None,
        "api_key": profile.api_key.get_secret_value() or None,
    }
