"""
Taking what the agencies send: all their queues at once, over one connection, without asking.

Every queue has one active consumer among all workers, so that an agency's order is kept. A quorum
queue puts what comes back behind what came back before: the order stays only where everything that
came back is out again at once, so all workers need the same `prefetch`, and nothing is ever given
back one by one. What kills its worker is found by `shelf`; as many returns as this process survived
(the connection was cut, the server restarted) are held against no message.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from itertools import count, takewhile
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from broker.rabbitmq.envelope import DELIVERY_LIMIT
from broker.rabbitmq.errors import no_inbound_queue, stale, translated
from broker.rabbitmq.inbound import incoming_of, parking, parking_headers
from broker.rabbitmq.line import Line
from broker.rabbitmq.publisher import Publisher
from broker.rabbitmq.shelf import Shelf
from broker.rabbitmq.wire import answer
from broker.waiting import naps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from datetime import datetime, timedelta

    from pika import BasicProperties
    from pika.channel import Channel

    from broker.port import Incoming
    from broker.rabbitmq.settings import RabbitSettings
    from broker.rabbitmq.wire import Wire

PREFETCH = 100
"""Messages of one agency that are out at once; times the largest message, that is memory."""
LOOK_AGAIN_SECONDS = 30.0
"""After so long a queue that was missing is looked for again."""
NOT_FOUND = 404
CALM_SECONDS = 0.25
"""Without an arrival, after which nothing is on its way."""
CALM_LONGEST_SECONDS = 2.0


@dataclass(slots=True, eq=False, kw_only=True)
class _Lent:
    """One message that is out, as it came."""

    wire: Wire
    delivery_tag: int
    properties: BasicProperties


Arrival: TypeAlias = "tuple[Incoming, _Lent]"


@dataclass(slots=True, eq=False)
class _Basket:
    """What has come over one connection; filled by the wire's thread."""

    wire: Wire
    arrived: threading.Event
    items: deque[Arrival] = field(default_factory=deque)
    open: dict[int, None] = field(default_factory=dict)
    """Delivery tags that are not settled, rising; the wire's thread alone touches them."""


