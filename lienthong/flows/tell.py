"""
The way back: results that are written down go to their agencies' queues, in their order.

A result is marked as published after its queue has confirmed it; a crash in between sends it again
under the same id. An agency whose queue is missing or full waits for itself: its results stay in
the store and are tried again after a while, everybody else's go on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from broker.port import BrokerError, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from broker.port import Outbox

log = structlog.get_logger()

BATCH = 500


class Unpublished(Protocol):
    """The results in the store that nobody was told yet."""

    def pending(self, *, limit: int, without: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """
        Return the oldest, except those of the agencies `without`.

        Each can be written as JSON and has at least id, agency, kind, and key (the sender's own id
        of what it is about, or None).
        """

    def mark_published(self, ids: Sequence[str]) -> None:
        """Have them returned no more."""


class Teller:
    """
    The role `results`; one instance per thread, any number of processes.

    Args:
        outbox: The way to the agencies.
        unpublished: The results.
        clock: Tells the time.
        patience: How long an agency that cannot be told waits for the next try.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        unpublished: Unpublished,
        clock: Callable[[], datetime],
        patience: timedelta,
    ) -> None:
        self._outbox = outbox
        self._unpublished = unpublished
        self._clock = clock
        self._patience = patience
        self._waiting: dict[str, datetime] = {}

    def step(self) -> int:
        """
        Publish the oldest results; return how many, 0 when there is nothing to do now.

        Raises:
            DBAPIError: the store fails; trying again helps.
            BrokerError: the exchange fails for everybody; trying again helps.
        """
        now = self._clock()
        waiting = {agency for agency, until in self._waiting.items() if until > now}
        rows = self._unpublished.pending(limit=BATCH, without=waiting)
        if not rows:
            return 0
        failed = self._outbox.publish([result_of(row) for row in rows])
        done = [str(row["id"]) for row in rows if row["agency"] not in failed]
        if done:
            self._unpublished.mark_published(done)
        self._remember(failed, {str(row["agency"]) for row in rows}, now=now)
        return len(done)

    def _remember(
        self, failed: Mapping[str, BrokerError], tried: Collection[str], *, now: datetime
    ) -> None:
        for agency in tried:
            self._waiting.pop(agency, None)
        for agency, error in failed.items():
            self._waiting[agency] = now + self._patience
            log.warning("results.waiting", agency=agency, code=error.code, cause=error.en)


def result_of(row: Mapping[str, Any]) -> Result:
    """Return a row of the store as it is published; the whole row is the body."""
    key = row.get("key")
    return Result(
        id=str(row["id"]),
        agency=str(row["agency"]),
        kind=str(row["kind"]),
        body=json.dumps(row, ensure_ascii=False, default=_as_json).encode(),
        # AMQP holds 255 bytes there; what came over another door may be longer.
        about=key if isinstance(key, str) and len(key.encode()) <= 255 else None,
    )


def _as_json(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if callable(isoformat) else str(value)
