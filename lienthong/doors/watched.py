"""Reading a file that nobody may change meanwhile."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed import WriteableBuffer

KEY = "folder/"
"""How the keys of this door's hand-overs begin."""


class NotAFile(OSError):
    """A link, a device or something else that has no content of its own."""


class WatchedFile(io.RawIOBase):
    """
    The bytes of one file. Its end is given only if it is as it was at the beginning.

    Raises:
        NotAFile: it is none.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        # A pipe without a writer must not keep us here, nor may a link lead us elsewhere.
        self._file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        self._was = os.fstat(self._file)
        if not stat.S_ISREG(self._was.st_mode):
            os.close(self._file)
            raise NotAFile(0, "not a regular file")
        self.is_changed = False
        self.failure: OSError | None = None
        """What kept it from being read."""

    @property
    def size(self) -> int:
        """Bytes, at the beginning."""
        return self._was.st_size

    def key(self, name: str) -> str:
        """Return what tells this file from every other that had its name."""
        was = self._was
        return f"{KEY}{was.st_size}-{was.st_mtime_ns}-{was.st_ino}/{name}"

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """
        Read on.

        Raises:
            OSError: it cannot be read, or at its end it is another than it was.
        """
        try:
            count = os.readv(self._file, [buffer])
        except OSError as error:
            self.failure = error
            raise
        if not count:
            self._check()
        return count

    def _check(self) -> None:
        now = os.fstat(self._file)
        if (now.st_size, now.st_mtime_ns) != (self._was.st_size, self._was.st_mtime_ns):
            self.is_changed = True
            raise OSError(0, "it changed while it was read")

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            os.close(self._file)
        super().close()
