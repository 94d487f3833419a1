"""
Asking an identity provider for JSON: bounded in time and size, no redirects, no proxy.

The wire is the one of deliveries: a deadline over the whole call, so that a drip of bytes does not
prolong it.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from lienthong.channels.wire import Reply, Wire
from lienthong.oidc.trouble import away, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LARGEST_ANSWER = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The profile of a wire for one call."""

    endpoint: str
    call_timeout_seconds: float
    ca_file: Path | None
    max_answer_bytes: int = LARGEST_ANSWER
    keep_alive_seconds: float = 0
    client_certificate: Path | None = None
    client_key: Path | None = None

    @property
    def connect_timeout_seconds(self) -> float:
        """As long as the whole."""
        return self.call_timeout_seconds

    @property
    def read_timeout_seconds(self) -> float:
        """As long as the whole."""
        return self.call_timeout_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A JSON object, and with which status."""

    status: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Asks within one deadline, on the monotonic clock."""

    ca_file: Path | None
    deadline: float

    def get(self, url: str) -> dict[str, Any]:
        """
        Return the object that an address answers.

        Raises:
            ProviderError: it cannot be reached, is too slow or large, or answers something else.
        """
        answered = self._ask("GET", url, None, {})
        if answered.status != 200:
            raise away(f"{_place(url)}: HTTP {answered.status}")
        return answered.values

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> Answered:
        """
        Post a form; an error of OAuth 2.0 (status 400 or 401) is an answer. Raises as `get`.
        """
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answered = self._ask("POST", url, urlencode(form).encode(), {**kind, **headers})
        if answered.status not in (200, 400, 401):
            raise away(f"{_place(url)}: HTTP {answered.status}")
        return answered

    def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answered:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        seconds = self.deadline - monotonic()
        if seconds <= 0:
            raise away(f"{_place(url)}: no time was left to ask")
        peer = Peer(endpoint=url, call_timeout_seconds=seconds, ca_file=self.ca_file)
        common = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "lienthong",
            "Connection": "close",
        }
        with closing(Wire(peer, name="console.oidc")) as wire:
            reply = wire.call(
                method, target, body, headers={**common, **headers}, deadline=self.deadline
            )
        if not isinstance(reply, Reply):
            raise away(f"{_place(url)}: {reply.detail}")
        return _read(url, reply)


def _read(url: str, reply: Reply) -> Answered:
    if reply.status not in (200, 400, 401):
        return Answered(status=reply.status, values={})
    try:
        values = json.loads(reply.body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        # What a proxy says in its place looks like this, too; it is not quoted.
        raise wrong(f"{_place(url)}: HTTP {reply.status}, and no JSON object")
    return Answered(status=reply.status, values=values)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
