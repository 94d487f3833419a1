"""
The last requests and answers in full, for the page: in memory only, and not many of them.

The record on the disk holds no dossiers; what is here is gone when the sandbox ends.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.problem import Problem

MOST_EXCHANGES: Final = 300
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of all requests and answers together."""
KEPT_BYTES: Final = 256 * 1024
"""Of one request or answer."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request and what came of it; filled while it is answered."""

    channel: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    request: bytes
    mode: str | None = None
    """How the sandbox was told to misbehave towards it."""
    status: int | None = None
    """None: no answer was sent."""
    answer: bytes = b""
    content_type: str = ""
    findings: tuple[Problem, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.request) + len(self.answer)


class Memory:
    """The last exchanges by the number of their arrival. Thread-safe."""

    def __init__(self) -> None:
        self._exchanges: OrderedDict[int, Exchange] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def begin(self, arrival_id: int, exchange: Exchange) -> None:
        """Keep a request; the oldest make room."""
        exchange.request = exchange.request[:KEPT_BYTES]
        with self._lock:
            self._exchanges[arrival_id] = exchange
            self._bytes += exchange.size
            self._make_room()

    def answer(self, arrival_id: int, status: int, body: bytes, *, content_type: str) -> None:
        """Keep the answer to a request."""
        with self._lock:
            exchange = self._exchanges.get(arrival_id)
            if exchange is None:
                return
            exchange.status, exchange.content_type = status, content_type
            exchange.answer = body[:KEPT_BYTES]
            self._bytes += len(exchange.answer)
            self._make_room()

    def explain(self, arrival_id: int, findings: Sequence[Problem]) -> None:
        """Keep why a request was refused."""
        with self._lock:
            exchange = self._exchanges.get(arrival_id)
            if exchange is not None:
                exchange.findings = tuple(findings)

    def find(self, arrival_id: int) -> Exchange | None:
        """Return what is kept of an arrival."""
        with self._lock:
            return self._exchanges.get(arrival_id)

    def _make_room(self) -> None:
        while len(self._exchanges) > MOST_EXCHANGES or self._bytes > MOST_BYTES:
            _, gone = self._exchanges.popitem(last=False)
            self._bytes -= gone.size
