"""The exchange on RabbitMQ: quorum queues, confirms, delays by tiers, a parking queue."""

from __future__ import annotations

from broker.rabbitmq.broker import RabbitBroker
from broker.rabbitmq.declare import Drift, check, declare
from broker.rabbitmq.depths import read_depths
from broker.rabbitmq.inbox import RabbitInbox
from broker.rabbitmq.outbox import RabbitOutbox
from broker.rabbitmq.sending import AgencySender, Outgoing
from broker.rabbitmq.settings import RabbitSettings, Secret, Tls
from broker.rabbitmq.topology import Plan, Topology, definitions, make_topology
from broker.rabbitmq.users import Permission, commands, make_permissions, permission_definitions

__all__ = [
    "AgencySender",
    "Drift",
    "Outgoing",
    "Permission",
    "Plan",
    "RabbitBroker",
    "RabbitInbox",
    "RabbitOutbox",
    "RabbitSettings",
    "Secret",
    "Tls",
    "Topology",
    "check",
    "commands",
    "declare",
    "definitions",
    "make_permissions",
    "make_topology",
    "permission_definitions",
    "read_depths",
]
