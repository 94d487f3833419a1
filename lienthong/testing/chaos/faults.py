"""What is done to a site: each fault by name, with what heals it."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from lienthong.failpoints import Action, Point
from lienthong.testing.chaos.site import PAST_THE_LEASE_SECONDS, QUIET_SECONDS, Snare
from lienthong.testing.chaos.supervisor import End

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from lienthong.testing.chaos.site import Site
    from lienthong.testing.chaos.supervisor import Worker
    from lienthong.testing.clock import FalseClock
    from lienthong.testing.disk import SmallDisk
    from lienthong.testing.proxy import Proxy

REACH_SECONDS = 150.0
"""How long a worker may take to come to a point, its start included; a third suffices mostly."""
DROPPING_SECONDS = 22.5
"""How long the portal drops answers, so that something has to be looked up."""
QUIETLY_SECONDS = QUIET_SECONDS / 2
"""How long a way says nothing: what is held back arrives within the portal's quiet period."""
START_SECONDS = 4.0
"""How long a worker takes until it is there, on a busy machine."""
LATEST_TURNS = {"deliver": 9, "expand": 6, "take": 3, "receive": 2}
"""By stage: a worker is struck at one of the first times it comes to a point, else at the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One fault, done and healed by `run`, which returns whether it could be done."""

    fault: str
    """Names its row in the table."""
    run: Callable[[Site, Random], bool]


SUBMIT = "submit"
"""Stands for `lienthong submit`, which is no role of a worker."""


def at_points(points: Iterable[Point], action: Action, *, role: str) -> list[Strike]:
    """Return one strike per point: a worker with that role is killed or frozen there."""
    word = {Action.KILL: "kill -9", Action.STOP: "SIGSTOP"}[action]

    def make(point: Point) -> Strike:
        stage = point.value.partition(".")[0]
        whose = "" if stage == role else f" ({role})"
        return Strike(
            fault=f"{word} @ {point.value}{whose}",
            run=lambda site, random: _at_point(site, random, point, action, role=role),
        )

    return [make(point) for point in points]


def _at_point(site: Site, random: Random, point: Point, action: Action, *, role: str) -> bool:
    if role == SUBMIT:
        snare = Snare(f"{point.value}={action.value}@1")
        site.snares.put(snare)
        return snare.sprang.wait(REACH_SECONDS) and snare.over.wait(REACH_SECONDS)
    if point is Point.DELIVER_LOOKED_UP:
        # Nothing is looked up unless something is not known.
        site.portal.misbehave(mode="commit_then_drop", for_seconds=DROPPING_SECONDS, share=0.3)
    worker = worker_of(site, role, random)
    others = [other for other in workers_of(site, role) if other is not worker]
    turn = random.randint(1, LATEST_TURNS.get(point.value.partition(".")[0], 1))
    worker.arm(f"{point.value}={action.value}@{turn}")
    if role == "take" and worker.wait_armed(seconds=REACH_SECONDS):
        # An agency's queue has one consumer at a time: it must come to the one that is armed.
        time.sleep(START_SECONDS)
        for other in others:
            other.end_gracefully()
    if action is Action.KILL:
        return worker.wait_for(End.KILLED, seconds=REACH_SECONDS)
    came = worker.wait_for(End.STOPPED, seconds=REACH_SECONDS)
    if came:
        time.sleep(PAST_THE_LEASE_SECONDS)
    worker.send(signal.SIGCONT)
    return came


def worker_of(site: Site, role: str, random: Random) -> Worker:
    """Return one of the workers that have a role."""
    return random.choice(workers_of(site, role))


def workers_of(site: Site, role: str) -> list[Worker]:
    """Return the workers that have a role, at least one."""
    found = [
        worker
        for worker, roles in zip(site.workers, site.wish.roles, strict=True)
        if role in roles.split(",")
    ]
    if not found:
        raise LookupError(f"no worker of {site.wish.name} has the role {role}")
    return found


