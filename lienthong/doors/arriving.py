"""What arrives of a body, part by part, within a limit of size and with a least pace."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.doors.pace import Pace
from lienthong.doors.refusal import empty, too_large, too_slow

if TYPE_CHECKING:
    from starlette.types import Receive

    from lienthong.settings import HttpSettings


class SenderGone(Exception):
    """Nobody is there to be answered."""


class Arriving:
    """
    Iterates over the parts of one body. Used once.

    Raises:
        Refused: it is too large, too slow or empty.
        SenderGone: the sender left.
    """

    def __init__(self, receive: Receive, *, settings: HttpSettings, limit: int) -> None:
        """Prepare; `limit` is in bytes."""
        self._receive = receive
        self._limit = limit
        self._pace = Pace(
            patience=timedelta(seconds=settings.idle_seconds),
            least_per_second=settings.least_bytes_per_second,
        )
        self._size = 0
        self._has_more = True

    def __aiter__(self) -> Arriving:
        """Return itself."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next part, which may be empty."""
        if not self._has_more:
            if not self._size:
                raise empty()
            raise StopAsyncIteration
        try:
            async with asyncio.timeout(self._pace.patience):
                message = await self._pace.waiting(self._receive())
        except TimeoutError:
            raise too_slow() from None
        if message["type"] == "http.disconnect":
            raise SenderGone
        part: bytes = message.get("body", b"")
        self._has_more = message.get("more_body", False)
        self._size += len(part)
        if self._size > self._limit:
            raise too_large(self._limit)
        if self._has_more and not self._pace.is_kept(self._size):
            raise too_slow()
        return part
