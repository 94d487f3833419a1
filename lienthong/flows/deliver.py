"""
Delivering: one coordinator owns the store and the broker, a few threads make the calls.

The coordinator takes hints, claims dossiers and writes attempts down in one transaction, hands
the calls to the threads, and writes outcomes down in one transaction for all that have come in.
A hint is settled only after what it led to is durable; while the store cannot be reached, those in
hand are kept, and no more are taken. Whatever is lost between two steps (this
process, the broker, a hint) leaves the store with something due that no hint names.

Two ways lead here. Hints bring what has just come, at once. What has been due for a while, after
an outage or because its hint got lost, is the backlog: it is taken from the store, the most urgent
deadline first, and while there is a backlog each of the two has half of the calls
(`lienthong.flows.backlog`). While the target is left alone, hints are let go: the store remembers,
and knows better what is urgent. So are those for an agency whose own calls are all out.

What a person paused stays ready, whoever hints at it. Of an agency whose delivery is paused nothing
is sent; what is open of its attempts is still looked up, so that their fate becomes known. A portal
that is paused is not called at all.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from os import getpid
from queue import Empty, SimpleQueue
from socket import gethostname
from time import sleep
from typing import TYPE_CHECKING, TypeAlias

import structlog

from broker.port import BrokerUnavailable, StaleDelivery
from lienthong.channels.port import (
    Answer,
    Direction,
    Found,
    LookUp,
    Outcome,
    Packet,
    RowsChannel,
    SendRequest,
)
from lienthong.decisions import (
    LookUpRules,
    Next,
    OpenFate,
    Wait,
    after_look_up,
    after_send,
    not_before_retry_after,
    reason_to_agency,
)
from lienthong.failpoints import Point, reached
from lienthong.flows.backlog import PAUSE_SECONDS, Backlog
from lienthong.flows.calls import group, said_by_target, spare_rows
from lienthong.flows.hints import DELIVER, HAND_OVER
from lienthong.logs import kind_and_place
from lienthong.pacing import Pace, Throughput
from lienthong.pauses import nothing_paused
from lienthong.states import State
from lienthong.store.delivery import LOOK_UP, SEND, Claiming, Task, start, start_rows
from lienthong.store.ledgers import receiver_of
from lienthong.store.outcomes import Ending, finish, outcome_of
from lienthong.store.paces import MINUTES, write_pace
from lienthong.store.traced import traces_of_messages
from lienthong.store.work import begin
from lienthong.tallies import TALLIES, Attempt, Stage
from lienthong.traces.recording import NO_SPAN, ending, within
from lienthong.traces.spans import call_span, deliver_span
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime
    from random import Random

    from broker.port import Broker, Delivery
    from lienthong.channels.port import Channel
    from lienthong.pacing import Pacer
    from lienthong.pauses import Pause, Pauses
    from lienthong.receivers.lanes import Lanes
    from lienthong.retry import Backoff
    from lienthong.store.database import Store
    from lienthong.store.traced import TracedMessage
    from lienthong.store.work import Work
    from lienthong.traces.recording import Span

log = structlog.get_logger()

HINTS = {Direction.TO_PORTAL: DELIVER, Direction.TO_AGENCIES: HAND_OVER}
IDLE = timedelta(milliseconds=500)
"""How long the coordinator waits for a first hint."""
BUSY = timedelta(milliseconds=20)
"""How long it waits for outcomes while calls are out and more could start."""
GATHER = timedelta(milliseconds=10)
"""How long outcomes wait for others: one flush to disk then serves them all."""
GATHER_FULL = timedelta(milliseconds=50)
"""The same while every slot has a call, for a quarter of them: then there is much to do."""
HINT_PAUSES = 4
"""So many times as long as a look for hints took, none follows while calls are out: on a busy
exchange looking would take longer than delivering."""
HINT_LEASE_MARGIN = timedelta(seconds=30)
BACKLOG_GRACE = timedelta(seconds=1)
"""How long what is due is left to its hint."""
LET_GO = 1_000
"""Hints that are let go at a time while the target is left alone."""
REPORT_SECONDS = 5.0
"""How often the pace is written down for people."""
BROKER_PAUSE_SECONDS = 15.0
"""How long the exchange is left alone after it could not be reached: asking takes seconds."""
LONG_PAUSE = timedelta(seconds=2)
"""A pause of the target from which hints are let go instead of kept waiting."""


_Future: TypeAlias = "Future[Sequence[Answer | LookUp]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How one target is delivered to."""

    slots: int
    """Calls at once, in all lanes together."""
    lease: timedelta
    """On a dossier; longer than the longest call."""
    longest_call: timedelta
    """A call that could end after its lease is not begun."""
    crash_limit: int
    """A message whose attempts were abandoned so often, because its workers died, is parked."""
    backoff: Backoff
    look_ups: LookUpRules
    direction: Direction = Direction.TO_PORTAL
    portals: frozenset[str] = frozenset()
    """Peers that are the portal."""
    shared: frozenset[str] = frozenset()
    """Agencies of whose delivered dossiers others may be told."""
    rows_per_call: int = 1
    """Progress rows that may share a call; more than 1 where the channel is a `RowsChannel`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lead:
    """A ledger that may have something to deliver, and the hint that said so, if one did."""

    ledger: str
    hint: Delivery | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A task whose call is out, or came in and is not written down yet."""

    task: Task
    hint: Delivery | None
    """None for one from the backlog."""
    started_at: datetime
    claimed_at: float
    """Steady seconds from before the claim was written down."""
    steady_zero: datetime
    """The moment of the store at which steady seconds were 0: what time it is, by one clock."""
    span: Span = NO_SPAN
    """Of the attempt, until what it brought is written down."""


