"""
The breaker of one target: while the target as a whole is in trouble, messages stay where they are.

    CLOSED ──trouble──► OPEN ──pause over, a call goes──► PROBING ──healthy──► REOPENING ──► CLOSED
                          ▲                                  │ trouble             │ trouble
                          └──────────────────────────────────┴─────────────────────┘

It opens when troubles come in a row, when their share of a sliding window is too large, when a
call is turned away with a word on how long, at the first answer that refuses us as a whole, and
when several answers in a row are of a kind never seen. Each pause is longer than the one before.
After a healthy probe 1, 2, 4, ... calls may be out at once, until all slots are used again.
Nothing waits for a person.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from lienthong.channels.port import Outcome
from lienthong.retry import Backoff

if TYPE_CHECKING:
    from random import Random

HEALTH = frozenset({Outcome.DELIVERED, Outcome.EXISTS, Outcome.MISSING, Outcome.REJECTED})
"""Outcomes of a target that does its work; all others speak of trouble when there are many."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Phase(Enum):
    """What a breaker lets through."""

    CLOSED = "closed"
    """Everything."""
    OPEN = "open"
    """Nothing until the pause is over, then one probe."""
    PROBING = "probing"
    """Nothing: the probe is out."""
    REOPENING = "reopening"
    """A number of calls at once that doubles with each healthy round."""


@dataclass(slots=True, kw_only=True)
class SlidingCounts:
    """How many calls ended in a sliding window, and how many in trouble; memory is bounded."""

    window: timedelta
    _slices: deque[tuple[int, int, int]] = field(default_factory=deque)
    """Number of the tenth of a window, calls, troubles."""

    def add(self, *, is_trouble: bool, now: datetime) -> tuple[int, int]:
        """Count one call; return calls and troubles of the window that ends now."""
        number = (now - EPOCH) // (self.window / 10)
        while self._slices and self._slices[0][0] <= number - 10:
            self._slices.popleft()
        calls, troubles = 1, int(is_trouble)
        if self._slices and self._slices[-1][0] >= number:
            # A clock that went back a little counts into the latest slice.
            number, old_calls, old_troubles = self._slices.pop()
            calls, troubles = calls + old_calls, troubles + old_troubles
        self._slices.append((number, calls, troubles))
        return sum(one[1] for one in self._slices), sum(one[2] for one in self._slices)

    def clear(self) -> None:
        """Forget all."""
        self._slices.clear()


