"""The table that is published: what was done, on which machine, and what came of it."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lienthong.testing.chaos.verdict import SHOWN
from lienthong.testing.postgresql import find_programs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lienthong.testing.chaos.matrix import Chapter
    from lienthong.testing.chaos.siege import Siege

GIB = 1024**3
COUNTS = ("lost", "doubled", "out of order", "wrongly reported", "stuck")


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


def entry_values(
    chapter: Chapter, siege: Siege, *, idempotent: bool, seed: int, begun_at: datetime
) -> dict[str, Any]:
    """Return one chapter in one mode of the portal as JSON takes it."""
    return {
        "chapter": chapter.name,
        "about": chapter.about,
        "portal_is_idempotent": idempotent,
        "seed": seed,
        "begun_at": begun_at.isoformat(timespec="seconds"),
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "holds": siege.holds,
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
        "findings": {kind: found[:SHOWN] for kind, found in asdict(siege.findings).items()},
        "errors": list(siege.errors),
        "faults": {
            fault: {
                "strikes": struck.strikes,
                "missed": struck.missed,
                "longest_silence_seconds": round(max(struck.silences, default=0), 2),
            }
            for fault, struck in siege.struck.items()
        },
    }


class Page:
    """What is written after every chapter, so that a run that is stopped shows what it did."""

    def __init__(
        self, out: Path | None, *, order: Sequence[tuple[str, bool]], keeps_others: bool
    ) -> None:
        """
        Begin a page.

        Args:
            out: Where it goes, without an ending; None is nowhere.
            order: Every chapter with each mode of the portal, whether it is idempotent.
            keeps_others: Whether chapters stay that an earlier run put there.
        """
        self._out = out
        self._order = order
        self._is_broken = False
        self._entries: dict[tuple[str, bool], dict[str, Any]] = {}
        self._left_out = dict.fromkeys(order, "not run")
        if keeps_others and out is not None and out.with_suffix(".json").exists():
            before = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
            for entry in before["chapters"]:
                self._put(entry)

    @property
    def holds(self) -> bool:
        """Whether all of it holds, as far as it was run."""
        return not self._is_broken and all(entry["holds"] for entry in self._entries.values())

    def leave_out(self, chapter: Chapter, idempotent: bool, why: str) -> None:
        """Note that a chapter was not brought to its end."""
        self._is_broken = True
        self._left_out[chapter.name, idempotent] = why
        self._write()

    def add(self, entry: dict[str, Any]) -> None:
        """Take a chapter in, in place of an earlier run of it."""
        self._put(entry)
        self._write()

    def as_json(self) -> str:
        """Return all of it."""
        return json.dumps(self._values(), ensure_ascii=False, indent=1) + "\n"

    def _put(self, entry: dict[str, Any]) -> None:
        key = (entry["chapter"], entry["portal_is_idempotent"])
        self._entries[key] = entry
        self._left_out.pop(key, None)

    def _values(self) -> dict[str, Any]:
        return as_values(
            [self._entries[key] for key in self._order if key in self._entries],
            left_out=[
                f"{name}, idempotent portal: {_yes(mode)}: {self._left_out[name, mode]}"
                for name, mode in self._order
                if (name, mode) in self._left_out
            ],
        )

    def _write(self) -> None:
        if self._out is not None:
            self._out.with_suffix(".json").write_text(self.as_json(), encoding="utf-8")
            self._out.with_suffix(".md").write_text(as_page(self._values()), encoding="utf-8")


def as_values(entries: Sequence[Mapping[str, Any]], *, left_out: Sequence[str]) -> dict[str, Any]:
    """
    Return what is published, as JSON takes it.

    Args:
        entries: As `entry_values` makes them.
        left_out: Chapters that are not among them, and why.
    """
    return {
        "holds": not left_out and all(entry["holds"] for entry in entries),
        "messages": sum(entry["messages"] for entry in entries),
        "seconds": round(sum(entry["seconds"] for entry in entries), 1),
        "machine": machine(),
        "left_out": list(left_out),
        "chapters": list(entries),
    }


def as_page(values: Mapping[str, Any]) -> str:
    """Return what `as_values` made as docs/crash-matrix.md."""
    verdict = (
        "Nothing was lost, doubled, out of order or wrongly reported."
        if values["holds"]
        else "**Not everything held: see the findings below.**"
    )
    chapters = values["chapters"]
    parts = [
        INTRODUCTION,
        f"## The run\n\n{verdict}\n",
        _table(
            ("", ""),
            [
                ("messages in effect at the portal", f"{values['messages']:,}"),
                ("strikes", f"{sum(_strikes(entry) for entry in chapters):,}"),
                ("took", f"{values['seconds'] / 60:.0f} min"),
                ("seed", ", ".join(str(seed) for seed in sorted({e["seed"] for e in chapters}))),
                *values["machine"].items(),
            ],
        ),
        "## By chapter\n",
        _chapters(chapters),
        "## By fault\n",
        FAULTS,
        _faults(chapters),
        *_findings(values),
        MEANS,
        FOUND,
    ]
    return "\n".join(parts)


def _strikes(entry: Mapping[str, Any]) -> int:
    return sum(struck["strikes"] - struck["missed"] for struck in entry["faults"].values())


def _yes(is_idempotent: bool) -> str:
    return "yes" if is_idempotent else "no"


def _chapters(chapters: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            entry["chapter"],
            _yes(entry["portal_is_idempotent"]),
            f"{entry['store']}, {entry['broker']}",
            str(_strikes(entry)),
            f"{entry['messages']:,}",
            f"{entry['deliveries'] - entry['messages']:,}",
            str(entry["restarts"]),
            *(str(count) for count in entry["counts"].values()),
            f"{entry['seconds']:.0f}",
            f"{entry['begun_at'][:16].replace('T', ' ')}, {entry['commit']}",
        )
        for entry in chapters
    ]
    heads = (
        "chapter",
        "idempotent portal",
        "store, exchange",
        "strikes",
        "messages",
        "sent again or refused",
        "restarts",
        *COUNTS,
        "seconds",
        "begun (UTC), commit",
    )
    about = {entry["chapter"]: entry["about"] for entry in chapters}
    said = "\n".join(f"- **{name}**: {words}" for name, words in about.items())
    return f"{said}\n\n{_table(heads, rows)}"


def _faults(chapters: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            fault,
            entry["chapter"],
            _yes(entry["portal_is_idempotent"]),
            str(struck["strikes"] - struck["missed"]),
            *(str(count) for count in entry["counts"].values()),
            f"{struck['longest_silence_seconds']:.1f}",
        )
        for entry in chapters
        for fault, struck in entry["faults"].items()
    ]
    heads = ("fault", "chapter", "idempotent portal", "strikes", *COUNTS, "longest silence, s")
    return _table(heads, rows)


def _findings(values: Mapping[str, Any]) -> list[str]:
    lines = [f"- {words}" for words in values["left_out"]]
    for entry in values["chapters"]:
        found = [
            f"{kind}: {words}"
            for kind, all_of_them in entry["findings"].items()
            for words in all_of_them
        ]
        found += [f"error: {error}" for error in entry["errors"]]
        found += [
            f"not reached: {fault}" for fault, struck in entry["faults"].items() if struck["missed"]
        ]
        name = f"{entry['chapter']}, idempotent portal: {_yes(entry['portal_is_idempotent'])}"
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

    make crash-matrix                                  the long form, writes this page and its JSON
    make crash-matrix SEED=7                           with other dossiers and other moments
    make crash-matrix CHAPTER=clock MESSAGES=20000     one chapter again, the others stay
    make crash-matrix-short                            the short form, about eight minutes

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
FOUND = """\
## What it has found

Each was mended, and has a test of its own since:

- A publisher was refused for as long as its connection lived, after a node of the cluster had been
  lost.
- A snapshot waited for a person behind a parked one although it was newer.
- A role ended when PostgreSQL had ended its idle transaction.
- A worker whose clock was half an hour late quarantined messages, because it took their receipts
  for receipts from the future (27 and 16 of 23,000 lost). Chapter *clock* was run again after that,
  with clocks that are half an hour ahead as well: see the commits in the table.
- A worker that had lost its claim on a line through no fault of its file counted as one that the
  file had killed: after six in a row a good record was left out.
- A worker whose clock had been set back did not look for what had lost its hint until its clock was
  there again (48 of 2,500 were still waiting). Since then hints are lost while clocks jump.
"""
