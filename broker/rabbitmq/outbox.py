"""
Results on their way to the agencies' queues: confirmed and mandatory, one batch for everybody.

A queue that is missing or full concerns its own agency: its results wait in the message store, and
all others' go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pika import BasicProperties, DeliveryMode

from broker.port import NotTold
from broker.rabbitmq.errors import full, no_results_queue
from broker.rabbitmq.publisher import Posting, Publisher

if TYPE_CHECKING:
    from collections.abc import Sequence

    from broker.port import Result
    from broker.rabbitmq.settings import RabbitSettings


class RabbitOutbox:
    """The port `Outbox` on RabbitMQ; one instance per thread. Connects when it is first used."""

    def __init__(self, settings: RabbitSettings) -> None:
        self._plan = settings.plan
        self._publisher = Publisher(settings)

    def publish(self, results: Sequence[Result]) -> dict[str, NotTold]:
        """See `Outbox.publish`."""
        failures = self._publisher.publish_each([self._posting(result) for result in results])
        found: dict[str, NotTold] = {}
        for place in sorted(failures.refused, reverse=True):
            agency = results[place].agency
            taken = sum(before.agency == agency for before in results[:place])
            found[agency] = NotTold(error=full(self._plan.results_queue(agency)), taken=taken)
        for agency in set(failures.returned):
            error = no_results_queue(self._plan.results_queue(agency))
            found[agency] = NotTold(error=error, taken=0)
        return found

    def close(self) -> None:
        """See `Outbox.close`."""
        self._publisher.close()

    def __enter__(self) -> RabbitOutbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _posting(self, result: Result) -> Posting:
        return Posting(
            exchange=self._plan.results_exchange,
            key=result.agency,
            properties=BasicProperties(
                message_id=result.id,
                correlation_id=result.about,
                type=result.kind,
                content_type=result.content_type,
                headers=dict(result.headers) or None,
                delivery_mode=DeliveryMode.Persistent.value,
            ),
            body=result.body,
        )
