"""
Whether this service can do its work: the store, the exchange, and a key that really signs.

A door whose store answers and whose keys have expired takes dossiers in that then stand still, and
says that all is well: X-Road's health check did (XRDDEV-2889). So a key signs something; its token
may be away or locked, and no file says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from broker.port import BrokerError
from lienthong.flows.hints import EXPAND
from lienthong.key_checks import prove_key
from lienthong.store.database import reading
from lienthong.trouble import STORE_TROUBLE
from lienthong.web.standing import Standing
from schemas.errors import LienthongError
from signing import SigningError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lienthong.wiring import Installation

log = structlog.get_logger()

FRESH_SECONDS = 2.0
"""How long an answer is given again: anybody may ask, as often as they like."""
KEY_FRESH_SECONDS = 10.0
"""The same for the keys: the token that signs the question has dossiers to sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What was found; only words that anybody may read."""

    store: bool
    broker: bool
    signing_key: bool

    @property
    def is_ready(self) -> bool:
        """Tell whether everything is there."""
        return self.store and self.broker and self.signing_key

    @property
    def checks(self) -> dict[str, bool]:
        """What was tried, by the names that are shown."""
        return {"store": self.store, "broker": self.broker, "signing_key": self.signing_key}


NEEDS = ("store", "broker", "signing_key")


class HealthCheck:
    """Looks, at most every two seconds. Thread-safe."""

    def __init__(
        self, installation: Installation, *, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._installation = installation
        self._steady = steady
        self._lock = Lock()
        self._last: tuple[float, Health] | None = None
        self._last_key: tuple[float, bool] | None = None

    def standing(self) -> Standing:
        """Return what answers whether a service is alive and ready."""
        return Standing(lambda: self.look().checks, needs=NEEDS)

    def look(self) -> Health:
        """Return what is found now, or was found a moment ago."""
        with self._lock:
            now = self._steady()
            if self._last is None or now - self._last[0] >= FRESH_SECONDS:
                health = Health(store=self._store(), broker=self._broker(), signing_key=self._key())
                self._last = (self._steady(), health)
            return self._last[1]

    def is_exchange_there(self) -> bool:
        """Tell whether the exchange answers now."""
        return self._broker()

    def _store(self) -> bool:
        try:
            with reading(self._installation.store) as connection:
                connection.execute(select(1)).all()
        except (*STORE_TROUBLE, LienthongError) as error:
            log.warning("health.store", cause=type(error).__name__)
            return False
        return True

    def _broker(self) -> bool:
        try:
            with self._installation.open_broker() as broker:
                broker.depth(EXPAND)
        except (BrokerError, LienthongError) as error:
            log.warning("health.broker", cause=error.code)
            return False
        return True

    def _key(self) -> bool:
        now = self._steady()
        if self._last_key is None or now - self._last_key[0] >= KEY_FRESH_SECONDS:
            can_sign = self._can_sign()
            self._last_key = (self._steady(), can_sign)
        return self._last_key[1]

    def _can_sign(self) -> bool:
        """Tell whether at least one agency can sign now."""
        keyring = self._installation.keyring
        names = keyring.names()
        if not names:
            # Where development keys make themselves, the first dossier makes one.
            return keyring.makes_keys
        known = [name for name in names if name in self._installation.mappings.names()]
        return any(self._signs(name) for name in known)

    def _signs(self, name: str) -> bool:
        try:
            key = self._installation.keyring.agency_key(name, "", "")
            prove_key(key, now=self._installation.clock())
        except (SigningError, LienthongError) as error:
            log.warning("health.key", agency=name, cause=error.code)
            return False
        return True
