"""
One HTTP exchange with a target: what surely happened, told by the phase in which it ended.

Connecting, the TLS handshake, sending and reading are separate steps here, so an error is judged
by where it arose and not by its name: before the first byte left nothing was sent; afterwards the
fate is unknown unless a whole answer came. Nothing is ever sent twice, no redirect is followed,
and no proxy of the environment is used.
"""

from __future__ import annotations

import io
import ssl
from collections import deque
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.exceptions import SSLError as WrappedSSLError

from lienthong.channels.port import Answer, CutAnswer, Outcome
from schemas.errors import ConfigError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

    from urllib3.response import BaseHTTPResponse

MOST_DIGESTED = 16 * 1024 * 1024
"""Bytes of an answer that are read when it is too large to be kept: to tell how large it was."""
PART_BYTES = 64 * 1024
HANDSHAKE_ALERTS = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED")
"""In OpenSSL's reason of an alert. Under TLS 1.3 the peer judges our certificate only after our
handshake has ended, so its refusal comes where the answer was expected; no request was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    body: bytes
    is_framed: bool
    """False when only the end of the connection ended the body: a cut one looks the same."""
    retry_after: str | None = None
    """The header as it came."""
    date: str | None = None
    """The peer's own time, as it came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The time one call may take; a steady drip of bytes does not prolong it."""

    deadline: float
    """On the monotonic clock, in seconds."""
    patience: float
    """Longest wait for one byte, in seconds."""

    def next_timeout(self) -> float:
        """Return how long the next wait may be; raise TimeoutError when the time is up."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("the call took longer than call_timeout_seconds in all")
        return min(left, self.patience)


class _BoundedReader(io.RawIOBase):
    """Reads a socket within a budget; closing it closes what it wraps."""

    def __init__(self, raw: io.RawIOBase, *, sock: socket.socket, budget: Budget) -> None:
        self._raw = raw
        self._sock = sock
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._budget.next_timeout())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class BoundedResponse(HTTPResponse):
    """The standard answer, read through a budget: status line and headers too."""

    def __init__(self, sock: socket.socket, *args: Any, budget: Budget, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_BoundedReader(raw, sock=sock, budget=budget))


class WireProfile(Protocol):
    """What is known of one peer; `channels.profile.TargetProfile` is one. Times in seconds."""

    @property
    def endpoint(self) -> str:
        """Its URL, http or https."""

    @property
    def connect_timeout_seconds(self) -> float:
        """For connecting, TLS included."""

    @property
    def read_timeout_seconds(self) -> float:
        """Between two bytes."""

    @property
    def call_timeout_seconds(self) -> float:
        """For a whole call."""

    @property
    def keep_alive_seconds(self) -> float:
        """How long an idle connection is used again."""

    @property
    def max_answer_bytes(self) -> int:
        """Of a whole answer."""

    @property
    def ca_file(self) -> Path | None:
        """Roots for TLS; None: the system's."""

    @property
    def client_certificate(self) -> Path | None:
        """PEM, for mutual TLS."""

    @property
    def client_key(self) -> Path | None:
        """PEM; None: beside the certificate."""


