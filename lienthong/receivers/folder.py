"""
Files in an agency's folder: each appears whole, under a name of its own, or not at all.

The agency may write there as well, so nothing that is found is trusted: no link is followed, and
what is no file is not read.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from lienthong.channels.port import SendRequest

UNFINISHED = ".part"
"""Ending of a file that is being written; who takes files leaves these alone."""
MODE = 0o640
"""Of the files, less what the umask takes: for the account that runs this, and the folder's group.
They are about people, and nobody else on the machine has to read them."""
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderReceiver:
    """Writes documents into one folder. Thread-safe: every message has a name of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hand_over(self, request: SendRequest) -> Answer:
        """Write one document; when this returns DELIVERED, it is on the disk."""
        assert request.file is not None
        target = self._folder / request.file.name
        # Of a name that nobody knows: also two who write the same one never meet in it.
        begun = self._folder / f".{request.message_id}.{secrets.token_hex(8)}{UNFINISHED}"
        try:
            if os.path.lexists(target):
                return _found(target, request.document)
            if request.attempt > 1:
                self._remove_begun(request.message_id)
            _write(begun, request.document)
            # Never over a file of somebody else's; where it is there after all, it is looked at.
            try:
                os.link(begun, target)
            except FileExistsError:
                return _found(target, request.document)
            finally:
                begun.unlink()
            _flush(self._folder)
        except OSError as error:
            with suppress(OSError):
                begun.unlink()
            words = error.strerror or type(error).__name__
            return Answer(outcome=Outcome.NOT_SENT, detail=f"not written: {words}")
        return Answer(outcome=Outcome.DELIVERED, detail="written into its folder")

    def _remove_begun(self, message_id: str) -> None:
        """Remove what a process that ended began of this message."""
        for left in self._folder.glob(f".{message_id}.*{UNFINISHED}"):
            left.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held open."""


def _found(target: Path, document: bytes) -> Answer:
    if _says(target, document):
        return Answer(outcome=Outcome.DELIVERED, detail="it is in its folder already")
    return Answer(
        outcome=Outcome.REJECTED,
        detail="a file of that name with other content is in its folder: take it away and resend",
    )


def _says(target: Path, document: bytes) -> bool:
    """Tell whether a file, and no link or pipe, has exactly this content."""
    if not stat.S_ISREG(target.lstat().st_mode):
        return False
    with os.fdopen(os.open(target, _LOOK), "rb") as opened:
        is_as_long = os.fstat(opened.fileno()).st_size == len(document)
        return is_as_long and opened.read(len(document) + 1) == document


def _write(file: Path, document: bytes) -> None:
    with os.fdopen(os.open(file, _NEW, MODE), "wb") as opened:
        opened.write(document)
        opened.flush()
        os.fsync(opened.fileno())


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
