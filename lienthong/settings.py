"""
The settings of an installation: the only place that reads the environment and lienthong.toml.

In rising order: the defaults below, `lienthong.toml`, `LIENTHONG_*`, options of the command line.
Without any of them everything is embedded and under one data directory. Every mistake is reported
at once, with file, line and key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import time  # noqa: TC003 - pydantic reads it
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from lienthong.alert_settings import AlertSettings, HookSettings, MailSettings
from lienthong.attachments.profile import AttachmentSettings, FileServer, S3Settings
from lienthong.channels.json_profile import JsonProfile
from lienthong.channels.profile import TargetProfile
from lienthong.channels.security_profile import SecurityProfile
from lienthong.channels.windows import WrongWindow
from lienthong.drift.profile import DriftSettings
from lienthong.inbound.profile import (
    PeerAnswers,
    PeerJson,
    PeerProfile,
    PeerRoutes,
    PeerService,
    PeerSoap,
)
from lienthong.loopback import is_loopback
from lienthong.oidc.profile import OidcSettings
from lienthong.policy_settings import PolicyName, PolicySettings, check_policies, join_names
from lienthong.pull.marked import WrongPull
from lienthong.pull.profile import KINDS, PullProfile
from lienthong.receivers.profile import ReceiverProfile
from lienthong.revocation.profile import RevocationSettings
from lienthong.sharing.profile import SharingProfile
from lienthong.traces.profile import TraceSettings
from schemas.errors import ConfigError
from schemas.problem import Place, Problem, Text

FILE_NAME = "lienthong.toml"
MIB = 1024 * 1024


class DeliverySettings(BaseModel):
    """How the target is delivered to; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    slots: int = Field(default=8, ge=1, le=256, description="calls at once in one process")
    lease_seconds: float = Field(
        default=120,
        gt=0,
        # RabbitMQ ends the connection of who holds a message for half an hour (consumer_timeout).
        le=1500,
        description="longer than the longest call",
    )
    backoff_first_seconds: float = Field(default=2, gt=0)
    backoff_longest_seconds: float = Field(default=300, gt=0)
    breaker_threshold: int = Field(default=5, ge=1, description="troubles in a row that open it")
    breaker_longest_seconds: float = Field(
        default=30, gt=0, description="longest pause before the portal is tried again"
    )
    breaker_window_seconds: float = Field(
        default=30, gt=0, le=3600, description="in which calls and troubles are counted"
    )
    breaker_minimum_calls: int = Field(
        default=20, ge=1, description="in the window, below which shares say nothing"
    )
    breaker_share: float = Field(
        default=0.5, gt=0, le=1, description="of troubles in the window that opens it"
    )
    breaker_busy_longest_seconds: float = Field(
        default=30, gt=0, description="longest pause after 'busy' without a Retry-After"
    )
    strange_answers: int = Field(
        default=3,
        ge=1,
        description="never-seen answers in a row that are the portal's trouble, not a message's",
    )
    crash_limit: int = Field(
        default=20, ge=1, description="attempts that killed their worker before a message is parked"
    )


class ExpansionSettings(BaseModel):
    """How submissions become messages; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lease_seconds: float = Field(
        default=60,
        gt=0,
        description="prolonged while a file is read; longer than one record takes",
    )
    retry_seconds: float = Field(
        default=60, gt=0, description="before what waits for a key or a mapping is tried again"
    )


class StoreSettings(BaseModel):
    """Where the message store is: a file of this machine, or PostgreSQL."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(
        default=None,
        description="postgresql://user@host:port/database; None: a file in data_dir",
    )
    password: SecretStr = Field(default=SecretStr(""), description="empty: ~/.pgpass or none")
    encrypt: bool = Field(default=True, description="payloads and error values, AES-256-GCM")
    key_file: Path | None = Field(
        default=None,
        description="its master keys; back them up apart from the data; None: in data_dir",
    )


