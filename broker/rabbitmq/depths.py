"""How many messages lie in the queues of a plan; asking changes nothing and needs no permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pika.exceptions import ChannelClosedByBroker

from broker.rabbitmq.declare import NOT_FOUND, connected
from broker.rabbitmq.errors import translating
from broker.rabbitmq.topology import make_topology

if TYPE_CHECKING:
    from broker.rabbitmq.settings import RabbitSettings


def read_depths(settings: RabbitSettings) -> dict[str, int | None]:
    """
    Return how many messages are ready in each queue; None: it is not there.

    Those that are lent to somebody do not count. Raises as `declare` does.
    """
    found: dict[str, int | None] = {}
    with connected(settings) as connection, translating():
        for queue in make_topology(settings.plan).queues:
            channel = connection.channel()
            try:
                declared = channel.queue_declare(queue.name, passive=True)
            except ChannelClosedByBroker as error:
                if error.reply_code != NOT_FOUND:
                    raise
                found[queue.name] = None
                continue
            found[queue.name] = declared.method.message_count
            channel.close()
    return found
