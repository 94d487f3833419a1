"""
Fetch one list or answer from an authority's address: bounded in time and size, no redirects.

The wire is the one of deliveries: a deadline over the whole call, so that a drip of bytes does not
prolong it, and no proxy of the environment.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lienthong.channels.wire import Reply, Wire
from schemas.errors import PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """How much an authority's server may take of us."""

    timeout: timedelta
    """For the whole call."""
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Peer:
    """The profile of a wire for one call."""

    endpoint: str
    connect_timeout_seconds: float
    read_timeout_seconds: float
    call_timeout_seconds: float
    max_answer_bytes: int
    keep_alive_seconds: float = 0
    ca_file: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


def fetch(url: str, *, limits: FetchLimits, ocsp_request: bytes | None = None) -> bytes:
    """
    Return the body that an address answers with status 200.

    Args:
        url: http or https.
        limits: Of time and size.
        ocsp_request: Posted, where there is one (RFC 6960, appendix A).

    Raises:
        PeerError: it cannot be reached, is too slow or large, or answers something else; later
            may help.
    """
    seconds = limits.timeout.total_seconds()
    wire = Wire(
        _Peer(
            endpoint=url,
            connect_timeout_seconds=seconds,
            read_timeout_seconds=seconds,
            call_timeout_seconds=seconds,
            max_answer_bytes=limits.max_bytes,
        ),
        name="revocation",
    )
    headers = {"Accept-Encoding": "identity", "User-Agent": "lienthong", "Connection": "close"}
    with closing(wire):
        if ocsp_request is None:
            parts = urlsplit(url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            reply = wire.call("GET", target, None, headers=headers)
        else:
            headers["Content-Type"] = "application/ocsp-request"
            reply = wire.post(ocsp_request, headers=headers)
    if not isinstance(reply, Reply):
        raise _failed(url, reply.detail)
    if reply.status != 200:
        raise _failed(url, f"HTTP {reply.status}")
    return reply.body


def _failed(url: str, detail: str) -> PeerError:
    return PeerError(
        Text(
            vi=f"không lấy được dữ liệu thu hồi từ {url} ({detail})",
            en=f"what was revoked cannot be fetched from {url} ({detail})",
        ),
        retryable=True,
        code="revocation.unreachable",
    )
