"""Files in an agency's folder: each appears whole, under a name of its own, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from lienthong.channels.port import Answer, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from lienthong.channels.port import SendRequest

UNFINISHED = ".part"
"""Ending of a file that is being written; who takes files leaves these alone."""


class FolderReceiver:
    """Writes documents into one folder. Thread-safe: every message has a name of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hand_over(self, request: SendRequest) -> Answer:
        """Write one document; when this returns DELIVERED, it is on the disk."""
        assert request.file is not None
        target = self._folder / request.file.name
        begun = self._folder / f".{request.message_id}{UNFINISHED}"
        try:
            if target.exists():
                return _found(target, request.document)
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

    def close(self) -> None:
        """Nothing is held open."""


def _found(target: Path, document: bytes) -> Answer:
    if target.read_bytes() == document:
        return Answer(outcome=Outcome.DELIVERED, detail="it is in its folder already")
    return Answer(
        outcome=Outcome.REJECTED,
        detail="a file of that name with other content is in its folder: take it away and resend",
    )


def _write(file: Path, document: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(document)
        opened.flush()
        os.fsync(opened.fileno())


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
