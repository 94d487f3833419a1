"""
Bringing the topology to the server, and telling how the server differs from it.

All by AMQP, without the management plug-in: an existing queue declared with other arguments is
refused (406), and an equal one left as it is. Bindings cannot be asked for this way; `declare`
renews them, and publishing is mandatory, so that a missing one is an error and no loss.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import pika
from pika.exceptions import ChannelClosedByBroker

from broker.rabbitmq.errors import translating
from broker.rabbitmq.settings import RabbitSettings, connection_parameters
from broker.rabbitmq.topology import Exchange, Queue, make_topology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pika.adapters.blocking_connection import BlockingChannel

NOT_FOUND = 404
OTHER_ARGUMENTS = 406


class Trouble(Enum):
    """How something on the server differs."""

    MISSING = "missing"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One exchange or queue that is not as it should be."""

    what: Exchange | Queue
    trouble: Trouble
    said: str
    """The server's words; for other arguments it names the first one that differs."""

    @property
    def en(self) -> str:
        """The difference and its remedy, in English."""
        kind = "queue" if isinstance(self.what, Queue) else "exchange"
        if self.trouble is Trouble.MISSING:
            return f"{kind} {self.what.name} is missing; run: lienthong topology apply"
        return (
            f"{kind} {self.what.name} exists with other arguments ({self.said}); stop the workers, "
            "let it run empty, delete it, run: lienthong topology apply"
        )

    @property
    def vi(self) -> str:
        """The difference and its remedy, in Vietnamese."""
        kind = "hàng đợi" if isinstance(self.what, Queue) else "exchange"
        if self.trouble is Trouble.MISSING:
            return f"thiếu {kind} {self.what.name}; chạy: lienthong topology apply"
        return (
            f"{kind} {self.what.name} đã có với tham số khác ({self.said}); dừng các tiến trình xử "
            "lý, chờ hàng đợi trống, xóa nó rồi chạy: lienthong topology apply"
        )


def declare(settings: RabbitSettings) -> None:
    """
    Make what is missing; what is there and equal stays untouched, with its messages.

    Raises:
        BrokerUnavailable: no server answers.
        BrokerError: something exists with other arguments, or this user may not declare.
    """
    topology = make_topology(settings.plan)
    with connected(settings) as connection, translating():
        channel = connection.channel()
        for exchange in topology.exchanges:
            _declare(channel, exchange, passive=False)
        for queue in topology.queues:
            _declare(channel, queue, passive=False)
        for binding in topology.bindings:
            channel.queue_bind(binding.queue, binding.exchange, binding.key)


def check(settings: RabbitSettings) -> list[Drift]:
    """
    Return how the server differs from the plan; an empty list when it does not.

    Changes nothing. Needs the permission to configure, as `declare` does. Raises as `declare`
    does, except for the differences themselves.
    """
    topology = make_topology(settings.plan)
    with connected(settings) as connection, translating():
        wanted: list[Exchange | Queue] = [*topology.exchanges, *topology.queues]
        found = [_drift(connection, what) for what in wanted]
    return [drift for drift in found if drift is not None]


def _drift(connection: pika.BlockingConnection, what: Exchange | Queue) -> Drift | None:
    # Asking passively compares nothing; declaring compares, but would make what is missing.
    for passive in (True, False):
        channel = connection.channel()
        try:
            _declare(channel, what, passive=passive)
        except ChannelClosedByBroker as error:
            if error.reply_code == NOT_FOUND:
                return Drift(what=what, trouble=Trouble.MISSING, said=error.reply_text)
            if error.reply_code == OTHER_ARGUMENTS:
                return Drift(what=what, trouble=Trouble.OTHER, said=error.reply_text)
            raise
        channel.close()
    return None


def _declare(channel: BlockingChannel, what: Exchange | Queue, *, passive: bool) -> None:
    if isinstance(what, Queue):
        channel.queue_declare(
            what.name, passive=passive, durable=True, arguments=dict(what.arguments)
        )
    else:
        channel.exchange_declare(what.name, what.kind, passive=passive, durable=True)


@contextmanager
def connected(settings: RabbitSettings) -> Iterator[pika.BlockingConnection]:
    """Give a connection for a few questions. Raises as `declare` does."""
    parameters = connection_parameters(settings)
    with translating():
        connection = pika.BlockingConnection(parameters)
    try:
        yield connection
    finally:
        if connection.is_open:
            connection.close()
