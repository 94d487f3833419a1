"""
The roles of a worker process, each a loop in a thread of its own: expand, deliver, sweep, seal.

A loop survives trouble of the store and the exchange (it waits and goes on); anything else is a
bug, ends the process with a line in the log, and leaves the rest to the leases.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError

from broker.port import BrokerError
from lienthong.flows.hints import EXPAND
from lienthong.flows.sweep import sweep
from lienthong.store import audit
from lienthong.store.database import reading
from lienthong.store.queries import is_idle

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from lienthong.store.database import Store
    from lienthong.wiring import Installation

log = structlog.get_logger()

HINT_LEASE = timedelta(seconds=30)
HINTS = 1_000
"""Hints that one look takes: a wake-up is a wake-up, however many there are."""
IDLE = timedelta(milliseconds=500)
PAUSE_SECONDS = 1.0
"""Between two rounds of the sealer, and after trouble."""
SWEEP_PAUSE_SECONDS = 60.0


class Role(Enum):
    """What a worker process can do; the values are those of `run --roles`."""

    EXPAND = "expand"
    DELIVER = "deliver"
    SWEEP = "sweep"
    SEAL = "seal"


@dataclass(slots=True)
class Workers:
    """The roles of this process."""

    installation: Installation
    roles: Collection[Role]
    stop: Event
    until_idle: bool = False
    """End when the store has nothing left that moves by itself."""

    def run(self) -> bool:
        """Run every role until `stop` is set; return False when one of them failed."""
        failed = Event()
        threads = [
            Thread(target=self._guard, args=(role, failed), name=role.value) for role in self.roles
        ]
        for thread in threads:
            thread.start()
        try:
            if self.until_idle:
                self._watch()
        finally:
            # Also after an error here: a process that waits for its threads for ever ends never.
            if self.until_idle:
                self.stop.set()
            for thread in threads:
                thread.join()
        return not failed.is_set()

    def _watch(self) -> None:
        """Set `stop` when the store has come to rest."""

        def one_round() -> None:
            if _is_idle(self.installation.store):
                self.stop.set()

        _repeat(one_round, self.stop, pause_seconds=PAUSE_SECONDS)

    def _guard(self, role: Role, failed: Event) -> None:
        try:
            _LOOPS[role](self.installation, self.stop)
        except Exception:
            # The boundary of the process: nobody above could do better than stop all of it.
            log.exception("role.failed", role=role.value)
            failed.set()
            self.stop.set()


def _is_idle(store: Store) -> bool:
    with reading(store) as connection:
        return is_idle(connection)


def _expand(installation: Installation, stop: Event) -> None:
    with (
        installation.open_broker() as broker,
        closing(installation.make_expander(broker)) as expander,
    ):

        def one_round() -> None:
            if expander.step():
                return
            # A hint only ends the wait: the store says which agency is due.
            broker.ack(broker.receive(EXPAND, limit=HINTS, lease=HINT_LEASE, wait=IDLE))

        _repeat(one_round, stop, pause_seconds=0)


def _deliver(installation: Installation, stop: Event) -> None:
    with installation.open_broker() as broker, closing(installation.open_channel()) as channel:
        deliverer = installation.make_deliverer(broker, channel)
        with deliverer.open_calls() as calls:

            def one_round() -> None:
                deliverer.step(calls)

            _repeat(one_round, stop, pause_seconds=0)
            deliverer.drain()


def _sweep(installation: Installation, stop: Event) -> None:
    def one_round() -> None:
        removed = sweep(installation.store, clock=installation.clock)
        if removed:
            log.info("sweep.orphans_removed", pieces=removed)

    _repeat(one_round, stop, pause_seconds=SWEEP_PAUSE_SECONDS)


def _seal(installation: Installation, stop: Event) -> None:
    def one_round() -> None:
        while audit.seal(installation.store.engine, now=installation.clock()):
            pass

    _repeat(one_round, stop, pause_seconds=PAUSE_SECONDS)


def _repeat(one_round: Callable[[], None], stop: Event, *, pause_seconds: float) -> None:
    while not stop.is_set():
        try:
            one_round()
        except (DBAPIError, BrokerError) as error:
            log.warning("role.waits", cause=type(error).__name__)
            stop.wait(PAUSE_SECONDS)
        if pause_seconds:
            stop.wait(pause_seconds)


_LOOPS: dict[Role, Callable[[Installation, Event], None]] = {
    Role.EXPAND: _expand,
    Role.DELIVER: _deliver,
    Role.SWEEP: _sweep,
    Role.SEAL: _seal,
}
