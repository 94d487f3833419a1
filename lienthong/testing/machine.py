"""What the servers of the tests need of the machine: ports, processes, the ends of logs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

END_BYTES = 2000
KILL_SECONDS = 10.0


class ServerFailed(Exception):
    """A server did not start; carries the end of its log."""


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that nobody uses now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def end_of(log: Path) -> str:
    """Return the last lines of a log."""
    try:
        return log.read_text(errors="replace")[-END_BYTES:]
    except OSError as error:
        return f"{log}: {error.strerror}"


def descendants(process: int) -> list[int]:
    """Return the processes that one started, and that those started, the nearest first."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, parent, _state in _processes():
        children[parent].append(pid)
    found = list(children[process])
    for child in found:
        found.extend(children[child])
    return found


def running(processes: Iterable[int]) -> set[int]:
    """Return which of some processes can still do anything; who waits to be reaped cannot."""
    alive = {pid for pid, _parent, state in _processes() if not state.startswith("Z")}
    return alive.intersection(processes)


def signal_all(processes: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to every one that is still there."""
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def kill_all(processes: Collection[int]) -> None:
    """Kill with -9, and return when all of them are dead."""
    signal_all(processes, signal.SIGKILL)
    ends = time.monotonic() + KILL_SECONDS
    while alive := running(processes):
        if time.monotonic() > ends:
            raise ServerFailed(f"kill -9 did not end the processes {sorted(alive)}")
        time.sleep(0.01)


def _processes() -> list[tuple[int, int, str]]:
    """Every process with its parent and its state."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="],  # noqa: S607 - wherever the system keeps it
        check=True,
        capture_output=True,
        text=True,
        timeout=10,
    )
    found = []
    for line in listed.stdout.splitlines():
        pid, parent, state = line.split()
        found.append((int(pid), int(parent), state))
    return found
