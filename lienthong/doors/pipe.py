"""From an event loop to a thread: what arrives is read as a file, and little of it is in memory."""

from __future__ import annotations

import asyncio
import io
from collections import deque
from threading import Condition
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ROOM_BYTES = 1024 * 1024
"""What may lie in a pipe; with the pieces in the reader's hand, all of an upload in memory."""


class Pipe(io.RawIOBase):
    """
    One upload on its way: written on the loop it was made on, read in one thread.

    A writer waits while the pipe is full, so a slow store slows the sender down. A reader waits
    while it is empty, until `end` or `fail`; after `fail` it gets an OSError, after what had come.
    """

    def __init__(self, *, room: int = ROOM_BYTES) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._changed = Condition()
        self._parts: deque[memoryview] = deque()
        self._held = 0
        self._room = room
        self._is_over = False
        self._failure: OSError | None = None
        self._is_left = False

    async def put(self, part: bytes) -> bool:
        """Add bytes once there is room; return False when nobody reads them any more."""
        await self._has_room.wait()
        with self._changed:
            if self._is_left:
                return False
            if part:
                self._parts.append(memoryview(part))
                self._held += len(part)
                if self._held >= self._room:
                    self._has_room.clear()
                self._changed.notify_all()
        return True

    def end(self) -> None:
        """Say that everything has come."""
        self._finish(None)

    def fail(self, why: str) -> None:
        """Say that the rest will not come."""
        self._finish(ConnectionError(0, why))

    def _finish(self, failure: OSError | None) -> None:
        with self._changed:
            if not self._is_over:
                self._is_over = True
                self._failure = failure
                self._changed.notify_all()

    def leave(self) -> None:
        """Say, as the reader, that nothing more is wanted."""
        with self._changed:
            self._is_left = True
            self._parts.clear()
            self._held = 0
        self._make_room()

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """
        Fill the buffer with what is there, waiting for at least one byte.

        Raises:
            OSError: the rest will not come.
        """
        view = memoryview(buffer).cast("B")
        filled = 0
        with self._changed:
            while not self._parts:
                if self._is_over:
                    if self._failure is not None:
                        raise self._failure
                    return 0
                self._changed.wait()
            while self._parts and filled < len(view):
                part = self._parts[0]
                taken = min(len(part), len(view) - filled)
                view[filled : filled + taken] = part[:taken]
                filled += taken
                if taken == len(part):
                    self._parts.popleft()
                else:
                    self._parts[0] = part[taken:]
            self._held -= filled
            has_room = self._held < self._room
        if has_room:
            self._make_room()
        return filled

    def _make_room(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._has_room.set)
