"""
The pace of one target: how many calls may start now, and until when none may.

Three things are asked, and the strictest decides: the target's maintenance windows, its breaker,
its rate limit. Each process has its own pacer and learns the same within seconds. Here are no I/O
and no clock; the time is passed in, and a clock that is set back prolongs no pause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from lienthong.breaker import Phase
from lienthong.channels.port import Answer, Found, Outcome
from lienthong.channels.windows import Windows
from schemas.problem import Text

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime

    from lienthong.breaker import Breaker
    from lienthong.bucket import Bucket
    from lienthong.channels.port import LookUp

SLICES = 30
"""Into which the time of a throughput is cut."""
STEP_BACK = timedelta(seconds=1)
"""A clock that goes back by more was set; by less, two callers read it at once."""

OF_OURS = frozenset({Outcome.WITHHELD, Outcome.UNSENDABLE})
"""Outcomes of attempts in which nothing was asked of the target."""


class Pace(Enum):
    """Why so many calls may start; the values are shown and stored."""

    CLOSED = "closed"
    """The breaker is closed: everything goes."""
    OPEN = "open"
    """The target is in trouble and is left alone."""
    PROBING = "probing"
    """One call tries whether the target works again."""
    REOPENING = "reopening"
    """The target works again and gets more calls step by step."""
    WINDOW = "window"
    """The target is in maintenance."""
    RATE = "rate"
    """The rate limit is used up for the moment."""
    PAUSED = "paused"
    """A person paused deliveries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceState:
    """What holds one target's calls back, for operators."""

    pace: Pace
    until: datetime | None
    """When it changes by itself, where that is known; UTC."""
    allowed: int
    """Calls that may be out at once; where the rate decides, that may start now."""
    is_suspect: bool
    """Answers never seen before came several in a row."""

    @property
    def text(self) -> Text:
        """Say it in a sentence, without the time and the number."""
        return WORDS[self.pace]


WORDS = {
    Pace.CLOSED: Text(vi="đang gửi bình thường", en="sending normally"),
    Pace.OPEN: Text(
        vi="Cổng đang trục trặc: tạm dừng, sẽ tự thử lại",
        en="the portal is in trouble: paused, tried again by itself",
    ),
    Pace.PROBING: Text(
        vi="đang thử một lần gọi xem Cổng đã hoạt động lại chưa",
        en="one call is trying whether the portal works again",
    ),
    Pace.REOPENING: Text(
        vi="Cổng đã hoạt động lại: đang tăng dần số lần gọi đồng thời",
        en="the portal works again: calls at once are growing step by step",
    ),
    Pace.WINDOW: Text(
        vi="Cổng đang trong khung giờ bảo trì: không gọi",
        en="the portal is in a maintenance window: not called",
    ),
    Pace.RATE: Text(
        vi="đã đến giới hạn tốc độ gọi: chờ lượt", en="the rate limit is reached: waiting"
    ),
    Pace.PAUSED: Text(
        vi="người vận hành đã tạm dừng gửi lên Cổng",
        en="an operator paused deliveries to the portal",
    ),
}


@dataclass(slots=True)
class SteadyTime:
    """A time that never goes back, for pauses; made from a clock that may be set."""

    _latest: datetime | None = None
    _offset: timedelta = timedelta(0)

    def of(self, now: datetime) -> datetime:
        """Return the steady time at `now`."""
        steady = now + self._offset
        if self._latest is not None and steady < self._latest:
            if self._latest - steady > STEP_BACK:
                self._offset = self._latest - now
            return self._latest
        self._latest = steady
        return steady

    def wall(self, steady: datetime) -> datetime:
        """Return what the clock will say at a steady time."""
        return steady - self._offset


