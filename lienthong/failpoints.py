"""
Named moments between two durable steps at which a test can kill or freeze a worker.

Each stands where a crash would leave something half done. Nothing happens there unless the
process was started with LIENTHONG_FAILPOINTS, and it says so in its log when it was:

    LIENTHONG_FAILPOINTS="deliver.attempt_committed=kill@7"         the seventh time
    LIENTHONG_FAILPOINTS="seed=42,expand.committed=stop@1/50"     each time by chance, repeatably
    LIENTHONG_FAILPOINTS="receive.committed=sleep(0.5)@1"         half a second, the first time

`kill` is kill -9 of this process, `stop` freezes it until somebody sends SIGCONT, `note` only
writes a line in the log. Every one writes that line first.
"""

from __future__ import annotations

import difflib
import os
import re
import signal
import time
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import structlog

from schemas.errors import ConfigError
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "LIENTHONG_FAILPOINTS"
"""Read where the command line begins, and nowhere else."""

log = structlog.get_logger()
T = TypeVar("T", bound=Enum)


class Point(Enum):
    """Where a process can be made to fail; the values are those of the variable."""

    RECEIVE_PIECE_WRITTEN = "receive.piece_written"
    """A part of a large submission is durable, and nothing says yet that it exists."""
    RECEIVE_REGISTERED = "receive.registered"
    """Submissions are written, in a transaction that is still open."""
    RECEIVE_COMMITTED = "receive.committed"
    """They exist, nobody was told, and no hint was published."""
    RECEIVE_HINTED = "receive.hinted"
    """The hint is out, and the sender does not know that they were taken over."""
    TAKE_TAKEN = "take.taken"
    """Messages of agencies are in the hand, and nothing of them is written down."""
    TAKE_STORED = "take.stored"
    """They are durable here, and the broker does not know it."""
    TAKE_ACKNOWLEDGED = "take.acknowledged"
    """The broker knows it as well."""
    FOLDER_CLAIMED = "folder.claimed"
    """A file of an agency's folder is held, and not read."""
    FOLDER_TAKEN = "folder.taken"
    """It is durable here, and its folder does not show it."""
    FOLDER_ARCHIVED = "folder.archived"
    """It lies in the archive."""
    PULL_CLAIMED = "pull.claimed"
    """A source is claimed, and nothing was read."""
    PULL_READ = "pull.read"
    """A page of it is in the hand, and nothing of it is written down."""
    PULL_TAKEN = "pull.taken"
    """It is durable here with the mark that belongs to it, and the next page was not begun."""
    PULL_ARCHIVED = "pull.archived"
    """A file that was pulled lies in the archive of its server."""
    EXPAND_CLAIMED = "expand.claimed"
    """An agency is claimed, and nothing was read."""
    EXPAND_PREPARED = "expand.prepared"
    """A batch is converted and signed, and nothing of it is written down."""
    EXPAND_WRITTEN = "expand.written"
    """A batch is written, in a transaction that is still open."""
    EXPAND_COMMITTED = "expand.committed"
    """A batch is durable, and no hint says that it can be delivered."""
    EXPAND_HINTED = "expand.hinted"
    """Its hints are out, and the next batch has not begun."""
    DELIVER_HINTED = "deliver.hinted"
    """Hints were taken, and no dossier is claimed for them."""
    DELIVER_WRITTEN = "deliver.written"
    """Outcomes, claims and attempts are written, in a transaction that is still open."""
    DELIVER_ATTEMPT_COMMITTED = "deliver.attempt_committed"
    """Claims and attempts are durable, and no call has begun."""
    DELIVER_CALLING = "deliver.calling"
    """One call is about to be made, if its lease still allows it."""
    DELIVER_ANSWERED = "deliver.answered"
    """The portal answered one call, and nothing here knows what."""
    DELIVER_LOOKED_UP = "deliver.looked_up"
    """The portal said what became of an earlier call, and nothing here knows it."""
    DELIVER_OUTCOME_COMMITTED = "deliver.outcome_committed"
    """What calls brought is durable, and their hints are not settled."""
    DELIVER_SETTLED = "deliver.settled"
    """The hints are settled as well."""
    RESULTS_PUBLISHED = "results.published"
    """Results are in their agencies' queues, and nothing here says so."""
    RESULTS_MARKED = "results.marked"
    """It is written down that they are."""
    SWEEP_REMOVED = "sweep.removed"
    """What nobody will ask for is removed, in a transaction that is still open."""
    SEAL_LINKED = "seal.linked"
    """A seal is written on a batch of audit rows, in a transaction that is still open."""


