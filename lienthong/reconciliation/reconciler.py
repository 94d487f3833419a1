"""
One comparison from its beginning to its end, however often it is interrupted.

First every dossier is compared, in the order of their codes; then, after a pause, the portal is
asked once more about each that did not agree, so that what was just changing is no finding. What
was found and how far it got is written down every few seconds: a kill costs a few look-ups.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from lienthong.channels.port import Found
from lienthong.discrepancies import AGREES, Discrepancy, Kind
from lienthong.reconciliation.comparing import compare, needs_asking, waiting
from lienthong.store.database import reading
from lienthong.store.reconciliations import (
    COMPARING,
    CONFIRMING,
    DONE,
    LeaseLost,
    Progress,
    begin_run,
    claim_run,
    count_findings,
    enter_phase,
    forget_runs,
    keep_progress,
    let_go,
    read_to_confirm,
    said_again,
)
from lienthong.store.standings import Ours, count_codes, read_codes, read_ours
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from lienthong.channels.port import LookUp
    from lienthong.reconciliation.asking import PoliteAsker
    from lienthong.reconciliation.comparing import CompareRules
    from lienthong.reconciliation.listed import Content, Listed, ListedDossier
    from lienthong.store.database import Store
    from lienthong.store.reconciliations import Run, Wanted

log = structlog.get_logger()

TOGETHER = 100
"""Dossiers that are read at a time."""
WRITE_SECONDS = 5.0
LEASE = timedelta(minutes=5)
"""Longer than one look-up with all its tries and pauses: written again with every progress."""
KEPT = timedelta(days=30)


@dataclass(slots=True)
class _Batch:
    """What is not written down yet."""

    after: str
    compared: int = 0
    present: int = 0
    unreadable: int = 0
    found: list[Discrepancy] = field(default_factory=list)
    gone: list[tuple[str, Kind]] = field(default_factory=list)

    def take(self, content: Content) -> None:
        """Take what a row of a list says of its dossier, in place of what rows before it said."""
        if content.outdated is not None:
            self.found.append(content.outdated)
        elif content.agrees_about is not None:
            code, kind = content.agrees_about, Kind.OUTDATED
            self.found = [o for o in self.found if (o.dossier_code, o.kind) != (code, kind)]
            self.gone.append((code, kind))


class Reconciler:
    """Compares for one installation."""

    def __init__(  # noqa: PLR0913 - put together in one place
        self,
        *,
        store: Store,
        asker: PoliteAsker,
        rules: CompareRules,
        again_after: timedelta,
        clock: Callable[[], datetime],
        actor: str,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Put it together.

        Args:
            store: The message store.
            asker: Asks the portal.
            rules: What its answers prove.
            again_after: How long after it first said so the portal is asked once more.
            clock: Tells the time, aware.
            actor: Who asks for it.
            steady: Tells seconds that go on whatever happens to the clock.
        """
        self._store = store
        self._asker = asker
        self._rules = rules
        self._again_after = again_after
        self._clock = clock
        self._actor = actor
        self._steady = steady

    def begin(self, wanted: Wanted, *, total: int | None = None) -> Run | None:
        """
        Begin a comparison; None where one was begun for that occasion already.

        Args:
            wanted: What is to be compared.
            total: How much there is; None: as many dossiers as the store has.
        """
        if total is None:
            with reading(self._store) as connection:
                total = count_codes(connection, wanted.scope)
        with begin(self._store, at=self._clock, actor=self._actor) as work:
            forget_runs(work, before=work.at - KEPT)
            return begin_run(work, wanted, total=total, lease=LEASE)

    def resume(self, run: Run) -> Run:
        """
        Take a comparison up again; one that has ended is asked about once more.

        Raises:
            InputError: another process works on it.
        """
        with begin(self._store, at=self._clock, actor=self._actor) as work:
            run = claim_run(work, run.id, lease=LEASE)
            work.note("reconcile.resumed", run.id, phase=run.phase, compared=run.compared)
            return enter_phase(work, run, CONFIRMING) if run.is_done else run

    def work_off(
        self,
        run: Run,
        *,
        listed: Listed | None = None,
        progress: Callable[[Run], object] = lambda _run: None,
    ) -> Run:
        """
        Compare what is left, and return the comparison as it ended.

        Args:
            run: Begun or taken up.
            listed: The agency's list, where it is compared with one.
            progress: Is told every few seconds how far it has got.

        Raises:
            PeerError: the portal has not answered for a long time.
            Stopped: it was asked to stop.
            LeaseLost: another process works on it now.
        """
        try:
            if run.phase == COMPARING:
                pages = self._listed_pages(run, listed) if listed else self._pages(run)
                for batch in pages:
                    run = self._write(run, batch)
                    progress(run)
                run = self._enter(run, CONFIRMING)
            run = self._confirm(run, progress)
            run = self._enter(run, DONE)
        except LeaseLost:
            log.warning("reconcile.lease_lost", run=run.id)
            raise
        except BaseException:
            with begin(self._store, at=self._clock, actor=self._actor) as work:
                let_go(work, run)
            raise
        self._report(run)
        return run

    def _pages(self, run: Run) -> Iterator[_Batch]:
        after = run.after
        while True:
            with reading(self._store) as connection:
                codes = read_codes(connection, run.scope, after=after, limit=TOGETHER)
                found = read_ours(connection, codes)
            if not codes:
                return
            of_scope = [(code, found[code]) for code in codes if code in found]
            yield from self._compare(of_scope, after=after, agency=run.scope.agency)
            after = codes[-1]

    def _compare(
        self, page: Sequence[tuple[str, Ours]], *, after: str, agency: str | None
    ) -> Iterator[_Batch]:
        """Compare one page; give what was done every few seconds, also where it is stopped."""
        batch, begun = _Batch(after), self._steady()
        for code, ours in page:
            try:
                if agency in (None, ours.agency):
                    self._compare_one(ours, batch)
            except BaseException:
                yield batch
                raise
            batch.after = code
            batch.compared += 1
            if self._steady() - begun >= WRITE_SECONDS:
                yield batch
                batch, begun = _Batch(code), self._steady()
        yield batch

    def _compare_one(self, ours: Ours, batch: _Batch) -> None:
        late = waiting(ours, now=self._clock())
        judged = None
        if needs_asking(ours):
            found = self._ask(ours.code, ours.agency, batch)
            judged = compare(ours, found, rules=self._rules, now=self._clock())
        batch.found += [one for one in (late, judged) if one is not None]

    def _ask(self, code: str, agency: str, batch: _Batch) -> LookUp:
        found = self._asker.ask(code, agency=agency)
        batch.present += found.found is Found.PRESENT
        return found

    def _listed_pages(self, run: Run, listed: Listed) -> Iterator[_Batch]:
        begun, batch = self._steady(), _Batch(run.after)
        for number, group in listed.groups(after=int(run.after or 0), size=TOGETHER):
            with reading(self._store) as connection:
                known = read_ours(connection, [one.dossier_code for one in group if one])
                contents = listed.judge(connection, group, known)
            seen: set[str] = set()
            for one, content in zip(group, contents, strict=True):
                try:
                    self._compare_listed(one, known, batch, seen=seen)
                except BaseException:
                    # The group is taken again as a whole; what was found is found again.
                    yield batch
                    raise
                batch.take(content)
            batch.after = str(number)
            if self._steady() - begun >= WRITE_SECONDS:
                yield batch
                batch, begun = _Batch(batch.after), self._steady()
        yield batch

    def _compare_listed(
        self,
        one: ListedDossier | None,
        known: dict[str, Ours],
        batch: _Batch,
        *,
        seen: set[str],
    ) -> None:
        batch.compared += 1
        ours = None if one is None else known.get(one.dossier_code)
        if one is None or (ours is not None and ours.agency != one.agency):
            batch.unreadable += 1
            return
        if one.dossier_code in seen:
            return
        ours = ours or Ours(code=one.dossier_code, agency=one.agency)
        late = waiting(ours, now=self._clock())
        judged = self._judge_listed(ours, self._ask(ours.code, ours.agency, batch))
        batch.found += [each for each in (late, judged) if each is not None]
        seen.add(ours.code)

    def _judge_listed(self, ours: Ours, found: LookUp) -> Discrepancy | None:
        now = self._clock()
        if found.found is Found.ABSENT and ours.latest is None and ours.turn is None:
            return Discrepancy(
                dossier_code=ours.code, agency=ours.agency, kind=Kind.NOT_RECEIVED, found_at=now
            )
        return compare(ours, found, rules=self._rules, now=now)

    def _confirm(self, run: Run, progress: Callable[[Run], object]) -> Run:
        """Ask once more about everything that the portal did not agree about."""
        while True:
            with reading(self._store) as connection:
                before = read_to_confirm(connection, run.id, after=run.after, limit=TOGETHER)
                known = read_ours(connection, sorted({one.dossier_code for one in before}))
            if not before:
                return run
            begun, batch = self._steady(), _Batch(run.after)
            for one in before:
                try:
                    self._confirm_one(one, known, batch, has_list=run.source is not None)
                except BaseException:
                    self._write(run, batch)
                    raise
                batch.after = one.dossier_code
                if self._steady() - begun >= WRITE_SECONDS:
                    run = self._write(run, batch)
                    progress(run)
                    begun, batch = self._steady(), _Batch(batch.after)
            run = self._write(run, batch)
            progress(run)

    def _confirm_one(
        self, before: Discrepancy, known: dict[str, Ours], batch: _Batch, *, has_list: bool
    ) -> None:
        code = before.dossier_code
        self._asker.pause(before.found_at + self._again_after)
        ours = known.get(code) or Ours(code=code, agency=before.agency)
        found = self._ask(code, ours.agency, batch)
        if has_list:
            judged = self._judge_listed(ours, found)
        else:
            judged = compare(ours, found, rules=self._rules, now=self._clock())
        if judged is None or judged.kind is not before.kind:
            batch.gone.append((code, before.kind))
        if judged is not None:
            batch.found.append(said_again(judged, before))

    def _write(self, run: Run, batch: _Batch) -> Run:
        asked, self._asker.asked = self._asker.asked, 0
        with begin(self._store, at=self._clock, actor=self._actor) as work:
            made = Progress(
                after=batch.after,
                compared=batch.compared,
                asked=asked,
                present=batch.present,
                unreadable=batch.unreadable,
                found=batch.found,
                gone=batch.gone,
            )
            return keep_progress(work, run, made, lease=LEASE)

    def _enter(self, run: Run, phase: str) -> Run:
        with begin(self._store, at=self._clock, actor=self._actor) as work:
            return enter_phase(work, run, phase)

    def _report(self, run: Run) -> None:
        with reading(self._store) as connection:
            counts = count_findings(connection, run.id)
        tell = log.warning if counts.keys() - AGREES else log.info
        tell(
            "reconcile.ended",
            run=run.id,
            compared=run.compared,
            **{kind.value: count for kind, count in counts.items()},
        )
