"""Which sites are besieged, with which faults, and for how long."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from lienthong.failpoints import Action, Point
from lienthong.testing.chaos import faults
from lienthong.testing.chaos.doors import open_door
from lienthong.testing.chaos.siege import Plan, lay_siege
from lienthong.testing.chaos.site import BrokerKind, Servers, StoreKind, Wish, make_keys
from lienthong.testing.clock import FalseClock
from lienthong.testing.disk import MIB, NoSmallDisk, small_disk
from lienthong.testing.postgresql import PrivatePostgres
from lienthong.testing.rabbitmq import PrivateCluster, PrivateRabbit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lienthong.testing.chaos.faults import Strike
    from lienthong.testing.chaos.siege import Siege

WORKERS = (
    "take,folder",
    "take,folder",
    "http",
    "expand",
    "expand",
    "deliver",
    "deliver",
    "results,sweep,seal,receipts",
    "results",
)
"""Two of each that shares its work: while one is frozen, the other meets its leases."""
DOORS = {
    "business-registration": "http",
    "igate-one-stop": "amqp",
    "land-registration": "file",
    "district-portalqh": "folder",
}
ALONE = ("expand,deliver,sweep,seal,receipts,folder", "expand,deliver", "http")
DOORS_ALONE = DOORS | {"igate-one-stop": "file"}
SERVERS = ("postgresql", "rabbitmq", "portal")
SMALL_DISK_BYTES = 1024 * MIB
"""What is stored for 20,000 messages, twice over."""
SMALL_WAL = ("max_wal_size = '64MB'", "min_wal_size = '32MB'")
"""A gigabyte of log, PostgreSQL's own setting, would fill the small disk by itself."""


@dataclass(slots=True)
class Ground:
    """What sieges share: a folder, keys, and servers that are started when first needed."""

    folder: Path
    keys: Path
    _stack: ExitStack
    _servers: Servers = field(default_factory=Servers)

    @property
    def servers(self) -> Servers:
        """The pair of servers."""
        if self._servers.postgresql is None:
            self._servers.postgresql = PrivatePostgres()
            self._stack.callback(self._servers.postgresql.stop)
            self._servers.postgresql.start()
        if self._servers.rabbitmq is None:
            self._servers.rabbitmq = PrivateRabbit(folder=self.folder / "rabbitmq")
            self._stack.callback(self._servers.rabbitmq.stop)
            self._servers.rabbitmq.start()
        return self._servers

    @contextmanager
    def with_cluster(self) -> Iterator[Servers]:
        """Give the servers with a cluster, which costs too much to be kept."""
        folder = Path(tempfile.mkdtemp(prefix="cluster-", dir=self.folder))
        cluster = PrivateCluster(folder=folder)
        try:
            cluster.start()
            yield replace(self.servers, cluster=cluster)
        finally:
            cluster.stop()


@contextmanager
def prepared(folder: Path) -> Iterator[Ground]:
    """Give the ground for sieges; its servers end with it."""
    keys = folder / "keys"
    make_keys(keys)
    with ExitStack() as stack:
        yield Ground(folder, keys, stack)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One part of the matrix."""

    name: str
    """Plain letters; begins the names of its databases and queues."""
    about: str
    besiege: Callable[[Ground, Scale], Siege]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much of it, and on which seed."""

    seed: int
    effects: int
    """At least, per chapter."""
    rounds: int
    idempotent: bool
    """Whether the portal recognises a message that it has had."""
    per_second: float = inf
    """Effects that the agencies ask for: the rest of the machine is for who is started again."""
    tell: Callable[[str], None]

    @property
    def suffix(self) -> str:
        """Tells this run's database and queues from another's."""
        return f"_{self.seed}_{'i' if self.idempotent else 'n'}"


def _lay(ground: Ground, scale: Scale, plan: Plan, servers: Servers) -> Siege:
    return lay_siege(
        plan,
        folder=ground.folder / plan.wish.name,
        keys=ground.keys,
        servers=servers,
        open_door=open_door,
        seed=scale.seed,
        tell=scale.tell,
    )


def _plan(name: str, scale: Scale, lanes: Mapping[str, Sequence[Strike]], **wish: object) -> Plan:
    values: dict[str, object] = {
        "store": StoreKind.POSTGRESQL,
        "broker": BrokerKind.RABBITMQ,
        "roles": WORKERS,
        "doors": DOORS,
        **wish,
    }
    return Plan(
        wish=Wish(name=name + scale.suffix, idempotent=scale.idempotent, **values),  # type: ignore[arg-type]
        lanes=lanes,
        effects=scale.effects,
        rounds=scale.rounds,
        per_second=scale.per_second,
    )


def _points(*stages: str) -> list[Point]:
    return [point for point in Point if point.value.partition(".")[0] in stages]


