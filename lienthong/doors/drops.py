"""
Files on SFTP servers: each is taken over as one submission, and then moved into the archive there.

What is durable here is remembered in the transaction that makes it so, and forgotten when its name
is gone from the server. So a worker that dies between taking a file and moving it away does no
harm, and neither does a server that lets nothing be moved.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from typing import TYPE_CHECKING

import structlog

from lienthong.doors.moves import shown
from lienthong.failpoints import Point, reached
from lienthong.flows.receive import Offer, Taken, receive
from lienthong.pull.marks import LAST_PLACE
from lienthong.pull.sftp import DropFolder, FileChanged
from lienthong.pull.sftp_session import connected, translating
from lienthong.store.database import reading
from lienthong.store.pulls import SeenRow, find_seen, forget, forget_others, keep, move_on, remember
from lienthong.store.work import begin
from schemas.errors import InputError, LienthongError
from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta

    from lienthong.doors.reading import Reading
    from lienthong.flows.hints import Publisher
    from lienthong.pull.sftp import Drop, DropReader, Look
    from lienthong.pull.sftp_profile import SftpPull
    from lienthong.store.pulls import PullClaim
    from lienthong.store.work import Work
    from lienthong.wiring import Installation

log = structlog.get_logger()

BUFFER_BYTES = 256 * 1024
NAP_SECONDS = 0.2


class _SameContent(Exception):
    """The file was taken over before, and only its time is new; nothing of it may stay."""


class _Stopping(Exception):
    """This worker is to stop; what it is in the middle of is read again by the next."""


@dataclass(slots=True, kw_only=True)
class DropsReading:
    """One reading of one server."""

    installation: Installation
    publisher: Publisher
    held: PullClaim
    profile: SftpPull
    agency: str
    lease: timedelta
    done: Reading
    must_stop: Callable[[], bool]
    _kept_at: float = 0.0

    def run(self) -> None:
        """
        Take over every file that is whole.

        Raises:
            PeerError, ConfigError: as `sftp_session.connected`; what was taken over stays.
            InputError: a file cannot be taken; the others were.
            PullClaimLost: somebody else reads the server by now.
        """
        wrong: LienthongError | None = None
        with connected(self.profile) as session:
            folder = DropFolder(self.profile, session)
            with suppress(_Stopping):
                look, whole = self._look(folder)
                self._forget(look)
                for drop in whole:
                    self._beat()
                    try:
                        self._handle(folder, drop)
                    except InputError as error:
                        # It concerns this file; those after it do not wait for it.
                        wrong = wrong or error
        if wrong is not None:
            raise wrong

    def _look(self, folder: DropFolder) -> tuple[Look, Sequence[Drop]]:
        """Look twice, some time apart, where files are not marked as whole."""
        first = folder.look()
        if self.profile.done_marker is not None or not first.files:
            return first, folder.whole(first, None)
        until = time.monotonic() + self.profile.unchanged_seconds
        while (left := until - time.monotonic()) > 0 and not self.must_stop():
            time.sleep(min(left, NAP_SECONDS))
        self._beat()
        second = folder.look()
        return second, folder.whole(second, first)

    def _forget(self, look: Look) -> None:
        """Forget what is not on the server any more."""
        names = [name for each in look.names for name in self._names(each)]
        with begin(self.installation.store, at=self.installation.clock) as work:
            forget_others(work, self.held, names, lease=self.lease)

    def _names(self, name: str) -> tuple[bytes, bytes]:
        """Return under what a file's state and its content are remembered."""
        return self.held.digest(f"file/{name}".encode()), self.held.digest(f"sha/{name}".encode())

    def _handle(self, folder: DropFolder, drop: Drop) -> None:
        if drop.size > self.profile.max_file_bytes:
            raise InputError(_too_large(drop, self.profile.max_file_bytes))
        by_state, _ = names = self._names(drop.name)
        with reading(self.installation.store) as connection:
            known = find_seen(connection, self.held.source, names)
        if known.get(by_state) == self.held.digest(drop.state.encode()):
            self.done.repeated += 1
        else:
            reached(Point.PULL_READ)
            self._take(folder, drop, known)
            reached(Point.PULL_TAKEN)
        if self.profile.archive is None or not folder.put_away(drop):
            return
        reached(Point.PULL_ARCHIVED)
        # The next file of this name is another one, however much it looks the same.
        with begin(self.installation.store, at=self.installation.clock) as work:
            keep(work, self.held, lease=self.lease)
            forget(work, self.held.source, names)

    def _take(self, folder: DropFolder, drop: Drop, known: dict[bytes, bytes]) -> None:
        try:
            taken = self._receive(folder, drop, known, self._key(drop))
        except _SameContent:
            with begin(self.installation.store, at=self.installation.clock) as work:
                remember(work, self.held.source, [self._seen_state(drop)])
            self.done.repeated += 1
            return
        if taken.is_repeat:
            self.done.repeated += 1
        else:
            self.done.rows += 1
            self.done.submissions += 1
        log.info(
            "pull.received",
            source=self.held.source,
            submission=taken.submission_id,
            agency=self.agency,
            size=taken.size,
            repeated=taken.is_repeat,
        )

    def _key(self, drop: Drop) -> str:
        return f"pull/{self.held.source}/{drop.state}/{shown(drop.name)}"

    def _receive(
        self, folder: DropFolder, drop: Drop, known: dict[bytes, bytes], key: str
    ) -> Taken:
        with translating(self.profile):
            reader = folder.open(drop, beat=self._beat)
        with closing(reader):
            offer = Offer(
                source=BufferedReader(reader, BUFFER_BYTES),
                file_name=shown(drop.name),
                agency=self.agency,
                door="pull",
                sender=f"pull/{self.held.source}",
                key=key,
            )
            try:
                return receive(
                    offer,
                    store=self.installation.store,
                    broker=self.publisher,
                    clock=self.installation.clock,
                    together=partial(self._together, drop, reader, known),
                )
            except InputError as error:
                failure, sha256 = reader.failure, reader.sha256
                if failure is None and (
                    error.code != "submission.key_conflict" or key.endswith(sha256)
                ):
                    raise
        if failure is None:
            # Another file of the same name, size and second.
            return self._receive(folder, drop, known, f"{key}/{sha256}")
        if isinstance(failure, FileChanged):
            raise InputError(_changed(drop))
        with translating(self.profile):
            raise failure

    def _together(
        self, drop: Drop, reader: DropReader, known: dict[bytes, bytes], work: Work
    ) -> None:
        _, by_content = self._names(drop.name)
        content = self.held.digest(reader.sha256.encode())
        if self.profile.archive is None and known.get(by_content) == content:
            raise _SameContent
        seen = self._seen_state(drop)
        move_on(work, self.held, mark=None, taken=[seen], forget_before=None, lease=self.lease)
        as_content = SeenRow(name=by_content, digest=content, place=LAST_PLACE)
        remember(work, self.held.source, [as_content])

    def _seen_state(self, drop: Drop) -> SeenRow:
        by_state, _ = self._names(drop.name)
        digest = self.held.digest(drop.state.encode())
        return SeenRow(name=by_state, digest=digest, place=LAST_PLACE)

    def _beat(self) -> None:
        """Prolong the lease now and then. Raises _Stopping when this worker is to stop."""
        if self.must_stop():
            raise _Stopping
        now = time.monotonic()
        if now - self._kept_at < self.lease.total_seconds() / 4:
            return
        self._kept_at = now
        with begin(self.installation.store, at=self.installation.clock) as work:
            keep(work, self.held, lease=self.lease)


def _too_large(drop: Drop, limit: int) -> Problem:
    return Problem(
        code="pull.file_too_large",
        message=Text(
            vi=f"Tệp có {drop.size} byte, giới hạn {limit}",
            en=f"The file has {drop.size} bytes; the limit is {limit}",
        ),
        place=Place(file=shown(drop.name)),
        suggestion=Text(
            vi="Chia nhỏ tệp, hoặc tăng max_file_bytes", en="Split it, or raise max_file_bytes"
        ),
    )


def _changed(drop: Drop) -> Problem:
    return Problem(
        code="pull.file_changed",
        message=Text(
            vi="Tệp thay đổi trong khi đọc, chưa nhận; sẽ đọc lại",
            en="The file changed while it was read and was not taken; it is read again",
        ),
        place=Place(file=shown(drop.name)),
        suggestion=Text(
            vi="Ghi dưới tên .part rồi đổi tên, hoặc dùng done_marker",
            en="Write it under a name that ends in .part and rename it, or use done_marker",
        ),
    )
