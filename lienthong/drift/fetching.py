"""Getting a document of a contract: a file, or an address; bounded in time and size."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lienthong.channels.wire import Reply, Wire
from schemas.errors import PeerError
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.channels.profile import TargetProfile
    from lienthong.drift.profile import DriftSettings


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


def fetch_document(name: str, *, settings: DriftSettings, target: TargetProfile) -> bytes:
    """
    Return a document of the target's contract.

    Args:
        name: An address (http or https), else a file.
        settings: The limits.
        target: Whose TLS settings are used at its own host, and nowhere else.

    Raises:
        PeerError: it cannot be had now; later may help.
        ConfigError: a file of TLS cannot be used.
    """
    if urlsplit(name).scheme not in {"http", "https"}:
        return _read_file(Path(name), limit=settings.max_bytes)
    seconds = settings.timeout_seconds
    is_its_own = urlsplit(name)[:2] == urlsplit(target.endpoint)[:2]
    wire = Wire(
        _Peer(
            endpoint=name,
            connect_timeout_seconds=seconds,
            read_timeout_seconds=seconds,
            call_timeout_seconds=seconds,
            max_answer_bytes=settings.max_bytes,
            ca_file=target.ca_file if is_its_own else None,
            client_certificate=target.client_certificate if is_its_own else None,
            client_key=target.client_key if is_its_own else None,
        ),
        name="drift",
    )
    headers = {"Accept-Encoding": "identity", "User-Agent": "lienthong", "Connection": "close"}
    parts = urlsplit(name)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with closing(wire):
        reply = wire.call("GET", path, None, headers=headers)
    if not isinstance(reply, Reply):
        raise _unreachable(name, reply.detail)
    if reply.status != 200:
        raise _unreachable(name, f"HTTP {reply.status}")
    return reply.body


def _read_file(path: Path, *, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _unreachable(str(path), error.strerror or type(error).__name__) from error
    if len(data) > limit:
        raise _unreachable(str(path), f"> {limit} bytes")
    return data


def _unreachable(name: str, detail: str) -> PeerError:
    return PeerError(
        Text(
            vi=f"không lấy được tài liệu {name} ({detail}); xem documents trong [drift]",
            en=f"the document {name} cannot be had ({detail}); see documents of [drift]",
        ),
        retryable=True,
        code="drift.unreachable",
    )
