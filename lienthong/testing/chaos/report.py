"""The table that is published: what was done, on which machine, and what came of it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lienthong.testing.chaos.verdict import SHOWN
from lienthong.testing.postgresql import find_programs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lienthong.testing.chaos.matrix import Chapter
    from lienthong.testing.chaos.siege import Siege

GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One chapter in one mode of the portal."""

    chapter: Chapter
    idempotent: bool
    siege: Siege


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that one call of the program did."""

    command: str
    seed: int
    begun_at: datetime
    seconds: float
    entries: Sequence[Entry]
    left_out: Sequence[str]
    """Chapters that could not be run here, or broke off, and why."""

    @property
    def holds(self) -> bool:
        """Whether every fault was made and nothing is wrong."""
        return not self.left_out and all(entry.siege.holds for entry in self.entries)


def named(chapter: Chapter, idempotent: bool) -> str:
    """Return how a chapter in one mode of the portal is called."""
    return f"{chapter.name}, {'' if idempotent else 'not '}idempotent"


def machine() -> dict[str, str]:
    """Return what it ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return {
        "processors": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{memory:.0f} GiB",
        "system": platform.platform(),
        "Python": platform.python_version(),
        "Lienthong": version("lienthong"),
        "RabbitMQ": _package("rabbitmq-server"),
        "Erlang": _package("erlang-base"),
        "PostgreSQL": _postgresql(),
    }


def as_values(run: Run) -> dict[str, Any]:
    """Return the run as JSON takes it."""
    return {
        "command": run.command,
        "seed": run.seed,
        "begun_at": run.begun_at.isoformat(),
        "seconds": round(run.seconds, 1),
        "holds": run.holds,
        "machine": machine(),
        "messages": sum(entry.siege.effects for entry in run.entries),
        "left_out": list(run.left_out),
        "chapters": [_entry_values(entry) for entry in run.entries],
    }


def _entry_values(entry: Entry) -> dict[str, Any]:
    siege = entry.siege
    findings = asdict(siege.findings)
    return {
        "chapter": entry.chapter.name,
        "portal_is_idempotent": entry.idempotent,
        "store": siege.plan.wish.store.value,
        "broker": siege.plan.wish.broker.value,
        "submissions": siege.truth.submissions,
        "records": siege.truth.records,
        "messages": siege.effects,
        "expected": siege.truth.expected,
        "deliveries": siege.deliveries,
        "offered_again": siege.truth.uncertain,
        "restarts": siege.restarts,
        "seconds": round(siege.seconds, 1),
        "counts": siege.findings.counts,
        "findings": {kind: found[:SHOWN] for kind, found in findings.items()},
        "errors": siege.errors,
        "faults": {
            fault: {
                "strikes": struck.strikes,
                "missed": struck.missed,
                "longest_silence_seconds": round(max(struck.silences, default=0), 2),
            }
            for fault, struck in siege.struck.items()
        },
    }


def as_page(run: Run) -> str:
    """Return the run as docs/crash-matrix.md."""
    messages = sum(entry.siege.effects for entry in run.entries)
    verdict = (
        "Nothing was lost, doubled, out of order or wrongly reported."
        if run.holds
        else "**Not everything held: see the findings below.**"
    )
    parts = [
        INTRODUCTION,
        f"## The run\n\n{verdict}\n",
        _table(
            ("", ""),
            [
                ("command", f"`{run.command}`"),
                ("begun", f"{run.begun_at:%Y-%m-%d %H:%M} UTC"),
                ("took", f"{run.seconds / 60:.0f} min"),
                ("messages in effect at the portal", f"{messages:,}"),
                ("seed", str(run.seed)),
                *machine().items(),
            ],
        ),
        "## By chapter\n",
        _chapters(run),
        "## By fault\n",
        FAULTS,
        _faults(run),
        *_findings(run),
        MEANS,
    ]
    return "\n".join(parts)


def _chapters(run: Run) -> str:
    rows = [
        (
            entry.chapter.name,
            "yes" if entry.idempotent else "no",
            f"{entry.siege.plan.wish.store.value}, {entry.siege.plan.wish.broker.value}",
            f"{sum(struck.strikes for struck in entry.siege.struck.values())}",
            f"{entry.siege.effects:,}",
            f"{entry.siege.deliveries - entry.siege.effects:,}",
            f"{entry.siege.restarts}",
            *(str(count) for count in entry.siege.findings.counts.values()),
            f"{entry.siege.seconds:.0f}",
        )
        for entry in run.entries
    ]
    heads = (
        "chapter",
        "idempotent portal",
        "store, exchange",
        "strikes",
        "messages",
        "sent again or refused",
        "restarts",
        "lost",
        "doubled",
        "out of order",
        "wrongly reported",
        "stuck",
        "seconds",
    )
    about = {entry.chapter.name: entry.chapter.about for entry in run.entries}
    said = "\n".join(f"- **{name}**: {words}" for name, words in about.items())
    return f"{said}\n\n{_table(heads, rows)}"


