"""
The exchanges and queues on the server, as data: what is declared, shown and compared.

Every queue is a quorum queue with its delivery limit written out, because the default differs
between releases of the server. `docs/rabbitmq.md` has the picture and the reason of each argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PARKED = "parked"
"""The routing key into the parking queue."""
RECORDS = "records"
"""The routing key under which an agency publishes to its own exchange."""
NET = 50
"""The server's limit counts what was out with a poison message too, ours the poison only."""
LOOKS = 1_000_000_000
"""Delivery limit where every look counts, and none may throw anything out."""
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One durable exchange."""

    name: str
    kind: str = "direct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One durable queue."""

    name: str
    arguments: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What an exchange hands to a queue."""

    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Everything on the server that is ours, in the order in which it can be declared."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a topology is made from; all processes of an installation must use the same."""

    prefix: str = "lienthong"
    """Begins every name, so that a virtual host can be shared."""
    queues: tuple[str, ...] = ("expand", "deliver", "hand-over")
    """The work queues, as the port's users call them."""
    tiers: tuple[timedelta, ...] = field(
        default=(
            timedelta(seconds=1),
            timedelta(seconds=5),
            timedelta(seconds=30),
            timedelta(minutes=2),
            timedelta(minutes=10),
        )
    )
    """The fixed times a delay is made of, rising; whole milliseconds."""
    delivery_limit: int = 20
    """How often a message may come back unsettled before it is parked."""
    agencies: tuple[str, ...] = ()
    """Names of the mappings of those who send by messages; each gets a way in and a way back."""
    results_limit: int = 100_000
    """How many results wait in an agency's queue before the others wait in the message store."""

    @property
    def work_exchange(self) -> str:
        """Where work is published; the routing key is the queue."""
        return f"{self.prefix}.work"

    @property
    def delay_exchange(self) -> str:
        """Where delayed work is published; the key is `delay_key`."""
        return f"{self.prefix}.delay"

    @property
    def parking_exchange(self) -> str:
        """Where work is parked; the key is `PARKED`."""
        return f"{self.prefix}.parking"

    @property
    def parking_queue(self) -> str:
        """The queue that nothing leaves by itself."""
        return f"{self.prefix}.{PARKED}"

    @property
    def results_exchange(self) -> str:
        """Where results are published; the routing key is the agency."""
        return f"{self.prefix}.results"

    @property
    def inbound_limit(self) -> int:
        """After how many returns the server itself parks what an agency sent: a net below ours."""
        return self.delivery_limit * NET

    def inbound(self, agency: str) -> str:
        """Return the name of an agency's exchange, and of the queue behind it."""
        return f"{self.prefix}.in.{agency}"

    def results_queue(self, agency: str) -> str:
        """Return the server's name of the queue from which an agency reads its results."""
        return f"{self.prefix}.results.{agency}"

    def work_queue(self, queue: str) -> str:
        """Return the server's name of a work queue."""
        return f"{self.prefix}.work.{queue}"

    def delay_queue(self, queue: str, tier: timedelta) -> str:
        """Return the server's name of the queue in which one tier of one work queue waits."""
        return f"{self.prefix}.delay.{self.delay_key(queue, tier)}"

    def delay_key(self, queue: str, tier: timedelta) -> str:
        """Return the routing key into that queue."""
        return f"{queue}.{tier // MILLISECOND}ms"

    def tier(self, delay: timedelta) -> timedelta:
        """Return the longest tier within `delay`, or the shortest one when none is."""
        return max((tier for tier in self.tiers if tier <= delay), default=min(self.tiers))


def make_topology(plan: Plan) -> Topology:
    """Return what the server must have for `plan`."""
    work, agencies = _make_work(plan), _make_agencies(plan)
    return Topology(
        exchanges=work.exchanges + agencies.exchanges,
        queues=work.queues + agencies.queues,
        bindings=work.bindings + agencies.bindings,
    )


