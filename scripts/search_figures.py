#!/usr/bin/env python3
"""
Fill a PostgreSQL of its own with millions of messages, and say how long people wait for answers.

    python scripts/search_figures.py [--messages 5000000] [--rounds 40] [--json FILE]
        [--folder FOLDER] [--only QUESTION]

Exit code 1 where the first page or a search by a dossier's code or a person's number took longer
than it may, for one of twenty. With `--folder` the data stays, and the next run uses it again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lienthong.benchmarks.full_store import fill, wanted
from lienthong.benchmarks.searching import ROUNDS, Waited, measure, questions, sign_in
from lienthong.logs import configure_logs
from lienthong.settings import ConsoleSettings, Settings, StoreSettings
from lienthong.testing.machine import free_ports
from lienthong.testing.postgresql import PrivatePostgres
from lienthong.wiring import Installation

DATABASE = "figures"
SERVER = ("shared_buffers = 512MB", "fsync = off", "full_page_writes = off", "max_wal_size = 4GB")
"""What it is filled with is made again, so nothing waits for the disk; the rest is as installed."""


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="How long people wait in front of a full store")
    parser.add_argument("--messages", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each question")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--folder", type=Path, help="the data stays in it; used again if there")
    parser.add_argument("--only", default="", help="questions whose names begin so")
    given = parser.parse_args()
    configure_logs(verbose=False)
    with TemporaryDirectory(prefix="lienthong-figures-") as temporary:
        root = given.folder or Path(temporary)
        root.mkdir(parents=True, exist_ok=True)
        # Another user runs the server.
        root.chmod(0o755)
        found = run(root.absolute(), messages=given.messages, rounds=given.rounds, only=given.only)
    show(found)
    if given.json is not None:
        said = [asdict(each) | {"is_met": each.is_met} for each in found]
        text = json.dumps({"messages": given.messages, "seconds": said}, indent=1)
        given.json.write_text(text + "\n", encoding="utf-8")
    return 0 if all(each.is_met for each in found) else 1


def run(root: Path, *, messages: int, rounds: int, only: str = "") -> list[Waited]:
    """Return what was measured in a folder, which gets the data."""
    server = PrivatePostgres(folder=root / "postgresql", extra=SERVER)
    is_there = (server.data / "PG_VERSION").exists()
    if is_there:
        # The last of a setting counts.
        with (server.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"port = {server.port}\n")
    server.start()
    try:
        if not is_there:
            server.create_database(DATABASE)
        installation = _installation(root, server.url.replace("/postgres", f"/{DATABASE}"))
        if not is_there:
            begun = time.monotonic()
            fill(installation.engine, count=messages, now=datetime.now(UTC), say=tell)
            tell(f"filled in {time.monotonic() - begun:,.0f} s")
        try:
            known = _known(installation, root)
            looked_for = wanted(installation.engine, installation.store.vault, count=messages)

            def forget() -> None:
                server.stop()
                drop_pages(server.data)
                server.start()

            found = []
            for asked in questions(looked_for, now=installation.clock()):
                if not asked.name.startswith(only):
                    continue
                tell(asked.name)
                found.append(measure(installation, asked, known, forget=forget, rounds=rounds))
            return found
        finally:
            installation.engine.dispose()
    finally:
        server.stop()


def _installation(root: Path, url: str) -> Installation:
    (port,) = free_ports(1)
    return Installation(
        Settings(
            data_dir=root / "data",
            store=StoreSettings(url=url, encrypt=False),
            console=ConsoleSettings(
                port=port, totp_required=False, session_seconds=86_400, idle_seconds=86_400
            ),
        )
    )


def _known(installation: Installation, root: Path) -> tuple[str, str]:
    """Return token and session, made when they are first needed."""
    file = root / "callers.json"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(json.dumps(sign_in(installation)), encoding="utf-8")
    token, session = json.loads(file.read_text(encoding="utf-8"))
    return token, session


def drop_pages(folder: Path) -> None:
    """Have the system keep nothing of these files in memory."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def show(found: list[Waited]) -> None:
    """Print the figures."""
    table = Table(header_style="bold", box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("ms")
    for name in ("cold", "median", "p95", "max", "limit"):
        table.add_column(name, justify="right")
    for each in found:
        seconds = (each.cold, each.median, each.p95, each.longest)
        limit = (
            "" if each.limit is None else f"{'✓' if each.is_met else '✗'} {each.limit * 1e3:.0f}"
        )
        table.add_row(each.name, *(f"{one * 1e3:,.0f}" for one in seconds), limit)
    Console().print(table)


def tell(what: str) -> None:
    """Say on standard error how far it is."""
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
