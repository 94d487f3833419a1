"""Workers that are started again whenever they end, as systemd does with `Restart=always`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from enum import Enum
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING

from lienthong.failpoints import VARIABLE
from lienthong.testing.forked import Popen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

RESTART_SECONDS = 0.3
LOOK_SECONDS = 0.05
STOP_SECONDS = 30.0


class End(Enum):
    """How a process left the state of running."""

    KILLED = "killed"
    STOPPED = "stopped"
    """Frozen; it is still there."""
    ENDED = "ended"
    """By itself, or because it was asked to."""


@dataclass(slots=True)
class Worker:
    """
    One `lienthong` process; `start` it, and it is there until `stop`.

    A trap is what LIENTHONG_FAILPOINTS gets at the next start; it is used once.
    """

    name: str
    words: Sequence[str]
    log: Path
    environment: Mapping[str, str]
    program: Sequence[str] = ("lienthong",)
    """The module, and what stands before the words."""
    starts: int = field(init=False, default=0)
    is_unexpected: int = field(init=False, default=0)
    """How often it ended though nobody had killed it."""
    _trap: str = field(init=False, default="")
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _ends: list[End] = field(init=False, default_factory=list)
    _changed: Condition = field(init=False, default_factory=Condition)
    _leaving: Event = field(init=False, default_factory=Event)
    _asked: bool = field(init=False, default=False)
    _is_armed: bool = field(init=False, default=False)
    _thread: Thread | None = field(init=False, default=None)

    def start(self) -> None:
        """Start it, and see to it that it is there."""
        self._launch()
        self._thread = Thread(target=self._watch, name=f"watch-{self.name}", daemon=True)
        self._thread.start()

    def arm(self, trap: str) -> None:
        """Start it again with a trap, gracefully; what it is doing is finished or handed back."""
        with self._changed:
            self._trap = trap
            self._is_armed = False
            self._ends.clear()
            self._asked = True
            # This one and no other: who is started from now on has the trap.
            process = self._process
        if process is not None:
            process.send_signal(signal.SIGTERM)

    def wait_armed(self, *, seconds: float) -> bool:
        """Wait until it was started with what it was armed with."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_armed, seconds)

    def end_gracefully(self) -> None:
        """Ask the process to end; another takes its place."""
        self._asked = True
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it now, wherever it is."""
        self._asked = True
        self.send(signal.SIGKILL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process that is there, if one is."""
        process = self._process
        if process is not None:
            process.send_signal(number)

    def wait_for(self, end: End, *, seconds: float) -> bool:
        """Wait until it has left in that way since it was armed; return whether it did in time."""
        with self._changed:
            return self._changed.wait_for(lambda: end in self._ends, seconds)

    @property
    def is_running(self) -> bool:
        """Whether there is a process that was not seen to end."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> bool:
        """End it for good; return whether it ended by itself within its deadline."""
        self._leaving.set()
        if self._thread is not None:
            self._thread.join()
        process = self._process
        if process is None:
            return True
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False
        return True

    def _launch(self) -> None:
        with self._changed, self.log.open("ab") as log:
            trap, self._trap = self._trap, ""
            own = {VARIABLE: trap} if trap else {}
            self._process = Popen(
                [sys.executable, "-m", *self.program, *self.words],
                env={**self.environment, **own},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            self._asked = False
            self._is_armed = True
            self.starts += 1
            self._changed.notify_all()

    def _watch(self) -> None:
        was_stopped = False
        while not self._leaving.wait(LOOK_SECONDS):
            process = self._process
            assert process is not None
            code = process.poll()
            if code is None:
                is_stopped = _is_stopped(process.pid)
                if is_stopped and not was_stopped:
                    self._note(End.STOPPED)
                was_stopped = is_stopped
                continue
            was_stopped = False
            is_kill = code == -signal.SIGKILL
            self._note(End.KILLED if is_kill else End.ENDED)
            if not is_kill and not self._asked:
                self.is_unexpected += 1
            if self._leaving.wait(RESTART_SECONDS):
                return
            self._launch()

    def _note(self, end: End) -> None:
        with self._changed:
            self._ends.append(end)
            self._changed.notify_all()


def _is_stopped(process: int) -> bool:
    """Whether a child is frozen, looked at without taking its state away from others."""
    options = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
    try:
        return os.waitid(os.P_PID, process, options) is not None
    except ChildProcessError:
        return False


def until(seconds: float) -> float:
    """Return the monotonic moment that is so far away."""
    return time.monotonic() + seconds
