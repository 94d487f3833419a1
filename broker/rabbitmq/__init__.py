"""The exchange on RabbitMQ: quorum queues, confirms, delays by tiers, a parking queue."""

from __future__ import annotations

from broker.rabbitmq.broker import RabbitBroker
from broker.rabbitmq.declare import Drift, check, declare
from broker.rabbitmq.settings import RabbitSettings, Secret, Tls
from broker.rabbitmq.topology import Plan, Topology, definitions, make_topology

__all__ = [
    "Drift",
    "Plan",
    "RabbitBroker",
    "RabbitSettings",
    "Secret",
    "Tls",
    "Topology",
    "check",
    "declare",
    "definitions",
    "make_topology",
]
