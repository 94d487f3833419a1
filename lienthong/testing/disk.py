"""Disks that are full: a small file system where root may mount one, a limit on files elsewhere."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1024 * 1024
PAGE_BYTES = 4096
MOUNT_SECONDS = 10


class NoSmallDisk(Exception):
    """This machine lets us mount nothing; carries what it said."""


class DiskTooSmall(Exception):
    """The load itself filled it."""


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of its own, a few MiB large."""

    path: Path

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Take all the room but `leave_bytes`, whoever else writes at the same time."""
        block = b"\0" * MIB
        descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while len(block) >= PAGE_BYTES:
                try:
                    os.write(descriptor, block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    block = block[: len(block) // 2]
            os.ftruncate(descriptor, max(os.fstat(descriptor).st_size - leave_bytes, 0))
        finally:
            os.close(descriptor)

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def check_room(self) -> None:
        """
        Raise DiskTooSmall when others have all but filled it.

        What comes then would be laid to a fault that is over.
        """
        usage = shutil.disk_usage(self.path)
        if usage.free < usage.total // 10:
            raise DiskTooSmall(f"{self.path}: {usage.free // MIB} of {usage.total // MIB} MiB free")

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


@contextmanager
def small_disk(*, size_bytes: int) -> Iterator[SmallDisk]:
    """
    Mount a small file system (tmpfs) in a folder that everybody can reach; gone at the end.

    Raises:
        NoSmallDisk: this machine lets us mount nothing.
    """
    folder = Path(tempfile.mkdtemp(prefix="lienthong-disk-"))
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=755", "tmpfs", str(folder))
        try:
            yield SmallDisk(folder)
        finally:
            # Lazily: a process that is still ending may hold a file.
            _run("umount", "--lazy", str(folder))
    finally:
        folder.rmdir()


def limit_files(size_bytes: int) -> Callable[[], None]:
    """Return what a child process runs first, so that no file of its grows beyond that size."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))

    return limit


def _run(*words: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            words, check=False, capture_output=True, text=True, timeout=MOUNT_SECONDS
        )
    except OSError as error:
        raise NoSmallDisk(str(error)) from error
    if done.returncode != 0:
        raise NoSmallDisk(done.stderr.strip())