class Action(Enum):
    """What happens at a point."""

    KILL = "kill"
    STOP = "stop"
    SLEEP = "sleep"
    NOTE = "note"


@dataclass(slots=True, kw_only=True)
class Trap:
    """One point that was asked for."""

    point: Point
    action: Action
    seconds: float = 0
    """For `sleep`."""
    turn: int = 0
    """The time it springs, 1-based; 0 means by chance."""
    chance: float = 0
    random: Random
    _times: int = field(init=False, default=0)
    _lock: Lock = field(init=False, default_factory=Lock)

    def spring(self) -> None:
        """Count, and act when it is time."""
        with self._lock:
            self._times += 1
            is_time = self._times == self.turn if self.turn else self.random.random() < self.chance
        if not is_time:
            return
        log.warning("failpoint.sprung", point=self.point.value, action=self.action.value)
        match self.action:
            case Action.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Action.STOP:
                os.kill(os.getpid(), signal.SIGSTOP)
            case Action.SLEEP:
                time.sleep(self.seconds)
            case Action.NOTE:
                pass


_traps: Mapping[Point, Trap] = {}


def reached(point: Point) -> None:
    """Do what was asked for at this point; nothing, as a rule."""
    trap = _traps.get(point)
    if trap is not None:
        trap.spring()


def arm(wanted: str) -> None:
    """
    Set the points of this process, in place of those that were set; an empty text clears them.

    Raises:
        ConfigError: `wanted` names a point or an action that does not exist.
    """
    global _traps  # noqa: PLW0603 - one process, one set, set once when it starts
    _traps = parse(wanted)
    if _traps:
        log.warning("failpoints.armed", wanted=wanted)


_ITEM = re.compile(
    r"(?P<point>[a-z_.]+)=(?P<action>[a-z]+)(?:\((?P<seconds>\d+(?:\.\d+)?)\))?"
    r"@(?:1/(?P<odds>[1-9]\d*)|(?P<turn>[1-9]\d*))"
)
_SEED = re.compile(r"seed=(\d+)")


def parse(wanted: str) -> dict[Point, Trap]:
    """Read the variable. Raises as `arm` does."""
    items = [item.strip() for item in wanted.split(",") if item.strip()]
    seeds = [found[1] for item in items if (found := _SEED.fullmatch(item))]
    seed = seeds[-1] if seeds else "0"
    traps = [_trap(item, seed=seed) for item in items if not _SEED.fullmatch(item)]
    return {trap.point: trap for trap in traps}


def _trap(item: str, *, seed: str) -> Trap:
    found = _ITEM.fullmatch(item)
    if found is None:
        raise ConfigError(
            Text(
                vi=f"{VARIABLE}: không hiểu «{item}»; cần dạng điểm=kill@7, điểm=stop@1/50 "
                "hoặc điểm=sleep(0.5)@1",
                en=f"{VARIABLE}: '{item}' is not understood; expected point=kill@7, "
                "point=stop@1/50 or point=sleep(0.5)@1",
            ),
            code="failpoints.syntax",
        )
    point = _one_of(Point, found["point"])
    return Trap(
        point=point,
        action=_one_of(Action, found["action"]),
        seconds=float(found["seconds"] or 0),
        turn=int(found["turn"] or 0),
        chance=1 / int(found["odds"]) if found["odds"] else 0,
        random=Random(f"{seed} {point.value}"),  # noqa: S311 - to be repeated, not to be secret
    )


def _one_of(kind: type[T], value: str) -> T:
    known = {member.value: member for member in kind}
    if value in known:
        return known[value]
    near = difflib.get_close_matches(value, known, n=1) or list(known)
    raise ConfigError(
        Text(
            vi=f"{VARIABLE}: không có «{value}»; có phải: {', '.join(near)}?",
            en=f"{VARIABLE}: there is no '{value}'; did you mean: {', '.join(near)}?",
        ),
        code="failpoints.unknown",
    )