def any_worker(action: Action) -> Strike:
    """Return a strike at a worker wherever it is just then."""

    def run(site: Site, random: Random) -> bool:
        worker = random.choice(site.workers)
        time.sleep(random.random())
        if action is Action.KILL:
            worker.kill()
            return True
        worker.send(signal.SIGSTOP)
        time.sleep(PAST_THE_LEASE_SECONDS)
        worker.send(signal.SIGCONT)
        return True

    word = "kill -9" if action is Action.KILL else "SIGSTOP"
    return Strike(fault=f"{word} anywhere", run=run)


def graceful_stop() -> Strike:
    """Return a strike that asks every worker to end, and lets it be started again."""

    def run(site: Site, _random: Random) -> bool:
        for worker in site.workers:
            worker.arm("")
        return all(worker.wait_armed(seconds=REACH_SECONDS) for worker in site.workers)

    return Strike(fault="SIGTERM to all workers", run=run)


# Servers


def postgresql_killed() -> Strike:
    """kill -9 of all its processes, and a start on the same data."""

    def run(site: Site, random: Random) -> bool:
        server = site.servers.postgresql
        assert server is not None
        server.kill()
        time.sleep(random.random() * 2)
        server.start()
        return True

    return Strike(fault="PostgreSQL: kill -9, started again", run=run)


def postgresql_frozen() -> Strike:
    """All its processes stand still, past the leases."""

    def run(site: Site, _random: Random) -> bool:
        server = site.servers.postgresql
        assert server is not None
        server.freeze()
        time.sleep(PAST_THE_LEASE_SECONDS)
        server.thaw()
        return True

    return Strike(fault="PostgreSQL: SIGSTOP", run=run)


def rabbitmq_killed() -> Strike:
    """kill -9, and a start on the same data."""

    def run(site: Site, random: Random) -> bool:
        server = site.servers.rabbitmq
        assert server is not None
        server.kill()
        time.sleep(random.random() * 2)
        server.start()
        return True

    return Strike(fault="RabbitMQ: kill -9, started again", run=run)


def rabbitmq_frozen() -> Strike:
    """It stands still, past the leases."""

    def run(site: Site, _random: Random) -> bool:
        server = site.servers.rabbitmq
        assert server is not None
        server.freeze()
        time.sleep(PAST_THE_LEASE_SECONDS)
        server.thaw()
        return True

    return Strike(fault="RabbitMQ: SIGSTOP", run=run)


def rabbitmq_disk_full() -> Strike:
    """Its disk alarm is on: it takes nothing."""

    def run(site: Site, _random: Random) -> bool:
        server = site.servers.rabbitmq
        assert server is not None
        server.raise_disk_alarm()
        time.sleep(PAST_THE_LEASE_SECONDS)
        server.end_disk_alarm()
        return True

    return Strike(fault="RabbitMQ: no disk left (alarm)", run=run)


def node_killed() -> Strike:
    """One of three nodes dies and comes back."""

    def run(site: Site, random: Random) -> bool:
        cluster = site.servers.cluster
        assert cluster is not None
        node = random.choice(cluster.nodes)
        node.kill()
        time.sleep(PAST_THE_LEASE_SECONDS)
        node.start()
        cluster.wait_whole()
        return True

    return Strike(fault="RabbitMQ cluster: one node of three, kill -9", run=run)


def node_isolated() -> Strike:
    """One of three nodes is cut off from the two others, not from its clients."""

    def run(site: Site, random: Random) -> bool:
        cluster = site.servers.cluster
        assert cluster is not None
        node = random.choice(cluster.nodes)
        cluster.isolate(node)
        time.sleep(2 * PAST_THE_LEASE_SECONDS)
        cluster.rejoin(node)
        return True

    return Strike(fault="RabbitMQ cluster: minority partition", run=run)


# Ways


def cut(server: str, *, times: int = 3) -> Strike:
    """Every connection to a server breaks, again and again."""

    def run(site: Site, random: Random) -> bool:
        broken = 0
        for _ in range(times):
            broken += sum(proxy.cut() for proxy in ways_to(site, server))
            time.sleep(random.random())
        return broken > 0

    return Strike(fault=f"way to {server}: connections cut", run=run)