class BrokerSettings(BaseModel):
    """Where the exchange is: a file of this machine, or RabbitMQ."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["sqlite", "rabbitmq"] = "sqlite"
    urls: tuple[str, ...] = Field(
        default=(), description="amqp://host:port/vhost or amqps://, without user and password"
    )
    user: str | None = Field(default=None, description="None: the client certificate says it")
    password: SecretStr = SecretStr("")
    ca_file: Path | None = Field(default=None, description="roots for amqps; None: the system's")
    client_certificate: Path | None = Field(default=None, description="PEM, for amqps")
    client_key: Path | None = Field(default=None, description="PEM; None: beside the certificate")
    prefix: str = Field(
        default="lienthong", min_length=1, max_length=64, description="begins every queue's name"
    )
    agencies: tuple[str, ...] = Field(
        default=(), description="those that send over AMQP; empty: every agency with a mapping"
    )
    prefetch: int = Field(
        default=16,
        ge=1,
        le=1000,
        description="messages of one agency that one worker holds at once; the same everywhere",
    )
    largest_message_bytes: int = Field(
        default=8 * MIB, ge=1024, le=128 * MIB, description="that an agency may send over AMQP"
    )
    delivery_limit: int = Field(
        default=20, ge=1, description="returns without an outcome before a hint is parked"
    )
    heartbeat_seconds: int = Field(default=30, ge=1, le=600)
    blocked_timeout_seconds: float = Field(
        default=30, gt=0, description="how long the server may refuse messages"
    )

    @model_validator(mode="after")
    def _check_rabbitmq(self) -> Self:
        if self.kind == "rabbitmq":
            if not self.urls:
                raise ValueError('kind = "rabbitmq" needs urls = ["amqp://host:5672/vhost"]')
            if self.user is None and self.client_certificate is None:
                raise ValueError('kind = "rabbitmq" needs user and password, or client_certificate')
        return self


def _days(value: object) -> int | None:
    if value == "forever":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_DAYS:
        raise PydanticCustomError("days", "a whole number of days from 1 on, or 'forever'")
    return value


MOST_DAYS = 36_500
Days = Annotated[int | None, BeforeValidator(_days)]
"""A whole number of days, or None for "forever"."""


class RetentionSettings(BaseModel):
    """How many days payloads are kept once nobody needs them; the proof is kept for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    submissions: Days = Field(default=90, description="raw bytes; without them no reissue")
    documents: Days = Field(default=3650, description="signed documents of ended messages")
    answers: Days = Field(default=365, description="the portal's raw answers")
    results: Days = Field(
        default=30,
        description="what agencies were told, once published or, without a queue, readable",
    )