class RabbitInbox:
    """
    The port `Inbox` on RabbitMQ; one instance per thread. Connects when it is first used.

    Args:
        settings: How the server is reached; its plan names the agencies.
        clock: Tells the time, aware.
        prefetch: See `PREFETCH`.
    """

    def __init__(
        self,
        settings: RabbitSettings,
        *,
        clock: Callable[[], datetime],
        prefetch: int = PREFETCH,
    ) -> None:
        self._plan = settings.plan
        self._clock = clock
        self._prefetch = prefetch
        self._line = Line(settings, prepare=self._prepare)
        self._publisher = Publisher(settings)
        self._arrived = threading.Event()
        self._shelf = Shelf(random=Random())  # noqa: S311 - breaks ties, is no secret
        self._basket: _Basket | None = None
        self._lent: dict[str, _Lent] = {}
        self._survived = 0
        self._missing: dict[str, float] = {}
        """Agencies without a queue, and the monotonic second from which it is looked for again."""
        self._resting: frozenset[str] = frozenset()
        # Another instance's tag must fit nothing here.
        self._instance = uuid4().hex[:12]
        self._numbers = count(1)

    def receive(self, *, limit: int, wait: timedelta) -> list[Incoming]:
        """See `Inbox.receive`."""
        wire = self._line.wire()
        self._look_for_missing(wire)
        left = naps(wait)
        while not (found := self._take(limit=limit)):
            wire.check()
            nap = next(left, None)
            if nap is None:
                break
            self._arrived.wait(nap)
        return found

    def rest(self, is_resting: Callable[[str], bool]) -> None:
        """See `Inbox.rest`."""
        resting = frozenset(agency for agency in self._plan.agencies if is_resting(agency))
        before, self._resting = self._resting, resting
        if self._basket is None or self._basket.wire.is_lost or resting == before:
            return
        if resting - before:
            # Everything that is out goes back at once, which keeps its order. Held back here, or
            # given back one by one, it would be counted as its worker's death again and again.
            self._calm_down()
            self._line.drop()
            return
        for agency in before - resting:
            self._open(self._basket.wire, agency)

    def ack(self, messages: Sequence[Incoming]) -> None:
        """See `Inbox.ack`."""
        lent = [lent for m in messages if (lent := self._take_lent(m.tag)) is not None]
        if lent and self._basket is not None:
            tags = {one.delivery_tag for one in lent}
            self._basket.wire.call(partial(self._settle, self._basket, tags))
        if len(lent) < len(messages):
            raise stale(len(messages) - len(lent), len(messages))

    def park(self, message: Incoming, *, reason: str) -> None:
        """See `Inbox.park`."""
        self._park(message, reason=reason, attempt=message.delivery_count + 1)

    def _park(self, message: Incoming, *, reason: str, attempt: int) -> None:
        lent = self._lent.get(message.tag)
        if lent is None or lent.wire.is_lost:
            raise stale(1, 1)
        headers = parking_headers(
            message, lent.properties, reason=reason, attempt=attempt, at=self._clock()
        )
        posting = parking(message, lent.properties, plan=self._plan, headers=headers)
        self._publisher.publish([posting])
        self.ack([message])

    @property
    def missing(self) -> tuple[str, ...]:
        """See `Inbox.missing`."""
        return tuple(sorted(self._missing))

    def close(self) -> None:
        """See `Inbox.close`."""
        self._calm_down()
        self._line.close()
        self._publisher.close()

    def __enter__(self) -> RabbitInbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _calm_down(self) -> None:
        """
        Let what is on its way arrive, before everything goes back.

        What the server sends in the very moment in which the connection ends comes again before
        what was out already (seen on 3.10.8); so nothing may be on its way then.
        """
        if self._basket is None or self._basket.wire.is_lost:
            return
        ends = time.monotonic() + CALM_LONGEST_SECONDS
        while time.monotonic() < ends:
            self._arrived.clear()
            if not self._arrived.wait(CALM_SECONDS):
                return

    def _take(self, *, limit: int) -> list[Incoming]:
        self._arrived.clear()
        if self._basket is not None:
            while self._basket.items:
                message, lent = self._basket.items.popleft()
                self._lent[message.tag] = lent
                # A poison would have ended this process, and its memory of what it survived.
                self._shelf.put(message, deaths=message.delivery_count - self._survived)
        while guilty := self._shelf.guilty(limit=self._plan.delivery_limit):
            # Now, not at the server's own limit: everything that was out with it would go too.
            self._park(guilty, reason=DELIVERY_LIMIT, attempt=guilty.delivery_count)
            self._shelf.remove(guilty)
        return self._shelf.take(limit=limit)

    def _take_lent(self, tag: str) -> _Lent | None:
        lent = self._lent.pop(tag, None)
        return None if lent is None or lent.wire.is_lost else lent

    # Opening

    def _prepare(self, wire: Wire) -> None:
        if self._basket is not None:
            self._survived += 1
        self._shelf.reset(self._plan.agencies)
        self._lent.clear()
        self._missing.clear()
        self._basket = _Basket(wire, self._arrived)
        for agency in self._plan.agencies:
            if agency not in self._resting:
                self._open(wire, agency)
        if self._missing and len(self._missing) == len(self._plan.agencies):
            raise no_inbound_queue([self._plan.inbound(agency) for agency in self._missing])

    def _open(self, wire: Wire, agency: str) -> None:
        queue = self._plan.inbound(agency)
        if not wire.call(partial(_ask_whether_there, queue)):
            self._missing[agency] = time.monotonic() + LOOK_AGAIN_SECONDS
            return
        self._missing.pop(agency, None)
        assert self._basket is not None
        put = partial(self._put, self._basket, agency)
        wire.call(partial(_consume, queue, self._next_name(), self._prefetch, put))

    def _look_for_missing(self, wire: Wire) -> None:
        now = time.monotonic()
        for agency in [agency for agency, at in self._missing.items() if at <= now]:
            self._open(wire, agency)

    def _next_name(self) -> str:
        return f"{self._instance}.{next(self._numbers)}"

    # What follows runs in the wire's thread.

    def _put(
        self,
        basket: _Basket,
        agency: str,
        _channel: object,
        method: Any,
        properties: BasicProperties,
        body: bytes,
    ) -> None:
        basket.open[method.delivery_tag] = None
        message = incoming_of(
            properties,
            body,
            tag=self._next_name(),
            agency=agency,
            redelivered=method.redelivered,
        )
        lent = _Lent(
            wire=basket.wire,
            delivery_tag=method.delivery_tag,
            properties=properties,
        )
        basket.items.append((message, lent))
        basket.arrived.set()

    def _settle(
        self, basket: _Basket, settled: set[int], channel: Channel, future: Future[None]
    ) -> None:
        # Fast path: everything up to the last one of an unbroken row by one word.
        row = list(takewhile(settled.__contains__, basket.open))
        if row:
            channel.basic_ack(row[-1], multiple=True)
        for tag in sorted(settled.difference(row)):
            channel.basic_ack(tag)
        for tag in settled:
            del basket.open[tag]
        answer(future, None)


def _ask_whether_there(queue: str, channel: Channel, future: Future[bool]) -> None:
    # On a channel of its own: the answer "no" ends the channel.
    def closed(_: object, reason: Any) -> None:
        if future.done():
            return
        if getattr(reason, "reply_code", None) == NOT_FOUND:
            future.set_result(False)
        else:
            future.set_exception(translated(reason))

    def opened(own: Channel) -> None:
        own.add_on_close_callback(closed)

        def there(_: object) -> None:
            answer(future, True)
            own.close()

        own.queue_declare(queue, passive=True, callback=there)

    channel.connection.channel(on_open_callback=opened)


def _consume(
    queue: str,
    tag: str,
    prefetch: int,
    put: Callable[..., None],
    channel: Channel,
    future: Future[None],
) -> None:
    channel.basic_qos(prefetch_count=prefetch, callback=lambda _: None)
    channel.basic_consume(queue, put, consumer_tag=tag, callback=lambda _: answer(future, None))
