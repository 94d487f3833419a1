"""Listening: uvicorn on a socket of ours, with limits on what a connection may cost."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import closing
from typing import TYPE_CHECKING, ClassVar

import h11
import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from lienthong.web import refusal
from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from threading import Event

    from starlette.types import ASGIApp

    from lienthong.settings import ListenSettings

log = structlog.get_logger()

BACKLOG = 128
LOOK_SECONDS = 0.2
SILENT_READER_MS = 60_000
"""How long an answer may wait for a peer that does not take it."""
HEAD_BYTES = 16 * 1024


def listen(app: ASGIApp, settings: ListenSettings, stop: Event, *, section: str) -> None:
    """
    Serve `app` until `stop` is set, then let requests under way end.

    Args:
        app: ASGI.
        settings: Where, and what a connection may cost.
        stop: Looked at a few times a second.
        section: Of the settings, for logs and errors.

    Raises:
        ConfigError: it cannot listen there, or its certificate cannot be used.
    """
    with closing(_open(settings, section)) as listener:
        server = uvicorn.Server(_config(app, settings, section))
        host, port = listener.getsockname()[:2]
        scheme = "http" if settings.tls_certificate is None else "https"
        log.info("http.listening", address=f"{scheme}://{host}:{port}", section=section)
        asyncio.run(_until(stop, server, listener))


async def _until(stop: Event, server: uvicorn.Server, listener: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not stop.is_set() and not serving.done():
        await asyncio.sleep(LOOK_SECONDS)
    server.should_exit = True
    await serving


def _open(settings: ListenSettings, section: str) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise ConfigError(
            Text(
                vi=f"[{section}] không mở được cổng nghe ở {where}: {error.strerror}",
                en=f"[{section}] cannot listen at {where}: {error.strerror}",
            ),
            code="http.cannot_listen",
        ) from error


def _config(app: ASGIApp, settings: ListenSettings, section: str) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=_limited(settings),
        ws="none",
        lifespan="off",
        interface="asgi3",
        # Addresses have query strings, and tracebacks have values: neither goes to a log.
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=settings.stop_seconds,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            Text(
                vi=f"Không dùng được chứng thư ({error.strerror or error}): xem "
                f"{section}.tls_certificate và {section}.tls_key",
                en=f"The certificate cannot be used ({error.strerror or error}): see "
                f"{section}.tls_certificate and {section}.tls_key",
            ),
            code="http.certificate",
        ) from error
    return config


def _limited(settings: ListenSettings) -> type[asyncio.Protocol]:
    class Limited(Connection):
        head_seconds = settings.header_seconds
        most = settings.connections

    return Limited


class Connection(H11Protocol):
    """
    One connection, which may not stay without saying what it wants.

    uvicorn itself waits for ever for the head of a request, and for a peer that takes no answer.
    """

    head_seconds: ClassVar[float]
    most: ClassVar[int]
    """Connections of the process."""

    _waiting_for_head: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or close it when there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            log.warning("http.too_many_connections")
            transport.close()
            return
        raw = transport.get_extra_info("socket")
        if raw is not None:
            # asyncio does it itself only for sockets made with a protocol number. Without it an
            # answer in two parts waits 40 ms for the peer's delayed acknowledgement.
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if raw is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_READER_MS)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes in, and see whether they made a head."""
        super().data_received(data)
        if self._has_request():
            self._forget_head()
        else:
            self._watch_head()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Keep the way back open for who has said everything and waits for the answer."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.more_body or cycle.response_started:
            return None
        # Over TLS both ways end together.
        if self.transport.get_extra_info("sslcontext") is not None:
            return None
        cycle.keep_alive = False
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget_head()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - our own words are said
        """Answer what is no HTTP, where no answer is on its way yet."""
        has_request = self._has_request()
        if has_request and self.cycle.response_started:
            self.transport.close()
            return
        refused = refusal.unusable("http.malformed", "HTTP")
        refused.status = 400
        body = refusal.body_of(refused)
        named = {
            "content-type": refusal.MEDIA_TYPE,
            "content-length": str(len(body)),
            "connection": "close",
        }
        head = h11.Response(status_code=400, headers=list(named.items()), reason=b"Bad Request")
        is_head_alone = has_request and self.cycle.scope["method"] == "HEAD"
        data = h11.Data(data=b"" if is_head_alone else body)
        for part in (head, data, h11.EndOfMessage()):
            sent = self.conn.send(part)
            if sent is not None:
                self.transport.write(sent)
        self.transport.close()

    def _watch_head(self) -> None:
        if self._waiting_for_head is None:
            self._waiting_for_head = self.loop.call_later(self.head_seconds, self._give_up)

    def _forget_head(self) -> None:
        if self._waiting_for_head is not None:
            self._waiting_for_head.cancel()
            self._waiting_for_head = None

    def _give_up(self) -> None:
        self._waiting_for_head = None
        if not self._has_request() and not self.transport.is_closing():
            self.transport.close()

    def _has_request(self) -> bool:
        # uvicorn has None here before the first request, whatever its annotation says.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete
