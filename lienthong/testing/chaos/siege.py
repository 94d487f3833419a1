"""One site under load, struck again and again until the load and the faults are used up."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from random import Random
from threading import Event
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from lienthong.proving import Proving
from lienthong.store.database import reading
from lienthong.store.queries import is_idle
from lienthong.store.tables import results
from lienthong.testing.chaos.feeding import Feeding
from lienthong.testing.chaos.listening import Listening
from lienthong.testing.chaos.site import Site
from lienthong.testing.chaos.verdict import judge, read_portal, read_store
from lienthong.testing.machine import end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from lienthong.evidence.checking import Fault
    from lienthong.testing.chaos.faults import Strike
    from lienthong.testing.chaos.feeding import Door, Truth
    from lienthong.testing.chaos.site import Servers, Wish
    from lienthong.testing.chaos.verdict import Findings

LOOK_SECONDS = 0.25
WARM = 100
"""Effects after which the first strike comes."""
TOO_OFTEN = 10
"""Ends of a worker by itself after which nothing good can come."""
RECOVERY_SECONDS = 60.0
"""How long after a fault is healed the next effect may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done to one site."""

    wish: Wish
    lanes: Mapping[str, Sequence[Strike]]
    """Strikes that follow each other; lanes run beside each other."""
    effects: int
    """How many effects there must be at least before the load ends."""
    batch: int = 25
    """Records per submission."""
    backlog: int = 1500
    """How many effects the load may be ahead of the portal."""
    per_second: float
    """How many effects the load may ask for in a second."""
    rounds: int = 1
    """How often each lane is gone through."""
    settle_seconds: float = 120.0
    """How long what is left may take to end by itself."""


@dataclass(slots=True, kw_only=True)
class Struck:
    """What one fault did, all its strikes taken together."""

    strikes: int = 0
    missed: int = 0
    """Could not be done: nobody came to the point in time."""
    silences: list[float] = field(default_factory=list)
    """Per strike the longest time without an effect, from its beginning to the first effect after
    it was healed, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Siege:
    """What came of one plan."""

    plan: Plan
    struck: Mapping[str, Struck]
    truth: Truth
    effects: int
    deliveries: int
    """Requests that reached the portal, with those that were sent again."""
    findings: Findings
    seconds: float
    restarts: int
    errors: tuple[str, ...]
    """What went wrong with the siege itself, or with a worker that ended by itself."""

    @property
    def holds(self) -> bool:
        """Whether every fault was done, and nothing is wrong."""
        missed = any(struck.missed for struck in self.struck.values())
        return self.findings.holds and not self.errors and not missed


def lay_siege(  # noqa: PLR0913 - one call, from one place
    plan: Plan,
    *,
    folder: Path,
    keys: Path,
    servers: Servers,
    open_door: Callable[[Site, str], Door],
    seed: int,
    tell: Callable[[str], None],
) -> Siege:
    """Run one plan to its end."""
    begun = time.monotonic()
    with Site(plan.wish, folder=folder, keys=keys, servers=servers) as site:
        return _Course(plan, site, seed=seed, tell=tell).run(partial(open_door, site), begun=begun)


class _Course:
    def __init__(self, plan: Plan, site: Site, *, seed: int, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._site = site
        self._seed = seed
        self._tell = tell
        self._struck: dict[str, Struck] = {
            strike.fault: Struck() for lane in plan.lanes.values() for strike in lane
        }
        self._errors: list[str] = []
        self._effects = 0
        self._begun = time.monotonic()
        self._moments: list[float] = []
        """When there were more effects than before."""
        self._over = Event()

    def run(self, open_door: Callable[[str], Door], *, begun: float) -> Siege:
        plan, site = self._plan, self._site
        feeding = Feeding(open_door, seed=self._seed, batch=plan.batch, has_room=self._has_room)
        listening = Listening(site) if site.amqp_urls else None
        if listening is not None:
            listening.start()
        site.start_workers()
        with ThreadPoolExecutor(len(plan.lanes) + 1) as threads:
            counting = threads.submit(self._count)
            feeding.start()
            try:
                self._await(feeding, effects=WARM)
                lanes = [threads.submit(self._go, name) for name in plan.lanes]
                while not all(lane.done() for lane in lanes):
                    feeding.check()
                    time.sleep(LOOK_SECONDS)
                for lane in lanes:
                    lane.result()
                self._await(feeding, effects=plan.effects)
                feeding.finish()
                self._settle(feeding.truth)
                if listening is not None:
                    listening.finish(_published(site))
            finally:
                self._over.set()
                feeding.finish()
                counting.result()
        restarts = sum(worker.starts - 1 for worker in site.workers)
        for worker in site.workers:
            if worker.is_unexpected:
                self._errors.append(f"{worker.name} ended by itself {worker.is_unexpected} times")
        if listening is not None:
            self._errors += [f"{type(error).__name__}: {error}" for error in listening.failures]
        self._errors += [f"{name} missed its deadline to stop" for name in site.stop_workers()]
        portal = read_portal(site.portal.ledger)
        with _looking(site) as connection:
            told = None if listening is None else list(listening.told.values())
            findings = judge(feeding.truth, portal, read_store(connection), told)
        self._errors += [f"audit: {fault}" for fault in _faults_of_log(site)]
        return Siege(
            plan=plan,
            struck=self._struck,
            truth=feeding.truth,
            effects=len(portal.effects),
            deliveries=len(portal.deliveries),
            findings=findings,
            seconds=time.monotonic() - begun,
            restarts=restarts,
            errors=tuple(self._errors),
        )

    def _await(self, feeding: Feeding, *, effects: int) -> None:
        """Let the load go on until there are so many effects."""
        while self._effects < effects:
            feeding.check()
            for worker in self._site.workers:
                if worker.is_unexpected > TOO_OFTEN:
                    raise RuntimeError(f"{worker.name} does not stay:\n{end_of(worker.log)}")
            self._say(feeding.truth)
            time.sleep(LOOK_SECONDS)

    def _has_room(self, truth: Truth) -> bool:
        so_far = (time.monotonic() - self._begun) * self._plan.per_second
        ahead = truth.expected - self._effects
        return ahead < self._plan.backlog and truth.expected < WARM + so_far

    def _count(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            effects = self._site.portal.effects()
            if effects > self._effects:
                self._effects = effects
                self._moments.append(time.monotonic())

    def _go(self, name: str) -> None:
        """Go through one lane, on its own seed: what others do changes nothing here."""
        random = Random(f"{self._seed}/{self._plan.wish.name}/{name}")  # noqa: S311
        for _ in range(self._plan.rounds):
            for strike in self._plan.lanes[name]:
                if self._over.is_set():
                    return
                struck = self._struck[strike.fault]
                begun = time.monotonic()
                struck.strikes += 1
                if not strike.run(self._site, random):
                    struck.missed += 1
                struck.silences.append(self._silence_since(begun))
                self._tell(
                    f"{self._plan.wish.name}: {strike.fault}, {self._effects} effects so far"
                )

    def _silence_since(self, begun: float) -> float:
        """Wait for the next effect; return the longest time without one since a moment."""
        healed = time.monotonic()
        while not (self._moments and self._moments[-1] > healed):
            if time.monotonic() - healed > RECOVERY_SECONDS or self._over.is_set():
                break
            time.sleep(LOOK_SECONDS / 2)
        moments = [begun, *(moment for moment in self._moments if moment > begun)]
        if len(moments) == 1:
            moments.append(time.monotonic())
        return max(later - earlier for earlier, later in pairwise(moments))

    def _settle(self, truth: Truth) -> None:
        """Wait until nothing moves by itself any more, or for as long as it may take."""
        ends = time.monotonic() + self._plan.settle_seconds
        while time.monotonic() < ends and not self._over.is_set():
            with suppress(DBAPIError), _looking(self._site) as connection:
                if _is_idle(connection, tells=bool(self._site.amqp_urls)):
                    return
            self._say(truth)
            time.sleep(LOOK_SECONDS)

    def _say(self, truth: Truth) -> None:
        self._tell(f"{self._plan.wish.name}: {self._effects} of {truth.expected} effects")


@contextmanager
def _looking(site: Site) -> Iterator[Connection]:
    """Give a connection to the site's store; closed at the end, with its engine."""
    engine = site.installation.engine
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _published(site: Site) -> int:
    """Return how many results the exchange has confirmed."""
    query = select(func.count()).where(results.c.published_at.is_not(None))
    with _looking(site) as connection:
        return connection.execute(query).scalar_one()


def _faults_of_log(site: Site) -> list[Fault]:
    installation = site.installation
    try:
        with reading(installation.store) as connection:
            return Proving(installation).check_log(connection).faults
    finally:
        installation.engine.dispose()


def _is_idle(connection: Connection, *, tells: bool) -> bool:
    untold = select(results.c.id).where(results.c.published_at.is_(None)).limit(1)
    return is_idle(connection) and not (tells and connection.execute(untold).first())
