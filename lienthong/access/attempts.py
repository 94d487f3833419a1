"""How many logins may fail from one address: counted in memory, whatever the names."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

MOST_ADDRESSES = 10_000
"""Remembered; the one that was quiet longest is forgotten first."""
_IPV6_PREFIX = 64
"""What one holder of IPv6 addresses has at least."""


class TooMany(InputError):
    """Too many logins failed from one address."""

    def __init__(self, wait: timedelta) -> None:
        """Say how long to wait."""
        self.retry_after = max(int(wait.total_seconds()) + 1, 1)
        super().__init__(
            Problem(
                code="access.too_many",
                message=Text(
                    vi="Quá nhiều lần đăng nhập sai từ địa chỉ này",
                    en="Too many logins have failed from this address",
                ),
                suggestion=Text(
                    vi=f"Thử lại sau {self.retry_after} giây",
                    en=f"Try again after {self.retry_after} seconds",
                ),
            )
        )


class Attempts:
    """Logins from each address that are under way or have failed. Thread-safe."""

    def __init__(self, *, most: int = 30, window: timedelta = timedelta(minutes=10)) -> None:
        self._most = most
        self._window = window
        self._lock = Lock()
        self._counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def take(self, address: str, *, at: datetime) -> None:
        """
        Count one login, before anything is computed for it.

        Raises:
            TooMany: none is left for now.
        """
        key = _network(address)
        with self._lock:
            since, count = self._counts.get(key, (at, 0))
            if at - since >= self._window:
                since, count = at, 0
            if count >= self._most:
                raise TooMany(since + self._window - at)
            self._counts[key] = (since, count + 1)
            self._counts.move_to_end(key)
            if len(self._counts) > MOST_ADDRESSES:
                self._counts.popitem(last=False)

    def give_back(self, address: str) -> None:
        """Take one back: it was a login that went well."""
        key = _network(address)
        with self._lock:
            if key in self._counts:
                since, count = self._counts[key]
                self._counts[key] = (since, max(count - 1, 0))


@dataclass(frozen=True, slots=True)
class Source:
    """From where somebody signs in; never written down."""

    address: str
    attempts: Attempts

    @contextmanager
    def counted(self, *, at: datetime) -> Iterator[None]:
        """
        Count what is tried in the context, unless it goes well.

        Raises:
            TooMany: none is left for now.
        """
        self.attempts.take(self.address, at=at)
        yield
        self.attempts.give_back(self.address)


def _network(address: str) -> str:
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(read, ipaddress.IPv6Address):
        if read.ipv4_mapped is not None:
            return str(read.ipv4_mapped)
        return str(ipaddress.ip_network((read, _IPV6_PREFIX), strict=False))
    return str(read)
