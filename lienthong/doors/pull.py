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

from lienthong.failpoints import Point, reached
from lienthong.flows.receive import Offer, receive
from lienthong.pull import marks
from lienthong.pull.sql import SqlSource
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
    from lienthong.pull.profile import PullProfile
    from lienthong.store.work import Work
    from lienthong.wiring import Installation

log = structlog.get_logger()

LEASE_GRACE = timedelta(seconds=60)
"""Beyond the time that one page may take: for writing it down."""
WARN_SECONDS = 300.0
"""Between two warnings of the same trouble."""
DOOR = "pull"


@dataclass(slots=True, kw_only=True)
class Reading:
    """What one reading of a source brought."""

    rows: int = 0
    """Taken over."""
    repeated: int = 0
    """Read again, and taken over before."""
    submissions: int = 0
    trouble: LienthongError | None = None
    """What ended it; what was taken over before stays."""


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
            None: it is not due, or another worker reads it.

        Raises:
            DBAPIError, TimeoutError: as `step`.
        """
        profile = self._installation.settings.pull[name]
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

    def _claim(self, name: str, profile: PullProfile, *, even_if_not_due: bool) -> PullClaim | None:
        installation = self._installation
        with begin(installation.store, at=installation.clock) as work:
            return claim(work, name, lease=_lease(profile), even_if_not_due=even_if_not_due)

    def _read(self, held: PullClaim, profile: PullProfile, done: Reading) -> None:
        low = low_mark(profile, held.mark)
        mark = held.mark
        try:
            # A mapping that is not there is told before anything is read.
            agency = agency_of(self._installation, held.source, profile)
            with closing(SqlSource(profile)) as source, closing(source.pages(low=low)) as pages:
                for page in pages:
                    reached(Point.PULL_READ)
                    mark = self._take(held, profile, agency, page, mark, done)
                    reached(Point.PULL_TAKEN)
                    if self._must_stop():
                        return
        except LienthongError as error:
            done.trouble = error

    def _take(
        self,
        held: PullClaim,
        profile: PullProfile,
        agency: str,
        page: Page,
        mark: marks.Mark | None,
        done: Reading,
    ) -> marks.Mark:
        """Take over what is new of a page; return the mark of the source after it."""
        installation = self._installation
        rows = [(row, _seen_row(held, row)) for row in page.rows]
        with reading(installation.store) as connection:
            known = find_seen(connection, held.source, [seen.name for _, seen in rows])
        new = [(row, seen) for row, seen in rows if known.get(seen.name) != seen.digest]
        after = marks.advance(mark, page.rows[-1].mark, now=installation.clock(), zone=profile.zone)
        move = partial(
            move_on,
            held=held,
            mark=after,
            taken=[seen for _, seen in new],
            forget_before=marks.place_of(marks.before(after, profile.overlap)),
            lease=_lease(profile),
        )
        if new:
            self._receive(held.source, agency, [row for row, _ in new], move, len(rows) - len(new))
            done.submissions += 1
        else:
            with begin(installation.store, at=installation.clock) as work:
                move(work)
        done.rows += len(new)
        done.repeated += len(rows) - len(new)
        return after

    def _receive(
        self,
        source: str,
        agency: str,
        rows: Sequence[PulledRow],
        move: Callable[[Work], None],
        repeated: int,
    ) -> None:
        installation = self._installation
        taken = receive(
            Offer(
                source=BytesIO(b"".join(row.line for row in rows)),
                file_name=f"{source}-{installation.clock():%Y%m%dT%H%M%S}.jsonl",
                agency=agency,
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
            agency=agency,
            rows=len(rows),
            repeated=repeated,
            size=taken.size,
        )

    def _let_go(self, held: PullClaim, profile: PullProfile, done: Reading) -> None:
        trouble = None if done.trouble is None else done.trouble.code
        installation = self._installation
        with begin(installation.store, at=installation.clock) as work:
            let_go(
                work,
                held,
                due_at=work.at + timedelta(seconds=profile.every_seconds),
                whole=trouble is None and not self._must_stop(),
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
    if found != "jsonl":
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


def low_mark(profile: PullProfile, mark: marks.Mark | None) -> marks.Mark | None:
    """Return from where on a source is read whose mark is `mark`."""
    return profile.first_mark if mark is None else marks.before(mark, profile.overlap)


def _lease(profile: PullProfile) -> timedelta:
    page = profile.connect_timeout_seconds + profile.statement_timeout_seconds
    return timedelta(seconds=page) + LEASE_GRACE


def _seen_row(held: PullClaim, row: PulledRow) -> SeenRow:
    return SeenRow(
        name=held.digest(row.name),
        digest=held.digest(row.line),
        place=marks.place_of(row.mark),
    )
