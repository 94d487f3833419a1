"""
Taking one upload over: from the event loop, through a pipe, into `receive` in a thread.

Of an upload little is in memory at any time, whatever its size. How many are under way at once is
bounded, in all and per agency; who comes then is told when to come again. A sender that leaves, is
silent or drips takes nothing over.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import TYPE_CHECKING

from lienthong.doors.arriving import Arriving
from lienthong.doors.pipe import Pipe
from lienthong.doors.refusal import busy, your_turn_later
from lienthong.flows.receive import Offer
from lienthong.web.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive

    from lienthong.doors.heads import Head
    from lienthong.flows.receive import Taken
    from lienthong.settings import HttpSettings
    from lienthong.traces.context import TraceContext

BUFFER_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One upload whose head was good."""

    agency: str
    sender: str
    head: Head
    file_name: str
    trace: TraceContext | None = None
    """The sender's own span, where it named one."""


class Uploads:
    """All uploads of this process. Used on one event loop."""

    def __init__(self, settings: HttpSettings, *, take: Callable[[Offer], Taken]) -> None:
        self._settings = settings
        self._take = take
        self._under_way: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(
            max_workers=settings.uploads_at_once, thread_name_prefix="upload"
        )

    def close(self) -> None:
        """Wait for what is being written down."""
        self._pool.shutdown()

    @contextmanager
    def place(self, agency: str) -> Iterator[None]:
        """Hold one of the places for the length of an upload; raises Refused when there is none."""
        again = self._settings.retry_after_seconds
        if self._under_way.total() >= self._settings.uploads_at_once:
            raise busy(again)
        if self._under_way[agency] >= self._settings.uploads_per_agency:
            raise your_turn_later(again)
        self._under_way[agency] += 1
        try:
            yield
        finally:
            self._under_way[agency] -= 1

    async def take(self, arrival: Arrival, receive_part: Receive) -> Taken:
        """
        Take one upload over; when this returns, it cannot be lost.

        Raises:
            Refused: it is too large, too slow or empty.
            SenderGone: it left.
            InputError: as of `receive`.
        """
        pipe = Pipe()
        taking = asyncio.get_running_loop().run_in_executor(
            self._pool, self._write_down, arrival, pipe
        )
        try:
            refusal = await self._feed(pipe, receive_part)
        except BaseException:
            # Also when the server stops in the middle.
            pipe.fail("the sender left")
            await _settled(taking)
            raise
        if refusal is not None:
            await _settled(taking)
            raise refusal
        return await taking

    def _write_down(self, arrival: Arrival, pipe: Pipe) -> Taken:
        try:
            return self._take(
                Offer(
                    source=BufferedReader(pipe, BUFFER_BYTES),
                    file_name=arrival.file_name,
                    agency=arrival.agency,
                    door="http",
                    sender=arrival.sender,
                    key=arrival.head.key,
                    trace=arrival.trace,
                )
            )
        finally:
            pipe.leave()

    async def _feed(self, pipe: Pipe, receive_part: Receive) -> Refused | None:
        """Put into the pipe what arrives; return why it ended early, where it did."""
        settings = self._settings
        arriving = Arriving(receive_part, settings=settings, limit=settings.max_body_bytes)
        try:
            async for part in arriving:
                if not await pipe.put(part):
                    # The store failed; the reason comes out of the thread.
                    return None
        except Refused as refused:
            pipe.fail(refused.problem.code)
            return refused
        pipe.end()
        return None


async def _settled(taking: asyncio.Future[Taken]) -> None:
    """Wait until the thread has cleared away what it had; how it ended is known already."""
    await asyncio.wait([taking])
    if not taking.cancelled():
        taking.exception()
