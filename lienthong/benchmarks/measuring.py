"""
Times of the processor and of the wall, per dossier; and the processor time of other processes.

Processor time is read from /proc, so other processes can be measured on Linux only. Where the
machine is busy, both grow: what is said of a stage is its ratio to primitives of the same run.
"""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from lienthong.testing.machine import descendants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from schemas.problem import Text

RABBITMQ = "RabbitMQ"
POSTGRESQL = "PostgreSQL"
SERVERS = {
    "beam.smp": RABBITMQ,
    "epmd": RABBITMQ,
    "erl_child_setup": RABBITMQ,
    "inet_gethost": RABBITMQ,
    "rabbitmq-server": RABBITMQ,
    "postgres": POSTGRESQL,
}
"""Whose processes have which names."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one dossier costs, in microseconds."""

    cpu: float
    """Of this process and of the servers it makes work."""
    wall: float

    def over(self, dossiers: int) -> Cost:
        """Return the share of each, where this is the cost of so many."""
        return Cost(cpu=self.cpu / dossiers, wall=self.wall / dossiers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Primitive:
    """The barest call that does one thing."""

    key: str
    name: Text
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of a dossier's way, beside the primitives it cannot do without."""

    key: str
    name: Text
    cost: Cost
    primitives: tuple[Primitive, ...]
    """One that is needed twice stands here twice."""

    @property
    def limit(self) -> Cost:
        """The sum of the primitives."""
        return Cost(
            cpu=sum(primitive.cost.cpu for primitive in self.primitives),
            wall=sum(primitive.cost.wall for primitive in self.primitives),
        )

    @property
    def ratio(self) -> float:
        """1 would be the processor time of the primitives alone."""
        return self.limit.cpu / self.cost.cpu


class Meter:
    """Measures calls that make servers of this process work: started by it, or by what it began."""

    def __init__(self, servers: Collection[str] = ()) -> None:
        self._servers = set(servers)

    def measure(self, work: Callable[[], object], *, dossiers: int) -> Cost:
        """Do `work`, which is for so many dossiers."""
        others, own, begun = self._others(), process_time(), perf_counter()
        work()
        wall = perf_counter() - begun
        cpu = process_time() - own + self._others() - others
        return Cost(cpu=cpu / dossiers * 1e6, wall=wall / dossiers * 1e6)

    def _others(self) -> float:
        if not self._servers:
            return 0.0
        used = cpu_by_name({})
        return sum(used.get(name, 0.0) for name in self._servers)


def cpu_by_name(named: Mapping[int, str]) -> dict[str, float]:
    """
    Return the processor seconds that the processes below this one have used so far.

    Args:
        named: Names of processes that are no servers, by their ids; others are left out.
    """
    used: dict[str, float] = {}
    for process in descendants(os.getpid()):
        with suppress(OSError):
            name = named.get(process) or SERVERS.get(_command(process))
            if name is not None:
                used[name] = used.get(name, 0.0) + cpu_seconds(process)
    return used


def cpu_seconds(process: int) -> float:
    """
    Return the processor seconds of a process and of its children that have ended.

    Raises:
        OSError: it is not there any more.
    """
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    # utime, stime, cutime and cstime are fields 14 to 17 of proc(5); the list begins at field 3.
    own, children = (sum(map(int, fields[at : at + 2])) / _TICKS for at in (11, 13))
    # A tick is 10 ms, too coarse for one stage; threads that ended are in the ticks only.
    return max(own, _fine_seconds(process)) + children


def _fine_seconds(process: int) -> float:
    nanoseconds = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(OSError):
            nanoseconds += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    return nanoseconds / 1e9


def _command(process: int) -> str:
    return Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of `values` do not exceed."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
