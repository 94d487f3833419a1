"""Lines of bytes as text, while the bytes themselves go on to a copy."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, BinaryIO

from adapters import charsets

if TYPE_CHECKING:
    import io

CHUNK_BYTES = 256 * 1024
MOST_BYTES_PER_CHARACTER = 4


class RawLines:
    """
    Reads `source` line by line for a parser, and writes the same bytes to `target`.

    The end of a line is held back until the next one is read, so that something can be put before
    it. Memory is a chunk, and the longest line that the parser asks for.
    """

    def __init__(self, source: io.BufferedReader, *, target: BinaryIO, codec: str) -> None:
        charsets.register()
        self._source = source
        self._target = target
        self._codec = codec
        self._unit = 2 if codec.startswith("utf-16") else 1
        self._feed, self._return = "\n".encode(codec), "\r".encode(codec)
        self._data = b""
        self._at = 0
        self._is_over = False
        self._held = b""
        """The end of the last line that was copied."""
        self.is_copied = True
        """Whether what is read next goes to the copy."""

    def readline(self, size: int) -> str:
        """Return the next line with its end; of one longer than `size` its beginning."""
        raw, end = self._next(size * MOST_BYTES_PER_CHARACTER)
        if self.is_copied:
            self._target.write(self._held)
            self._target.write(raw)
            self._held = end
        return (raw + end).decode(self._codec, charsets.UNDECODABLE)

    def put(self, addition: bytes) -> None:
        """Write something before the end of the last line that was copied."""
        self._target.write(addition)

    def finish(self) -> None:
        """Write what was held back, and where the copy goes on the rest of the bytes."""
        self._target.write(self._held)
        self._held = b""
        if self.is_copied:
            self._target.write(self._data[self._at :])
            shutil.copyfileobj(self._source, self._target, CHUNK_BYTES)

    def _next(self, most: int) -> tuple[bytes, bytes]:
        """Return the next line and its end; what is longer than `most` comes in parts."""
        while True:
            body, end = self._cut()
            if end or self._is_over:
                break
            if len(body) >= most:
                body = body[: most - most % self._unit]
                break
            chunk = self._source.read(CHUNK_BYTES)
            self._is_over = not chunk
            self._data, self._at = self._data[self._at :] + chunk, 0
        self._at += len(body) + len(end)
        return body, end

    def _cut(self) -> tuple[bytes, bytes]:
        """Return the line that the data in hand begins with; without an end it may go on."""
        start, unit = self._at, self._unit
        feed = self._find(self._feed, len(self._data))
        stop = len(self._data) if feed < 0 else feed
        back = self._find(self._return, stop)
        if back >= 0 and back + unit != feed:
            # A lone return ends a line too; the last one in hand may still get its feed.
            if back + unit == len(self._data) and not self._is_over:
                return self._data[start:], b""
            return self._data[start:back], self._return
        if feed < 0:
            return self._data[start:], b""
        if back >= 0:
            return self._data[start:back], self._return + self._feed
        return self._data[start:feed], self._feed

    def _find(self, mark: bytes, stop: int) -> int:
        at = self._data.find(mark, self._at, stop)
        while at >= 0 and (at - self._at) % self._unit:
            at = self._data.find(mark, at + 1, stop)
        return at
