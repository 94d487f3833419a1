"""The exchange: durable hints that there is work, behind one port with several implementations."""

from __future__ import annotations

from broker.port import (
    Broker,
    BrokerError,
    BrokerUnavailable,
    Delivery,
    Message,
    Parked,
    StaleDelivery,
)

__all__ = [
    "Broker",
    "BrokerError",
    "BrokerUnavailable",
    "Delivery",
    "Message",
    "Parked",
    "StaleDelivery",
]
