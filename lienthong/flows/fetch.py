"""
Fetching the files that dossiers wait for: each is checked while it streams into the file store, and
the dossier let go, or stopped, once it is known of all of them.

What was fetched is written down file by file, so that a killed worker's successor fetches only the
rest. A dossier has one worker at a time (a lease with a fence), an agency few at once, so a slow
file server keeps no other agency waiting, and nothing here is in the way of expansion. What is
decided of a message is decided holding its dossier, as everywhere.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BufferedReader
from threading import Event
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from sqlalchemy import select

from lienthong.attachments.blobs import sealed_parts
from lienthong.attachments.inspecting import Inspector
from lienthong.attachments.packed import PackedFiles
from lienthong.attachments.summing import TOO_MUCH, FileSum
from lienthong.attachments.words import FileAway, FileWrong, away
from lienthong.failures import causes_of_findings
from lienthong.flows.hints import DELIVER, publish_or_leave
from lienthong.logs import kind_and_place
from lienthong.states import State
from lienthong.store.attachments import (
    FetchLost,
    claim_fetches,
    end_fetch,
    has_fetches,
    hold_fetch,
    keep_fetches,
    load_files,
    name_blob,
    note_complete,
    note_found,
    put_off,
    read_waiting,
    tell_once,
)
from lienthong.store.database import reading
from lienthong.store.indexing import replace_problems
from lienthong.store.ledgers import Changes, load_ledgers
from lienthong.store.pieces import PieceReader
from lienthong.store.problems import open_problems, seal_problems
from lienthong.store.sealed import problems_context
from lienthong.store.tables import messages
from lienthong.store.work import begin, tell_time
from lienthong.trouble import STORE_TROUBLE
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from random import Random

    from broker.port import Broker
    from lienthong.admission import Known, Ledger
    from lienthong.attachments.blobs import BlobStore
    from lienthong.attachments.inspecting import FoundFile
    from lienthong.attachments.manifest import FileLimits
    from lienthong.attachments.sources import FileSources
    from lienthong.retry import Backoff
    from lienthong.store.attachments import FetchClaim, KeptFile, Waiting
    from lienthong.store.database import Store
    from lienthong.store.work import Work
    from mappings.attachments import DeclaredFile
    from schemas.problem import Problem

log = structlog.get_logger()

_LISTEN_SECONDS = 0.2
_MISSING = frozenset({"attachment.missing"})
_UNFINISHED = _MISSING | {
    f"attachment.{one}"
    for one in ("empty", "truncated", "wrong_size", "wrong_sha256", "wrong_type")
}
"""What a file beside may look like while it is still being copied there."""


class _NotWhole(Exception):
    """A manifest of which lines are gone; the dossier stays where it is, for the operator."""


_AFTER_A_BUG = timedelta(minutes=5)
"""Before what met one is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRules:
    """How files are fetched."""

    slots: int
    """Dossiers at once."""
    per_agency: int
    lease: timedelta
    backoff: Backoff
    limits: FileLimits
    tell_after: timedelta = timedelta(hours=1)
    """How long a dossier may wait before its agency is told."""
    max_ratio: Callable[[str], int | None] = lambda _agency: None
    """By agency: how much the files of its archives may unpack; None: it sends no archives."""


class _Stopped(Exception):
    """This worker is to end; what it has in hand goes to another."""


