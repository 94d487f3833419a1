#!/usr/bin/env python3
"""
Measure what checking a long audit log takes: one is made, sealed, and checked whole.

The rows are written as the flows write theirs, tags and salts included, and sealed by the sealer.
The check reads them in a process of its own, so that its peak memory is that of the check.

    python scripts/audit_figures.py FOLDER                    a million rows
    python scripts/audit_figures.py FOLDER --entries 50000    fewer, to try it
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from lienthong.proving import Proving
from lienthong.settings import Settings
from lienthong.store.work import begin
from lienthong.wiring import Installation

IN_ONE_STEP = 1_000


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Speed and memory of checking the audit log")
    parser.add_argument("folder", type=Path, help="gets the store; it stays there")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    installation = Installation(Settings(data_dir=wanted.folder))
    if wanted.check:
        check(installation)
        return 0
    seconds = fill(installation, wanted.entries)
    tell(f"made and sealed {wanted.entries:,} rows in {seconds:,.0f} s")
    command = [sys.executable, __file__, str(wanted.folder), "--check"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own
    found = json.loads(done.stdout)
    tell(
        f"checked {found['rows']:,} rows under {found['seals']:,} seals in "
        f"{found['seconds']:.1f} s, {found['cpu']:.1f} s of the processor, "
        f"peak memory {found['peak'] / 1e6:.0f} MB"
    )
    return 0


def fill(installation: Installation, entries: int) -> float:
    """Write and seal rows; return the seconds that took."""
    begun = time.perf_counter()
    for first in range(0, entries, IN_ONE_STEP):
        with begin(installation.store, at=installation.clock(), actor="worker") as work:
            for number in range(first, min(first + IN_ONE_STEP, entries)):
                work.note("message.ready", f"msg-{number:032x}", agency="79", attempt=1, way="add")
    Proving(installation).make_sealer().step()
    return time.perf_counter() - begun


def check(installation: Installation) -> None:
    """Check the log; print what that took as JSON."""
    begun, used = time.perf_counter(), time.process_time()
    with installation.store.engine.connect() as connection:
        found = Proving(installation).check_log(
            connection.execution_options(lienthong_reading=True)
        )
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    if not found.is_whole or found.unsealed:
        raise SystemExit(f"the log that was just made is not whole: {found.faults[:3]}")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    values = {"rows": found.rows, "seals": found.seals, "seconds": seconds, "cpu": cpu}
    tell(json.dumps(values | {"peak": peak}))


def tell(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
