"""What every answer of the API carries, and how much a request may say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024
"""Bytes; the API takes orders, no files."""
LARGEST_WITH_MAPPING = 1024 * 1024
"""Bytes, where the text of a mapping comes with a request: 256 KiB, written as JSON may be."""
TOO_LARGE = 413
_WITH_MAPPING = re.compile(r"/v1/mappings/[^/]+/impact|/site/mappings/[^/]+")


class TooLong(HTTPException):
    """A request says more than may be said at its address."""

    def __init__(self, limit: int) -> None:
        """Note how much may be said: bytes."""
        super().__init__(TOO_LARGE, headers={"Connection": "close"})
        self.limit = limit


class Limits:
    """Refuses what is too large while it is read, and keeps answers out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_long = _WITH_MAPPING.fullmatch(scope["path"]) is not None
        limit = LARGEST_WITH_MAPPING if is_long else LARGEST_BODY
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                raise TooLong(limit)
            return message

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        await self._app(scope, limited, marked)