@dataclass(slots=True)
class _Plan:
    """What is to follow when one transaction is committed."""

    settled: list[tuple[Delivery, datetime | None]] = field(default_factory=list)
    """Hints to let go, and hints to come again at a moment."""
    going_on: list[_Lead] = field(default_factory=list)
    tasks: list[tuple[Task, Delivery | None]] = field(default_factory=list)
    traced: Mapping[str, TracedMessage] = field(default_factory=dict)
    """What is known of the traces of their messages; nothing where traces are off."""


class Deliverer:
    """The delivery role of one process, for one target."""

    def __init__(  # noqa: PLR0913 - the collaborators of one role, given by the wiring
        self,
        *,
        store: Store,
        broker: Broker,
        channel: Channel,
        rules: DeliveryRules,
        pacer: Pacer | Lanes,
        agency_codes: Callable[[str], str],
        clock: Callable[[], datetime],
        steady: Callable[[], float],
        random: Random,
        pauses: Callable[[], Pauses] = nothing_paused,
    ) -> None:
        """
        Put the role together.

        Args:
            store: The message store.
            broker: The exchange, of this thread alone.
            channel: The portal.
            rules: How it is delivered to.
            pacer: How many calls may start, in which lanes.
            agency_codes: Gives the code of an agency by name.
            clock: Tells the time, aware.
            steady: Tells seconds that go on whatever happens to the clock, also while this process
                is frozen.
            random: For jitter.
            pauses: Tells what people have stopped.
        """
        self._store = store
        self._broker = broker
        self._channel = channel
        self._rules = rules
        self._pacer = pacer
        self._agency_codes = agency_codes
        self._clock = clock
        self._steady = steady
        self._random = random
        self._pauses = pauses
        self._paused: Pause | None = None
        """Why the portal is not called, as of this step."""
        self._worker = f"{gethostname()}:{getpid()}"
        self._claiming = Claiming(
            lease=rules.lease,
            crash_limit=rules.crash_limit,
            grace=BACKLOG_GRACE,
            portals=rules.portals,
        )
        self._out: dict[_Future, list[_Call]] = {}
        """By the call, those that share it."""
        self._ended: SimpleQueue[_Future] = SimpleQueue()
        """Of those that are out."""
        self._came: list[tuple[_Call, Answer | LookUp]] = []
        """What calls brought and the store does not have yet."""
        self._going_on: list[_Lead] = []
        """Dossiers that have more to do at once, or that the store could not take up yet."""
        self._store_failed = False
        """Whether the last turn failed: hints that are taken then only age."""
        self._hints_from = 0.0
        """Steady seconds from which hints are looked for while calls are out."""
        self._broker_back_at: float | None = None
        """Steady seconds from which the exchange, which could not be reached, is asked again."""
        self._delivered = Throughput(during=timedelta(minutes=MINUTES))
        self._reports_at: float | None = None
        """Steady seconds from which the pace is written down again."""
        self._no_rows_until: dict[str, float] = {}
        """Agencies that had no more rows for calls with room, and the steady seconds from which
        that is looked at again."""
        self._backlog = Backlog()

    def open_calls(self) -> ThreadPoolExecutor:
        """Return the threads that make the calls, one per slot."""
        return ThreadPoolExecutor(self._rules.slots, thread_name_prefix="call")

    def drain(self) -> None:
        """Let the calls that are out come in, write them down, and give the hints back."""
        while self._out or self._came:
            self._gather(timeout=None)
            self._turn([], backlog={}, calls=None, looked_at=self._steady())
        now = self._clock()
        self._settle([(lead.hint, now) for lead in self._going_on if lead.hint], now=now)
        self._going_on = []

    def step(self, calls: ThreadPoolExecutor) -> None:
        """Write down what has come in, find work for the free slots, and start its calls."""
        has_room = len(self._out) < self._rules.slots
        self._gather(timeout=BUSY if has_room else IDLE)
        now = self._clock()
        rooms = self._rooms(now)
        free = sum(rooms.values())
        if not free and not self._out:
            self._let_hints_go(now, is_paused=not rooms)
        is_quiet = not self._out and not self._came
        leads = self._take_leads(now, rooms=rooms, is_quiet=is_quiet)
        if leads:
            reached(Point.DELIVER_HINTED)
        taken = [receiver_of(lead.ledger) for lead in leads]
        steady = self._steady()
        backlog = self._backlog.shares(rooms, taken=taken, now=steady)
        if self._came or leads or backlog:
            self._turn(leads, backlog=backlog, calls=calls, looked_at=steady)
            if is_quiet and not self._out and self._going_on:
                # Somebody holds the rows of all of them in this moment.
                sleep(BUSY.total_seconds())
        elif is_quiet and (not free or self._broker_back_at is not None):
            sleep(IDLE.total_seconds())
        if self._reports_at is None or self._reports_at <= steady:
            self._reports_at = steady + REPORT_SECONDS
            self._report_pace(now)

    def _rooms(self, now: datetime) -> Mapping[str | None, int]:
        """Return how many calls may start in each lane, of those that are not paused."""
        out = Counter(calls[0].task.agency for calls in self._out.values())
        rooms = self._pacer.rooms(now, slots=self._rules.slots, out=out)
        pauses = self._pauses()
        if pauses.resting != self._claiming.resting:
            self._claiming = replace(self._claiming, resting=pauses.resting)
        if self._rules.direction is Direction.TO_AGENCIES:
            return {lane: room for lane, room in rooms.items() if lane not in pauses.resting}
        self._paused = pauses.of_portal
        return {} if self._paused is not None else rooms

    def _report_pace(self, now: datetime) -> None:
        state = self._pacer.state(now)
        if state is None:
            return
        if self._paused is not None:
            state = replace(state, pace=Pace.PAUSED, until=self._paused.until, allowed=0)
        with begin(self._store, at=self._clock) as work:
            delivered = self._delivered.count(now)
            write_pace(work, self._worker, state, delivered=delivered)

    def _gather(self, *, timeout: timedelta | None) -> None:
        """Wait for a first call, and a moment more for others that can share its transaction."""
        if not self._out:
            return
        is_full = len(self._out) >= self._rules.slots
        enough = self._rules.slots // 4 if is_full else self._rules.slots
        seconds = None if timeout is None else timeout.total_seconds()
        try:
            self._come(self._ended.get(timeout=seconds))
            ends = self._steady() + (GATHER_FULL if is_full else GATHER).total_seconds()
            while self._out:
                # What has ended by then comes along, whatever is enough to wait for.
                left = ends - self._steady() if len(self._came) < enough else 0
                self._come(self._ended.get(timeout=max(left, 0)))
        except Empty:
            return

    def _come(self, future: _Future) -> None:
        calls, results = self._out.pop(future), future.result()
        self._came += zip(calls, results, strict=True)
        pacer = self._pacer_of(calls[0].task)
        if pacer is not None:
            said = said_by_target(results)
            pacer.learn(said, now=self._clock(), started_at=calls[0].started_at)

    def _pacer_of(self, task: Task) -> Pacer | None:
        return self._pacer.of(task.agency, is_look_up=task.is_look_up)

    def _take_leads(
        self, now: datetime, *, rooms: Mapping[str | None, int], is_quiet: bool
    ) -> list[_Lead]:
        room = self._backlog.for_hints(rooms)
        free = room.total()
        leads, self._going_on = self._going_on[:free], self._going_on[free:]
        begun = self._steady()
        is_time = not self._out or begun >= self._hints_from
        if len(leads) < free and is_time and not self._store_failed:
            is_idle = is_quiet and not leads and not self._backlog.waits(rooms)
            wait = IDLE if is_idle else timedelta(0)
            hints = self._receive(limit=free - len(leads), lease=self._rules.lease, wait=wait)
            leads += [_Lead(ledger=h.message.body.decode(), hint=h) for h in hints]
            ended = self._steady()
            self._hints_from = ended + HINT_PAUSES * (ended - begun)
        return self._fitting(leads, room, now=now)

    def _fitting(
        self, leads: list[_Lead], room: Counter[str | None], *, now: datetime
    ) -> list[_Lead]:
        """Return what its lane can take; the store remembers the others: they are its backlog."""
        fitting, hints = [], []
        for lead in leads:
            lane = receiver_of(lead.ledger)
            room[lane] -= 1
            if room[lane] >= 0:
                fitting.append(lead)
                continue
            self._backlog.turn_away(lane)
            if lead.hint is not None:
                hints.append(lead.hint)
        self._settle([(hint, None) for hint in hints], now=now)
        return fitting

    def _receive(self, *, limit: int, lease: timedelta, wait: timedelta) -> list[Delivery]:
        """Take hints; none while the exchange is away: what they would name is found without."""
        if self._broker_back_at is not None and self._steady() < self._broker_back_at:
            return []
        try:
            hints = self._broker.receive(
                HINTS[self._rules.direction],
                limit=limit,
                lease=lease + HINT_LEASE_MARGIN,
                wait=wait,
            )
        except BrokerUnavailable as error:
            log.warning("hint.exchange_away", cause=error.code)
            self._broker_back_at = self._steady() + BROKER_PAUSE_SECONDS
            return []
        self._broker_back_at = None
        return hints

    def _let_hints_go(self, now: datetime, *, is_paused: bool) -> None:
        """Remove hints that would wait long; what they name is due in the store."""
        until = self._pacer.pause_until(now)
        if not is_paused and (until is None or until - now < LONG_PAUSE):
            return
        hints = [lead.hint for lead in self._going_on if lead.hint is not None]
        self._going_on = []
        hints += self._receive(limit=LET_GO, lease=timedelta(0), wait=timedelta(0))
        self._settle([(hint, None) for hint in hints], now=now)

    def _turn(
        self,
        leads: list[_Lead],
        *,
        backlog: Mapping[str | None, int],
        calls: ThreadPoolExecutor | None,
        looked_at: float,
    ) -> None:
        """
        Write down what came and what starts, in one transaction, then start it.

        Args:
            leads: What may have something due.
            backlog: Shares of what has been due for a while, as of the steady second `looked_at`.
            calls: The threads; None to start nothing.
            looked_at: See `backlog`.
        """
        plan = _Plan()
        claimed_at = self._steady()
        # Until it is committed the leads stay in hand. Taken anew after each failure, their hints
        # would soon have been delivered too often, and the exchange would park them.
        self._going_on, others = leads + self._going_on, self._going_on
        self._store_failed = True
        with begin(self._store, at=self._clock) as work:
            steady_zero = work.at - timedelta(seconds=self._steady())
            ended = self._write_outcomes(work, plan)
            full = self._write_attempts(work, leads, plan, backlog=backlog)
            ids = [task.message_id for task, _ in plan.tasks]
            plan.traced = traces_of_messages(work.connection, ids)
            reached(Point.DELIVER_WRITTEN)
        self._store_failed = False
        self._backlog.note(backlog, full=full, now=looked_at)
        self._going_on = others
        came, self._came = self._came, []
        self._going_on += plan.going_on
        if plan.tasks:
            reached(Point.DELIVER_ATTEMPT_COMMITTED)
        self._start_calls(plan, calls, claimed_at=claimed_at, steady_zero=steady_zero)
        for (call, _), end in zip(came, ended, strict=True):
            self._tell(call.span, end)
            _tally(end, at=work.at)
            if end.next.state is State.DELIVERED:
                self._delivered.note(self._clock())
        if ended:
            reached(Point.DELIVER_OUTCOME_COMMITTED)
        self._settle(plan.settled, now=work.at)
        if plan.settled:
            reached(Point.DELIVER_SETTLED)

    def _write_outcomes(self, work: Work, plan: _Plan) -> list[Ending]:
        """Write down what calls brought."""
        ended = [self._ending(call.task, result, now=work.at) for call, result in self._came]
        due = finish(work, ended, shared=self._rules.shared)
        for (call, _), due_at in zip(self._came, due, strict=True):
            if due_at is not None and due_at <= work.at:
                plan.going_on.append(_Lead(ledger=call.task.ledger, hint=call.hint))
            elif call.hint is not None:
                plan.settled.append((call.hint, due_at))
        return ended

    def _write_attempts(
        self,
        work: Work,
        leads: list[_Lead],
        plan: _Plan,
        *,
        backlog: Mapping[str | None, int],
    ) -> Collection[str | None]:
        """Claim dossiers, and write the attempts down; return the lanes that may have more due."""
        codes = [lead.ledger for lead in leads]
        started = start(work, codes, backlog=backlog, claiming=self._claiming)
        for lead, task in zip(leads, started.hinted, strict=True):
            if isinstance(task, Task):
                plan.tasks.append((task, lead.hint))
            elif task is not None and task <= work.at:
                plan.going_on.append(lead)
            elif lead.hint is not None:
                plan.settled.append((lead.hint, task))
        plan.tasks += [(task, None) for task in started.backlog]
        self._fill_calls(work, plan)
        return started.full

    def _fill_calls(self, work: Work, plan: _Plan) -> None:
        """Take more of the progress rows that are due into calls that have room for them."""
        now = self._steady()
        for agency, count in spare_rows(plan.tasks, rows=self._rules.rows_per_call).items():
            if now < self._no_rows_until.get(agency, now):
                continue
            rows = start_rows(work, agency, limit=count, claiming=self._claiming)
            plan.tasks += [(task, None) for task in rows]
            if len(rows) < count:
                self._no_rows_until[agency] = now + PAUSE_SECONDS

    def _start_calls(
        self,
        plan: _Plan,
        calls: ThreadPoolExecutor | None,
        *,
        claimed_at: float,
        steady_zero: datetime,
    ) -> None:
        if not plan.tasks:
            return
        assert calls is not None
        now = self._clock()
        for those in group(plan.tasks, rows=self._rules.rows_per_call):
            pacer = self._pacer_of(those[0][0])
            if pacer is not None:
                pacer.let_out(now)
            out = [
                _Call(
                    task=task,
                    hint=delivery,
                    started_at=now,
                    claimed_at=claimed_at,
                    steady_zero=steady_zero,
                    span=_begin_span(task, plan.traced.get(task.message_id)),
                )
                for task, delivery in those
            ]
            future = calls.submit(self._call, out)
            self._out[future] = out
            future.add_done_callback(self._ended.put)

    def _call(self, calls: list[_Call]) -> Sequence[Answer | LookUp]:
        task = calls[0].task
        span = call_span(
            to=self._rules.direction.value,
            operation=LOOK_UP if task.is_look_up else task.packet.value,
            attempts=[call.span for call in calls],
        )
        with ending(span):
            results = self._call_safely(calls)
            _note_call(span, said_by_target(results))
            return results

    def _call_safely(self, calls: list[_Call]) -> Sequence[Answer | LookUp]:
        task = calls[0].task
        try:
            return self._ask_portal(calls)
        except Exception as error:  # noqa: BLE001 - see below
            # The boundary of one call: a bug in it concerns its message, and stops at a person.
            # Its words may quote the message, so only its kind and its place are logged.
            log.error(  # noqa: TRY400 - see above
                "delivery.failed", message_id=task.message_id, **kind_and_place(error)
            )
            detail, rows = "internal error, see the log", len(calls)
            if task.is_look_up:
                return [LookUp(found=Found.FAILED, detail=detail)]
            return [Answer(outcome=Outcome.UNRECOGNISED, detail=detail, rows=rows)] * rows

    def _ask_portal(self, calls: list[_Call]) -> Sequence[Answer | LookUp]:
        reached(Point.DELIVER_CALLING)
        call, steady = calls[0], self._steady()
        task = call.task
        held = timedelta(seconds=steady - call.claimed_at)
        if held + self._rules.longest_call > self._rules.lease:
            # This process was frozen, or waited long, after the claim was written down. Another
            # worker may have the dossier soon, and a call that is out cannot be fenced off.
            detail = "the lease was too short to begin"
            if task.is_look_up:
                return [LookUp(found=Found.WITHHELD, detail=detail)]
            return [Answer(outcome=Outcome.WITHHELD, detail=detail)] * len(calls)
        if task.is_look_up:
            found = self._look_up(task)
            reached(Point.DELIVER_LOOKED_UP)
            return [found]
        # By the store's clock, if it has one: by it the portal's receipt is judged, and the clock
        # of one worker may be wrong.
        sent_at = call.steady_zero + timedelta(seconds=steady)
        answers = self._send([_request(one.task, sent_at=sent_at) for one in calls])
        reached(Point.DELIVER_ANSWERED)
        return answers

    def _send(self, requests: list[SendRequest]) -> list[Answer]:
        if len(requests) == 1:
            return [self._channel.send(requests[0])]
        assert isinstance(self._channel, RowsChannel), "the settings let no other have several"
        return self._channel.send_rows(requests)

    def _look_up(self, task: Task) -> LookUp:
        try:
            agency_code = self._agency_codes(task.agency)
        except ConfigError as error:
            # Its mapping is broken or gone: it goes on when that is mended.
            log.warning("delivery.profile_unusable", agency=task.agency, code=error.code)
            words = " ".join(error.text.en.split())
            return LookUp(found=Found.WITHHELD, detail=f"nothing was asked: {words}")
        return self._channel.look_up(agency_code=agency_code, dossier_code=task.dossier_code)

    def _ending(self, task: Task, result: Answer | LookUp, *, now: datetime) -> Ending:
        if isinstance(result, Answer):
            pacer = self._pacer_of(task)
            next_ = after_send(
                result.outcome,
                packet=task.packet,
                was_update=task.is_updating,
                target_is_suspect=pacer is not None and pacer.suspects(result, now=self._clock()),
                rows=result.rows,
            )
        else:
            fate = OpenFate(
                packet=task.packet,
                was_update=task.is_updating,
                document_digest=task.document_digest,
                unknown_since=task.unknown_since or now,
                failures=task.failures,
            )
            next_ = after_look_up(result, fate=fate, rules=self._rules.look_ups, now=now)
        if task.packet is Packet.INBOUND:
            next_ = replace(next_, reason=reason_to_agency(next_.reason))
        if isinstance(result, Answer) and result.outcome is Outcome.WITHHELD and result.retry_after:
            # Nothing was tried: no reason to leave it alone for longer and longer.
            soon = now + result.retry_after
            return Ending(task=task, result=result, next=next_, due_at=soon)
        due_at = not_before_retry_after(
            self._due(task, next_, now=now), retry_after=result.retry_after, now=now
        )
        return Ending(task=task, result=result, next=next_, due_at=due_at)

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

    def _settle(self, settled: list[tuple[Delivery, datetime | None]], *, now: datetime) -> None:
        """Let hints go, or come again; where the exchange is away it gives them back by itself."""
        try:
            self._acknowledge([hint for hint, due_at in settled if due_at is None])
            for hint, due_at in settled:
                if due_at is not None:
                    self._postpone(hint, delay=max(due_at - now, timedelta(0)))
        except BrokerUnavailable as error:
            log.warning("hint.exchange_away", cause=error.code)
            self._broker_back_at = self._steady() + BROKER_PAUSE_SECONDS

    def _acknowledge(self, hints: list[Delivery]) -> None:
        try:
            self._broker.ack(hints)
        except StaleDelivery:
            # Another worker has the hint by now; the store's fence keeps the two apart.
            log.info("hint.stale")

    def _postpone(self, hint: Delivery, *, delay: timedelta) -> None:
        try:
            self._broker.retry_later(hint, delay=delay)
        except StaleDelivery:
            log.info("hint.stale", hint=hint.message.id)

    def _tell(self, span: Span, end: Ending) -> None:
        """Have an attempt in the log, and its span ended."""
        span.note(state=end.next.state.value, outcome=outcome_of(end.result))
        with within(span.context):
            self._report(end)
        span.end()

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