@dataclass(slots=True, kw_only=True)
class Breaker:
    """One per target and process: each process learns the same within seconds."""

    threshold: int
    """Troubles in a row that open it."""
    backoff: Backoff
    """Of the pauses, by openings in a row."""
    random: Random
    window: timedelta = timedelta(seconds=30)
    minimum_calls: int = 20
    """Fewer calls in a window than this say nothing about shares."""
    share: float = 0.5
    """Of troubles in a window, or in a round of reopening, that opens it."""
    strange_threshold: int = 3
    """Never-seen answers in a row that are the target's trouble and no message's."""
    busy_longest: timedelta = timedelta(seconds=30)
    """Longest pause after "busy", unless the target names a longer one."""
    probe_patience: timedelta | None = None
    """After which a probe that never reported is followed by another; None: the longest pause."""
    slots: int = 1
    """Calls at once when everything is well; grows to the most that was ever free."""

    phase: Phase = Phase.CLOSED
    troubles: int = 0
    """Troubles in a row."""
    strange_answers: int = 0
    """Never-seen answers to deliveries since the last healthy delivery."""
    openings: int = 0
    """Since it was last closed."""
    opened_at: datetime | None = None
    """The latest opening."""
    open_until: datetime | None = None
    """While OPEN the end of the pause, while PROBING the end of patience with the probe."""
    limit: int = 1
    """Calls at once while REOPENING."""
    _counts: SlidingCounts = field(init=False)
    _round_calls: int = 0
    _round_troubles: int = 0

    def __post_init__(self) -> None:
        self._counts = SlidingCounts(window=self.window)

    @property
    def is_suspect(self) -> bool:
        """Return whether the latest answers, several in a row, were of a kind never seen."""
        return self.strange_answers >= self.strange_threshold

    def allowance(self, now: datetime, *, free: int) -> int:
        """Return how many of `free` slots may start a call now: all, some, one probe, or none."""
        self.slots = max(self.slots, free)
        if self.phase is Phase.CLOSED:
            return free
        if self.open_until is not None:
            return min(free, 1) if self.open_until <= now else 0
        out = self.slots - free
        return min(free, max(self.limit - out, 0))

    def let_out(self, now: datetime, *, count: int = 1) -> None:
        """Note that calls start; after the pause of an open breaker, the first is its probe."""
        if count and self.open_until is not None:
            self.phase = Phase.PROBING
            self.open_until = now + (self.probe_patience or self.backoff.longest)

    def record(
        self,
        outcome: Outcome,
        *,
        now: datetime,
        retry_after: timedelta | None = None,
        is_look_up: bool = False,
        started_at: datetime | None = None,
    ) -> None:
        """
        Learn from one finished call.

        Args:
            outcome: Of a look-up: DELIVERED when it told something, UNKNOWN when it failed.
            now: The present moment.
            retry_after: How long the target asked to be left alone.
            is_look_up: A look-up that works does not show that a delivery is understood.
            started_at: When the call began, where known. What began before the latest opening
                is news of the time before, and neither ends a pause nor makes it grow.
        """
        is_trouble = outcome not in HEALTH
        if not is_look_up:
            self._count_strange(outcome, is_trouble=is_trouble)
        if self.phase is Phase.OPEN or self._is_old(started_at):
            if is_trouble and retry_after is not None:
                self._leave_alone(now + retry_after)
            return
        self.troubles = self.troubles + 1 if is_trouble else 0
        if is_trouble and self._is_plain(outcome, retry_after):
            self._open(outcome, now=now, retry_after=retry_after)
        elif self.phase is Phase.CLOSED:
            calls, troubles = self._counts.add(is_trouble=is_trouble, now=now)
            if is_trouble and calls >= self.minimum_calls and troubles >= self.share * calls:
                self._open(outcome, now=now, retry_after=retry_after)
        elif self.phase is Phase.PROBING:
            if is_trouble:
                self._open(outcome, now=now, retry_after=retry_after)
            else:
                self.phase, self.open_until = Phase.REOPENING, None
                self._begin_round(limit=1)
        else:
            self._count_round(outcome, is_trouble=is_trouble, now=now)

    def _is_old(self, started_at: datetime | None) -> bool:
        if self.phase is Phase.CLOSED or self.opened_at is None or started_at is None:
            return False
        return started_at < self.opened_at

    def _count_strange(self, outcome: Outcome, *, is_trouble: bool) -> None:
        if outcome is Outcome.UNRECOGNISED:
            self.strange_answers += 1
        elif not is_trouble:
            self.strange_answers = 0

    def _is_plain(self, outcome: Outcome, retry_after: timedelta | None) -> bool:
        """Return whether this trouble needs no other beside it to be the target's."""
        return (
            outcome is Outcome.TARGET
            or retry_after is not None
            or self.troubles >= self.threshold
            or (outcome is Outcome.UNRECOGNISED and self.is_suspect)
        )

    def _count_round(self, outcome: Outcome, *, is_trouble: bool, now: datetime) -> None:
        self._round_calls += 1
        self._round_troubles += is_trouble
        # The measure is that of a closed breaker: a target that works drops a call now and then,
        # and one call in hundreds must not keep it from ever being used in full again.
        if is_trouble and self._round_troubles >= self.share * self.limit:
            self._open(outcome, now=now, retry_after=None)
        elif self._round_calls >= self.limit:
            # While answers are strange only look-ups work: they go on one by one.
            self._begin_round(limit=1 if self.is_suspect else self.limit * 2)

    def _begin_round(self, *, limit: int) -> None:
        self.limit = limit
        self._round_calls = self._round_troubles = 0
        if limit >= self.slots and not self.is_suspect:
            self.phase = Phase.CLOSED
            self.openings = 0

    def _open(self, outcome: Outcome, *, now: datetime, retry_after: timedelta | None) -> None:
        self.phase = Phase.OPEN
        self.opened_at = now
        self.openings += 1
        self._counts.clear()
        pause = self.backoff.delay(self.openings, random=self.random)
        if outcome is Outcome.BUSY:
            # It works, it only has too much to do: it is asked again soon.
            rules = Backoff(
                first=min(self.backoff.first, self.busy_longest),
                longest=min(self.backoff.longest, self.busy_longest),
            )
            pause = rules.delay(self.openings, random=self.random)
        self.open_until = now + max(pause, retry_after or timedelta(0))

    def _leave_alone(self, until: datetime) -> None:
        """Open for as long as the target asked, and no shorter than it is open already."""
        self.phase = Phase.OPEN
        self.open_until = until if self.open_until is None else max(until, self.open_until)