def _faults(run: Run) -> str:
    rows = []
    for entry in run.entries:
        counts = entry.siege.findings.counts
        for fault, struck in entry.siege.struck.items():
            rows.append(
                (
                    fault,
                    entry.chapter.name,
                    "yes" if entry.idempotent else "no",
                    str(struck.strikes - struck.missed),
                    *(str(count) for count in counts.values()),
                    f"{max(struck.silences, default=0):.1f}",
                )
            )
    heads = (
        "fault",
        "chapter",
        "idempotent portal",
        "strikes",
        "lost",
        "doubled",
        "out of order",
        "wrongly reported",
        "stuck",
        "longest silence, s",
    )
    return _table(heads, rows)


def _findings(run: Run) -> list[str]:
    lines = [f"- {words}" for words in run.left_out]
    for entry in run.entries:
        siege = entry.siege
        name = named(entry.chapter, entry.idempotent)
        found = [
            f"{kind}: {words}"
            for kind, all_of_them in asdict(siege.findings).items()
            for words in all_of_them[:SHOWN]
        ]
        found += [f"error: {error}" for error in siege.errors]
        found += [
            f"not reached: {fault}" for fault, struck in siege.struck.items() if struck.missed
        ]
        lines += [f"- {name}: {words}" for words in found]
    return ["## Findings\n", "\n".join(lines) + "\n"] if lines else []


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.+)", text)
    return found[1] if found else platform.machine()


def _package(name: str) -> str:
    return _said("dpkg-query", "--showformat=${Version}", "--show", name)


def _postgresql() -> str:
    programs = find_programs()
    return "" if programs is None else _said(str(programs / "postgres"), "--version")


def _said(*words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            words, check=False, capture_output=True, text=True, timeout=10
        )
    except OSError:
        return "?"
    return done.stdout.strip() or "?"


INTRODUCTION = """\
# The crash matrix

Every fault at every step boundary, against real RabbitMQ and PostgreSQL servers and the sandbox
portal, under load from four agencies. Afterwards the portal's own list of arrivals and effects is
compared with what the agencies were promised when their hand-overs were acknowledged: status for
status, in order, dossier by dossier. This page is written by the program that does it:

    make crash-matrix            the long form; writes this page and docs/crash-matrix.json
    make crash-matrix SEED=7     the same with other dossiers and other moments

A short form of the same is part of `make test` (`tests/chaos`).

- **lost**: acknowledged to an agency, and not in effect at the portal.
- **doubled**: a second effect, an effect nobody asked for, a request under a number that came
  before or was never written down, or a send that began after the receipt was stored.
- **out of order**: a dossier whose effects did not happen in its agency's order.
- **wrongly reported**: stored or told otherwise than it is: delivered without an effect, parked or
  rejected though good, good though it cannot be converted, a repeat not known as one.
- **stuck**: not ended by itself within two minutes after the last fault.
"""
FAULTS = """\
The counts of a row are those of its chapter: its faults hit the same dossiers. *Longest silence*
is the longest time without an effect at the portal from the beginning of the fault to the first
effect after it was healed; workers, leases and patience are short here (a lease of 5 s), so these
are not the times of a production site.
"""
MEANS = """\
## By which means

- **The load.** XML with keys and versions, nested JSON with progress rows, a table with keys, a
  table without; histories in which a status comes back (4 → 5 → 4); one record in ten is a repeat,
  one in fifty cannot be converted and is corrected later, one dossier in a hundred is refused by
  the portal for good. An agency that was not told that a hand-over was taken offers it again under
  the same key until it is.
- **Step boundaries** are failpoints: a closed list of named points in the code
  (`lienthong/failpoints.py`), inert unless LIENTHONG_FAILPOINTS is set. A worker started with one
  kills itself with SIGKILL, or stops itself with SIGSTOP, at the nth time it comes there; a
  supervisor starts it again at once, as systemd would, or lets it go on after one and a half
  leases. Between the look at the lease and the first byte of a call there is no point: nothing is
  done there, and nothing could fence it off.
- **Servers** are private ones on loopback with data of their own and everything durable switched
  on. kill -9 reaches every process of PostgreSQL, not the postmaster alone.
- **The minority partition** is made by Erlang's own means: the node gets wrong cookies for the two
  others and is disconnected from both in one go; its clients still reach it. The cluster runs with
  `pause_minority`.
- **Ways** lead through a TCP proxy: it breaks connections, refuses them, passes all on later,
  or passes nothing on while connections stay open; what was held back arrives afterwards.
- **A full disk** is a small file system (tmpfs) under PostgreSQL's data, or under the embedded
  files; RabbitMQ's is its own disk alarm.
- **Clocks** jump in the worker processes, by an injected clock (libfaketime makes every sleep of
  Python fail where the monotonic clock stays true); the portal and the database keep the time.
- **The portal** is the sandbox with full durability; where it is not idempotent, every message that
  reaches it twice takes effect twice.
"""