def _at_points(*, freezing: Collection[Point]) -> dict[str, Sequence[Strike]]:
    """
    One lane per kind of process: they fail beside each other.

    Args:
        freezing: The points at which workers are frozen; they are killed at all.
    """
    small = [point for point in _points("receive") if point is not Point.RECEIVE_PIECE_WRITTEN]
    lanes: dict[str, Sequence[tuple[Sequence[Point], str]]] = {
        "submit": [(small, faults.SUBMIT)],
        "http": [(_points("receive"), "http")],
        "take": [(small, "take"), (_points("take"), "take"), (_points("folder"), "folder")],
        "expand": [(_points("expand"), "expand")],
        "deliver": [(_points("deliver"), "deliver")],
        "others": [
            (_points("results"), "results"),
            (_points("sweep"), "sweep"),
            (_points("seal"), "seal"),
        ],
    }
    return {
        lane: [
            strike
            for action, of in ((Action.KILL, frozenset(Point)), (Action.STOP, freezing))
            for points, role in targets
            for strike in faults.at_points(
                [point for point in points if point in of], action, role=role
            )
        ]
        for lane, targets in lanes.items()
    }


def _workers(ground: Ground, scale: Scale) -> Siege:
    lanes = _at_points(freezing=frozenset(Point))
    return _lay(ground, scale, _plan("workers", scale, lanes), ground.servers)


FREEZING = frozenset(
    {
        Point.RECEIVE_REGISTERED,
        Point.TAKE_STORED,
        Point.EXPAND_PREPARED,
        Point.EXPAND_WRITTEN,
        Point.DELIVER_WRITTEN,
        Point.DELIVER_ATTEMPT_COMMITTED,
        Point.DELIVER_CALLING,
        Point.DELIVER_ANSWERED,
        Point.RESULTS_PUBLISHED,
    }
)
"""Where a worker that comes back late could do harm: inside transactions and around calls."""


def _workers_shortly(ground: Ground, scale: Scale) -> Siege:
    lanes = _at_points(freezing=FREEZING)
    return _lay(ground, scale, _plan("workers", scale, lanes), ground.servers)


def _anywhere(ground: Ground, scale: Scale) -> Siege:
    lanes = {
        "workers": [
            faults.any_worker(Action.KILL),
            faults.any_worker(Action.KILL),
            faults.any_worker(Action.STOP),
            faults.graceful_stop(),
        ]
    }
    return _lay(ground, scale, _plan("anywhere", scale, lanes), ground.servers)


def _embedded(ground: Ground, scale: Scale) -> Siege:
    plan = _plan(
        "embedded",
        scale,
        {
            "workers": [
                *faults.at_points(_points("expand"), Action.KILL, role="expand"),
                *faults.at_points(_points("deliver"), Action.KILL, role="deliver"),
                *faults.at_points(_points("folder"), Action.KILL, role="folder"),
                faults.any_worker(Action.STOP),
                faults.graceful_stop(),
            ]
        },
        store=StoreKind.SQLITE,
        broker=BrokerKind.SQLITE,
        roles=ALONE,
        doors=DOORS_ALONE,
    )
    return _lay(ground, scale, plan, Servers())


def _servers(ground: Ground, scale: Scale) -> Siege:
    lane = [
        faults.postgresql_killed(),
        faults.rabbitmq_killed(),
        faults.postgresql_frozen(),
        faults.rabbitmq_frozen(),
    ]
    return _lay(ground, scale, _plan("servers", scale, {"servers": lane}), ground.servers)


def _ways(ground: Ground, scale: Scale) -> Siege:
    lane = [
        make(server)
        for server in SERVERS
        for make in (faults.cut, faults.delayed, faults.swallowed, faults.refused)
    ]
    return _lay(ground, scale, _plan("ways", scale, {"ways": lane}), ground.servers)


def _portal(ground: Ground, scale: Scale) -> Siege:
    modes = ("commit_then_drop", "drop_before", "slow", "unavailable", "refuse")
    lane = [*(faults.portal_misbehaves(mode) for mode in modes), faults.portal_killed()]
    return _lay(ground, scale, _plan("portal", scale, {"portal": lane}), ground.servers)


def _cluster(ground: Ground, scale: Scale) -> Siege:
    lane = [faults.node_killed(), faults.node_isolated()]
    plan = _plan("cluster", scale, {"cluster": lane}, broker=BrokerKind.CLUSTER)
    with ground.with_cluster() as servers:
        return _lay(ground, scale, plan, servers)


def _disk(ground: Ground, scale: Scale) -> Siege:
    with small_disk(size_bytes=SMALL_DISK_BYTES) as disk:
        server = PrivatePostgres(folder=disk.path / "postgresql", extra=SMALL_WAL)
        try:
            server.start()
            lane = [faults.postgresql_disk_full(disk), faults.rabbitmq_disk_full()]
            plan = _plan("disk", scale, {"disk": lane})
            return _lay(ground, scale, plan, replace(ground.servers, postgresql=server))
        finally:
            disk.empty()
            server.stop()


