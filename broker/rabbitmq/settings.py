"""
What a connection to RabbitMQ needs to know, and the parameters pika gets from it.

A wrong address or a certificate that cannot be read is an error of the operator's, in words.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pika
from pika.credentials import ExternalCredentials, PlainCredentials

from broker.port import BrokerError
from broker.rabbitmq.topology import Plan

if TYPE_CHECKING:
    from pathlib import Path
    from urllib.parse import SplitResult

PORTS = {"amqp": 5672, "amqps": 5671}


class Secret:
    """A password that shows itself to nobody who only prints it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the password, for the handshake alone."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Files of an encrypted connection, PEM; only amqps addresses use them."""

    ca_file: Path | None = None
    """Whom to trust; None means the system's roots."""
    certificate: Path | None = None
    """Our own, where the server asks for one."""
    key: Path | None = None
    """None means that it is in the file of the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitSettings:
    """How RabbitMQ is reached, and how long anything may take."""

    urls: tuple[str, ...]
    """amqp://host:port/vhost or amqps://, without credentials; tried in this order."""
    user: str | None = "guest"
    """None means that the client certificate says who we are (SASL EXTERNAL)."""
    password: Secret = field(default_factory=lambda: Secret("guest"))
    tls: Tls = field(default_factory=Tls)
    plan: Plan = field(default_factory=Plan)
    heartbeat: timedelta = timedelta(seconds=30)
    connect_timeout: timedelta = timedelta(seconds=5)
    """For one address."""
    connect_patience: timedelta = timedelta(seconds=10)
    """How long one call tries all addresses again and again before it gives up."""
    blocked_timeout: timedelta = timedelta(seconds=30)
    """How long the server may refuse to take messages (memory or disk alarm)."""
    answer_timeout: timedelta = timedelta(seconds=30)
    """How long an answer or the confirms of one batch may take."""
    tick: timedelta = timedelta(milliseconds=500)
    """How often leases are looked at; one may end so much late."""


def connection_parameters(settings: RabbitSettings) -> list[pika.ConnectionParameters]:
    """
    Return pika's parameters, one per address.

    Raises:
        BrokerError: there is no address, or one is wrong, or a TLS file cannot be used.
    """
    if not settings.urls:
        raise BrokerError(
            "no address of RabbitMQ is given; set broker.urls, for example "
            '["amqp://rabbit-1:5672/lienthong"]',
            vi="chưa có địa chỉ RabbitMQ; đặt broker.urls, ví dụ "
            '["amqp://rabbit-1:5672/lienthong"]',
        )
    return [_parameters(url, settings) for url in settings.urls]


def _parameters(url: str, settings: RabbitSettings) -> pika.ConnectionParameters:
    parts, port = _split(url)
    host = parts.hostname or ""
    tls = parts.scheme == "amqps"
    credentials = (
        ExternalCredentials()
        if settings.user is None
        else PlainCredentials(settings.user, settings.password.reveal(), erase_on_connect=False)
    )
    return pika.ConnectionParameters(
        host=host,
        port=port,
        virtual_host=unquote(parts.path[1:]) or "/",
        credentials=credentials,
        ssl_options=pika.SSLOptions(_context(settings.tls), host) if tls else None,
        heartbeat=max(1, round(settings.heartbeat.total_seconds())),
        blocked_connection_timeout=settings.blocked_timeout.total_seconds(),
        socket_timeout=settings.connect_timeout.total_seconds(),
        stack_timeout=settings.connect_timeout.total_seconds(),
        # The line above tries again, with growing pauses and all addresses.
        connection_attempts=1,
        retry_delay=0,
        client_properties={"connection_name": "lienthong"},
    )


def _split(url: str) -> tuple[SplitResult, int]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in PORTS or not parts.hostname or port == -1:
        shown = url.rpartition("@")[2]
        raise BrokerError(
            f"broker.urls: '{shown}' is not an address of RabbitMQ; expected "
            "amqp://host:port/vhost or amqps://host:port/vhost",
            vi=f"broker.urls: «{shown}» không phải địa chỉ RabbitMQ; cần dạng "
            "amqp://máy:cổng/vhost hoặc amqps://máy:cổng/vhost",
        )
    if parts.username is not None or parts.password is not None:
        raise BrokerError(
            "broker.urls: an address must not carry a user or a password, because addresses are "
            "shown; set broker.user and broker.password",
            vi="broker.urls: địa chỉ không được chứa tên người dùng hoặc mật khẩu vì địa chỉ có "
            "thể được hiển thị; đặt broker.user và broker.password",
        )
    return parts, port or PORTS[parts.scheme]


def _context(tls: Tls) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(f) for f in (tls.ca_file, tls.certificate, tls.key) if f)
        raise BrokerError(
            f"the TLS files of the broker cannot be used ({files}): {error}; check that they are "
            "there, are PEM, may be read, and that the key belongs to the certificate",
            vi=f"không dùng được các tệp TLS của hàng đợi ({files}): {error}; kiểm tra tệp có tồn "
            "tại, đúng dạng PEM, có quyền đọc và khóa khớp với chứng thư",
        ) from error
    return context
