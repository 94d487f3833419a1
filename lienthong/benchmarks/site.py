"""
An installation of the measurements' own: a sandbox portal and workers as processes of their own.

The settings are what a site would write; the two servers, where the way leads over them, are given.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

import urllib3

from lienthong.benchmarks.measuring import cpu_by_name
from lienthong.processes import portal_beside, run_beside
from lienthong.settings import load_settings
from lienthong.wiring import Installation
from mappings import load_agencies
from schemas.errors import PeerError
from signing import make_development_pki

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from broker.rabbitmq import RabbitSettings

PORTAL = "portal"
WORKERS = ("expand,deliver,sweep,seal,receipts", "expand,deliver")
WORKERS_ON_SERVERS = (
    "take,expand,deliver,results,sweep,seal,receipts",
    "take,expand,deliver,results",
)
PATIENCE = timedelta(seconds=5)
"""How long a worker waits at most before it tries a portal that was away."""
CONTROL_SECONDS = 10.0


class Servers(Protocol):
    """A RabbitMQ and a PostgreSQL that run."""

    @property
    def settings(self) -> str:
        """The lines of lienthong.toml that lead the workers there."""

    def prepare(self, installation: Installation) -> None:
        """Make tables, queues and users."""

    def of_agency(self, installation: Installation, agency: str) -> RabbitSettings:
        """Return how an agency reaches RabbitMQ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How the site is to be."""

    folder: Path
    key: Literal["rsa", "ec"]
    """Of the agencies."""
    slots: int
    """Calls at once of each worker."""


@dataclass(slots=True, kw_only=True)
class Site:
    """The running site."""

    wishes: Wishes
    installation: Installation
    servers: Servers | None
    control: str
    """Where the portal takes orders to misbehave."""
    processes: dict[int, str]
    """Names of the processes that are no servers."""

    @property
    def ledger(self) -> Path:
        """The portal's own record."""
        return self.wishes.folder / "portal.sqlite"

    @contextmanager
    def workers(self) -> Iterator[None]:
        """Run two workers until the context ends."""
        with ExitStack() as stack:
            roles = WORKERS if self.servers is None else WORKERS_ON_SERVERS
            for number, of_one in enumerate(roles, start=1):
                name = f"worker {number}"
                words = ("--settings", str(_settings_file(self.wishes)), "run", "--roles", of_one)
                log = self.wishes.folder / f"worker-{number}.log"
                process = stack.enter_context(run_beside(*words, log=log))
                self.processes[process.pid] = name
            yield

    def cpu(self) -> dict[str, float]:
        """Return the processor seconds that each part has used so far."""
        return cpu_by_name(self.processes)

    def misbehave(self, **order: str | float) -> None:
        """Order the portal to misbehave, until `behave`."""
        self._order("misbehave", order)

    def behave(self) -> None:
        """Let the portal be as it should be."""
        self._order("clear", {})

    def _order(self, what: str, order: dict[str, str | float]) -> None:
        url = f"{self.control}/{what}"
        answer = urllib3.request("POST", url, json=order, timeout=CONTROL_SECONDS)
        if answer.status >= 400:
            raise PeerError(answer.data.decode(), retryable=False, code="bench.control")


@contextmanager
def open_site(wishes: Wishes, *, servers: Servers | None) -> Iterator[Site]:
    """
    Set a site up, its portal running; workers are started apart.

    Raises:
        PeerError: a process does not start.
    """
    agencies = load_agencies(None)
    named = {name: agencies.get(name) for name in agencies.names()}
    make_development_pki(
        wishes.folder / "keys",
        agencies={name: (found.agency_code, found.agency_name) for name, found in named.items()},
        now=datetime.now(UTC),
        kind=wishes.key,
    )
    ledger = ("--ledger", str(wishes.folder / "portal.sqlite"))
    log = wishes.folder / f"{PORTAL}.log"
    with portal_beside(*ledger, settings=_write_settings(wishes, ""), log=log) as (pid, ready):
        target = "\n".join(f"{key} = {json.dumps(value)}" for key, value in ready["target"].items())
        lines = (
            servers.settings if servers is not None else "",
            "[delivery]",
            f"slots = {wishes.slots}",
            f"backoff_longest_seconds = {PATIENCE.total_seconds():g}",
            "[target]",
            target,
        )
        file = _write_settings(wishes, "\n".join(lines))
        installation = Installation(load_settings(file=file))
        if servers is not None:
            servers.prepare(installation)
        yield Site(
            wishes=wishes,
            installation=installation,
            servers=servers,
            control=ready["control"],
            processes={pid: PORTAL},
        )


def _settings_file(wishes: Wishes) -> Path:
    return wishes.folder / "lienthong.toml"


def _write_settings(wishes: Wishes, more: str) -> Path:
    file = _settings_file(wishes)
    file.touch(mode=0o600)
    folders = {"data_dir": wishes.folder / "data", "keys_dir": wishes.folder / "keys"}
    lines = [f"{key} = {json.dumps(str(path))}" for key, path in folders.items()]
    file.write_text("\n".join((*lines, more)), encoding="utf-8")
    return file