class SigningSettings(BaseModel):
    """How agencies' documents are signed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    second_check_every: int = Field(
        default=1,
        ge=1,
        description="of so many signed documents one is verified by xmlsec before it leaves",
    )
    rsa_padding: Literal["pkcs1", "pss"] = Field(
        default="pkcs1", description="of RSA keys; pss only where every receiver knows it"
    )
    hash: Literal["sha256", "sha384", "sha512"] | None = Field(
        default=None, description="None: sha256, with keys on P-384 sha384 as receivers expect"
    )


class AuditSettings(BaseModel):
    """How the audit log is sealed, and who else remembers its seals; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seal_seconds: float = Field(
        default=5, gt=0, le=3600, description="between two seals; what is younger is the tail"
    )
    witnesses: tuple[str, ...] | None = Field(
        default=None,
        description="folders on another machine, https://…; None: data_dir/witness; []: nobody",
    )
    witness_token: SecretStr = Field(
        default=SecretStr(""), description="for witnesses that are asked by HTTP"
    )
    timestamp_url: str | None = Field(
        default=None, description="of a time-stamp authority (RFC 3161); None: nobody is asked"
    )
    timestamp_user: str | None = Field(default=None, description="where it wants one")
    timestamp_password: SecretStr = SecretStr("")
    timestamp_seconds: float = Field(
        default=3600, ge=1, le=86_400, description="between two time-stamps"
    )
    timestamp_warn_seconds: float = Field(
        default=4 * 3600, description="that rows may be without one before it is told"
    )
    timestamp_within_seconds: float = Field(
        default=86_400, description="that rows may be without one at most"
    )
    timestamp_tolerance_seconds: float = Field(
        default=300, ge=0, description="between the authority's clock and that of the seals"
    )

    @field_validator("timestamp_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is not None and not (
            value.startswith(("https://", "http://")) and urlsplit(value).hostname
        ):
            raise ValueError(f"{value!r} is no address: give https://… or http://…")
        return value

    @model_validator(mode="after")
    def _check_timestamps(self) -> Self:
        steps = (self.timestamp_seconds, self.timestamp_warn_seconds, self.timestamp_within_seconds)
        if not steps[0] < steps[1] < steps[2]:
            raise ValueError(
                "timestamp_seconds must be less than timestamp_warn_seconds, and that less than "
                "timestamp_within_seconds"
            )
        # What it says is signed, so http is enough for it, but not for a password.
        url = urlsplit(self.timestamp_url or "")
        is_open = url.scheme == "http" and not is_loopback(url.hostname or "")
        if is_open and self.timestamp_user is not None:
            raise ValueError("timestamp_user and its password go openly to http://: use https://")
        return self

    reverify_days: float = Field(
        default=7, gt=0, le=366, description="within which the role `verify` checks every seal"
    )
    sample_seconds: float = Field(
        default=60, gt=0, le=86_400, description="between two packs that `verify` makes and checks"
    )

    @field_validator("witnesses")
    @classmethod
    def _check_witnesses(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for one in value or ():
            if not one.strip():
                raise ValueError("a witness is a folder or an address, not an empty text")
            if one.startswith("http://") and not is_loopback(urlsplit(one).hostname or ""):
                raise ValueError(f"{one!r}: seals and the token go to it openly: use https://")
        return value


class ReceiptSettings(BaseModel):
    """What is signed for agencies about what was received from them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    installation: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="how this installation calls itself; None: as the operator's certificate does",
    )


class ReconcileSettings(BaseModel):
    """How agency, store and portal are compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: time | None = Field(
        default=None,
        description='when it is done each day, by the role `reconcile`: "02:00", in the time zone '
        "of the target; None: not by itself",
    )
    rate: float = Field(
        default=2,
        gt=0,
        le=1000,
        description="look-ups in a second at most, on top of what deliveries ask",
    )
    days: int | None = Field(
        default=None,
        ge=1,
        description="each day: only dossiers that moved in so many days; None: all",
    )
    agencies: tuple[str, ...] = Field(
        default=(), description="each day: only these, by the names of their mappings; empty: all"
    )
    again_seconds: float = Field(
        default=60,
        ge=0,
        le=200,
        description="after which the portal is asked once more about what did not agree",
    )

    @field_validator("at")
    @classmethod
    def _check_at(cls, value: time | None) -> time | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError("give hours and minutes alone: they are of the target's time_zone")
        return value


class ListenSettings(BaseModel):
    """What an HTTP service of ours listens by; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="address it listens on")
    port: int = Field(ge=0, le=65535, description="0: any free one")
    tls_certificate: Path | None = Field(default=None, description="PEM, with its chain")
    tls_key: Path | None = Field(default=None, description="PEM; None: in the certificate's file")
    behind_proxy: bool = Field(
        default=False, description="somebody before it has TLS: it may listen without, anywhere"
    )
    connections: int = Field(default=256, ge=8, description="more are closed at once")
    header_seconds: float = Field(default=10, gt=0, description="for the head of a request")
    stop_seconds: int = Field(default=30, ge=1, description="for requests under way when it stops")

    @model_validator(mode="after")
    def _check_exposure(self) -> Self:
        if self.tls_key is not None and self.tls_certificate is None:
            raise ValueError("tls_key needs tls_certificate")
        if not (is_loopback(self.host) or self.tls_certificate or self.behind_proxy):
            raise ValueError(
                f"host = {self.host!r} can be reached from elsewhere: give tls_certificate and "
                "tls_key, or behind_proxy = true where a proxy has TLS"
            )
        return self


class HttpSettings(ListenSettings):
    """The HTTP door; times in seconds."""

    port: int = Field(default=8580, ge=0, le=65535, description="0: any free one")
    max_body_bytes: int = Field(default=2 * 1024**3, ge=1, description="of one upload")
    uploads_at_once: int = Field(default=8, ge=1, le=64, description="more are sent away for now")
    uploads_per_agency: int = Field(default=4, ge=1, le=64, description="of them")
    idle_seconds: float = Field(
        default=30, gt=0, description="how long a sender may be silent or too slow"
    )
    least_bytes_per_second: int = Field(
        default=1024, ge=1, description="of an upload, while we wait for the sender"
    )
    retry_after_seconds: int = Field(default=5, ge=1, description="what who is sent away is told")


class ConsoleSettings(ListenSettings):
    """The operators' HTTP API and console; times in seconds."""

    port: int = Field(default=8590, ge=0, le=65535, description="0: any free one")
    open_metrics: bool = Field(
        default=False, description="this machine may read /metrics without a token"
    )
    session_seconds: float = Field(
        default=43_200, ge=60, le=86_400, description="somebody stays signed in at the longest"
    )
    idle_seconds: float = Field(
        default=1_800, ge=120, le=86_400, description="without a request, before that ends"
    )
    totp_required: bool = Field(
        default=True, description="of who asks for many, approves or administers"
    )
    login_attempts: int = Field(
        default=30, ge=5, description="that may fail from one address in the window"
    )
    login_window_seconds: float = Field(default=600, ge=60, le=86_400)
    client_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="in which the proxy says the caller's address, last; None: the connection's",
    )
    oidc: OidcSettings | None = Field(
        default=None, description="an identity provider by which people may sign in, too"
    )

    @model_validator(mode="after")
    def _check_metrics(self) -> Self:
        if self.open_metrics and self.behind_proxy:
            raise ValueError(
                "open_metrics = true and behind_proxy = true: through a proxy on this machine "
                "everybody seems to ask from it; give Prometheus a token"
            )
        return self

    @model_validator(mode="after")
    def _check_client_header(self) -> Self:
        if self.client_header is not None and not self.behind_proxy:
            raise ValueError("client_header needs behind_proxy = true: anybody could send it")
        return self

    @model_validator(mode="after")
    def _check_oidc(self) -> Self:
        has_tls = self.tls_certificate is not None or self.behind_proxy
        if self.oidc is not None and self.oidc.public_url.startswith("https:") is not has_tls:
            raise ValueError(
                "oidc.public_url must be https:// with tls_certificate or behind_proxy = true, and "
                "http:// (on this machine) without"
            )
        return self


