"""
The port on RabbitMQ: any number of processes on any number of machines.

A `publish` that returned is in a quorum queue, on the disks of a majority. A delayed message waits
in queues of fixed times and comes back to its work queue, where whoever meets it before it is due
sends it round again. A message moves (to a delay, to parking, back) by being published there and
then acknowledged here: a crash in between doubles a hint and loses none.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from broker.port import BrokerError, BrokerUnavailable, Delivery, Message, Parked
from broker.rabbitmq.consumer import Arrival, Consumer
from broker.rabbitmq.envelope import DELIVERY_LIMIT, Envelope, envelope_of
from broker.rabbitmq.errors import stale
from broker.rabbitmq.inbound import Returned, giving_back, returned_of
from broker.rabbitmq.lendings import Lending, Lendings
from broker.rabbitmq.publisher import Posting, Publisher, post
from broker.rabbitmq.topology import PARKED
from broker.waiting import naps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType

    from pika.channel import Channel

    from broker.rabbitmq.settings import RabbitSettings

Taken: TypeAlias = tuple[Arrival, Envelope]

PORTION = 50
"""Messages of the parking queue that are held at once; an agency's may have 8 MiB."""


class RabbitBroker:
    """
    The port on RabbitMQ; one instance per thread. Connects when it is first used.

    Args:
        settings: How the server is reached, and the plan its topology was made from.
        clock: Tells the time, aware; leases and due times go by it.
        pause: Waits for an event, at most the given seconds; a test passes one that moves its
            clock.
    """

    def __init__(
        self,
        settings: RabbitSettings,
        *,
        clock: Callable[[], datetime],
        pause: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._plan = settings.plan
        self._clock = clock
        self._lendings = Lendings()
        self._held: dict[str, list[Taken]] = {}
        self._publisher = Publisher(settings)
        self._consumer = Consumer(settings, tick=self._end_leases, pause=pause)

    def publish(self, queue: str, messages: Sequence[Message]) -> None:
        """See `Broker.publish`; confirmed in batches, mandatory."""
        now = self._clock()
        self._publisher.publish(
            [
                self._work(Envelope(message=message, queue=queue, first_seen_at=now, due_at=now))
                for message in messages
            ]
        )

    def receive(
        self, queue: str, *, limit: int, lease: timedelta, wait: timedelta
    ) -> list[Delivery]:
        """See `Broker.receive`; oldest due first within what is taken at once."""
        if limit < 1:
            return []
        left = naps(wait)
        ready = self._held_and_due(queue, limit=limit)
        while not ready:
            due, early = self._take(queue, limit=limit, left=left)
            self._send_round(queue, early, due)
            if due or not early or queue in self._held:
                ready = due
                break
        return self._lend(ready, lease=lease)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """See `Broker.ack`."""
        taken = [self._lendings.take(delivery.tag) for delivery in deliveries]
        lendings = [lending for lending in taken if lending is not None]
        self._consumer.remove([lending.arrival for lending in lendings])
        if len(lendings) < len(deliveries):
            raise stale(len(deliveries) - len(lendings), len(deliveries))

    def retry_later(self, delivery: Delivery, *, delay: timedelta) -> None:
        """See `Broker.retry_later`; due at most the shortest tier too late."""
        due_at = self._clock() + delay
        self._move(delivery, lambda envelope: self._waiting(replace(envelope, due_at=due_at)))

    def park(self, delivery: Delivery, *, reason: str) -> None:
        """See `Broker.park`."""
        now = self._clock()
        self._move(
            delivery,
            lambda envelope: post(
                self._plan.parking_exchange,
                PARKED,
                replace(envelope, reason=reason, parked_at=now),
            ),
        )

    def parked(self, *, limit: int = 100) -> list[Parked]:
        """See `Broker.parked`; what another process looks at in this moment is not shown."""
        arrivals: list[Arrival] = []
        found: list[Parked] = []
        try:
            while len(arrivals) < limit and (
                more := self._look(limit=min(PORTION, limit - len(arrivals)))
            ):
                arrivals += [arrival._replace(body=b"") for arrival in more]
                found += [self._parked(arrival) for arrival in more]
        finally:
            self._consumer.give_back(arrivals)
        return sorted(found, key=lambda parked: parked.parked_at)

    def replay(self, message_ids: Sequence[str]) -> int:
        """See `Broker.replay`; looks through the whole parking queue."""
        wanted = frozenset(message_ids)
        others: list[Arrival] = []
        count = 0
        try:
            while wanted and (portion := self._look(limit=PORTION)):
                others += [arrival._replace(body=b"") for arrival in portion]
                chosen = [a for a in portion if self._parked(a).message.id in wanted]
                self._publisher.publish([self._replayed(arrival) for arrival in chosen])
                self._consumer.remove(chosen)
                gone = {arrival.delivery_tag for arrival in chosen}
                others = [arrival for arrival in others if arrival.delivery_tag not in gone]
                count += len(chosen)
        finally:
            self._consumer.give_back(others)
        return count

    def depth(self, queue: str) -> int:
        """See `Broker.depth`; a message that moves in this moment may count twice or not at all."""
        plan = self._plan
        delays = [plan.delay_queue(queue, tier) for tier in plan.tiers]
        return self._consumer.count([plan.work_queue(queue), *delays])

    def close(self) -> None:
        """See `Broker.close`; deliveries not settled come back at once."""
        self._consumer.close()
        self._publisher.close()

    def __enter__(self) -> RabbitBroker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(
        self, queue: str, *, limit: int, left: Iterator[float]
    ) -> tuple[list[Taken], list[Taken]]:
        arrivals = self._consumer.take(self._plan.work_queue(queue), limit=limit, naps=left)
        now = self._clock()
        found = [(arrival, self._envelope(arrival, queue=queue)) for arrival in arrivals]
        due = [item for item in found if item[1].due_at <= now]
        early = [item for item in found if item[1].due_at > now]
        return due, early

    def _send_round(self, queue: str, early: Sequence[Taken], due: Sequence[Taken]) -> None:
        # Each return to the queue counts against the delivery limit, and an alarm of the server may
        # last for hours: what cannot be sent on stays here, and is lent when it is due.
        try:
            self._publisher.publish([self._waiting(envelope) for _, envelope in early])
        except BrokerUnavailable:
            self._held.setdefault(queue, []).extend(early)
            return
        except BrokerError:
            self._held.setdefault(queue, []).extend([*due, *early])
            raise
        self._consumer.remove([arrival for arrival, _ in early])

    def _held_and_due(self, queue: str, *, limit: int) -> list[Taken]:
        now = self._clock()
        held = [item for item in self._held.pop(queue, []) if not item[0].wire.is_lost]
        due = [item for item in held if item[1].due_at <= now][:limit]
        left = [item for item in held if item not in due]
        if left:
            self._held[queue] = left
        return due

    def _lend(self, due: Sequence[Taken], *, lease: timedelta) -> list[Delivery]:
        ends_at = self._clock() + lease
        deliveries = []
        for arrival, found in sorted(due, key=lambda item: item[1].due_at):
            envelope = replace(found, attempt=found.attempt + 1)
            tag = self._lendings.lend(Lending(arrival=arrival, envelope=envelope, ends_at=ends_at))
            deliveries.append(
                Delivery(
                    tag=tag,
                    queue=envelope.queue,
                    message=envelope.message,
                    attempt=envelope.attempt,
                    first_seen_at=envelope.first_seen_at,
                )
            )
        return deliveries

    def _move(self, delivery: Delivery, posting: Callable[[Envelope], Posting]) -> None:
        lending = self._lendings.take(delivery.tag)
        if lending is None:
            raise stale(1, 1)
        try:
            self._publisher.publish([posting(lending.envelope)])
        except BrokerError:
            self._lendings.put_back(delivery.tag, lending)
            raise
        self._consumer.remove([lending.arrival])

    def _work(self, envelope: Envelope) -> Posting:
        return post(self._plan.work_exchange, envelope.queue, envelope)

    def _waiting(self, envelope: Envelope) -> Posting:
        left = envelope.due_at - self._clock()
        if left.total_seconds() <= 0:
            return self._work(envelope)
        key = self._plan.delay_key(envelope.queue, self._plan.tier(left))
        return post(self._plan.delay_exchange, key, envelope)

    def _replayed(self, arrival: Arrival) -> Posting:
        if (returned := self._returned(arrival)) is not None:
            return giving_back(returned, plan=self._plan)
        envelope = self._envelope(arrival, queue="")
        return self._work(replace(envelope, due_at=self._clock(), reason=None, parked_at=None))

    def _parked(self, arrival: Arrival) -> Parked:
        if (returned := self._returned(arrival)) is not None:
            # An agency's message may be large, and carries persons' data: it is not shown.
            return Parked(
                message=Message(id=returned.id, body=b""),
                queue=f"in.{returned.agency}",
                reason=returned.reason,
                attempt=returned.attempt,
                parked_at=returned.parked_at,
            )
        envelope = self._envelope(arrival, queue="")
        by_server = self._plan.delivery_limit + 1 if envelope.reason == DELIVERY_LIMIT else 0
        return Parked(
            message=envelope.message,
            queue=envelope.queue,
            reason=envelope.reason or "",
            attempt=envelope.attempt + by_server,
            parked_at=envelope.parked_at or self._clock(),
        )

    def _returned(self, arrival: Arrival) -> Returned | None:
        return returned_of(arrival.properties, arrival.body, plan=self._plan, now=self._clock())

    def _look(self, *, limit: int) -> list[Arrival]:
        return self._consumer.take(self._plan.parking_queue, limit=limit, naps=iter(()))

    def _envelope(self, arrival: Arrival, *, queue: str) -> Envelope:
        return envelope_of(arrival.properties, arrival.body, queue=queue, now=self._clock())

    def _end_leases(self, channel: Channel) -> None:
        # Runs in the connection's thread, and only with its channel.
        for lending in self._lendings.take_ended(self._clock()):
            channel.basic_nack(lending.arrival.delivery_tag, requeue=True)
