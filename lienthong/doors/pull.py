"""
The door that goes out: sources of `[pull]` are read, and what is new in them is taken over.

What one page holds and was not taken over yet becomes one submission, which its mapping reads as
`format: jsonl`. The source's mark moves on in the transaction in which the submission becomes
durable. So wherever a worker dies, the next one reads the same rows again and takes exactly those
that are not there.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

import structlog

from lienthong.doors.reading import Reading
from lienthong.failpoints import Point, reached
from lienthong.flows.receive import Offer, receive
from lienthong.pull import marks
from lienthong.pull.http import SourceBusy
from lienthong.pull.sftp_profile import SftpPull
from lienthong.pull.sources import open_source
from lienthong.pull.tokens import Tokens
from lienthong.store.database import reading
from lienthong.store.pulls import (
    PullClaim,
    PullClaimLost,
    SeenRow,
    claim,
    find_seen,
    let_go,
    move_on,
)
from lienthong.store.work import begin
from schemas.errors import ConfigError, LienthongError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lienthong.flows.hints import Publisher
    from lienthong.pull.page import Page, PulledRow
    from lienthong.pull.profile import PullProfile, RecordPull
    from lienthong.pull.sources import Source
    from lienthong.store.work import Work
    from lienthong.wiring import Installation

log = structlog.get_logger()

LEASE_GRACE = timedelta(seconds=60)
"""Beyond the time that one page may take: for writing it down."""
WARN_SECONDS = 300.0
"""Between two warnings of the same trouble."""
DOOR = "pull"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Into:
    """Where rows come from and go to, of one reading."""

    held: PullClaim
    profile: RecordPull
    agency: str
    source: Source


class PullDoor:
    """All sources, as one worker sees them."""

    def __init__(
        self,
        installation: Installation,
        *,
        publisher: Publisher,
        must_stop: Callable[[], bool] = lambda: False,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._installation = installation
        self._publisher = publisher
        self._must_stop = must_stop
        self._steady = steady
        self._warned: dict[tuple[str, str], float] = {}
        self._tokens = Tokens(steady=steady)

    def step(self) -> None:
        """
        Read every source that is due, each to its end.

        Raises:
            DBAPIError, TimeoutError: the store cannot be reached; nothing is lost.
        """
        for name in self._installation.settings.pull:
            if self._must_stop():
                return
            self.read(name)

    def read(self, name: str, *, even_if_not_due: bool = False) -> Reading | None:
        """
        Read one source to its end.

        Returns:
            None: it is not due, another worker reads it, or an operator paused its agency's intake.

        Raises:
            DBAPIError, TimeoutError: as `step`.
        """
        profile = self._installation.settings.pull[name]
        if self._is_closed(name):
            return None
        held = self._claim(name, profile, even_if_not_due=even_if_not_due)
        if held is None:
            return None
        reached(Point.PULL_CLAIMED)
        done = Reading()
        try:
            self._read(held, profile, done)
            self._let_go(held, profile, done)
        except PullClaimLost:
            log.warning("pull.claim_lost", source=name)
        return done

    def _ends(self, name: str) -> bool:
        """Tell whether the reading of a source is to end early."""
        return self._must_stop() or self._is_closed(name)

    def _is_closed(self, name: str) -> bool:
        agency = self._installation.settings.pull[name].agency or name
        return self._installation.pauses.look().closed_to(agency) is not None

    def _claim(self, name: str, profile: PullProfile, *, even_if_not_due: bool) -> PullClaim | None:
        installation = self._installation
        with begin(installation.store, at=installation.clock) as work:
            return claim(work, name, lease=_lease(profile), even_if_not_due=even_if_not_due)

    def _read(self, held: PullClaim, profile: PullProfile, done: Reading) -> None:
        try:
            # A mapping that is not there is told before anything is read.
            agency = agency_of(self._installation, held.source, profile)
            if isinstance(profile, SftpPull):
                self._read_drops(held, profile, agency, done)
            else:
                self._read_records(held, profile, agency, done)
        except LienthongError as error:
            done.trouble = error

    def _read_drops(self, held: PullClaim, profile: SftpPull, agency: str, done: Reading) -> None:
        from lienthong.doors.drops import DropsReading  # noqa: PLC0415 - SSH is not for everybody

        DropsReading(
            installation=self._installation,
            publisher=self._publisher,
            held=held,
            profile=profile,
            agency=agency,
            lease=_lease(profile),
            done=done,
            must_stop=lambda: self._ends(held.source),
        ).run()

    def _read_records(
        self, held: PullClaim, profile: RecordPull, agency: str, done: Reading
    ) -> None:
        mark = held.mark
        low = low_mark(profile, mark)
        opened = open_source(profile, clock=self._installation.clock, tokens=self._tokens)
        with closing(opened) as source, closing(source.pages(low=low)) as pages:
            for page in pages:
                reached(Point.PULL_READ)
                into = _Into(held=held, profile=profile, agency=agency, source=source)
                mark = self._take(into, page, mark, done)
                reached(Point.PULL_TAKEN)
                if self._ends(held.source):
                    return

    def _take(
        self, into: _Into, page: Page, mark: marks.Mark | None, done: Reading
    ) -> marks.Mark | None:
        """Take over what is new of a page; return the mark of the source after it."""
        installation, held, profile = self._installation, into.held, into.profile
        rows = [(row, _seen_row(held, row)) for row in page.rows]
        with reading(installation.store) as connection:
            known = find_seen(connection, held.source, [seen.name for _, seen in rows])
        # A list that shifts while it is read gives a row twice.
        named = {seen.name: (row, seen) for row, seen in rows}
        new = [(row, seen) for row, seen in named.values() if known.get(seen.name) != seen.digest]
        after = mark
        if page.mark is not None:
            after = marks.advance(mark, page.mark, now=installation.clock(), zone=profile.zone)
        moved = None if page.mark is None else after
        forget = None if moved is None else marks.place_of(marks.before(moved, profile.overlap))
        done.repeated += len(rows) - len(new)
        move = partial(move_on, held=held, lease=_lease(profile))
        if not new:
            with begin(installation.store, at=installation.clock) as work:
                move(work, taken=[], mark=moved, forget_before=forget)
        while new:
            lines = into.source.lines([row for row, _ in new])
            taken, new = new[: len(lines)], new[len(lines) :]
            # With the last of them the mark moves on.
            self._receive(
                into,
                lines,
                partial(
                    move,
                    taken=[seen for _, seen in taken],
                    mark=None if new else moved,
                    forget_before=None if new else forget,
                ),
            )
            done.submissions += 1
            done.rows += len(taken)
        return after

    def _receive(self, into: _Into, lines: Sequence[bytes], move: Callable[[Work], None]) -> None:
        installation = self._installation
        source = into.held.source
        taken = receive(
            Offer(
                source=BytesIO(b"".join(lines)),
                file_name=f"{source}-{installation.clock():%Y%m%dT%H%M%S}.jsonl",
                agency=into.agency,
                door=DOOR,
                sender=f"pull/{source}",
            ),
            store=installation.store,
            broker=self._publisher,
            clock=installation.clock,
            together=move,
        )
        log.info(
            "pull.received",
            source=source,
            submission=taken.submission_id,
            agency=into.agency,
            rows=len(lines),
            size=taken.size,
        )

    def _let_go(self, held: PullClaim, profile: PullProfile, done: Reading) -> None:
        trouble = None if done.trouble is None else done.trouble.code
        wait = timedelta(seconds=profile.every_seconds)
        if isinstance(done.trouble, SourceBusy):
            wait = max(wait, done.trouble.wait)
        installation = self._installation
        with begin(installation.store, at=installation.clock) as work:
            let_go(
                work,
                held,
                due_at=work.at + wait,
                whole=trouble is None and not self._ends(held.source),
                trouble=trouble,
            )
        if done.trouble is not None:
            self._warn(held.source, done.trouble)

    def _warn(self, source: str, error: LienthongError) -> None:
        """Log a trouble, the same one not again and again."""
        now = self._steady()
        last = self._warned.get((source, error.code))
        if last is None or now - last >= WARN_SECONDS:
            self._warned[(source, error.code)] = now
            log.warning("pull.trouble", source=source, code=error.code, words=str(error))


def agency_of(installation: Installation, source: str, profile: PullProfile) -> str:
    """
    Return the name of the mapping that reads what a source gives.

    Raises:
        ConfigError: there is no such mapping, it is wrong, or it reads another format.
    """
    name = profile.agency or source
    found = installation.sender(name).format
    # Files are in the agency's own format.
    if found != "jsonl" and not isinstance(profile, SftpPull):
        raise ConfigError(
            Text(
                vi=f"Ánh xạ «{name}» đọc {found}, nhưng nguồn «{source}» trong [pull] cho jsonl: "
                "khai báo source: {format: jsonl} trong ánh xạ",
                en=f"the mapping '{name}' reads {found}, but the source '{source}' in [pull] gives "
                "jsonl: declare source: {format: jsonl} in the mapping",
            ),
            code="pull.format",
        )
    return name


def low_mark(profile: RecordPull, mark: marks.Mark | None) -> marks.Mark | None:
    """Return from where on a source is read whose mark is `mark`."""
    return profile.first_mark if mark is None else marks.before(mark, profile.overlap)


def _lease(profile: PullProfile) -> timedelta:
    return timedelta(seconds=profile.longest_page_seconds) + LEASE_GRACE


def _seen_row(held: PullClaim, row: PulledRow) -> SeenRow:
    return SeenRow(
        name=held.digest(row.name),
        digest=held.digest(row.line),
        place=marks.LAST_PLACE if row.mark is None else marks.place_of(row.mark),
    )