class MetricsSettings(ListenSettings):
    """What one process tells of itself; times in seconds."""

    port: int = Field(default=9464, ge=0, le=65535, description="0: any free one")


class FolderSettings(BaseModel):
    """The folder door; times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path | None = Field(default=None, description="has one folder per agency")
    unchanged_seconds: float = Field(
        default=2, ge=0, description="how long a file must be as it is before it is taken"
    )
    unfinished: tuple[str, ...] = Field(
        default=(".part", ".tmp", ".filepart"), description="endings of files still being written"
    )
    claim_seconds: float = Field(
        default=120, ge=1, description="of silence after which a worker counts as gone"
    )


PullName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")]
"""A source's name: also part of file names and of variables."""


class Settings(BaseSettings):
    """Everything an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix="LIENTHONG_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: Path = Field(default=Path("lienthong-data"), description="store, broker, keys")
    keys_dir: Path | None = Field(default=None, description="signing keys; default data_dir/keys")
    mappings_dir: Path | None = Field(default=None, description="the site's own agencies")
    target: TargetProfile | None = Field(default=None, description="profile of the portal")
    store: StoreSettings = StoreSettings()
    expansion: ExpansionSettings = ExpansionSettings()
    delivery: DeliverySettings = DeliverySettings()
    broker: BrokerSettings = BrokerSettings()
    http: HttpSettings = HttpSettings()
    console: ConsoleSettings = ConsoleSettings()
    metrics: MetricsSettings = MetricsSettings()
    folder: FolderSettings = FolderSettings()
    attachments: AttachmentSettings = AttachmentSettings()
    retention: RetentionSettings = RetentionSettings()
    audit: AuditSettings = AuditSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    reconcile: ReconcileSettings = ReconcileSettings()
    drift: DriftSettings = DriftSettings()
    signing: SigningSettings = SigningSettings()
    traces: TraceSettings = TraceSettings()
    alerts: AlertSettings = AlertSettings()
    policies: dict[PolicyName, PolicySettings] = Field(
        default={}, description="by which signatures are judged, one for each use"
    )
    revocation: RevocationSettings = RevocationSettings()
    pull: dict[PullName, PullProfile] = Field(
        default={}, description="sources that are read by us, by name"
    )
    receivers: dict[str, ReceiverProfile] = Field(
        default={}, description="how agencies get what peers send them, by name of their mappings"
    )

    sharing: dict[PullName, SharingProfile] = Field(
        default={}, description="what one agency lets another have, by name"
    )
    peers: dict[PullName, PeerProfile] = Field(
        default={}, description="who sends messages down to agencies, by name"
    )

    @field_validator("attachments", mode="before")
    @classmethod
    def _join_servers(cls, value: object) -> object:
        if isinstance(value, dict) and "servers" in value:
            return {**value, "servers": _join_tables(value["servers"])}
        return value

    @field_validator("alerts", mode="before")
    @classmethod
    def _join_webhooks(cls, value: object) -> object:
        if isinstance(value, dict) and "webhooks" in value:
            return {**value, "webhooks": _join_tables(value["webhooks"])}
        return value

    @field_validator("pull", "peers", "receivers", mode="before")
    @classmethod
    def _join_names(cls, value: object) -> object:
        return _join_tables(value)

    @field_validator("policies", mode="before")
    @classmethod
    def _join_policies(cls, value: object) -> object:
        return join_names(value)

    @field_validator("policies")
    @classmethod
    def _check_policies(
        cls, value: dict[PolicyName, PolicySettings]
    ) -> dict[PolicyName, PolicySettings]:
        check_policies(value)
        return value

    @model_validator(mode="after")
    def _check_lease(self) -> Self:
        if self.target is not None:
            longest = self.target.longest_call.total_seconds()
            if self.delivery.lease_seconds <= longest:
                raise ValueError(
                    f"delivery.lease_seconds must be longer than the longest call ({longest:g} s)"
                )
        return self

    @model_validator(mode="after")
    def _check_receivers(self) -> Self:
        for name, receiver in self.receivers.items():
            if receiver.queue and self.broker.kind != "rabbitmq":
                raise ValueError(f'receivers.{name}.queue needs [broker] kind = "rabbitmq"')
            if self.delivery.lease_seconds <= receiver.longest_call.total_seconds():
                raise ValueError(
                    f"delivery.lease_seconds must be longer than the longest call of "
                    f"receivers.{name} ({receiver.longest_call.total_seconds():g} s)"
                )
        return self

    @model_validator(mode="after")
    def _check_senders(self) -> Self:
        if both := sorted(self.peers.keys() & self.sharing.keys()):
            # Both are senders: a peer could take the ids of what is shared.
            raise ValueError(f"[peers] and [sharing] have the same name: {', '.join(both)}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no hidden files are read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - nor these
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the values given on making, which come from the file."""
        return (env_settings, init_settings)


