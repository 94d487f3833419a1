"""
What is lent to this instance now: which tag means which delivery, and when its lease ends.

RabbitMQ lends for as long as the connection lasts. The lease of the port is kept here: whoever
takes a lending out of this register first (the owner who settles, or the end of the lease) has it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from datetime import datetime

    from broker.rabbitmq.consumer import Arrival
    from broker.rabbitmq.envelope import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Lending:
    """One message lent to this instance."""

    arrival: Arrival
    """As it came; settling works over its connection only."""
    envelope: Envelope
    ends_at: datetime


class Lendings:
    """The register of one instance; its two threads may use it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lent: dict[str, Lending] = {}
        self._made = 0
        # Another instance's tag must fit nothing here.
        self._instance = uuid4().hex[:12]

    def lend(self, lending: Lending) -> str:
        """Enter a lending and return the tag that names it."""
        with self._lock:
            self._made += 1
            tag = f"{self._instance}.{self._made}"
            self._lent[tag] = lending
        return tag

    def take(self, tag: str) -> Lending | None:
        """Take a lending out; None when it was settled, ended, or went with its connection."""
        with self._lock:
            lending = self._lent.pop(tag, None)
        return None if lending is None or lending.arrival.wire.is_lost else lending

    def put_back(self, tag: str, lending: Lending) -> None:
        """Enter a lending again whose settling failed."""
        with self._lock:
            self._lent[tag] = lending

    def take_ended(self, now: datetime) -> list[Lending]:
        """Take out every lending whose lease ended and whose connection lives."""
        with self._lock:
            ended = [
                tag
                for tag, lending in self._lent.items()
                if lending.ends_at <= now or lending.arrival.wire.is_lost
            ]
            taken = [self._lent.pop(tag) for tag in ended]
        return [lending for lending in taken if not lending.arrival.wire.is_lost]