class Wire:
    """Kept-alive connections to one target. Thread-safe."""

    def __init__(self, profile: WireProfile, *, name: str = "target") -> None:
        parts = urlsplit(profile.endpoint)
        self._profile = profile
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._tls = make_tls(profile, name) if parts.scheme == "https" else None
        self._idle: deque[tuple[HTTPConnection, float]] = deque()
        """With when each was given back; the latest is taken first, and no more lie here than calls
        were made at once."""

    def post(
        self, body: bytes, *, headers: Mapping[str, str], deadline: float | None = None
    ) -> Reply | Answer:
        """
        Post to the endpoint and read the whole answer.

        Args:
            body: Sent exactly as it is.
            headers: Besides Host and Content-Length.
            deadline: On the monotonic clock; None grants call_timeout_seconds from now.

        Returns:
            A reply, or the answer that a failure amounts to.
        """
        return self.call("POST", self._target, body, headers=headers, deadline=deadline)

    def call(
        self,
        method: str,
        target: str,
        body: bytes | None,
        *,
        headers: Mapping[str, str],
        deadline: float | None = None,
    ) -> Reply | Answer:
        """Send one request for `target`, path and query of the endpoint's host; see `post`."""
        if deadline is None:
            deadline = monotonic() + self._profile.call_timeout_seconds
        budget = Budget(deadline=deadline, patience=self._profile.read_timeout_seconds)
        connection = self._take() or self._connect(budget)
        if isinstance(connection, Answer):
            return connection
        try:
            reply = self._exchange(connection, (method, target, body), headers, budget)
        except BaseException:
            connection.close()
            raise
        if isinstance(reply, Reply) and connection.sock is not None:
            self._idle.append((connection, monotonic()))
        else:
            connection.close()
        return reply

    def close(self) -> None:
        """Close the idle connections."""
        while (connection := self._pop()) is not None:
            connection[0].close()

    def _pop(self) -> tuple[HTTPConnection, float] | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _take(self) -> HTTPConnection | None:
        """Return an idle connection that the peer has neither closed nor written to."""
        while (found := self._pop()) is not None:
            connection, idle_since = found
            fresh = monotonic() - idle_since <= self._profile.keep_alive_seconds
            # Readable means closed, or bytes nobody asked for that would pass for our answer.
            if fresh and connection.is_connected:
                return connection
            connection.close()
        return None

    def _connect(self, budget: Budget) -> HTTPConnection | Answer:
        timeout = min(self._profile.connect_timeout_seconds, budget.deadline - monotonic())
        if timeout <= 0:
            return Answer(outcome=Outcome.NOT_SENT, detail="no time was left to connect")
        connection = (
            HTTPConnection(self._host, self._port, timeout=timeout)
            if self._tls is None
            else HTTPSConnection(self._host, self._port, timeout=timeout, ssl_context=self._tls)
        )
        try:
            connection.connect()
        except (ssl.SSLError, WrappedSSLError) as error:
            connection.close()
            return Answer(outcome=Outcome.TARGET, detail=f"TLS refused: {one_line(error)}")
        except (HTTPError, OSError, UnicodeError) as error:
            # UnicodeError: a host name that is too long or malformed for the resolver.
            connection.close()
            return Answer(outcome=Outcome.NOT_SENT, detail=f"not connected: {one_line(error)}")
        return connection

    def _exchange(
        self,
        connection: HTTPConnection,
        request: tuple[str, str, bytes | None],
        headers: Mapping[str, str],
        budget: Budget,
    ) -> Reply | Answer:
        # From here on bytes may have left, whatever the error says: a kept-alive connection that
        # the peer is just closing fails in the same ways as one that broke after the request.
        try:
            connection.timeout = budget.next_timeout()
            connection.response_class = partial(BoundedResponse, budget=budget)  # type: ignore[assignment]
            connection.request(*request, headers, preload_content=False, decode_content=False)
            response = connection.getresponse()
            return self._read(response)
        except (ssl.SSLError, WrappedSSLError) as error:
            if any(alert in str(error).upper() for alert in HANDSHAKE_ALERTS):
                return Answer(outcome=Outcome.TARGET, detail=f"TLS refused: {one_line(error)}")
            return _unknown(error)
        except (HTTPError, HTTPException, OSError) as error:
            return _unknown(error)

    def _read(self, response: BaseHTTPResponse) -> Reply | Answer:
        limit = self._profile.max_answer_bytes
        body = bytearray()
        try:
            # What has come, not what was asked for: of an answer that breaks off, this is kept. Up
            # to the end, so that a cut body is noticed and the connection can be used again.
            while len(body) <= limit and (part := response.read1(limit + 1 - len(body))):
                body += part
        except (HTTPError, HTTPException, OSError) as error:
            return _unknown(error, status=response.status, begun=bytes(body[:limit]))
        if len(body) > limit:
            return _too_large(response, bytes(body), limit=limit)
        framed = "content-length" in response.headers or "transfer-encoding" in response.headers
        return Reply(
            status=response.status,
            body=bytes(body),
            is_framed=framed,
            retry_after=response.headers.get("retry-after"),
            date=response.headers.get("date"),
        )


def one_line(value: object) -> str:
    """Return `value` as one line of bounded length, for a detail."""
    return " ".join(str(value).split())[:300]


def _too_large(response: BaseHTTPResponse, begun: bytes, *, limit: int) -> Answer:
    """Keep the beginning of an answer, and say how long it was and what its digest is."""
    digest, size = sha256(begun), len(begun)
    is_whole = False
    try:
        while size < MOST_DIGESTED:
            part = response.read1(PART_BYTES)
            if not part:
                is_whole = True
                break
            digest.update(part)
            size += len(part)
    except (HTTPError, HTTPException, OSError):
        # It broke off, or took too long: what was read is told.
        is_whole = False
    return Answer(
        outcome=Outcome.UNKNOWN,
        detail=f"the answer is larger than {limit} bytes: {size}{'' if is_whole else ' and more'}",
        http_status=response.status,
        raw=begun[:limit],
        cut=CutAnswer(size=size, digest=digest.hexdigest(), is_whole=is_whole),
    )


def _unknown(error: Exception, *, status: int | None = None, begun: bytes = b"") -> Answer:
    # Only the system's own words: a library's may quote bytes of the answer.
    words = one_line(error.strerror or error) if isinstance(error, OSError) else ""
    detail = f"no whole answer after sending: {type(error).__name__} {words}".rstrip()
    if not begun:
        return Answer(outcome=Outcome.UNKNOWN, detail=detail, http_status=status)
    cut = CutAnswer(size=len(begun), digest=sha256(begun).hexdigest(), is_whole=False)
    return Answer(outcome=Outcome.UNKNOWN, detail=detail, http_status=status, raw=begun, cut=cut)


def make_tls(profile: WireProfile, name: str) -> ssl.SSLContext:
    """Return a context that verifies the peer; there is no setting that makes it not."""
    try:
        context = ssl.create_default_context(
            cafile=None if profile.ca_file is None else str(profile.ca_file)
        )
    except OSError as error:
        raise ConfigError(
            f"{name}.ca_file: {profile.ca_file} cannot be used: {error}", code=f"{name}.tls"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if profile.client_certificate is not None:
        try:
            # A key with a passphrase is refused here: OpenSSL would ask for it on the terminal.
            context.load_cert_chain(
                profile.client_certificate, profile.client_key, password=_no_passphrase
            )
        except OSError as error:
            raise ConfigError(
                f"{name}.client_certificate: {profile.client_certificate} cannot be used with its "
                f"key (PEM without a passphrase is expected): {error}",
                code=f"{name}.tls",
            ) from error
    return context


def _no_passphrase() -> str:
    return ""