def _begin_span(task: Task, traced: TracedMessage | None) -> Span:
    if traced is None:
        return NO_SPAN
    return deliver_span(
        {
            "submission": traced.submission_id,
            "message": task.message_id,
            "record": traced.record,
            "agency": task.agency,
            "packet": task.packet.value,
            "attempt": task.number,
            "updating": task.is_updating,
        },
        is_look_up=task.is_look_up,
        origin=traced.origin,
        record=traced.record,
        now=task.begun_at,
    )


def _note_call(span: Span, result: Answer | LookUp) -> None:
    """Tell what a call brought: codes, and whether a receipt came that holds."""
    outcome = outcome_of(result)
    span.note(outcome=outcome, code=getattr(result, "code", None), http_status=result.http_status)
    if isinstance(result, Answer):
        span.note(receipt=result.receipt is not None)
        if result.outcome is not Outcome.DELIVERED:
            span.fail(outcome)


def _tally(end: Ending, *, at: datetime) -> None:
    task = end.task
    direction = "down" if task.packet is Packet.INBOUND else "up"
    kind = LOOK_UP if task.is_look_up else SEND
    outcome = outcome_of(end.result)
    is_first = task.number == 1 and not task.is_look_up
    TALLIES.attempted(Attempt(direction, kind, outcome), is_retry=not (is_first or task.is_look_up))
    TALLIES.took(Stage.CALL, direction, at - task.begun_at)
    if is_first:
        TALLIES.took(Stage.FIRST_ATTEMPT, direction, task.begun_at - task.made_at)
    if end.next.state is State.DELIVERED:
        TALLIES.took(Stage.DELIVER, direction, at - task.made_at)


def _request(task: Task, *, sent_at: datetime) -> SendRequest:
    return SendRequest(
        packet=task.packet,
        message_id=task.message_id,
        dossier_code=task.dossier_code,
        document=task.document,
        is_updating=task.is_updating,
        attempt=task.number,
        sent_at=sent_at,
        agency=task.agency,
        file=task.file,
    )
