"""
The way back: results that are written down go to their agencies' queues, the earliest first.

A result is marked as published after its queue has confirmed it; a crash in between sends it again
under the same id. An agency whose queue is missing or full waits for itself: its results stay in
the store and are tried again after a while, everybody else's go on. An agency that has no queue is
not told here: it reads its results over HTTP or in its folder.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import structlog

from broker.port import Result as Posted
from lienthong.failpoints import Point, reached
from lienthong.store.database import reading
from lienthong.store.portal_answers import no_columns
from lienthong.store.results import mark_published, may_publish, pending, result_values
from lienthong.store.traced import origins_of_submissions
from lienthong.store.unqueued import set_aside, take_up
from lienthong.store.work import begin
from lienthong.traces.recording import outgoing
from lienthong.traces.spans import result_span

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

    from broker.port import NotTold, Outbox
    from lienthong.store.database import Store
    from lienthong.store.portal_answers import Columns
    from lienthong.store.results import Result
    from lienthong.traces.context import TraceContext
    from lienthong.traces.recording import Span

log = structlog.get_logger()

BATCH = 500
SORT_OUT_SECONDS = 1.0
"""How often results that nobody publishes are put out of the publisher's way."""
LONGEST_KEY = 255
"""Bytes that AMQP holds in the place of a correlation id; other doors take longer keys."""


class Teller:
    """
    The role `results`; one instance per thread.

    Several processes may have it: on PostgreSQL one publishes at a time, so that the results of an
    agency stay in order; on SQLite they may publish one twice, under the same id.

    Args:
        outbox: The way to the agencies.
        agencies: Those that have a results queue.
        store: Where the results are.
        clock: Tells the time.
        patience: How long an agency that cannot be told waits for the next try.
        columns: Knows the agencies' names of fields that the portal names.
        queue_of: Returns the name of an agency's queue, for traces.
        steady: Tells seconds that go on whatever happens to the clock.
    """

    def __init__(  # noqa: PLR0913 - the collaborators of one role, given by the wiring
        self,
        *,
        outbox: Outbox,
        agencies: Collection[str],
        store: Store,
        clock: Callable[[], datetime],
        patience: timedelta,
        columns: Columns = no_columns,
        queue_of: Callable[[str], str] = str,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._agencies = agencies
        self._store = store
        self._clock = clock
        self._patience = patience
        self._columns = columns
        self._queue_of = queue_of
        self._steady = steady
        self._waiting: dict[str, float] = {}
        """Agencies that could not be told, and from which steady second they are tried again."""
        self._sorted_out_at: float | None = None

    def sort_out(self) -> None:
        """
        Set aside, every now and then, what is never published, so that `step` need not pass it.

        Raises:
            DBAPIError: the store fails; trying again helps.
        """
        now = self._steady()
        if self._sorted_out_at is None:
            take_up(self._store, queued=self._agencies, clock=self._clock)
        elif now - self._sorted_out_at < SORT_OUT_SECONDS:
            return
        set_aside(self._store, queued=self._agencies, clock=self._clock)
        self._sorted_out_at = now

    def step(self) -> int:
        """
        Publish the earliest results; return how many, 0 when there is nothing to do now.

        Raises:
            DBAPIError: the store fails; trying again helps.
            BrokerError: the exchange fails for everybody; trying again helps.
        """
        now = self._steady()
        waiting = {agency for agency, until in self._waiting.items() if until > now}
        if self._store.engine.dialect.name == "postgresql":
            with begin(self._store, at=self._clock) as work:
                if not may_publish(work):
                    return 0
                found = pending(
                    work.connection,
                    vault=self._store.vault,
                    limit=BATCH,
                    without=waiting,
                    of=self._agencies,
                    columns=self._columns,
                )
                told = self._publish(found, self._trace(work.connection, found), now=now)
                mark_published(work, told)
            if told:
                reached(Point.RESULTS_MARKED)
            return len(told)
        # Nobody else writes on SQLite while one writes: that must not last as long as a broker may.
        with reading(self._store) as connection:
            found = pending(
                connection,
                vault=self._store.vault,
                limit=BATCH,
                without=waiting,
                of=self._agencies,
                columns=self._columns,
            )
            spans = self._trace(connection, found)
        told = self._publish(found, spans, now=now)
        if told:
            with begin(self._store, at=self._clock) as work:
                mark_published(work, told)
            reached(Point.RESULTS_MARKED)
        return len(told)

    def _trace(self, connection: Connection, found: Sequence[Result]) -> list[Span]:
        """Begin the span of each result; it goes on from where its submission was received."""
        received = origins_of_submissions(connection, {result.submission_id for result in found})
        return [
            result_span(
                kind=result.kind,
                result_id=result.id,
                queue=self._queue_of(result.agency),
                origin=received.get(result.submission_id or ""),
                record=result.record,
                now=self._clock(),
            )
            for result in found
        ]

    def _publish(self, found: Sequence[Result], spans: Sequence[Span], *, now: float) -> list[str]:
        """Publish, and return the ids of those that are in their queues."""
        if not found:
            return []
        with ExitStack() as stack:
            for span in spans:
                stack.callback(span.end)
            told = self._post(found, spans, now=now)
            for result, span in zip(found, spans, strict=True):
                if result.id not in told:
                    span.fail("results.waiting")
        return [result.id for result in found if result.id in told]

    def _post(self, found: Sequence[Result], spans: Sequence[Span], *, now: float) -> set[str]:
        failed = self._outbox.publish(
            [posted(result, trace=span.context) for result, span in zip(found, spans, strict=True)]
        )
        reached(Point.RESULTS_PUBLISHED)
        self._remember(failed, {result.agency for result in found}, now=now)
        # What a queue took before it was full is told: it must not fill the queue again.
        left = {agency: not_told.taken for agency, not_told in failed.items()}
        told = set()
        for result in found:
            if result.agency in left:
                left[result.agency] -= 1
            if left.get(result.agency, 0) >= 0:
                told.add(result.id)
        return told

    def _remember(
        self, failed: Mapping[str, NotTold], tried: Collection[str], *, now: float
    ) -> None:
        for agency in tried:
            self._waiting.pop(agency, None)
        for agency, not_told in failed.items():
            self._waiting[agency] = now + self._patience.total_seconds()
            error = not_told.error
            log.warning("results.waiting", agency=agency, code=error.code, cause=error.en)


def posted(result: Result, *, trace: TraceContext | None = None) -> Posted:
    """Return a result as it goes into its agency's queue, in the span `trace`."""
    key = result.key
    return Posted(
        id=result.id,
        agency=result.agency,
        kind=result.kind,
        body=json.dumps(result_values(result), ensure_ascii=False).encode(),
        headers=outgoing(trace),
        about=key if key is not None and len(key.encode()) <= LONGEST_KEY else None,
    )