class Fetcher:
    """Fetches what messages wait for; one per worker."""

    def __init__(  # noqa: PLR0913 - one argument per thing it works with
        self,
        *,
        store: Store,
        broker: Broker,
        sources: FileSources,
        blobs: BlobStore,
        rules: FetchRules,
        clock: Callable[[], datetime],
        random: Random,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._broker = broker
        self._sources = sources
        self._blobs = blobs
        self._rules = rules
        self._clock = clock
        self._random = random
        self._pool = ThreadPoolExecutor(rules.slots, thread_name_prefix="fetch")
        self._in_hand: dict[Future[str | None], FetchClaim] = {}
        self._steady = steady
        self._renewed_at: float | None = None
        self._stop = Event()

    def step(self) -> bool:
        """
        Take what is due, go on with what is in hand, and write down what has ended.

        Returns:
            Whether there was anything to do.
        """
        self._claim()
        had = bool(self._in_hand)
        if self._in_hand:
            wait(self._in_hand, timeout=_LISTEN_SECONDS, return_when="FIRST_COMPLETED")
        self._reap()
        self._renew()
        return had

    def close(self) -> None:
        """Give what is in hand back; files that are there already stay."""
        self._stop.set()
        self._pool.shutdown(wait=True)
        self._reap()

    def _claim(self) -> None:
        room = self._rules.slots - len(self._in_hand)
        if room <= 0 or not self._has_any():
            return
        at_once: dict[str, int] = {}
        for claim in self._in_hand.values():
            at_once[claim.agency] = at_once.get(claim.agency, 0) + 1
        full = [name for name, count in at_once.items() if count >= self._rules.per_agency]
        with begin(self._store, at=self._clock) as work:
            claims = claim_fetches(work, limit=room, lease=self._rules.lease, without=full)
        for claim in claims:
            self._in_hand[self._pool.submit(self._fetch, claim)] = claim

    def _has_any(self) -> bool:
        """Tell whether anything may be due, without the lock that writing takes."""
        with reading(self._store) as connection:
            return has_fetches(connection)

    def _reap(self) -> None:
        moving = []
        for future in [one for one in self._in_hand if one.done()]:
            claim = self._in_hand.pop(future)
            try:
                dossier = future.result()
            except (FetchLost, _Stopped):
                log.info("fetch.given_back", message=claim.message_id)
            except STORE_TROUBLE as error:
                # Its lease ends, and then it is taken again.
                log.warning("fetch.waits", message=claim.message_id, cause=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - the boundary of one dossier
                # A bug, or a stored value that does not open: it must end nobody else's fetching.
                log.error(  # noqa: TRY400 - its words may quote what was read
                    "fetch.failed", message=claim.message_id, **kind_and_place(error)
                )
                with begin(self._store, at=self._clock) as work:
                    put_off(work, claim, due_at=work.at + _AFTER_A_BUG)
            else:
                if dossier is not None:
                    moving.append(dossier)
        if moving:
            publish_or_leave(self._broker, DELIVER, sorted(set(moving)), at=self._clock())

    def _renew(self) -> None:
        now = self._steady()
        pause = self._rules.lease.total_seconds() / 4
        if self._renewed_at is not None and now - self._renewed_at < pause:
            return
        self._renewed_at = now
        if self._in_hand:
            with begin(self._store, at=self._clock) as work:
                keep_fetches(work, self._in_hand.values(), lease=self._rules.lease)

    def _fetch(self, claim: FetchClaim) -> str | None:
        """Fetch what one message still waits for; return its dossier if it may move now."""
        with reading(self._store) as connection:
            waiting = read_waiting(connection, claim.message_id)
            files = load_files(connection, claim.message_id, vault=self._store.vault)
        if waiting.state != State.HELD.value or waiting.awaits_files is None:
            # It was discarded, or superseded.
            with begin(self._store, at=self._clock) as work:
                end_fetch(work, claim)
            return None
        wrongs, late = self._fetch_all(claim, waiting, files)
        if wrongs:
            return self._reject(claim, waiting, wrongs)
        if late is None:
            return self._complete(claim, waiting)
        if late.was_asked:
            return self._put_off(claim, waiting, late)
        self._turn_away(claim, waiting, late)
        return None

    def _fetch_all(
        self, claim: FetchClaim, waiting: Waiting, files: Sequence[KeptFile]
    ) -> tuple[list[Problem], FileAway | None]:
        """Fetch what is not there; return what is wrong, and what cannot be had now."""
        wrongs: list[Problem] = []
        late: FileAway | None = None
        archive = self._archive(claim, waiting)
        known = FileSum(self._rules.limits)
        for file in files:
            if file.found is not None and file.declared is not None:
                known.add(file.declared, file.found.size)
        for file in files:
            if file.found is not None or file.declared is None:
                continue
            try:
                found = self._one(claim, file.declared, limit=known.room, archive=archive)
                known.add(file.declared, found.size)
            except FileWrong as error:
                if not self._may_come(claim, waiting, error, file.declared):
                    wrongs.append(known.judge(error, file.declared))
                    if wrongs[-1].code == TOO_MUCH:
                        break
                elif late is None:
                    # The others are looked at all the same: one of them may be wrong.
                    late = away_of(error, file.declared)
            except FileAway as error:
                # Its server is in trouble, and is not asked for the rest.
                late = error if error.was_asked or late is None else late
                break
            except _Stopped:
                with begin(self._store, at=self._clock) as work:
                    put_off(work, claim, due_at=work.at)
                raise
        return wrongs, late

    def _archive(self, claim: FetchClaim, waiting: Waiting) -> PackedFiles | None:
        """Return the archive that the record came in, if it came in one."""
        ratio = self._rules.max_ratio(claim.agency)
        if ratio is None:
            return None
        pieces = partial(
            PieceReader, self._store, waiting.submission_id, size=waiting.submission_size
        )
        return PackedFiles(lambda: BufferedReader(pieces()), max_ratio=ratio)

    def _one(
        self, claim: FetchClaim, declared: DeclaredFile, *, limit: int, archive: PackedFiles | None
    ) -> FoundFile:
        """Fetch, check and keep one file, and write it down."""
        inspector = Inspector(declared, limit=limit)
        name = uuid4().hex
        found: list[FoundFile] = []

        def checked(parts: Iterator[bytes]) -> Iterator[bytes]:
            for part in parts:
                if self._stop.is_set():
                    raise _Stopped
                inspector.feed(part)
                yield part
            # Before its last part is kept: of a wrong file nothing stays.
            found.append(inspector.finish())

        opened = self._sources.open(declared, agency=claim.agency, limit=limit, archive=archive)
        with opened as parts:
            sealed = sealed_parts(checked(parts), name=name, vault=self._store.vault)
            try:
                self._blobs.write(name, sealed)
            except OSError as error:
                log.error("fetch.store_unusable", **kind_and_place(error))  # noqa: TRY400 - no words
                raise away("store", declared, _STORE, remedy=_STORE_REMEDY) from error
        try:
            with begin(self._store, at=self._clock) as work:
                hold_fetch(work, claim)
                kept = name_blob(work, found[0], name=name)
                note_found(work, claim, declared.number, found[0], blob=kept)
        except BaseException:
            self._remove(name)
            raise
        if kept != name:
            self._remove(name)
        return found[0]

    def _remove(self, name: str) -> None:
        # What cannot be removed now, no row speaks of: it is swept up later.
        with suppress(OSError):
            self._blobs.remove(name)

    def _may_come(
        self, claim: FetchClaim, waiting: Waiting, error: FileWrong, declared: DeclaredFile
    ) -> bool:
        codes = _UNFINISHED if declared.way == "file" else _MISSING
        if error.problem.code not in codes:
            return False
        patience = timedelta(seconds=self._sources.patience(declared, agency=claim.agency))
        with reading(self._store) as connection:
            now = tell_time(self._store, connection, at=self._clock)
        return now - waiting.created_at < patience

    def _complete(self, claim: FetchClaim, waiting: Waiting) -> str | None:
        with begin(self._store, at=self._clock) as work:
            ledger, message = self._hold(work, claim, waiting)
            if message is None:
                return None
            files = load_files(work.connection, message.id, vault=work.vault)
            if not files or any(one.found is None for one in files):
                # Somebody took lines out of it: nobody can say that all files are there.
                raise _NotWhole
            changes = Changes(work)
            told = _told(work, message)
            problems = _problems(work, message, ())
            changes.stay(message, reason="", awaits_files=None, problems=problems)
            changes.write()
            if any(one.severity is Severity.ERROR for one in told):
                work.settle(message.id)
            message.awaits_files = None
            note_complete(work, message.id, [one.prepared for one in files if one.prepared])
            end_fetch(work, claim)
            return _let_go(changes, ledger)

    def _reject(self, claim: FetchClaim, waiting: Waiting, wrongs: Sequence[Problem]) -> str | None:
        codes = ",".join(sorted({problem.code for problem in wrongs}))
        with begin(self._store, at=self._clock) as work:
            ledger, message = self._hold(work, claim, waiting)
            if message is None:
                return None
            changes = Changes(work)
            # As a record that was rejected when it was converted: the same may come again.
            changes.move(
                message,
                State.REJECTED,
                reason=codes,
                detail={"codes": codes},
                content_digest=None,
                problems=_problems(work, message, wrongs),
            )
            _fail(work, message, wrongs)
            work.tell(
                message.agency,
                State.REJECTED.value,
                submission_id=message.submission_id,
                message_id=message.id,
            )
            message.content_digest = None
            changes.give_way(ledger, message)
            moving = _let_go(changes, ledger)
        log.info("fetch.rejected", message=claim.message_id, codes=codes)
        return moving

    def _put_off(self, claim: FetchClaim, waiting: Waiting, error: FileAway) -> str | None:
        code = error.problem.code
        with begin(self._store, at=self._clock) as work:
            ledger, message = self._hold(work, claim, waiting)
            if message is None:
                return None
            tries = (message.awaits_files or 0) + 1
            changes = Changes(work)
            problems = _problems(work, message, (error.problem,))
            changes.stay(message, reason=code, awaits_files=tries, problems=problems)
            changes.write()
            _fail(work, message, (error.problem,))
            message.awaits_files = tries
            if tries == 1:
                work.note("message.files_away", message.id, codes=code)
            pause = self._rules.backoff.delay(tries, random=self._random)
            due_at = work.at + max(pause, timedelta(seconds=error.wait or 0))
            put_off(work, claim, due_at=due_at)
            changes.give_way(ledger, message)
            if message.state is State.HELD and self._is_late(waiting, due_at):
                _tell(work, claim, message, error.problem)
            moving = _let_go(changes, ledger)
        log.warning("fetch.away", message=claim.message_id, code=code, tries=tries)
        return moving

    def _turn_away(self, claim: FetchClaim, waiting: Waiting, error: FileAway) -> None:
        """Have a message come again when its server may be asked: it is no try, nobody was."""
        with begin(self._store, at=self._clock) as work:
            _, message = self._hold(work, claim, waiting)
            if message is None:
                return
            due_at = work.at + timedelta(seconds=error.wait or 0)
            put_off(work, claim, due_at=due_at)
            # What an earlier try found of the file says more.
            found = [one for one in _told(work, message) if one.field == error.problem.field]
            problem = next((one for one in found if one.severity is Severity.ERROR), None)
            if problem is None:
                problem = error.problem
                changes = Changes(work)
                problems = _problems(work, message, (problem,))
                changes.stay(message, reason=problem.code, problems=problems)
                changes.write()
                _fail(work, message, (problem,))
            if self._is_late(waiting, due_at):
                _tell(work, claim, message, problem)

    def _is_late(self, waiting: Waiting, due_at: datetime) -> bool:
        return due_at - waiting.created_at >= self._rules.tell_after

    def _hold(self, work: Work, claim: FetchClaim, waiting: Waiting) -> tuple[Ledger, Known | None]:
        """Hold a dossier and its message's claim; the message is None if it waits no more."""
        code = waiting.dossier_code
        ledger = load_ledgers(work.connection, [code], agency=claim.agency, to_change=True)[code]
        hold_fetch(work, claim)
        for message in ledger.messages:
            is_it = message.id == claim.message_id
            if is_it and message.state is State.HELD and message.awaits_files is not None:
                return ledger, message
        end_fetch(work, claim)
        return ledger, None


def away_of(error: FileWrong, declared: DeclaredFile) -> FileAway:
    """Return the same finding of a file that may still come."""
    problem = error.problem
    return away("not_there_yet", declared, _NOT_YET, remedy=problem.suggestion or _NOT_YET)


def _tell(work: Work, claim: FetchClaim, message: Known, problem: Problem) -> None:
    """Have the agency told which file is waited for, unless it was told the same before."""
    if tell_once(work, claim, f"{problem.code} {problem.field}"):
        work.note("message.files_late", message.id, codes=problem.code)
        work.tell(
            message.agency,
            State.HELD.value,
            submission_id=message.submission_id,
            message_id=message.id,
        )


def _fail(work: Work, message: Known, found: Sequence[Problem]) -> None:
    """Have a dossier, which goes up, counted under what is wrong with its files."""
    work.fail(message.id, causes_of_findings(message.agency, found, is_down=False))


def _problems(work: Work, message: Known, found: Sequence[Problem]) -> bytes | None:
    """
    Return what is to be told of a message: its warnings, and what was found of its files.

    From now on it is found by these.
    """
    # An error of its record would have rejected it: all errors are of its files, of earlier tries.
    kept = [one for one in _told(work, message) if one.severity is Severity.WARNING]
    told = [*kept, *found]
    replace_problems(work, message.id, told)
    return seal_problems(work.vault, told, context=problems_context(message.id))


def _told(work: Work, message: Known) -> Sequence[Problem]:
    """Return what is told of a message until now."""
    sealed = work.connection.execute(
        select(messages.c.problems).where(messages.c.id == message.id)
    ).scalar()
    return open_problems(work.vault, sealed, context=problems_context(message.id))


def _let_go(changes: Changes, ledger: Ledger) -> str | None:
    """Make ready whose turn it is now; return the dossier if there is something to deliver."""
    ready = changes.promote(ledger)
    changes.write()
    return None if ready is None else ledger.code


_STORE = Text(vi="chưa lưu được vào kho tệp", en="cannot be kept in the file store now")
_STORE_REMEDY = Text(
    vi="Người vận hành kiểm tra kho tệp: lienthong doctor; hệ thống tự thử lại",
    en="The operator checks the file store: lienthong doctor; it is tried again by itself",
)
_NOT_YET = Text(
    vi="chưa có ở nơi đã khai báo; hệ thống còn chờ", en="is not there yet; it is waited for"
)
