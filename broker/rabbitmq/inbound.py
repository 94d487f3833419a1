"""
Messages of the agencies as they come, and as they stand in the parking queue.

An agency may write into its message whatever it likes, headers that look like ours or the
server's included. Who sent it is told by the queue it came from, and in the parking queue by the
topmost entry of `x-death`, which the server writes; our own headers count only where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from struct import error as struct_error
from typing import TYPE_CHECKING, Any

from pika import BasicProperties, DeliveryMode
from pika.data import encode_value
from pika.exceptions import AMQPError

from broker.port import Incoming
from broker.rabbitmq.envelope import DELIVERY_LIMIT, from_microseconds, to_microseconds
from broker.rabbitmq.publisher import Posting
from broker.rabbitmq.reading import UNREADABLE
from broker.rabbitmq.topology import PARKED, RECORDS, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

AGENCY_HEADER = "agency"
"""By which a sender may say who it is; it only serves to find mistakes."""
FROM_SERVER = ("x-death", "x-delivery-count", "x-first-death-", "x-last-death-")
"""How headers begin that speak of a message's way so far, not of the message."""
LARGEST_HEADERS = 60_000
"""Bytes of a sender's headers that are kept while its message is parked."""
KEPT = (
    "content_type",
    "content_encoding",
    "correlation_id",
    "reply_to",
    "message_id",
    "timestamp",
    "type",
    "app_id",
)
"""Properties that come along; the server refuses another's `user_id`, and `expiration` is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """One message of an agency in the parking queue."""

    agency: str
    properties: BasicProperties
    """Under which the agency's queue gets it back."""
    body: bytes
    reason: str
    attempt: int
    parked_at: datetime

    @property
    def id(self) -> str:
        """Names it among all that is parked; agencies choose their ids without each other."""
        own = _text(self.properties.message_id)
        return f"{self.agency}/{own or 'sha256-' + sha256(self.body).hexdigest()[:16]}"


def incoming_of(
    properties: BasicProperties, body: bytes, *, tag: str, agency: str, redelivered: bool
) -> Incoming:
    """Return a message as the port hands it over."""
    unreadable = UNREADABLE in (properties.headers or {})
    headers = {} if unreadable else _readable(_of_the_sender(properties.headers or {}))
    # Without the flag the server has not counted, and the sender may have written the header.
    count = (properties.headers or {}).get("x-delivery-count") if redelivered else 0
    return Incoming(
        tag=tag,
        agency=agency,
        claimed_agency=headers.get(AGENCY_HEADER),
        message_id=_text(properties.message_id),
        content_type=_text(properties.content_type),
        content_encoding=_text(properties.content_encoding),
        headers=headers,
        unreadable=unreadable,
        body=body,
        redelivered=redelivered,
        delivery_count=int(count) if isinstance(count, int) else int(redelivered),
    )


def parking_headers(
    message: Incoming, properties: BasicProperties, *, reason: str, attempt: int, at: datetime
) -> dict[str, Any]:
    """Return the headers of `message` in the parking queue; its own are inside."""
    return {
        "lt-agency": message.agency,
        "lt-reason": reason,
        "lt-parked": to_microseconds(at),
        "lt-attempt": attempt,
        "lt-original": _writable(_of_the_sender(properties.headers or {})),
    }


def parking(
    message: Incoming, properties: BasicProperties, *, plan: Plan, headers: Mapping[str, Any]
) -> Posting:
    """Return the posting that parks `message` under `parking_headers`."""
    return Posting(
        exchange=plan.parking_exchange,
        key=PARKED,
        properties=_copy(properties, headers),
        body=message.body,
    )


def returned_of(
    properties: BasicProperties, body: bytes, *, plan: Plan, now: datetime
) -> Returned | None:
    """Return what an agency sent and is parked, or None when it is a message of our own."""
    headers: Mapping[str, Any] = properties.headers or {}
    deaths = headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return _dead(deaths[0], properties, body, plan=plan, now=now)
    if "lt-agency" not in headers:
        return None
    return Returned(
        agency=str(headers["lt-agency"]),
        properties=_copy(properties, headers.get("lt-original") or {}),
        body=body,
        reason=str(headers.get("lt-reason", "")),
        attempt=int(headers.get("lt-attempt", 0)),
        parked_at=from_microseconds(headers.get("lt-parked"), default=now),
    )


def giving_back(returned: Returned, *, plan: Plan) -> Posting:
    """Return the posting that puts a parked message back into its agency's queue."""
    return Posting(
        exchange=plan.inbound(returned.agency),
        key=RECORDS,
        properties=returned.properties,
        body=returned.body,
    )


def _dead(
    death: Mapping[str, Any], properties: BasicProperties, body: bytes, *, plan: Plan, now: datetime
) -> Returned | None:
    before = plan.inbound("")
    queue = str(death.get("queue", ""))
    if not queue.startswith(before):
        return None
    is_limit = death.get("reason") == "delivery_limit"
    moment = death.get("time")
    headers = _writable(_of_the_sender(properties.headers or {}))
    return Returned(
        agency=queue.removeprefix(before),
        properties=_copy(properties, headers),
        body=body,
        reason=DELIVERY_LIMIT if is_limit else str(death.get("reason", "")),
        attempt=plan.inbound_limit + 1 if is_limit else 0,
        parked_at=moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else now,
    )


def _copy(properties: BasicProperties, headers: Mapping[str, Any]) -> BasicProperties:
    kept = {name: getattr(properties, name) for name in KEPT}
    return BasicProperties(
        headers=dict(headers), delivery_mode=DeliveryMode.Persistent.value, **kept
    )


def _readable(headers: Mapping[Any, Any]) -> dict[str, str]:
    return {
        name: str(value)
        for name, value in headers.items()
        if isinstance(name, str) and isinstance(value, str | int)
    }


def _of_the_sender(headers: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: value for name, value in headers.items() if not str(name).startswith(FROM_SERVER)}


def _writable(headers: Mapping[Any, Any]) -> dict[Any, Any]:
    # The library reads values that it cannot write, and all headers must go into one frame.
    kept, room = {}, LARGEST_HEADERS
    for name, value in headers.items():
        size = _size(value)
        if size is not None and len(name) + size < room:
            kept[name] = value
            room -= len(name) + size
    return kept


def _size(value: Any) -> int | None:
    try:
        return encode_value([], value)
    except (AMQPError, ArithmeticError, ValueError, struct_error):
        return None


def _text(value: object) -> str | None:
    # What is not UTF-8 stays bytes in the library.
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return None if value is None else str(value) or None
