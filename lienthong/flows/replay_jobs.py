"""
Carrying out bulk replays that two people have agreed on: in parts, at the rate of each job.

A part is one transaction: the job is held, each item is acted on as an operator would act on one
message, and what became of it is written down. So whatever is killed between two of them has done
nothing, or all of it, and nothing twice. Between parts a person may pause or cancel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from lienthong.bucket import Bucket
from lienthong.flows.hints import hint_due
from lienthong.flows.replay import (
    DISCARDING,
    RESENDING,
    TOGETHER,
    Deed,
    Order,
    do_all,
    reissuing,
)
from lienthong.flows.reread import Source
from lienthong.job_marks import with_mark
from lienthong.job_reasons import FAILING
from lienthong.pacing import SteadyTime
from lienthong.replay_states import JUDGED_AFTER, JobState, Verb
from lienthong.states import State
from lienthong.store.database import reading
from lienthong.store.replay_jobs import (
    DONE,
    claim_job,
    enter,
    failing_percent,
    hold,
    is_any_due,
    is_unchanged,
    keep_outcomes,
    let_go,
    next_items,
)
from lienthong.store.replay_problems import LeaseLost, changed_since, other_mapping
from lienthong.store.work import begin, tell_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from lienthong.admission import Known, Ledger
    from lienthong.agencies import AgencyFinder
    from lienthong.flows.hints import Publisher
    from lienthong.flows.replay import Acted
    from lienthong.store.database import Store
    from lienthong.store.replay_jobs import Item, Job
    from lienthong.store.work import Work

log = structlog.get_logger()

LEASE = timedelta(minutes=5)
"""Longer than reading the largest sources of one part again."""
QUIET_SECONDS = 1.0
"""Before the next look for jobs where there are none."""


@dataclass(slots=True)
class _Held:
    job: Job
    bucket: Bucket


class ReplayRunner:
    """Works on the jobs that run and that nobody else works on, several side by side."""

    def __init__(
        self,
        *,
        store: Store,
        broker: Publisher,
        agencies: AgencyFinder,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._source = Source(store, agencies, clock=clock)
        self._time = SteadyTime()
        """By which rates go: a clock that was set back must not stop them."""
        self._held: dict[str, _Held] = {}

    def step(self) -> float:
        """Act on one part of each job whose rate allows it; return seconds until the next look."""
        self._claim()
        for job_id, held in list(self._held.items()):
            allowed = held.bucket.available(self._now())
            try:
                goes_on = self._judge(held.job)
                if goes_on and allowed:
                    self._act_on_next(held, min(allowed, TOGETHER))
            except LeaseLost:
                goes_on = False
            if not goes_on:
                del self._held[job_id]
        now = self._now()
        waits = [(held.bucket.next_at(now) - now).total_seconds() for held in self._held.values()]
        return min([*waits, QUIET_SECONDS])

    def _now(self) -> datetime:
        return self._time.of(self._clock())

    def close(self) -> None:
        """Let others go on at once."""
        with begin(self._store, at=self._clock) as work:
            for held in self._held.values():
                let_go(work, held.job)
        self._held = {}

    def _claim(self) -> None:
        with reading(self._store) as connection:
            now = tell_time(self._store, connection, at=self._clock)
            if not is_any_due(connection, now=now):
                return
        with begin(self._store, at=self._clock) as work:
            job = claim_job(work, lease=LEASE)
        if job is not None:
            burst = max(1, min(TOGETHER, math.ceil(job.rate)))
            self._held[job.id] = _Held(job, Bucket(rate=job.rate, burst=burst))

    def _act_on_next(self, held: _Held, limit: int) -> None:
        job = held.job
        with reading(self._store) as connection:
            items = next_items(connection, job, limit=limit)
        if job.verb is Verb.REISSUE:
            self._source.read([item.message_id for item in items])
        order = Order(actor=job.asked_by, reason=with_mark(job.reason, job.id))
        deed = _as_frozen(self._deed(job), job, items, self._source)
        with begin(self._store, at=self._clock, actor=order.actor) as work:
            # First, and to the end: whoever pauses or cancels waits for this part, or is before it.
            hold(work, job, lease=LEASE)
            ids = [item.message_id for item in items]
            acted, moving = do_all(work, ids, deed, order=order)
            keep_outcomes(work, job, _outcomes(items, acted))
        hint_due(self._broker, moving, at=work.at)
        held.bucket = held.bucket.take(len(items), now=self._now())

    def _deed(self, job: Job) -> Deed:
        if job.verb is Verb.REISSUE:
            return reissuing(self._source)
        return RESENDING if job.verb is Verb.RESEND else DISCARDING

    def _judge(self, job: Job) -> bool:
        """End a job that has come to its end, stop one that fails too often. Raises LeaseLost."""
        with reading(self._store) as connection:
            is_over = not next_items(connection, job, limit=1)
            judged, percent = failing_percent(connection, job)
        fails = judged >= JUDGED_AFTER and percent > job.stop_percent
        if not is_over and not fails:
            return True
        # In nobody's name: it is nobody's word.
        with begin(self._store, at=self._clock) as work:
            hold(work, job, lease=LEASE)
            if is_over:
                enter(work, job, JobState.DONE, note="replay.ended")
                return False
            why = FAILING.write(percent=percent, judged=judged, most=job.stop_percent)
            enter(work, job, JobState.STOPPED, note="replay.stopped", why=why)
        log.warning("replay.stopped", job=job.id, percent=percent, judged=judged)
        return False


def _as_frozen(deed: Deed, job: Job, items: Sequence[Item], source: Source) -> Deed:
    """Return a deed that touches nothing that is not as it was frozen."""
    by_message = {item.message_id: item for item in items}

    def act(work: Work, ledger: Ledger, message: Known, order: Order) -> tuple[str | None, Ledger]:
        if not is_unchanged(work, by_message[message.id]):
            raise changed_since(message.id)
        if job.verb is Verb.REISSUE:
            mapping = source.made_from(message.id).origin.mapping
            if mapping != job.mappings.get(message.agency):
                raise other_mapping(message.id)
        return deed.act(work, ledger, message, order)

    # Every state: one that is not allowed any more has changed, and is to be called so.
    return Deed(allowed=tuple(State), act=act)


def _outcomes(items: Sequence[Item], acted: Sequence[Acted]) -> list[tuple[Item, str, str | None]]:
    return [
        (item, DONE if one.problem is None else one.problem.code, one.new_id)
        for item, one in zip(items, acted, strict=True)
    ]
