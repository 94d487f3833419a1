"""
Taking messages from a queue in portions of an exact size, and giving them back.

Each look opens a consumer whose prefetch is the size of the portion and ends it afterwards: nothing
is hoarded that another process could work on, and waiting costs the server nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from broker.rabbitmq.line import Line
from broker.rabbitmq.wire import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from pika import BasicProperties
    from pika.channel import Channel

    from broker.rabbitmq.settings import RabbitSettings
    from broker.rabbitmq.wire import Wire

LARGEST_PORTION = 10_000
"""Prefetch is a number of 16 bits."""


class Arrival(NamedTuple):
    """One message as it came; `wire` is where it must be settled."""

    wire: Wire
    delivery_tag: int
    properties: BasicProperties
    body: bytes


@dataclass(slots=True, eq=False)
class _Basket:
    """What a consumer got; filled by the wire's thread."""

    wire: Wire
    items: list[Arrival] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    def put(self, _channel: object, method: Any, properties: BasicProperties, body: bytes) -> None:
        self.items.append(Arrival(self.wire, method.delivery_tag, properties, body))
        self.arrived.set()


class Consumer:
    """
    A connection of its own for taking and settling; it goes on while publishing is blocked.

    Args:
        settings: How the server is reached.
        tick: Runs in the connection's thread, again and again, with its channel.
        pause: Waits for the event, at most the given seconds.
    """

    def __init__(
        self,
        settings: RabbitSettings,
        *,
        tick: Callable[[Channel], None],
        pause: Callable[[threading.Event, float], object],
    ) -> None:
        self._tick = tick
        self._tick_seconds = settings.tick.total_seconds()
        self._pause = pause
        self._line = Line(settings, prepare=self._prepare)
        self._numbers = count(1)

    def take(self, queue: str, *, limit: int, naps: Iterator[float]) -> list[Arrival]:
        """
        Return at most `limit` messages of the server's `queue`, in its order.

        Waits through `naps` for the first one; returns an empty list when none came.
        """
        wire = self._line.wire()
        size = min(limit, LARGEST_PORTION)
        basket = _Basket(wire)
        tag = f"lienthong.{next(self._numbers)}"
        wire.call(partial(_open, queue, tag, size, basket))
        while not basket.items and (nap := next(naps, None)) is not None:
            self._pause(basket.arrived, nap)
            wire.check()
        wire.call(partial(_end, queue, tag, size, basket))
        return basket.items

    def remove(self, arrivals: Iterable[Arrival]) -> None:
        """Acknowledge; what came over a lost connection is the server's again."""
        _settle(arrivals, _ack)

    def give_back(self, arrivals: Iterable[Arrival]) -> None:
        """Put messages back to where they were; each such return counts on the server."""
        _settle(arrivals, _nack)

    def count(self, queues: Sequence[str]) -> int:
        """Return how many messages wait in the server's `queues` together."""
        wire = self._line.wire()
        return sum(wire.call(partial(_count, queue)) for queue in queues)

    def close(self) -> None:
        """End the connection; everything lent goes back."""
        self._line.close()

    def _prepare(self, wire: Wire) -> None:
        wire.every(self._tick_seconds, self._tick)


def _open(
    queue: str, tag: str, size: int, basket: _Basket, channel: Channel, future: Future[None]
) -> None:
    channel.basic_qos(prefetch_count=size, callback=lambda _: None)
    channel.basic_consume(
        queue, basket.put, consumer_tag=tag, callback=lambda _: answer(future, None)
    )


def _end(
    queue: str, tag: str, size: int, basket: _Basket, channel: Channel, future: Future[None]
) -> None:
    # The queue answers the first question after it has handed out what it had; by the second the
    # channel has passed that on. Only then may the consumer end: pika sends back what comes later.
    def cancel(_: object = None) -> None:
        channel.basic_cancel(tag, callback=lambda _: answer(future, None))

    def ask_again(_: object) -> None:
        channel.queue_declare(queue, passive=True, callback=cancel)

    if len(basket.items) >= size:
        cancel()
    else:
        channel.queue_declare(queue, passive=True, callback=ask_again)


def _count(queue: str, channel: Channel, future: Future[int]) -> None:
    channel.queue_declare(
        queue,
        passive=True,
        callback=lambda frame: answer(future, frame.method.message_count),
    )


def _settle(arrivals: Iterable[Arrival], how: Callable[[Channel, int], None]) -> None:
    by_wire: dict[Wire, list[int]] = {}
    for arrival in arrivals:
        by_wire.setdefault(arrival.wire, []).append(arrival.delivery_tag)
    for wire, tags in by_wire.items():
        if not wire.is_lost:
            wire.call(partial(_settle_all, tags, how))


def _settle_all(
    tags: list[int], how: Callable[[Channel, int], None], channel: Channel, future: Future[None]
) -> None:
    for tag in tags:
        how(channel, tag)
    answer(future, None)


def _ack(channel: Channel, tag: int) -> None:
    channel.basic_ack(tag)


def _nack(channel: Channel, tag: int) -> None:
    channel.basic_nack(tag, requeue=True)
