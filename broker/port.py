"""
The exchange as the rest of the product sees it: durable work messages, and nothing of how.

A message in the broker is a hint that there is work (ids, no payload): it may be lost, doubled
or re-ordered without harm, because the message store decides order and state. Implementations:
`broker.memory` (a strict fake for tests), `broker.sqlite` (one machine), RabbitMQ (a cluster).
All of them pass `tests/contract/test_broker.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from types import TracebackType


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One hint to publish."""

    id: str
    """Unique per hint; consumers use it in logs only, never to decide."""
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message lent to a consumer until it is settled or its lease ends."""

    tag: str
    """Names this very lending: settling with an earlier lending's tag raises `StaleDelivery`."""
    queue: str
    message: Message
    attempt: int
    """1 for the first lending; counts every lending of this message."""
    first_seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """One message that nothing takes from the parking place by itself."""

    message: Message
    queue: str
    """The queue it came from and returns to when replayed."""
    reason: str
    attempt: int
    parked_at: datetime


class BrokerError(Exception):
    """The exchange failed; nothing was taken over unless the call returned."""

    code = "broker.failed"

    def __init__(self, en: str, *, vi: str | None = None) -> None:
        super().__init__(en)
        self.en = en
        self.vi = en if vi is None else vi


class StaleDelivery(BrokerError):
    """The delivery was settled before, or its lease ended and it was lent to another consumer."""

    code = "broker.stale"


class BrokerUnavailable(BrokerError):
    """The exchange cannot be reached now; trying again helps."""

    code = "broker.unavailable"


class Broker(Protocol):
    """The port. One instance per thread; every method may raise `BrokerUnavailable`."""

    def publish(self, queue: str, messages: Sequence[Message]) -> None:
        """Return only when all `messages` are durable in `queue`; on an error none is promised."""

    def receive(
        self, queue: str, *, limit: int, lease: timedelta, wait: timedelta
    ) -> list[Delivery]:
        """
        Lend up to `limit` due messages, oldest due first, each for `lease`.

        Waits up to `wait` for the first one and returns an empty list when none came. A message
        whose lease ended without being settled is lent again.
        """

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Remove the messages for good; raise StaleDelivery after removing those not stale."""

    def retry_later(self, delivery: Delivery, *, delay: timedelta) -> None:
        """Put the message back into its queue, due after `delay`. Raises StaleDelivery."""

    def park(self, delivery: Delivery, *, reason: str) -> None:
        """Move the message to the parking place, with the reason. Raises StaleDelivery."""

    def parked(self, *, limit: int = 100) -> list[Parked]:
        """Return parked messages, oldest first."""

    def replay(self, message_ids: Sequence[str]) -> int:
        """Put parked messages back into their queues, due now; return how many were there."""

    def depth(self, queue: str) -> int:
        """Return how many messages wait in `queue`, delayed ones included, lent ones not."""

    def close(self) -> None:
        """Release connections; deliveries not settled come back when their lease ends."""

    def __enter__(self) -> Broker: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message of an agency, lent until it is acknowledged or the connection ends."""

    tag: str
    """Names this very lending."""
    agency: str
    """Whose queue it came from; only that agency can feed it."""
    claimed_agency: str | None
    """What the sender's header `agency` says, if there is one; never trusted."""
    message_id: str | None
    content_type: str | None
    content_encoding: str | None
    headers: Mapping[str, str]
    """Those whose values are text, whole numbers or truth values."""
    unreadable: bool
    """Whether the headers could not be read; `headers` is empty then."""
    body: bytes
    redelivered: bool
    delivery_count: int
    """How often it was lent before and came back; 0 for the first lending."""


class Inbox(Protocol):
    """
    What the agencies send, taken from all their queues at once. One instance per thread.

    Each agency's messages are handed over in the order it sent them. What is not acknowledged when
    the connection ends comes again, in the same order.
    """

    def receive(self, *, limit: int, wait: timedelta) -> list[Incoming]:
        """
        Return up to `limit` messages, waiting up to `wait` for the first; an empty list if none.

        A message that was lent before comes alone: it may be what ended its last worker. Raises
        BrokerUnavailable when the connection is lost; BrokerError names what somebody must mend.
        """

    def rest(self, is_resting: Callable[[str], bool]) -> None:
        """
        Take nothing from the queues of some agencies, from the next `receive` on.

        To be called when nothing is in the hand: what was lent may come again, in its order.
        """

    def ack(self, messages: Sequence[Incoming]) -> None:
        """Remove messages for good; raise StaleDelivery after removing those not stale."""

    def park(self, message: Incoming, *, reason: str) -> None:
        """Move a message to the parking place, whole, with the reason. Raises StaleDelivery."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Agencies whose queue is not there; the others' messages come all the same."""

    def close(self) -> None:
        """Release the connection; what was not acknowledged comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an agency is told about something it sent, or what is sent to it."""

    id: str
    """The same whenever this result is published again."""
    agency: str
    kind: str
    body: bytes
    about: str | None = None
    """The sender's own id of the message that it is about."""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTold:
    """Why not all results of one agency are in its queue."""

    error: BrokerError
    taken: int
    """How many are, from the first one on."""


class Outbox(Protocol):
    """The way of results to the agencies' queues. One instance per thread."""

    def publish(self, results: Sequence[Result]) -> dict[str, NotTold]:
        """
        Publish, and return for each agency for which it failed why, and how far it went.

        All results of every other agency are durable in its queue then, in this order. Raises
        BrokerUnavailable when nothing is promised for anybody.
        """

    def close(self) -> None:
        """Release the connection."""
