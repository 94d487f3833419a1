"""
Calls to web services of agencies, over the wire that also carries deliveries: bounded in time and
size, never redirected, never through a proxy of the environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from lienthong.channels.port import Outcome
from lienthong.channels.retry_after import parse_retry_after
from lienthong.channels.wire import Reply, Wire
from schemas.errors import ConfigError, LienthongError, PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from lienthong.channels.port import Answer
    from lienthong.pull.web_profile import WebPull

KEEP_ALIVE_SECONDS = 5.0
_PASSING = frozenset({408, 425, 500, 502, 503, 504})
_BUSY = frozenset({429, 503})
_SAFE = "/?&=%:;,+@!$'()*~[]-._"
"""What an address may hold as it is; all else is quoted."""
_HEADER = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


class SourceBusy(PeerError):
    """A source wants to be left alone for a while."""

    def __init__(self, message: Text, *, wait: timedelta) -> None:
        super().__init__(message, retryable=True, code="pull.busy_source")
        self.wait = wait


class Unauthorized(PeerError):
    """A source does not take our token, or has none of ours; a new one may help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call."""

    method: str
    address: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    shown: str | None = None
    """The address as people may see it; None: without its query, which may hold a code."""
    is_told_by_body: bool = False
    """The body of a status 500 says what went wrong, as that of a SOAP fault does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Peer:
    """One host of a profile, as the wire wants it."""

    endpoint: str
    connect_timeout_seconds: float
    read_timeout_seconds: float
    call_timeout_seconds: float
    keep_alive_seconds: float
    max_answer_bytes: int
    ca_file: Path | None
    client_certificate: Path | None
    client_key: Path | None


class Caller:
    """
    The hosts that one profile names, and no other.

    Raises:
        ConfigError: a certificate or key cannot be used.
    """

    def __init__(self, profile: WebPull, *, clock: Callable[[], datetime]) -> None:
        self._profile = profile
        self._clock = clock
        self._wires = {
            origin_of(address): Wire(_peer(profile, address), name="pull")
            for address in profile.addresses
        }

    def call(self, request: Request) -> bytes:
        """
        Return the body of a good answer.

        Raises:
            PeerError: it cannot be reached, broke off, or is too slow: later helps. It is a
                SourceBusy with how long to wait, or Unauthorized, where the source says so.
            ConfigError: the request is wrong, or it leads elsewhere.
        """
        parts = urlsplit(request.address)
        shown = request.shown or shown_address(request.address)
        wire = self._wires.get(origin_of(request.address))
        if wire is None:
            raise elsewhere(shown)
        target = quote(parts.path or "/", safe=_SAFE)
        if parts.query:
            target += "?" + quote(parts.query, safe=_SAFE)
        headers = {"Accept-Encoding": "identity", "User-Agent": "lienthong", **request.headers}
        _check_headers(headers)
        reply = wire.call(request.method, target, request.body, headers=headers)
        if not isinstance(reply, Reply):
            raise self._failed(reply, shown)
        if request.is_told_by_body and reply.status == 500 and reply.body:
            return reply.body
        if trouble := self._judge(reply, shown):
            raise trouble
        return reply.body

    def close(self) -> None:
        """Close what is open."""
        for wire in self._wires.values():
            wire.close()

    def _failed(self, answer: Answer, shown: str) -> LienthongError:
        limit = self._profile.max_reply_bytes
        if answer.raw is not None and len(answer.raw) >= limit:
            return _too_large(shown, limit)
        if answer.outcome is Outcome.TARGET:
            return _no_tls(shown, answer.detail)
        return _unreachable(shown, answer.detail)

    def _judge(self, reply: Reply, shown: str) -> LienthongError | None:
        status = reply.status
        if status in (200, 201, 202, 203, 204):
            return None
        if status == 401:
            return Unauthorized(_refusal(shown, status), retryable=False, code="pull.refused")
        if status in _BUSY:
            longest = timedelta(seconds=self._profile.retry_after_limit_seconds)
            wait = parse_retry_after(
                reply.retry_after, date=reply.date, now=self._clock(), longest=longest
            )
            if wait is not None or status == 429:
                return _busy(shown, status, wait or timedelta(0))
        if status in _PASSING:
            return _unreachable(shown, f"HTTP {status}")
        if 300 <= status < 400:
            return _redirected(shown, status)
        if status in (403, 407):
            return ConfigError(_refusal(shown, status), code="pull.refused")
        return _wrong_request(shown, status)


