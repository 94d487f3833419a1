"""
The one way in: whatever door a submission came through, it is durable before it is acknowledged.

The bytes go to a file of their own beside the store, flushed to the disk; the row that makes the
submission exist is written after that. A crash in between leaves a file without a row, which
nobody was told about and which the next start removes; a lock tells it from one under way.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lienthong.flows.hints import EXPAND, publish_or_leave
from lienthong.ids import make_id
from lienthong.store.database import reading
from lienthong.store.submissions import Submission, insert_submission, known_submissions
from lienthong.store.work import begin
from schemas.errors import InputError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Engine

    from broker.port import Broker

CHUNK = 1024 * 1024
"""How many bytes are copied at a time."""
PARTIAL = ".part"
"""How the name of a file ends that is not complete."""


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

    @contextmanager
    def take(
        self, source: BinaryIO, *, submission_id: str, progress: Callable[[int], None]
    ) -> Iterator[tuple[str, int]]:
        """
        Copy `source` durably; give its hex SHA-256 and its size in bytes.

        Until the context ends the bytes are known to be under way: `remove_orphans` of another
        process leaves them alone. The row that speaks of them is to be written inside it.

        Raises:
            InputError: it cannot be read to its end or written; nothing is left behind.
        """
        partial = self._folder / f"{submission_id}{PARTIAL}"
        with ExitStack() as stack:
            try:
                target = stack.enter_context(_open_locked(partial))
                taken = _copy(source, target, progress=progress)
                partial.replace(self.path(submission_id))
                self._flush_folder()
            except OSError as error:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
                raise InputError(_not_taken(self._folder, error)) from error
            yield taken

    def remove_orphans(self, known: Callable[[Collection[str]], Collection[str]]) -> int:
        """
        Remove bytes that no row speaks of and nobody is receiving; return how many files.

        Args:
            known: Tells which of some submission ids have a row at that moment.
        """
        names = sorted(path.name for path in self._folder.iterdir() if path.is_file())
        with_row = known([name.removesuffix(PARTIAL) for name in names])
        suspects = [name for name in names if name not in with_row]
        return sum(self._remove_orphan(name, known) for name in suspects)

    def _remove_orphan(
        self, name: str, known: Callable[[Collection[str]], Collection[str]]
    ) -> bool:
        path = self._folder / name
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its row may have been written between the first look and the lock.
            if name not in known([name]):
                path.unlink()
                return True
        return False

    def _flush_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _open_locked(path: Path) -> BinaryIO:
    """Make a file that whoever removes orphans can see to be in use, also once renamed."""
    while True:
        file = path.open("xb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return file
        # It was taken for an orphan in the moment before the lock.
        file.close()


def _copy(
    source: BinaryIO, target: BinaryIO, *, progress: Callable[[int], None]
) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(CHUNK):
        target.write(chunk)
        digest.update(chunk)
        size += len(chunk)
        progress(len(chunk))
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest(), size


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
    taking = spool.take(offer.source, submission_id=submission_id, progress=progress)
    with taking as (sha256, size):
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
    publish_or_leave(broker, EXPAND, submission.id, at=at)
    return submission


def remove_orphans(spool: Spool, *, engine: Engine) -> int:
    """Remove what receiving left behind when it was killed; return how many files there were."""

    def known(ids: Collection[str]) -> set[str]:
        with reading(engine) as connection:
            return known_submissions(connection, ids)

    return spool.remove_orphans(known)


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