def _join_tables(value: object) -> object:
    """Let LIENTHONG_PULL__LAND_OFFICE__PASSWORD mean [pull.land-office]: shells know no '-'."""
    if not isinstance(value, dict):
        return value
    known = {str(name).replace("-", "_"): name for name in value if "-" in str(name)}
    joined: dict[Any, Any] = dict(value)
    for name, meant in known.items():
        if isinstance(value.get(name), dict) and isinstance(value[meant], dict):
            joined[meant] = {**value[meant], **joined.pop(name)}
    return joined


def load_settings(*, file: Path | None, data_dir: Path | None = None) -> Settings:
    """
    Load the settings of this run.

    Args:
        file: The settings file; None means lienthong.toml in the working directory, if it is there.
        data_dir: The command line's word on the data directory, which wins.

    Raises:
        ConfigError: with every mistake found.
    """
    path = file or Path(FILE_NAME)
    text = _read(path, required=file is not None)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = Text(
            vi=f"{path} không đúng cú pháp TOML: {error}", en=f"{path} is not valid TOML: {error}"
        )
        raise ConfigError(said, code="settings.syntax") from error
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems = tuple(_problem(path, text, found) for found in error.errors())
        raise ConfigError(
            Text(
                vi=f"{len(problems)} chỗ cấu hình sai trong {path} hoặc biến môi trường",
                en=f"{len(problems)} wrong settings in {path} or the environment",
            ),
            problems=problems,
            code="settings.invalid",
        ) from error
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": data_dir})
    return settings


def _read(path: Path, *, required: bool) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if not required:
            return ""
        text = Text(vi=f"không có tệp cấu hình {path}", en=f"there is no settings file {path}")
        raise ConfigError(text, code="settings.missing") from error
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "UTF-8"
        text = Text(
            vi=f"không đọc được tệp cấu hình {path}: {cause}",
            en=f"the settings file {path} cannot be read: {cause}",
        )
        raise ConfigError(text, code="settings.unreadable") from error


def _problem(path: Path, text: str, found: Any) -> Problem:
    location = _as_written(found["loc"])
    key = ".".join(str(part) for part in location)
    # An item of a list has no line of its own.
    line = line_of(text, ".".join(part for part in location if isinstance(part, str)))
    wrong = _WRONG.get(found["type"]) or _words(found)
    return Problem(
        code="settings.invalid",
        message=Text(vi=f"Cấu hình «{key}»: {wrong.vi}", en=f"Setting '{key}': {wrong.en}"),
        place=Place(file=str(path) if line else "LIENTHONG_*", line=line, path=key),
        suggestion=_closest(location, _table_of(found["loc"]))
        if found["type"] == "extra_forbidden"
        else None,
    )


