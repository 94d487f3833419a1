"""
Holding one agency's folder: one worker at a time, also over NFS, also when a worker dies.

`.work/lock-N` is a folder: making one succeeds for one worker only, and the highest N has the say.
Its time is the worker's sign of life. What a worker takes out of `in` it renames into a folder of
its own below the lock. When the sign of life stays away, another worker makes the lock of the next
number, which again succeeds for one only, renames the lock before it, and takes over what is in it.
A worker that was only frozen then finds neither its lock nor its files, and what it had committed
is recognised by its key.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOUCH_SECONDS = 1.0


class HoldLost(Exception):
    """Another worker has the folder."""


class Hold:
    """The right to work on one agency's folder."""

    def __init__(self, folder: Path) -> None:
        self._work = folder / ".work"
        self._lock = self._work / "lock-0"
        self._mine = self._lock / uuid4().hex
        self._touched = 0.0

    def take(self, *, silence: float) -> bool:
        """
        Take the folder; return False when another worker has it.

        Args:
            silence: Seconds after which one who has it counts as gone.

        Raises:
            OSError: the folder cannot be written.
        """
        self._work.mkdir(exist_ok=True)
        before = max(self._locks(), default=0)
        if before and not self._is_silent(self._work / f"lock-{before}", silence):
            return False
        self._lock = self._work / f"lock-{before + 1}"
        self._mine = self._lock / self._mine.name
        try:
            self._lock.mkdir()
        except FileExistsError:
            return False
        if max(self._locks(), default=0) > before + 1:
            # This one looked long ago; meanwhile others took the folder, and took it over.
            with suppress(OSError):
                self._lock.rmdir()
            return False
        for number in self._locks():
            if number <= before:
                with suppress(FileNotFoundError):
                    (self._work / f"lock-{number}").rename(self._work / f"left-{uuid4().hex}")
        try:
            self._mine.mkdir()
        except FileNotFoundError:
            return False
        return True

    def _locks(self) -> list[int]:
        """Return the numbers of the locks that there are."""
        names = (path.name.partition("-")[2] for path in self._work.glob("lock-*"))
        return [int(name) for name in names if name.isdecimal()]

    def _is_silent(self, lock: Path, silence: float) -> bool:
        # Both times are the file system's own, which over NFS is the server's.
        try:
            os.utime(self._work)
            return self._work.stat().st_mtime - lock.stat().st_mtime > silence
        except FileNotFoundError:
            return False

    def left_over(self) -> Iterator[Path]:
        """Yield the files of workers that are gone, each now held by this one."""
        for gone in sorted(self._work.glob("left-*")):
            for theirs in sorted(gone.iterdir()):
                for name in sorted(os.listdir(theirs)):
                    held = self.claim(theirs / name)
                    if held is not None:
                        yield held
                with suppress(OSError):
                    theirs.rmdir()
            with suppress(OSError):
                gone.rmdir()

    def claim(self, file: Path) -> Path | None:
        """
        Take one file; return where it is now, or None when it is gone.

        Raises:
            HoldLost: see there.
            OSError: it cannot be moved.
        """
        target = self._mine / file.name
        try:
            file.rename(target)
        except FileNotFoundError:
            if not self._mine.is_dir():
                raise HoldLost from None
            return None
        return target

    def touch(self) -> None:
        """Give a sign of life, at most every second."""
        now = time.monotonic()
        if now - self._touched >= TOUCH_SECONDS:
            self._touched = now
            with suppress(OSError):
                os.utime(self._mine)
                os.utime(self._lock)

    def close(self) -> None:
        """Give the folder back; what is still held is left to be taken over."""
        with suppress(OSError):
            self._mine.rmdir()
            self._lock.rmdir()
