"""
The one way in: whatever door a submission came through, it is durable before it is acknowledged.

The bytes go to a file of their own beside the store, flushed to the disk; the row that makes the
submission exist is written after that. A crash in between leaves a file without a row, which
nobody was told about and which the next start removes.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lienthong.flows.hints import EXPAND, hint
from lienthong.ids import make_id
from lienthong.store.submissions import Submission, insert_submission
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from broker.port import Broker

CHUNK = 1024 * 1024
"""How many bytes are copied at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a sender hands over."""

    source: BinaryIO
    file_name: str
    agency: str
    door: str
    sender: str


class Spool:
    """The folder that holds the raw bytes of every submission, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, submission_id: str) -> Path:
        """Return where the bytes of one submission are."""
        return self._folder / submission_id

    def take(
        self, source: BinaryIO, *, submission_id: str, progress: Callable[[int], None]
    ) -> tuple[str, int]:
        """
        Copy `source` durably; return its hex SHA-256 and its size in bytes.

        Raises:
            InputError: it cannot be read to its end or written; nothing is left behind.
        """
        partial = self._folder / f"{submission_id}.part"
        digest = hashlib.sha256()
        size = 0
        try:
            with partial.open("xb") as target:
                while chunk := source.read(CHUNK):
                    target.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                    progress(len(chunk))
                target.flush()
                os.fsync(target.fileno())
            partial.replace(self.path(submission_id))
            self._flush_folder()
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise InputError(_not_taken(self._folder, error)) from error
        return digest.hexdigest(), size

    def discard(self, submission_id: str) -> None:
        """Remove bytes that no row speaks of."""
        self.path(submission_id).unlink(missing_ok=True)

    def _flush_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def receive(
    offer: Offer,
    *,
    engine: Engine,
    spool: Spool,
    broker: Broker,
    at: datetime,
    progress: Callable[[int], None] = lambda _bytes: None,
) -> Submission:
    """
    Take one submission over; when this returns, it cannot be lost.

    The hint that starts its expansion is published last: if that fails, the sweeper does it.
    """
    submission_id = make_id(at)
    sha256, size = spool.take(offer.source, submission_id=submission_id, progress=progress)
    submission = Submission(
        id=submission_id,
        agency=offer.agency,
        door=offer.door,
        sender=offer.sender,
        file_name=offer.file_name,
        sha256=sha256,
        size=size,
        received_at=at,
    )
    with begin(engine, at=at, actor=offer.sender) as work:
        insert_submission(work, submission)
    broker.publish(EXPAND, [hint(submission.id, at=at)])
    return submission


def _not_taken(folder: Path, error: OSError) -> Problem:
    cause = error.strerror or type(error).__name__
    return Problem(
        code="submission.not_taken",
        message=Text(
            vi=f"Không lưu được tệp vào {folder}: {cause}",
            en=f"The file could not be stored in {folder}: {cause}",
        ),
        place=Place(file=str(folder)),
        suggestion=Text(
            vi="Giải phóng dung lượng hoặc sửa quyền ghi rồi gửi lại; chưa có gì được nhận",
            en="Free disk space or mend the permissions and send again; nothing was taken over",
        ),
    )