@dataclass(slots=True, kw_only=True)
class Pacer:
    """One per target and process; not thread-safe."""

    breaker: Breaker
    bucket: Bucket | None = None
    """None: no rate limit."""
    windows: Windows = field(default_factory=Windows)
    _time: SteadyTime = field(default_factory=SteadyTime)

    def allowance(self, now: datetime, *, free: int) -> int:
        """Return how many of `free` slots may start a call now; slots that are out are not free."""
        steady = self._time.of(now)
        by_breaker = self.breaker.allowance(steady, free=free)
        if self.windows.closed_until(now) is not None:
            return 0
        return by_breaker if self.bucket is None else min(by_breaker, self.bucket.available(steady))

    def let_out(self, now: datetime, *, count: int = 1) -> None:
        """Note that `count` calls start."""
        steady = self._time.of(now)
        self.breaker.let_out(steady, count=count)
        if self.bucket is not None:
            self.bucket = self.bucket.take(count, now=steady)

    def learn(
        self, result: Answer | LookUp, *, now: datetime, started_at: datetime | None = None
    ) -> None:
        """Record what a call brought; see `record`."""
        if isinstance(result, Answer):
            is_bug = result.outcome is Outcome.UNRECOGNISED and result.http_status is None
            if is_bug or result.outcome in OF_OURS:
                return  # Nothing was asked of the target: it is not to blame.
            self.record(
                result.outcome, now=now, retry_after=result.retry_after, started_at=started_at
            )
            return
        if result.found is Found.WITHHELD:
            return
        self.record(
            Outcome.UNKNOWN if result.found is Found.FAILED else Outcome.DELIVERED,
            now=now,
            retry_after=result.retry_after,
            is_look_up=True,
            started_at=started_at,
        )

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
        Learn from one finished call, unless the target is in a maintenance window.

        Args:
            outcome: Of a look-up: DELIVERED when it told something, UNKNOWN when it failed.
            now: The present moment.
            retry_after: How long the target asked to be left alone.
            is_look_up: A look-up that works does not show that a delivery is understood.
            started_at: When the call began, by the same clock, where known: what began before
                the breaker opened then changes nothing.
        """
        if self.windows.closed_until(now) is not None:
            return
        steady = self._time.of(now)
        self.breaker.record(
            outcome,
            now=steady,
            retry_after=retry_after,
            is_look_up=is_look_up,
            # By how long ago it was, so that a clock that was set between does not matter much.
            started_at=None if started_at is None else steady - max(now - started_at, timedelta(0)),
        )

    def rooms(self, now: datetime, *, slots: int, out: Counter[str]) -> dict[str | None, int]:
        """
        Return how many calls may start in each lane now: a target has one, of no name.

        Args:
            now: The present moment.
            slots: Calls at once.
            out: Of these, how many are out for each agency.
        """
        return {None: self.allowance(now, free=slots - out.total())}

    def of(self, agency: str, *, is_look_up: bool) -> Pacer:  # noqa: ARG002 - see `receivers.lanes`
        """Return what paces such a call: itself, whatever agency it is for."""
        return self

    def suspects(self, answer: Answer, *, now: datetime) -> bool:
        """
        Return whether a never-seen answer is the target's trouble and not its message's.

        To be asked after `learn`. True once several came in a row, and in a maintenance window,
        where a call that was still out may meet anything. An answer for which nothing was sent is
        its message's own.
        """
        if answer.http_status is None:
            return False
        return self.breaker.is_suspect or self.windows.closed_until(now) is not None

    def pause_until(self, now: datetime) -> datetime | None:
        """
        Return until when no call may start, or None.

        None also where a call's end, and no time, lets the next one start.
        """
        steady = self._time.of(now)
        ends = [self.windows.closed_until(now)]
        pause = self.breaker.open_until
        if pause is not None and pause > steady:
            ends.append(self._time.wall(pause))
        if self.bucket is not None:
            ends.append(self._time.wall(self.bucket.next_at(steady)))
        until = max((end for end in ends if end is not None), default=now)
        return until if until > now else None

    def state(self, now: datetime) -> PaceState:
        """Return what decides now, the strongest reason first."""
        pace, allowed, until = self._decided_by(now)
        return PaceState(
            pace=pace, until=until, allowed=allowed, is_suspect=self.breaker.is_suspect
        )

    def _decided_by(self, now: datetime) -> tuple[Pace, int, datetime | None]:
        steady = self._time.of(now)
        breaker = self.breaker
        window_end = self.windows.closed_until(now)
        if window_end is not None:
            return Pace.WINDOW, 0, window_end
        if breaker.open_until is not None:
            until = self._time.wall(breaker.open_until)
            if breaker.open_until <= steady:
                # The pause, or the patience with a probe, is over: the next call is a probe.
                return Pace.PROBING, 1, None
            return (Pace.OPEN if breaker.phase is Phase.OPEN else Pace.PROBING), 0, until
        if self.bucket is not None and not self.bucket.available(steady):
            return Pace.RATE, 0, self._time.wall(self.bucket.next_at(steady))
        if breaker.phase is Phase.REOPENING:
            return Pace.REOPENING, breaker.limit, None
        return Pace.CLOSED, breaker.slots, None


@dataclass(slots=True, kw_only=True)
class Throughput:
    """How many messages ended during the last time, counted in slices of it."""

    during: timedelta
    _slices: dict[int, int] = field(default_factory=dict)

    def note(self, now: datetime) -> None:
        """Count one."""
        number = self._number(now)
        self._slices[number] = self._slices.get(number, 0) + 1

    def count(self, now: datetime) -> int:
        """Return how many there were, and forget those before."""
        number = self._number(now)
        self._slices = {n: c for n, c in self._slices.items() if number - SLICES < n <= number}
        return sum(self._slices.values())

    def _number(self, now: datetime) -> int:
        return int(now.timestamp() / (self.during.total_seconds() / SLICES))


def estimate_catch_up(
    backlog: int, *, delivered: int, arrived: int = 0, during: timedelta
) -> timedelta | None:
    """
    Return how long it takes to work a backlog off, at the pace of late.

    Args:
        backlog: Messages that wait.
        delivered: Messages that ended during the last time.
        arrived: Messages that came during the same time.
        during: How long that time was; some minutes.

    Returns:
        Zero without a backlog; None where no end is in sight, because nothing was delivered or
        no more than arrived.
    """
    if backlog <= 0:
        return timedelta(0)
    gained = delivered - arrived
    if gained <= 0:
        return None
    return during * (backlog / gained)
