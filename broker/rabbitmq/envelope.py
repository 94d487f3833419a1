"""
What travels with a message on RabbitMQ: our headers, and how they are read back.

The user's headers go as one JSON text, because a header's name may have 255 bytes at most on the
wire. Times are whole microseconds since 1970, UTC.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pika import BasicProperties, DeliveryMode

from broker.port import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TRACE = "traceparent"
"""A user's header that also stands by itself: whoever traces looks for it under this name."""
DELIVERY_LIMIT = "delivery limit"
"""The reason of a message that came back unsettled too often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message with what the exchange knows about it."""

    message: Message
    queue: str
    first_seen_at: datetime
    due_at: datetime
    attempt: int = 0
    """How often it was lent, this delivery included once it is lent."""
    reason: str | None = None
    parked_at: datetime | None = None


def properties_of(envelope: Envelope) -> BasicProperties:
    """Return the properties under which `envelope` is published, durable."""
    headers: dict[str, Any] = {
        "lt-id": envelope.message.id,
        "lt-queue": envelope.queue,
        "lt-headers": json.dumps(dict(envelope.message.headers), ensure_ascii=False),
        "lt-first-seen": to_microseconds(envelope.first_seen_at),
        "lt-due": to_microseconds(envelope.due_at),
        "lt-attempt": envelope.attempt,
    }
    if TRACE in envelope.message.headers:
        headers[TRACE] = envelope.message.headers[TRACE]
    if envelope.reason is not None and envelope.parked_at is not None:
        headers["lt-reason"] = envelope.reason
        headers["lt-parked"] = to_microseconds(envelope.parked_at)
    return BasicProperties(delivery_mode=DeliveryMode.Persistent.value, headers=headers)


def envelope_of(properties: BasicProperties, body: bytes, *, queue: str, now: datetime) -> Envelope:
    """
    Return what came from the server.

    Args:
        properties: As they came; a message somebody published by hand may lack all of our headers.
        body: As it came.
        queue: The work queue it came from, or "" for the parking queue.
        now: Stands for the times that are not told.
    """
    headers: Mapping[str, Any] = properties.headers or {}
    death = _death(headers)
    reason = headers.get("lt-reason", death.get("reason"))
    parked_at = from_microseconds(headers.get("lt-parked"), default=death.get("time", now))
    return Envelope(
        message=Message(
            id=str(headers.get("lt-id", properties.message_id or "")),
            body=body,
            headers=_own_headers(headers.get("lt-headers")),
        ),
        queue=queue or str(headers.get("lt-queue", death.get("queue", ""))),
        first_seen_at=from_microseconds(headers.get("lt-first-seen"), default=now),
        due_at=from_microseconds(headers.get("lt-due"), default=now),
        # The server counts how often this copy came back; we count the copies before it. In the
        # parking queue it counts how often somebody looked.
        attempt=_whole(headers.get("lt-attempt"))
        + (_whole(headers.get("x-delivery-count")) if queue else 0),
        reason=None if reason is None else str(reason),
        parked_at=None if reason is None else parked_at,
    )


def _death(headers: Mapping[str, Any]) -> dict[str, Any]:
    for death in headers.get("x-death") or ():
        if death.get("reason") == "delivery_limit":
            told: dict[str, Any] = {"reason": DELIVERY_LIMIT}
            if isinstance(moment := death.get("time"), datetime):
                told["time"] = moment.replace(tzinfo=UTC)
            # Work is published under the name of its queue.
            if keys := death.get("routing-keys"):
                told["queue"] = keys[0]
            return told
    return {}


def _own_headers(value: object) -> dict[str, str]:
    # What cannot be read was not written by us; a hint is worth more than its headers.
    try:
        found = json.loads(value) if isinstance(value, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def to_microseconds(moment: datetime) -> int:
    """Return a moment as it goes into a header."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(microseconds: object, *, default: datetime) -> datetime:
    """Return the moment of a header, or `default` when the header is not one of ours."""
    if not isinstance(microseconds, int):
        return default
    return _EPOCH + timedelta(microseconds=microseconds)
