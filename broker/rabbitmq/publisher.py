"""
Publishing that returns when the server has everything: mandatory, persistent, confirmed in batches.

A quorum queue confirms a message when it is on the disks of a majority. Confirms come in any order,
single and multiple mixed, so the open tags are kept one by one; a message that found no queue comes
back before its confirm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from pika.spec import Basic

from broker.port import BrokerUnavailable
from broker.rabbitmq.envelope import Envelope, properties_of
from broker.rabbitmq.errors import refused, unroutable
from broker.rabbitmq.line import Line
from broker.rabbitmq.wire import answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from pika import BasicProperties
    from pika.channel import Channel

    from broker.rabbitmq.settings import RabbitSettings
    from broker.rabbitmq.wire import Wire

WINDOW = 1_000
"""Messages whose confirms are awaited together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One message and where it goes."""

    exchange: str
    key: str
    properties: BasicProperties
    body: bytes


def post(exchange: str, key: str, envelope: Envelope) -> Posting:
    """Return the posting of a message of ours."""
    return Posting(
        exchange=exchange,
        key=key,
        properties=properties_of(envelope),
        body=envelope.message.body,
    )


@dataclass(slots=True, kw_only=True)
class Failures:
    """The messages that are in no queue."""

    returned: list[str] = field(default_factory=list)
    """Routing keys of those for which there is no queue, one per message."""
    refused: list[int] = field(default_factory=list)
    """Places of those that the server did not take: their queue is full, or has no majority."""


@dataclass(slots=True, eq=False)
class _Flight:
    """One batch on its way; touched by the wire's thread only."""

    future: Future[Failures]
    open: dict[int, int] = field(default_factory=dict)
    """Tags that wait for their confirms, rising, with the places of their messages."""
    returned: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def finish(self) -> None:
        if not self.open and not self.future.done():
            self.future.set_result(Failures(returned=self.returned, refused=self.refused))


class Publisher:
    """A connection of its own for publishing: an alarm of the server stops nothing but this."""

    def __init__(self, settings: RabbitSettings) -> None:
        self._line = Line(settings, prepare=self._prepare)
        self._next_tag = 1
        self._flight: _Flight | None = None

    def publish(self, postings: Sequence[Posting]) -> None:
        """
        Return when all `postings` are durable in a queue.

        Raises:
            BrokerUnavailable: none is promised; trying again helps.
            BrokerError: some found no queue; none is promised.
        """
        for failures in self._publish(postings):
            if failures.returned:
                raise unroutable(failures.returned)
            if failures.refused:
                raise refused(len(failures.refused))

    def publish_each(self, postings: Sequence[Posting]) -> Failures:
        """
        Return when all `postings` are durable in a queue, except for those that are returned.

        Raises as `publish` does when the connection breaks.
        """
        found = Failures()
        for window, failures in enumerate(self._publish(postings)):
            found.returned += failures.returned
            found.refused += [window * WINDOW + place for place in failures.refused]
        return found

    def _publish(self, postings: Sequence[Posting]) -> Iterator[Failures]:
        for start in range(0, len(postings), WINDOW):
            wire = self._line.wire()
            failures = wire.call(partial(self._send, postings[start : start + WINDOW]))
            if failures.refused:
                # A channel that meets a queue while it has no leader is refused from then on, also
                # when there is one again (seen with 3.10).
                self._line.drop()
            yield failures

    def close(self) -> None:
        """End the connection."""
        self._line.close()

    def _prepare(self, wire: Wire) -> None:
        def start(channel: Channel, future: Future[None]) -> None:
            self._next_tag, self._flight = 1, None
            channel.add_on_return_callback(self._returned)
            channel.confirm_delivery(self._confirmed, callback=lambda _: answer(future, None))

        wire.call(start)

    # What follows runs in the wire's thread.

    def _send(
        self, postings: Sequence[Posting], channel: Channel, future: Future[Failures]
    ) -> None:
        if self._flight is not None and self._flight.open:
            raise BrokerUnavailable("the confirms of an earlier batch are still missing")
        self._flight = flight = _Flight(future)
        for place, posting in enumerate(postings):
            channel.basic_publish(
                posting.exchange,
                posting.key,
                posting.body,
                posting.properties,
                mandatory=True,
            )
            flight.open[self._next_tag] = place
            self._next_tag += 1

    def _confirmed(self, frame: Any) -> None:
        flight = self._flight
        if flight is None:
            return
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            tags = list(takewhile(lambda tag: tag <= method.delivery_tag, flight.open))
        places = [flight.open.pop(tag) for tag in tags if tag in flight.open]
        if isinstance(method, Basic.Nack):
            flight.refused += places
        flight.finish()

    def _returned(self, _channel: object, method: Any, _properties: object, _body: bytes) -> None:
        if self._flight is not None:
            self._flight.returned.append(method.routing_key)
