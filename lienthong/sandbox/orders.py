"""
What is ordered now: misbehaviour for a time, a count or a share of requests, and a scenario.

Which requests a share hits is drawn from a seeded generator, so a run can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from lienthong.sandbox.misbehaviour import OF_DELIVERIES, Misbehaviour, Mode, concerns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from lienthong.sandbox.stage import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    wish: Misbehaviour
    begins: float
    hits: int = 0

    def is_on(self, now: float) -> bool:
        return self.begins <= now and not self.is_over(now)

    def is_over(self, now: float) -> bool:
        ends = None if self.wish.for_seconds is None else self.begins + self.wish.for_seconds
        used_up = self.wish.count is not None and self.hits >= self.wish.count
        return used_up or (ends is not None and ends <= now)


class Misbehaviours:
    """What is ordered now. Thread-safe; times are seconds of the caller's monotonic clock."""

    def __init__(self, *, random: Random, stage: Stage | None = None) -> None:
        self._random = random
        self._stage = stage
        """A scenario comes before orders."""
        self._orders: list[_Order] = []
        self._lock = Lock()

    def add(self, wish: Misbehaviour, *, now: float) -> None:
        """Take one order; those before it come first."""
        with self._lock:
            self._orders = [order for order in self._orders if not order.is_over(now)]
            self._orders.append(_Order(wish=wish, begins=now + wish.after_seconds))

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._orders = []

    def is_refusing(self, now: float) -> bool:
        """Return whether nobody should listen."""
        with self._lock:
            if self._stage is not None and self._stage.is_refusing(now):
                return True
            return any(
                order.wish.mode is Mode.REFUSE and order.is_on(now) for order in self._orders
            )

    def restart(self, now: float) -> None:
        """Play the scenario from its beginning, if there is one."""
        with self._lock:
            if self._stage is not None:
                self._stage.restart(now)

    def strike(
        self, *, service: str, is_delivery: bool, dossier_codes: Sequence[str], now: float
    ) -> Misbehaviour | None:
        """Return how to misbehave towards this request, counting it, or None."""
        with self._lock:
            if self._stage is not None:
                wish = self._stage.strike(
                    service=service,
                    is_delivery=is_delivery,
                    dossier_codes=dossier_codes,
                    now=now,
                )
                if wish is not None:
                    return wish
            for index, order in enumerate(self._orders):
                wish = order.wish
                if wish.mode is Mode.REFUSE or not order.is_on(now):
                    continue
                if wish.mode in OF_DELIVERIES and not is_delivery:
                    continue
                if not concerns(dossier_codes, pattern=wish.pattern):
                    continue
                if wish.share < 1 and self._random.random() >= wish.share:
                    continue
                self._orders[index] = replace(order, hits=order.hits + 1)
                return wish
        return None

    def describe_stage(self, now: float) -> dict[str, object] | None:
        """Return where the scenario stands, or None without one."""
        with self._lock:
            return None if self._stage is None else self._stage.describe(now)

    def describe(self, now: float) -> list[dict[str, object]]:
        """Return the orders that are on or still to come, for the control address."""
        with self._lock:
            return [
                {
                    **order.wish.model_dump(mode="json", exclude_none=True),
                    "on": order.is_on(now),
                    "hits": order.hits,
                }
                for order in self._orders
                if not order.is_over(now)
            ]
