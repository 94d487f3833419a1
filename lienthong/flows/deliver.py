"""
Delivering: one coordinator owns the store and the broker, a few threads make the calls.

The coordinator takes hints, claims dossiers and writes attempts down in one transaction, hands
the calls to the threads, and writes outcomes down in one transaction for all that have come in.
A hint is settled only after what it led to is durable. Whatever is lost between two steps (this
process, the broker, a hint) leaves the store with a lease that ends and a sweeper that notices.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING

import structlog

from broker.port import StaleDelivery
from lienthong.channels.port import Answer, Found, LookUp, Outcome, SendRequest
from lienthong.decisions import LookUpRules, Next, OpenFate, Wait, after_look_up, after_send
from lienthong.flows.hints import DELIVER
from lienthong.states import State
from lienthong.store.delivery import Ending, Task, finish, start
from lienthong.store.work import begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from sqlalchemy import Engine

    from broker.port import Broker, Delivery
    from lienthong.breaker import Breaker
    from lienthong.channels.port import Channel
    from lienthong.retry import Backoff

log = structlog.get_logger()

IDLE = timedelta(milliseconds=500)
"""How long the coordinator waits for a first hint."""
BUSY = timedelta(milliseconds=20)
"""How long it waits for outcomes while calls are out and more could start."""
GATHER = timedelta(milliseconds=10)
"""How long outcomes wait for others: one flush to disk then serves them all."""
HINT_LEASE_MARGIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How one target is delivered to."""

    slots: int
    """Calls at once."""
    lease: timedelta
    """On a dossier; longer than the longest call."""
    longest_call: timedelta
    """A call that could end after its lease is not begun."""
    backoff: Backoff
    look_ups: LookUpRules