def _words(found: Any) -> Text:
    """Return a validator's own words, in both languages where it has them."""
    cause = found.get("ctx", {}).get("error")
    if isinstance(cause, WrongWindow | WrongPull):
        return cause.text
    return Text(vi=f"không dùng được ({found['msg']})", en=found["msg"])


_WRONG = {
    "extra_forbidden": Text(vi="không có khóa này", en="there is no such key"),
    "days": Text(
        vi='cần số ngày nguyên từ 1 trở lên, hoặc "forever"',
        en='expected a whole number of days from 1 on, or "forever"',
    ),
    "union_tag_not_found": Text(
        vi=f"thiếu kind, một trong: {', '.join(KINDS)}",
        en=f"kind is missing, one of: {', '.join(KINDS)}",
    ),
    "union_tag_invalid": Text(
        vi=f"không có loại nguồn này; kind là một trong: {', '.join(KINDS)}",
        en=f"there is no such kind of source; kind is one of: {', '.join(KINDS)}",
    ),
    "missing": Text(vi="thiếu giá trị bắt buộc", en="a required value is missing"),
}
_PEER_TABLES: dict[str, type[BaseModel]] = {
    "answers": PeerAnswers,
    "json": PeerJson,
    "routes": PeerRoutes,
    "services": PeerService,
    "soap": PeerSoap,
}
_TABLES: dict[str, type[BaseModel]] = {
    "alerts": AlertSettings,
    "attachments": AttachmentSettings,
    "audit": AuditSettings,
    "broker": BrokerSettings,
    "console": ConsoleSettings,
    "delivery": DeliverySettings,
    "expansion": ExpansionSettings,
    "folder": FolderSettings,
    "http": HttpSettings,
    "policies": PolicySettings,
    "receivers": ReceiverProfile,
    "reconcile": ReconcileSettings,
    "retention": RetentionSettings,
    "sharing": SharingProfile,
    "signing": SigningSettings,
    "store": StoreSettings,
    "target": TargetProfile,
    "traces": TraceSettings,
}


def _as_written(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return where something stands, without the kind by which a table of [pull] was judged."""
    if len(location) > 2 and location[0] == "pull" and location[2] in KINDS:
        return (*location[:2], *location[3:])
    return location


def _table_of(location: tuple[str | int, ...]) -> type[BaseModel]:
    """Return what says which keys the innermost table of a place may have."""
    if len(location) == 1:
        return Settings
    if location[:2] == ("target", "security") and len(location) == 3:
        return SecurityProfile
    if location[:2] == ("target", "json") and len(location) == 3:
        return JsonProfile
    if location[0] == "peers":
        return _peer_table(location[2:-1])
    if location[:2] == ("attachments", "servers") and len(location) == 4:
        return FileServer
    if location[:2] == ("alerts", "mail") and len(location) == 3:
        return MailSettings
    if location[:2] == ("alerts", "webhooks") and len(location) == 4:
        return HookSettings
    if location[:2] == ("console", "oidc") and len(location) == 3:
        return OidcSettings
    if location[:2] == ("attachments", "s3"):
        return S3Settings
    if location[0] != "pull":
        return _TABLES.get(str(location[0]), Settings)
    table = KINDS[str(location[2])]
    for part in location[3:-1]:
        within = table.model_fields[str(part)].annotation
        table = next(
            each
            for each in (*get_args(within), within)
            if isinstance(each, type) and issubclass(each, BaseModel)
        )
    return table


def _peer_table(within: tuple[str | int, ...]) -> type[BaseModel]:
    """Return what says which keys a table of [peers.NAME] may have."""
    if not within:
        return PeerProfile
    return _PEER_TABLES.get(str(within[0]), PeerProfile)


def _closest(location: tuple[str | int, ...], table: type[BaseModel]) -> Text | None:
    names = [field.alias or name for name, field in table.model_fields.items()]
    near = difflib.get_close_matches(str(location[-1]), names, n=1)
    if not near:
        return None
    return Text(vi=f"có phải «{near[0]}»?", en=f"did you mean '{near[0]}'?")


def line_of(text: str, key: str) -> int | None:
    """Return the 1-based line of a dotted key in TOML text, or None when it is not there."""
    *tables, name = key.split(".")
    here: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            here = [part.strip().strip('"') for part in header[1].split(".")]
            if here == [*tables, name]:
                return number
        elif here == tables and re.match(rf'\s*"?{re.escape(name)}"?\s*[=.]', line):
            return number
    return None