def _make_work(plan: Plan) -> Topology:
    delays = [(queue, tier) for queue in plan.queues for tier in plan.tiers]
    return Topology(
        exchanges=(
            Exchange(name=plan.work_exchange),
            Exchange(name=plan.delay_exchange),
            Exchange(name=plan.parking_exchange),
        ),
        queues=(
            Queue(name=plan.parking_queue, arguments=_quorum(LOOKS)),
            *(Queue(name=plan.work_queue(q), arguments=_work(plan)) for q in plan.queues),
            *(
                Queue(name=plan.delay_queue(q, tier), arguments=_delay(plan, q, tier))
                for q, tier in delays
            ),
        ),
        bindings=(
            Binding(exchange=plan.parking_exchange, queue=plan.parking_queue, key=PARKED),
            *(
                Binding(exchange=plan.work_exchange, queue=plan.work_queue(q), key=q)
                for q in plan.queues
            ),
            *(
                Binding(
                    exchange=plan.delay_exchange,
                    queue=plan.delay_queue(q, tier),
                    key=plan.delay_key(q, tier),
                )
                for q, tier in delays
            ),
        ),
    )


def _make_agencies(plan: Plan) -> Topology:
    if not plan.agencies:
        return Topology(exchanges=(), queues=(), bindings=())
    inbound = [plan.inbound(agency) for agency in plan.agencies]
    results = [(agency, plan.results_queue(agency)) for agency in plan.agencies]
    return Topology(
        exchanges=(
            Exchange(name=plan.results_exchange),
            *(Exchange(name=name) for name in inbound),
        ),
        queues=(
            *(Queue(name=name, arguments=_inbound(plan)) for name in inbound),
            *(Queue(name=name, arguments=_results(plan)) for _, name in results),
        ),
        bindings=(
            *(Binding(exchange=name, queue=name, key=RECORDS) for name in inbound),
            *(
                Binding(exchange=plan.results_exchange, queue=name, key=agency)
                for agency, name in results
            ),
        ),
    )


def definitions(topology: Topology, *, vhost: str) -> dict[str, Any]:
    """Return the topology as RabbitMQ's definitions, for `rabbitmqctl import_definitions`."""
    return {
        "exchanges": [
            {
                "name": exchange.name,
                "vhost": vhost,
                "type": exchange.kind,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for exchange in topology.exchanges
        ],
        "queues": [
            {
                "name": queue.name,
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": dict(queue.arguments),
            }
            for queue in topology.queues
        ],
        "bindings": [
            {
                "source": binding.exchange,
                "vhost": vhost,
                "destination": binding.queue,
                "destination_type": "queue",
                "routing_key": binding.key,
                "arguments": {},
            }
            for binding in topology.bindings
        ],
    }


def _quorum(delivery_limit: int) -> dict[str, str | int]:
    return {"x-queue-type": "quorum", "x-delivery-limit": delivery_limit}


def _dead_letter(exchange: str, key: str) -> dict[str, str | int]:
    # At least once needs reject-publish: dropping the oldest would be a loss.
    return {
        "x-dead-letter-exchange": exchange,
        "x-dead-letter-routing-key": key,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _work(plan: Plan) -> dict[str, str | int]:
    return _quorum(plan.delivery_limit) | _dead_letter(plan.parking_exchange, PARKED)


def _delay(plan: Plan, queue: str, tier: timedelta) -> dict[str, str | int]:
    return (
        _quorum(plan.delivery_limit)
        | _dead_letter(plan.work_exchange, queue)
        | {"x-message-ttl": tier // MILLISECOND}
    )


def _inbound(plan: Plan) -> dict[str, str | int]:
    # With one active consumer an agency's order is kept however many workers there are.
    return (
        _quorum(plan.inbound_limit)
        | _dead_letter(plan.parking_exchange, PARKED)
        | {"x-single-active-consumer": True}
    )


def _results(plan: Plan) -> dict[str, str | int]:
    # A reader that fails over a result is the agency's to mend: nothing is thrown out meanwhile.
    return _quorum(LOOKS) | {"x-max-length": plan.results_limit, "x-overflow": "reject-publish"}
