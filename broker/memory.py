"""
A broker in memory, for tests: it forgets everything with the process and forgives nothing.

Strict means that a settle which a durable broker would refuse is refused here too: a second settle
of the same lending, or one that comes after the message was lent to somebody else. Several
instances on one `MemoryExchange` compete as consumers in several processes would.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from broker.port import BrokerError, Delivery, Message, Parked, StaleDelivery
from broker.waiting import naps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType


@dataclass(slots=True, kw_only=True)
class _Held:
    """One message in the exchange."""

    sequence: int
    queue: str
    message: Message
    first_seen_at: datetime
    due_at: datetime
    """When it may be lent; while it is lent, when the lease ends; once parked, when that was."""
    attempt: int = 0
    lent: bool = False
    reason: str | None = None
    """Why it is parked; None while it is in its queue."""

    @property
    def order(self) -> tuple[datetime, int]:
        return self.due_at, self.sequence


@dataclass(slots=True, eq=False)
class MemoryExchange:
    """What several `MemoryBroker` share; usable from several threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    held: dict[int, _Held] = field(default_factory=dict)
    published: int = 0
    """How many messages were ever published; the last one's sequence number."""


class MemoryBroker:
    """
    The port in memory.

    Args:
        clock: Tells the time, aware; leases and delays end by it.
        sleep: Waits the given seconds; a test passes one that moves its clock.
        exchange: Shared with other instances; a new one of its own when None.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        exchange: MemoryExchange | None = None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._shared = MemoryExchange() if exchange is None else exchange
        self._closed = False

    def publish(self, queue: str, messages: Sequence[Message]) -> None:
        """See `Broker.publish`; here nothing outlives the process."""
        now = self._clock()
        exchange = self._open()
        with exchange.lock:
            for message in messages:
                exchange.published += 1
                copy = Message(
                    id=message.id, body=bytes(message.body), headers=dict(message.headers)
                )
                exchange.held[exchange.published] = _Held(
                    sequence=exchange.published,
                    queue=queue,
                    message=copy,
                    first_seen_at=now,
                    due_at=now,
                )

    def receive(
        self, queue: str, *, limit: int, lease: timedelta, wait: timedelta
    ) -> list[Delivery]:
        """See `Broker.receive`."""
        deliveries = self._lend(queue, limit=limit, lease=lease)
        for nap in naps(wait):
            if deliveries or limit < 1:
                break
            self._sleep(nap)
            deliveries = self._lend(queue, limit=limit, lease=lease)
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Broker.ack`."""
        exchange = self._open()
        stale = []
        with exchange.lock:
            for delivery in deliveries:
                held = _lent(exchange, delivery)
                if held is None:
                    stale.append(delivery)
                else:
                    del exchange.held[held.sequence]
        if stale:
            raise StaleDelivery(f"{len(stale)} of {len(deliveries)} deliveries are stale")

    def retry_later(self, delivery: Delivery, *, delay: timedelta) -> None:
        """See `Broker.retry_later`."""
        self._give_back(delivery, due_at=self._clock() + delay, reason=None)

    def park(self, delivery: Delivery, *, reason: str) -> None:
        """See `Broker.park`."""
        self._give_back(delivery, due_at=self._clock(), reason=reason)

    def parked(self, *, limit: int = 100) -> list[Parked]:
        """See `Broker.parked`."""
        exchange = self._open()
        with exchange.lock:
            found = [
                (
                    held.order,
                    Parked(
                        message=held.message,
                        queue=held.queue,
                        reason=held.reason,
                        attempt=held.attempt,
                        parked_at=held.due_at,
                    ),
                )
                for held in exchange.held.values()
                if held.reason is not None
            ]
        found.sort(key=lambda item: item[0])
        return [parked for _, parked in found[: max(limit, 0)]]

    def replay(self, message_ids: Sequence[str]) -> int:
        """See `Broker.replay`."""
        wanted = frozenset(message_ids)
        now = self._clock()
        exchange = self._open()
        with exchange.lock:
            found = [
                held
                for held in exchange.held.values()
                if held.reason is not None and held.message.id in wanted
            ]
            for held in found:
                held.reason, held.due_at = None, now
        return len(found)

    def depth(self, queue: str) -> int:
        """See `Broker.depth`."""
        now = self._clock()
        exchange = self._open()
        with exchange.lock:
            return sum(
                held.queue == queue
                and held.reason is None
                and (not held.lent or held.due_at <= now)
                for held in exchange.held.values()
            )

    def close(self) -> None:
        """See `Broker.close`."""
        self._closed = True

    def __enter__(self) -> MemoryBroker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> MemoryExchange:
        if self._closed:
            raise BrokerError("this broker was closed; open a new one")
        return self._shared

    def _lend(self, queue: str, *, limit: int, lease: timedelta) -> list[Delivery]:
        now = self._clock()
        exchange = self._open()
        with exchange.lock:
            due = sorted(
                (
                    held
                    for held in exchange.held.values()
                    if held.queue == queue and held.reason is None and held.due_at <= now
                ),
                key=lambda held: held.order,
            )[: max(limit, 0)]
            for held in due:
                held.lent, held.due_at = True, now + lease
                held.attempt += 1
            return [_delivery(held) for held in due]

    def _give_back(self, delivery: Delivery, *, due_at: datetime, reason: str | None) -> None:
        exchange = self._open()
        with exchange.lock:
            held = _lent(exchange, delivery)
            if held is None:
                raise StaleDelivery("the delivery was settled before or lent to another consumer")
            held.lent, held.due_at, held.reason = False, due_at, reason


def _delivery(held: _Held) -> Delivery:
    return Delivery(
        tag=f"{held.sequence}.{held.attempt}",
        queue=held.queue,
        message=held.message,
        attempt=held.attempt,
        first_seen_at=held.first_seen_at,
    )


def _lent(exchange: MemoryExchange, delivery: Delivery) -> _Held | None:
    sequence, _, attempt = delivery.tag.partition(".")
    held = exchange.held.get(int(sequence))
    if held is None or not held.lent or held.attempt != int(attempt):
        return None
    return held
