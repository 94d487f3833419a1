"""Processes of our own beside this one, for the demo and the benchmarks: workers and the portal."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from schemas.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STOP_SECONDS = 30.0
"""How long one may take to end what it is doing."""


@contextmanager
def run_beside(*words: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `lienthong` with these words until the context ends; its standard error goes to a log."""
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "lienthong", *words],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def portal_beside(*options: str, settings: Path, log: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """
    Run the sandbox portal on a free port; give its process id and what it says of itself.

    Raises:
        PeerError: it does not start.
    """
    words = ("--settings", str(settings), "sandbox", "portal", "--port", "0", "--json")
    with run_beside(*words, *options, log=log) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            said = log.read_text(encoding="utf-8").strip()
            raise PeerError(said or "the sandbox did not start", retryable=False, code="portal")
        yield process.pid, json.loads(line)