def delayed(server: str, *, milliseconds: int = 150) -> Strike:
    """Everything takes longer on the way to a server."""

    def run(site: Site, _random: Random) -> bool:
        for proxy in ways_to(site, server):
            proxy.latency = timedelta(milliseconds=milliseconds)
        time.sleep(PAST_THE_LEASE_SECONDS)
        for proxy in ways_to(site, server):
            proxy.restore()
        return True

    return Strike(fault=f"way to {server}: {milliseconds} ms later each way", run=run)


def swallowed(server: str, *, seconds: float = QUIETLY_SECONDS) -> Strike:
    """Nothing passes on the way to a server, and nobody is told."""

    def run(site: Site, _random: Random) -> bool:
        for proxy in ways_to(site, server):
            proxy.swallow()
        time.sleep(seconds)
        for proxy in ways_to(site, server):
            proxy.restore()
        return True

    return Strike(fault=f"way to {server}: silence", run=run)


def refused(server: str) -> Strike:
    """No new connection to a server, and the open ones broken."""

    def run(site: Site, _random: Random) -> bool:
        for proxy in ways_to(site, server):
            proxy.refuses = True
            proxy.cut()
        time.sleep(PAST_THE_LEASE_SECONDS)
        for proxy in ways_to(site, server):
            proxy.restore()
        return True

    return Strike(fault=f"way to {server}: refused", run=run)


def ways_to(site: Site, server: str) -> list[Proxy]:
    """Return the proxies before a server; a cluster has three."""
    return [proxy for name, proxy in site.proxies.items() if name.startswith(server)]


# The portal


def portal_misbehaves(mode: str, *, seconds: float = 5, share: float = 0.4) -> Strike:
    """The portal misbehaves towards a share of the requests for some time."""

    def run(site: Site, _random: Random) -> bool:
        order: dict[str, object] = {"mode": mode, "for_seconds": seconds}
        if mode != "refuse":
            order["share"] = share
        site.portal.misbehave(**order)
        time.sleep(seconds)
        return True

    return Strike(fault=f"portal: {mode.replace('_', ' ')}", run=run)


def portal_killed() -> Strike:
    """kill -9, and a start on the same record."""

    def run(site: Site, random: Random) -> bool:
        site.portal.kill()
        time.sleep(random.random() * 2)
        site.portal.start()
        return True

    return Strike(fault="portal: kill -9, started again", run=run)


# Disks and clocks


def postgresql_disk_full(disk: SmallDisk) -> Strike:
    """No byte is left where PostgreSQL has its data; where it gave up, it is started again."""

    def run(site: Site, _random: Random) -> bool:
        server = site.servers.postgresql
        assert server is not None
        disk.fill()
        time.sleep(PAST_THE_LEASE_SECONDS)
        disk.empty()
        disk.check_room()
        if not server.is_running:
            server.start()
        return True

    return Strike(fault="PostgreSQL: no disk left", run=run)


def data_disk_full(disk: SmallDisk) -> Strike:
    """No byte is left where the embedded store and exchange are."""

    def run(_site: Site, _random: Random) -> bool:
        disk.fill()
        time.sleep(PAST_THE_LEASE_SECONDS)
        disk.empty()
        disk.check_room()
        return True

    return Strike(fault="embedded: no disk left", run=run)


NO_TIME = timedelta(0)
JUMPS = (timedelta(minutes=30), timedelta(minutes=-30), NO_TIME)
"""
Where the workers' clocks stand one after the other, against the true time: far beyond every lease,
and beyond the five minutes by which a signature or a receipt may be ahead of who reads it.
"""


def clock_jumps(clock: FalseClock, offset: timedelta) -> Strike:
    """The clock of every worker jumps, and stays there past the leases."""

    def run(_site: Site, _random: Random) -> bool:
        clock.jump(offset)
        time.sleep(PAST_THE_LEASE_SECONDS)
        return True

    minutes = offset.total_seconds() / 60
    return Strike(fault=f"clocks of the workers: {minutes:+g} min", run=run)