class Deliverer:
    """The delivery role of one process, for one target."""

    def __init__(  # noqa: PLR0913 - the collaborators of one role, given by the wiring
        self,
        *,
        engine: Engine,
        broker: Broker,
        channel: Channel,
        rules: DeliveryRules,
        breaker: Breaker,
        agency_codes: Callable[[str], str],
        clock: Callable[[], datetime],
        random: Random,
    ) -> None:
        self._engine = engine
        self._broker = broker
        self._channel = channel
        self._rules = rules
        self._breaker = breaker
        self._agency_codes = agency_codes
        self._clock = clock
        self._random = random
        self._out: dict[Future[Answer | LookUp], tuple[Task, Delivery]] = {}
        self._came: list[tuple[Task, Delivery, Answer | LookUp]] = []
        """What calls brought and the store does not have yet."""
        self._going_on: list[Delivery] = []
        """Hints of dossiers that have more to do at once."""

    def open_calls(self) -> ThreadPoolExecutor:
        """Return the threads that make the calls, one per slot."""
        return ThreadPoolExecutor(self._rules.slots, thread_name_prefix="call")

    def drain(self) -> None:
        """Let the calls that are out come in, write them down, and give the hints back."""
        while self._out or self._came:
            self._gather(timeout=None)
            self._turn([], calls=None)
        self._settle([(hint, self._clock()) for hint in self._going_on])
        self._going_on = []

    def step(self, calls: ThreadPoolExecutor) -> None:
        """Write down what has come in, take hints for the free slots, and start their calls."""
        has_room = len(self._out) < self._rules.slots
        self._gather(timeout=BUSY if has_room else IDLE)
        free = self._breaker.allowance(self._clock(), free=self._rules.slots - len(self._out))
        hints = self._take_hints(free, is_quiet=not self._out and not self._came)
        if self._came or hints:
            self._turn(hints, calls=calls)
        elif not self._out and not free:
            sleep(IDLE.total_seconds())

    def _gather(self, *, timeout: timedelta | None) -> None:
        """Wait for a first call, and a moment more for others that can share its transaction."""
        if not self._out:
            return
        seconds = None if timeout is None else timeout.total_seconds()
        done, open_ones = wait(self._out, timeout=seconds, return_when=FIRST_COMPLETED)
        if done and open_ones:
            done |= wait(open_ones, timeout=GATHER.total_seconds()).done
        for call in done:
            self._came.append((*self._out.pop(call), call.result()))
            self._learn(call.result())

    def _take_hints(self, free: int, *, is_quiet: bool) -> list[Delivery]:
        hints, self._going_on = self._going_on[:free], self._going_on[free:]
        if len(hints) < free:
            hints += self._broker.receive(
                DELIVER,
                limit=free - len(hints),
                lease=self._rules.lease + HINT_LEASE_MARGIN,
                wait=IDLE if is_quiet and not hints else timedelta(0),
            )
        return hints

    def _turn(self, hints: list[Delivery], *, calls: ThreadPoolExecutor | None) -> None:
        """Write down what came and what starts, in one transaction, then start it."""
        settled: list[tuple[Delivery, datetime | None]] = []
        going_on: list[Delivery] = []
        tasks: list[tuple[Task, Delivery]] = []
        with begin(self._engine, at=self._clock) as work:
            ended = [self._ending(task, result, now=work.at) for task, _, result in self._came]
            for (_, delivery, _), due_at in zip(self._came, finish(work, ended), strict=True):
                if due_at is not None and due_at <= work.at:
                    going_on.append(delivery)
                else:
                    settled.append((delivery, due_at))
            codes = [delivery.message.body.decode() for delivery in hints]
            started = start(work, codes, lease=self._rules.lease)
            for delivery, task in zip(hints, started, strict=True):
                if isinstance(task, Task):
                    tasks.append((task, delivery))
                else:
                    settled.append((delivery, task))
        self._came = []
        self._going_on += going_on
        for task, delivery in tasks:
            assert calls is not None
            self._breaker.let_out(work.at)
            self._out[calls.submit(self._call, task)] = (task, delivery)
        for end in ended:
            self._report(end)
        self._settle(settled)

    def _call(self, task: Task) -> Answer | LookUp:
        try:
            return self._ask_portal(task)
        except Exception:
            # The boundary of one call: a bug in it concerns this message, and stops at a person.
            log.exception("delivery.failed", message_id=task.message_id)
            if task.is_look_up:
                return LookUp(found=Found.FAILED, detail="internal error, see the log")
            return Answer(outcome=Outcome.UNRECOGNISED, detail="internal error, see the log")

    def _ask_portal(self, task: Task) -> Answer | LookUp:
        if self._clock() + self._rules.longest_call > task.lease_until:
            # This process was frozen, or waited long, after the claim was written down. Another
            # worker may have the dossier soon, and a call that is out cannot be fenced off.
            if task.is_look_up:
                return LookUp(found=Found.FAILED, detail="the lease was too short to begin")
            return Answer(outcome=Outcome.NOT_SENT, detail="the lease was too short to begin")
        agency_code = self._agency_codes(task.agency)
        if task.is_look_up:
            return self._channel.look_up(agency_code=agency_code, dossier_code=task.dossier_code)
        return self._channel.send(
            SendRequest(
                packet=task.packet,
                message_id=task.message_id,
                dossier_code=task.dossier_code,
                agency_code=agency_code,
                document=task.document,
                is_updating=task.is_updating,
                attempt=task.number,
                sent_at=self._clock(),
            )
        )

    def _learn(self, result: Answer | LookUp) -> None:
        if isinstance(result, Answer):
            outcome = result.outcome
        else:
            outcome = Outcome.UNKNOWN if result.found is Found.FAILED else Outcome.DELIVERED
        self._breaker.record(outcome, now=self._clock())

    def _ending(self, task: Task, result: Answer | LookUp, *, now: datetime) -> Ending:
        if isinstance(result, Answer):
            next_ = after_send(result.outcome, packet=task.packet, was_update=task.is_updating)
        else:
            fate = OpenFate(
                packet=task.packet,
                was_update=task.is_updating,
                document_digest=task.document_digest,
                unknown_since=task.unknown_since or now,
                failures=task.failures,
            )
            next_ = after_look_up(result, fate=fate, rules=self._rules.look_ups, now=now)
        return Ending(task=task, result=result, next=next_, due_at=self._due(task, next_, now=now))

    def _due(self, task: Task, next_: Next, *, now: datetime) -> datetime | None:
        if next_.state is State.DELIVERED:
            return None
        match next_.wait:
            case Wait.NOW:
                return now
            case Wait.BACKOFF:
                return now + self._rules.backoff.delay(task.failures + 1, random=self._random)
            case Wait.QUIET:
                since = task.unknown_since or now
                return since + self._rules.look_ups.quiet_period
            case Wait.PERSON:
                return None

    def _settle(self, settled: list[tuple[Delivery, datetime | None]]) -> None:
        try:
            self._broker.ack([delivery for delivery, due_at in settled if due_at is None])
        except StaleDelivery:
            # Another worker has the hint by now; the store's fence keeps the two apart.
            log.info("hint.stale")
        now = self._clock()
        for delivery, due_at in settled:
            if due_at is not None:
                try:
                    self._broker.retry_later(delivery, delay=max(due_at - now, timedelta(0)))
                except StaleDelivery:
                    log.info("hint.stale", hint=delivery.message.id)

    def _report(self, end: Ending) -> None:
        task = end.task
        log.info(
            "delivery.looked_up" if task.is_look_up else "delivery.attempted",
            message_id=task.message_id,
            number=task.number,
            state=end.next.state.value,
            code=getattr(end.result, "code", None),
            detail=end.result.detail,
        )