def _embedded_disk(ground: Ground, scale: Scale) -> Siege:
    with small_disk(size_bytes=SMALL_DISK_BYTES) as disk:
        plan = _plan(
            "embeddeddisk",
            scale,
            {"disk": [faults.data_disk_full(disk)]},
            store=StoreKind.SQLITE,
            broker=BrokerKind.SQLITE,
            roles=ALONE,
            doors=DOORS_ALONE,
            data_dir=disk.path / "data",
        )
        return _lay(ground, scale, plan, Servers())


def _clock(ground: Ground, scale: Scale) -> Siege:
    clock = FalseClock(ground.folder / f"time{scale.suffix}")
    clock.jump(faults.NO_TIME)
    lane = [
        *(faults.clock_jumps(clock, offset) for offset in faults.JUMPS),
        # What loses hints, while workers remember times that their clocks have been set back from.
        faults.refused("rabbitmq"),
    ]
    plan = _plan("clock", scale, {"clock": lane}, clock=clock.file)
    return _lay(ground, scale, plan, ground.servers)


def _outside(ground: Ground, scale: Scale) -> Siege:
    """Everything around the workers at one site: the short form of five chapters."""
    clock = FalseClock(ground.folder / f"time{scale.suffix}")
    clock.jump(faults.NO_TIME)
    lane = [
        # First: what follows meets workers whose clocks have been set back.
        *(faults.clock_jumps(clock, offset) for offset in faults.JUMPS),
        faults.postgresql_killed(),
        faults.rabbitmq_killed(),
        faults.postgresql_frozen(),
        faults.rabbitmq_frozen(),
        faults.rabbitmq_disk_full(),
        *(faults.cut(server) for server in SERVERS),
        *(faults.swallowed(server) for server in SERVERS),
        faults.delayed("portal"),
        faults.refused("portal"),
        faults.portal_misbehaves("commit_then_drop"),
        faults.portal_misbehaves("drop_before"),
        faults.portal_killed(),
    ]
    with ExitStack() as stack:
        servers = ground.servers
        try:
            disk = stack.enter_context(small_disk(size_bytes=SMALL_DISK_BYTES))
        except NoSmallDisk as error:
            scale.tell(f"no full disk here: {error}")
        else:
            server = PrivatePostgres(folder=disk.path / "postgresql", extra=SMALL_WAL)
            stack.callback(server.stop)
            stack.callback(disk.empty)
            server.start()
            servers = replace(servers, postgresql=server)
            lane.append(faults.postgresql_disk_full(disk))
        plan = _plan("outside", scale, {"outside": lane}, clock=clock.file)
        return _lay(ground, scale, plan, servers)


CHAPTERS = (
    Chapter(
        name="workers",
        about="each worker is killed (kill -9) and frozen (SIGSTOP past its lease, then SIGCONT) "
        "at each step boundary",
        besiege=_workers,
    ),
    Chapter(
        name="anywhere",
        about="workers are killed, frozen and asked to end wherever they are",
        besiege=_anywhere,
    ),
    Chapter(
        name="servers",
        about="RabbitMQ and PostgreSQL are killed and started again, and frozen",
        besiege=_servers,
    ),
    Chapter(
        name="ways",
        about="connections to PostgreSQL, RabbitMQ and the portal are cut, late, silent, refused",
        besiege=_ways,
    ),
    Chapter(
        name="portal",
        about="the portal commits and drops, drops before, is slow, unavailable, away, killed",
        besiege=_portal,
    ),
    Chapter(
        name="cluster",
        about="a RabbitMQ cluster of three loses a node; one node is a minority partition",
        besiege=_cluster,
    ),
    Chapter(
        name="disk",
        about="PostgreSQL's disk is full (a file system of its own), RabbitMQ's disk alarm is on",
        besiege=_disk,
    ),
    Chapter(
        name="clock",
        about="the workers' clocks jump, then the way to RabbitMQ is refused",
        besiege=_clock,
    ),
    Chapter(
        name="embedded",
        about="one machine on SQLite alone: workers are killed, frozen and asked to end",
        besiege=_embedded,
    ),
    Chapter(
        name="embeddeddisk",
        about="one machine on SQLite alone: its disk is full",
        besiege=_embedded_disk,
    ),
)
SHORT = (
    (
        Chapter(
            name="workers",
            about="workers are killed at every point, and frozen where it could do most harm",
            besiege=_workers_shortly,
        ),
        False,
    ),
    (
        Chapter(
            name="outside",
            about="servers, ways, the portal, clocks and a disk fail, one after the other",
            besiege=_outside,
        ),
        False,
    ),
    (CHAPTERS[5], True),
    (CHAPTERS[8], True),
)
"""The short form: chapters, and whether the portal recognises a message that it has had."""
