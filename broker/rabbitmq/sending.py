"""
Sending as an agency does: to its own exchange, confirmed, each message with an id of the sender's.

The demo and the measurements use it; agencies have the examples in docs/agencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pika import BasicProperties, DeliveryMode

from broker.rabbitmq.publisher import Posting, Publisher
from broker.rabbitmq.topology import RECORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.rabbitmq.settings import RabbitSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One file or record that an agency sends."""

    id: str
    """The same whenever the same bytes are sent again."""
    body: bytes
    content_type: str | None = None


class AgencySender:
    """One agency's connection; one instance per thread. Connects when it is first used."""

    def __init__(self, settings: RabbitSettings, *, agency: str) -> None:
        self._exchange = settings.plan.inbound(agency)
        self._publisher = Publisher(settings)

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Return when all of them are durable in the agency's queue. Raises as `publish` does."""
        self._publisher.publish([self._posting(message) for message in messages])

    def close(self) -> None:
        """Release the connection."""
        self._publisher.close()

    def _posting(self, message: Outgoing) -> Posting:
        return Posting(
            exchange=self._exchange,
            key=RECORDS,
            properties=BasicProperties(
                message_id=message.id,
                content_type=message.content_type,
                delivery_mode=DeliveryMode.Persistent.value,
            ),
            body=message.body,
        )
