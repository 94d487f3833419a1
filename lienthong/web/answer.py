"""Answers that reach a sender who is still sending."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send

LINGER_SECONDS = 5
LINGER_BYTES = 16 * 1024 * 1024
"""How much of a refused body is read and thrown away. Closing at once would make the sender's
system throw away the answer that says why."""


class Body:
    """The body of a request, and whether it was read to its end."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self.is_over = request.method in ("GET", "HEAD")
        self.is_held_back = "expect" in request.headers
        """The sender waits for a word before it sends; a refusal is one."""

    async def receive(self) -> Message:
        """Return the next part, as ASGI has it."""
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.is_over = True
        self.is_held_back = False
        return message

    async def throw_away(self) -> None:
        """Read on for a while, so that the sender comes to look at the answer."""
        size = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while not self.is_over and size < LINGER_BYTES:
                    size += len((await self.receive()).get("body", b""))


class Answer(Response):
    """A whole answer; where the request is not read to its end, it closes the connection."""

    def __init__(
        self,
        content: bytes,
        *,
        status: int,
        media_type: str,
        headers: dict[str, str],
        unread: Body | None = None,
    ) -> None:
        super().__init__(content, status_code=status, media_type=media_type, headers=dict(headers))
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Content-Type-Options"] = "nosniff"
        self._unread = unread

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; see above."""
        unread = self._unread
        if unread is None or unread.is_over:
            await super().__call__(scope, receive, send)
            return
        self.headers["Connection"] = "close"
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if not unread.is_held_back:
            await unread.throw_away()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
