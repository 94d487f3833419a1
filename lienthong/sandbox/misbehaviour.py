"""
How a sandbox misbehaves: modes that are switched on for a time, a count or a share of requests.

Which requests a share hits is drawn from a seeded generator, so a run can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from fnmatch import fnmatchcase
from threading import Lock
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lienthong.sandbox.changing import Change  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from random import Random


class Mode(Enum):
    """The ways to misbehave; the values are those of the control address."""

    REFUSE = "refuse"
    """Nobody listens: connections are refused."""
    SLOW = "slow"
    """Everything is done, `delay_seconds` late."""
    COMMIT_THEN_DROP = "commit_then_drop"
    """A delivery takes effect, then the connection is closed without an answer."""
    DROP_BEFORE = "drop_before"
    """The request is read, then the connection is closed; nothing takes effect."""
    FAULT = "fault"
    """A SOAP fault of the server; nothing takes effect."""
    UNAVAILABLE = "unavailable"
    """HTTP 503 with a web page, as from a proxy; nothing takes effect."""
    TOO_MANY = "too_many"
    """HTTP 429 with a web page, as from a gateway that counts calls; nothing takes effect."""
    MAINTENANCE = "maintenance"
    """HTTP 200 with a web page that says the portal is in maintenance; nothing takes effect."""
    UNKNOWN_CODE = "unknown_code"
    """HTTP 200 with an error_code nobody knows; nothing takes effect."""
    UNKNOWN_SUCCESS = "unknown_success"
    """A delivery takes effect, then the answer is the error_code nobody knows, without receipt."""
    REJECT = "reject"
    """A refusal for good of the dossiers that match `pattern`."""
    EXISTS = "exists"
    """The answer "exists already" to every delivery; nothing takes effect."""
    WRONG_ECHO = "wrong_echo"
    """Everything is done, and the headers of the answer name another message (SOAP only)."""
    PROXY_FAULT = "proxy_fault"
    """A fault as of an X-Road security server that forwarded nothing (SOAP only)."""
    SESSION_EXPIRED = "session_expired"
    """Every session ends, and the answer says so (JSON only); nothing takes effect."""
    CHANGED = "changed"
    """Everything is done, and the answer is changed as `change` says."""


OF_DELIVERIES = frozenset(
    {
        Mode.COMMIT_THEN_DROP,
        Mode.DROP_BEFORE,
        Mode.UNKNOWN_CODE,
        Mode.UNKNOWN_SUCCESS,
        Mode.REJECT,
        Mode.EXISTS,
        Mode.WRONG_ECHO,
        Mode.PROXY_FAULT,
        Mode.SESSION_EXPIRED,
    }
)
"""Modes that leave look-ups alone, so that a client can find out what happened."""

MAY_NAME_A_WAIT = frozenset({Mode.UNAVAILABLE, Mode.TOO_MANY})
"""Modes whose answer may carry Retry-After."""


class Misbehaviour(BaseModel):
    """One order to misbehave; without `for_seconds` and `count` it holds until it is cleared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode
    after_seconds: float = Field(default=0, ge=0, description="before it begins")
    for_seconds: float | None = Field(default=None, gt=0)
    count: int | None = Field(default=None, ge=1, description="requests it hits at most")
    share: float = Field(default=1, gt=0, le=1, description="of the requests it hits")
    delay_seconds: float = Field(default=1, gt=0, le=3600, description="of 'slow'")
    retry_after_seconds: int | None = Field(
        default=None, ge=0, description="in a Retry-After of 'unavailable' and 'too_many'"
    )
    retry_after_form: Literal["seconds", "date"] = "seconds"
    pattern: str = Field(default="*", description="dossier codes, with * and ?")
    change: Change | None = Field(default=None, description="of 'changed': what is changed")

    @model_validator(mode="after")
    def _check_retry_after(self) -> Self:
        if self.retry_after_seconds is not None and self.mode not in MAY_NAME_A_WAIT:
            raise ValueError("retry_after_seconds belongs to 'unavailable' and 'too_many'")
        return self

    @model_validator(mode="after")
    def _check_change(self) -> Self:
        if (self.change is not None) != (self.mode is Mode.CHANGED):
            raise ValueError("'changed' needs change, and change belongs to 'changed'")
        return self

    @model_validator(mode="after")
    def _check_refuse(self) -> Self:
        if self.mode is Mode.REFUSE and (self.count is not None or self.share != 1):
            raise ValueError("'refuse' sees no requests: it takes for_seconds, not count or share")
        return self


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

    def __init__(self, *, random: Random) -> None:
        self._random = random
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
            return any(
                order.wish.mode is Mode.REFUSE and order.is_on(now) for order in self._orders
            )

    def strike(
        self, *, is_delivery: bool, dossier_code: str | None, now: float
    ) -> Misbehaviour | None:
        """Return how to misbehave towards this request, counting it, or None."""
        with self._lock:
            for index, order in enumerate(self._orders):
                wish = order.wish
                if wish.mode is Mode.REFUSE or not order.is_on(now):
                    continue
                if wish.mode in OF_DELIVERIES and not is_delivery:
                    continue
                if not fnmatchcase(dossier_code or "", wish.pattern):
                    continue
                if wish.share < 1 and self._random.random() >= wish.share:
                    continue
                self._orders[index] = replace(order, hits=order.hits + 1)
                return wish
        return None

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
