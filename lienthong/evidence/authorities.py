"""
Asking a time-stamp authority by HTTP (RFC 3161, section 3.4), in bounded time and size.

Only a digest and a random number go there. Its word is judged elsewhere.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

import urllib3

from schemas.errors import PeerError
from schemas.problem import Text
from signing.timestamps import MOST_BYTES, judge_answer, make_request

if TYPE_CHECKING:
    from datetime import datetime

    from signing.timestamps import Timestamp, TimestampPolicy, TimestampRequest

CONNECT_SECONDS = 5.0
READ_SECONDS = 15.0
WHOLE_SECONDS = 30.0
"""For an answer that comes in drops."""


class AuthorityAway(PeerError):
    """It cannot be asked now; later helps, and nothing else waits for it."""

    code = "timestamp.away"

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(
            Text(
                vi=f"Chưa hỏi được tổ chức cấp dấu thời gian {name} ({cause}); sẽ thử lại",
                en=f"the time-stamp authority {name} cannot be asked now ({cause}); it is asked "
                "again",
            ),
            retryable=True,
        )


class Authority(Protocol):
    """Whoever issues time-stamps."""

    name: str

    def ask(self, request: TimestampRequest) -> bytes:
        """Return its answer, whatever it is worth. Raises `AuthorityAway`."""


def obtain(
    authority: Authority, data: bytes, *, policy: TimestampPolicy, now: datetime
) -> Timestamp:
    """
    Return a time-stamp over `data` that is believed.

    Raises:
        AuthorityAway: there was no answer.
        signing.timestamps.TimestampRefused: it refused, or what it answered is not believed.
    """
    request = make_request(data)
    return judge_answer(authority.ask(request), request, policy=policy, now=now)


class HttpAuthority:
    """The authority at an address."""

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str = "",
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self.name = url
        self._headers = {
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
        }
        if user is not None:
            self._headers |= urllib3.make_headers(
                basic_auth=f"{user}:{password}", basic_auth_encoding="utf-8"
            )
        self._http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds),
            retries=False,
            maxsize=1,
        )

    def ask(self, request: TimestampRequest) -> bytes:
        """
        Return its answer, whatever it is worth.

        Raises:
            AuthorityAway: there is none.
        """
        try:
            answer = self._http.request(
                "POST", self.name, body=request.body, headers=self._headers, preload_content=False
            )
            try:
                if answer.status != HTTPStatus.OK:
                    raise AuthorityAway(self.name, f"HTTP {answer.status}")
                return self._read(answer)
            finally:
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise AuthorityAway(self.name, type(error).__name__) from error

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        ends = time.monotonic() + WHOLE_SECONDS
        read = b""
        for part in answer.stream(8192):
            read += part
            # One byte more tells whoever judges it that it is too long.
            if len(read) > MOST_BYTES:
                break
            if time.monotonic() > ends:
                raise AuthorityAway(self.name, "too slow")
        return read[: MOST_BYTES + 1]
