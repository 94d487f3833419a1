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
from lienthong.store.delivery import Task, finish, start
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
"""How long it waits for hints or outcomes while calls are out."""
HINT_LEASE_MARGIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How one target is delivered to."""

    slots: int
    """Calls at once."""
    lease: timedelta
    """On a dossier; longer than the longest call."""
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

    def open_calls(self) -> ThreadPoolExecutor:
        """Return the threads that make the calls, one per slot."""
        return ThreadPoolExecutor(self._rules.slots, thread_name_prefix="call")

    def drain(self) -> None:
        """Let the calls that are out come in, and write them down."""
        while self._out:
            self._collect(timeout=None)

    def step(self, calls: ThreadPoolExecutor) -> None:
        """Take hints for the free slots, start their calls, and write down what has come in."""
        free = self._breaker.allowance(self._clock(), free=self._rules.slots - len(self._out))
        if free:
            hints = self._broker.receive(
                DELIVER,
                limit=free,
                lease=self._rules.lease + HINT_LEASE_MARGIN,
                wait=BUSY if self._out else IDLE,
            )
            if hints:
                self._start(hints, calls)
        if self._out:
            self._collect(timeout=(BUSY if free else IDLE).total_seconds())
        elif not free:
            sleep(IDLE.total_seconds())

    def _start(self, hints: list[Delivery], calls: ThreadPoolExecutor) -> None:
        tasks: list[tuple[Task, Delivery]] = []
        settled: list[tuple[Delivery, datetime | None]] = []
        with begin(self._engine, at=self._clock()) as work:
            for delivery in hints:
                started = start(work, delivery.message.body.decode(), lease=self._rules.lease)
                if isinstance(started, Task):
                    self._breaker.let_out(work.at)
                    tasks.append((started, delivery))
                else:
                    settled.append((delivery, started))
        for task, delivery in tasks:
            self._out[calls.submit(self._call, task)] = (task, delivery)
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

    def _collect(self, *, timeout: float | None) -> None:
        done, _ = wait(self._out, timeout=timeout, return_when=FIRST_COMPLETED)
        if not done:
            return
        settled: list[tuple[Delivery, datetime | None]] = []
        with begin(self._engine, at=self._clock()) as work:
            for call in done:
                task, delivery = self._out[call]
                result = call.result()
                next_ = self._decide(task, result, now=work.at)
                due_at = self._due(task, next_, now=work.at)
                settled.append((delivery, finish(work, task, result, next_=next_, due_at=due_at)))
                self._report(task, result, next_)
        for call in done:
            del self._out[call]
        self._settle(settled)

    def _decide(self, task: Task, result: Answer | LookUp, *, now: datetime) -> Next:
        if isinstance(result, LookUp):
            failed = result.found is Found.FAILED
            self._breaker.record(Outcome.UNKNOWN if failed else Outcome.DELIVERED, now=now)
            fate = OpenFate(
                packet=task.packet,
                was_update=task.is_updating,
                document_digest=task.document_digest,
                unknown_since=task.unknown_since or now,
            )
            return after_look_up(result, fate=fate, rules=self._rules.look_ups, now=now)
        self._breaker.record(result.outcome, now=now)
        return after_send(result.outcome, packet=task.packet, was_update=task.is_updating)

    def _due(self, task: Task, next_: Next, *, now: datetime) -> datetime | None:
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

    def _report(self, task: Task, result: Answer | LookUp, next_: Next) -> None:
        log.info(
            "delivery.looked_up" if task.is_look_up else "delivery.attempted",
            message_id=task.message_id,
            number=task.number,
            state=next_.state.value,
            code=getattr(result, "code", None),
            detail=result.detail,
        )