def origin_of(address: str) -> tuple[str, str, int]:
    """
    Return scheme, host and port of an address.

    Raises:
        ConfigError: it is none.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise elsewhere("?") from None
    return parts.scheme, (parts.hostname or "").lower(), port


def shown_address(address: str) -> str:
    """Return an address as people may see it: without its query, which may hold a code."""
    parts = urlsplit(address)
    return parts._replace(query="", fragment="").geturl()


def elsewhere(shown: str) -> ConfigError:
    """Return the error for an address that a reply gives and the settings do not."""
    return ConfigError(
        Text(
            vi=f"Nguồn dẫn sang máy khác ({shown[:200]}); chỉ đọc từ các địa chỉ trong [pull]",
            en=f"the source leads to another host ({shown[:200]}); only addresses of [pull] are "
            "read",
        ),
        code="pull.elsewhere",
    )


def _peer(profile: WebPull, address: str) -> _Peer:
    return _Peer(
        endpoint=address,
        connect_timeout_seconds=profile.connect_timeout_seconds,
        read_timeout_seconds=profile.read_timeout_seconds,
        call_timeout_seconds=profile.call_timeout_seconds,
        keep_alive_seconds=KEEP_ALIVE_SECONDS,
        max_answer_bytes=profile.max_reply_bytes,
        ca_file=profile.ca_file,
        client_certificate=profile.client_certificate,
        client_key=profile.client_key,
    )


def _check_headers(headers: Mapping[str, str]) -> None:
    """Refuse what would break out of its header; a secret may hold anything."""
    for name, value in headers.items():
        if not _HEADER.fullmatch(value):
            raise ConfigError(
                Text(
                    vi=f"Giá trị của header {name} có ký tự không gửi được (xuống dòng, chữ có "
                    "dấu); kiểm tra headers và các biến LIENTHONG_PULL__TÊN__*",
                    en=f"the value of the header {name} holds letters that cannot be sent (a line "
                    "break, accents); check headers and the variables LIENTHONG_PULL__NAME__*",
                ),
                code="pull.refused",
            )


def _unreachable(shown: str, cause: str) -> PeerError:
    return PeerError(
        Text(
            vi=f"Không đọc được nguồn {shown} ({cause}); sẽ tự thử lại",
            en=f"the source {shown} cannot be read ({cause}); it is tried again",
        ),
        retryable=True,
        code="pull.unreachable",
    )


def _too_large(shown: str, limit: int) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Nguồn {shown} trả lời dài hơn {limit} byte (max_reply_bytes); giảm paging.size, "
            "hoặc tăng max_reply_bytes",
            en=f"the source {shown} answers with more than {limit} bytes (max_reply_bytes); lower "
            "paging.size, or raise max_reply_bytes",
        ),
        code="pull.too_large",
    )


def _no_tls(shown: str, cause: str) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Không kết nối TLS được với {shown} ({cause}); kiểm tra ca_file, "
            "client_certificate và hạn chứng thư",
            en=f"there is no TLS with {shown} ({cause}); check ca_file, client_certificate and "
            "whether a certificate has expired",
        ),
        code="pull.tls",
    )


def _busy(shown: str, status: int, wait: timedelta) -> SourceBusy:
    seconds = int(wait.total_seconds())
    return SourceBusy(
        Text(
            vi=f"Nguồn {shown} đang bận (HTTP {status}); sẽ đọc lại sau ít nhất {seconds} giây",
            en=f"the source {shown} is busy (HTTP {status}); it is read again after {seconds} "
            "seconds at least",
        ),
        wait=wait,
    )


def _refusal(shown: str, status: int) -> Text:
    return Text(
        vi=f"Nguồn {shown} từ chối (HTTP {status}); kiểm tra user, LIENTHONG_PULL__TÊN__PASSWORD, "
        "LIENTHONG_PULL__TÊN__API_KEY hoặc [pull.TÊN.token]",
        en=f"the source {shown} refuses us (HTTP {status}); check user, "
        "LIENTHONG_PULL__NAME__PASSWORD, LIENTHONG_PULL__NAME__API_KEY or [pull.NAME.token]",
    )


def _redirected(shown: str, status: int) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Nguồn {shown} chuyển hướng (HTTP {status}), không đi theo; đặt url là địa chỉ "
            "cuối cùng (thường là https, hoặc trang đăng nhập: thiếu mã truy cập)",
            en=f"the source {shown} redirects (HTTP {status}), which is not followed; give the "
            "last address as url (often https, or a login page: a token is missing)",
        ),
        code="pull.elsewhere",
    )


def _wrong_request(shown: str, status: int) -> ConfigError:
    return ConfigError(
        Text(
            vi=f"Nguồn {shown} không nhận yêu cầu (HTTP {status}); kiểm tra url, method, query và "
            "body trong [pull]",
            en=f"the source {shown} does not take the request (HTTP {status}); check url, method, "
            "query and body in [pull]",
        ),
        code="pull.query",
    )
