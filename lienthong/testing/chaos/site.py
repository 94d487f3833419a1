"""One installation under fire: its store, exchange, portal and workers, each behind a proxy."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, Any

import urllib3
from sqlalchemy import make_url

from broker.rabbitmq import declare
from lienthong.settings import load_settings
from lienthong.store.migrating import upgrade
from lienthong.store.tokens import make_token
from lienthong.store.work import begin
from lienthong.testing.chaos.load import AGENCIES, REFUSED_ENDING
from lienthong.testing.chaos.supervisor import Worker
from lienthong.testing.forked import Popen
from lienthong.testing.machine import end_of, free_ports
from lienthong.testing.proxy import Proxy
from lienthong.wiring import Installation
from mappings import load_agencies
from signing import make_development_pki

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from lienthong.testing.postgresql import PrivatePostgres
    from lienthong.testing.rabbitmq import PrivateCluster, PrivateRabbit

READY_SECONDS = 60.0
LEASE_SECONDS = 5.0
"""On a dossier and on an expansion: short, because workers are frozen past it."""
PAST_THE_LEASE_SECONDS = LEASE_SECONDS * 1.5
QUIET_SECONDS = 6.0
"""Longer than a request can be on its way here, held back by a proxy or a slow portal."""


class StoreKind(Enum):
    """Where the message store is."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class BrokerKind(Enum):
    """Where the exchange is."""

    SQLITE = "sqlite"
    RABBITMQ = "rabbitmq"
    CLUSTER = "rabbitmq-cluster"


@dataclass(slots=True, kw_only=True)
class Servers:
    """The servers that many sites share, one after the other, each with names of its own."""

    postgresql: PrivatePostgres | None = None
    rabbitmq: PrivateRabbit | None = None
    cluster: PrivateCluster | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a site is to be."""

    name: str
    """Plain letters and digits; names its database and the prefix of its queues."""
    store: StoreKind
    broker: BrokerKind
    idempotent: bool
    """Whether the portal recognises a message that it has had."""
    roles: tuple[str, ...]
    """One worker process for each, with these roles; doubled ones get a number."""
    doors: Mapping[str, str]
    """By agency the door that it uses: file, amqp, http or folder."""
    data_dir: Path | None = None
    """Where the embedded files are; None is a folder of its own."""
    clock: Path | None = None
    """The file of a false clock by which the workers live."""


def make_keys(folder: Path) -> None:
    """Make development keys for the agencies that send; elliptic, because they sign faster."""
    agencies = load_agencies(None)
    named = {name: agencies.get(name) for name in AGENCIES}
    make_development_pki(
        folder,
        agencies={name: (found.agency_code, found.agency_name) for name, found in named.items()},
        now=datetime.now(UTC),
        kind="ec",
    )


@dataclass(slots=True, eq=False)
class Snare:
    """A trap for the next hand-over by `lienthong submit`."""

    trap: str
    sprang: Event = field(default_factory=Event)
    over: Event = field(default_factory=Event)
    """The hand-over ended, one way or the other."""


class Portal:
    """The sandbox portal in a process of its own, which can be killed and started again."""

    def __init__(self, *, folder: Path, keys: Path, idempotent: bool) -> None:
        self.ledger = folder / "portal.sqlite"
        self._log = folder / "portal.log"
        self._settings = folder / "portal.toml"
        self._settings.write_text(
            f"data_dir = {json.dumps(str(folder / 'portal'))}\nkeys_dir = {json.dumps(str(keys))}\n"
        )
        self._idempotent = idempotent
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.target: dict[str, Any] = {}
        self._control = ""

    def start(self) -> None:
        """Start it, on the same port as before, and let it refuse whom it always refuses."""
        idempotent = "--idempotent" if self._idempotent else "--no-idempotent"
        words = ("--settings", str(self._settings), "sandbox", "portal", "--json", idempotent)
        options = ("--port", str(self.port), "--ledger", str(self.ledger))
        ends = time.monotonic() + READY_SECONDS
        while True:
            with self._log.open("a") as log:
                self._process = Popen(
                    [sys.executable, "-m", "lienthong", *words, *options],
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=plain_environment(),
                    text=True,
                )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if line:
                break
            self._process.wait()
            # A port whose last owner was killed may need a moment.
            if time.monotonic() > ends:
                raise RuntimeError(f"the portal did not start:\n{end_of(self._log)}")
            time.sleep(0.3)
        ready = json.loads(line)
        self.target = ready["target"]
        self.port = make_url(ready["url"]).port or 0
        self._control = ready["control"]
        self.misbehave(mode="reject", pattern=f"*{REFUSED_ENDING}")

    def misbehave(self, **order: object) -> None:
        """Order a misbehaviour; `seconds` and `share` as the control address takes them."""
        answer = urllib3.request("POST", f"{self._control}/misbehave", json=order, timeout=10.0)
        if answer.status >= 400:
            raise ValueError(answer.data.decode())

    def behave(self) -> None:
        """Forget every order but the one that is part of the load."""
        urllib3.request("POST", f"{self._control}/clear", timeout=10.0)
        self.misbehave(mode="reject", pattern=f"*{REFUSED_ENDING}")

    def effects(self) -> int:
        """Return how many effects it has written down."""
        with closing(sqlite3.connect(self.ledger, timeout=30)) as connection:
            return int(connection.execute("SELECT count(*) FROM effects").fetchone()[0])

    def kill(self) -> None:
        """Kill it with -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


class Site:
    """
    An installation with its portal and workers; a context manager.

    Workers reach PostgreSQL, RabbitMQ and the portal through proxies; agencies reach their doors
    directly, and so does whoever looks at the result.
    """

    def __init__(self, wish: Wish, *, folder: Path, keys: Path, servers: Servers) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.wish = wish
        self.folder = folder
        self.servers = servers
        self.keys = keys
        self.portal = Portal(folder=folder, keys=keys, idempotent=wish.idempotent)
        self.workers: list[Worker] = []
        self.proxies: dict[str, Proxy] = {}
        self._stack = ExitStack()
        self._store_url: str | None = None
        self.agencies_folder = folder / "agencies"
        self.tokens: dict[str, str] = {}
        """Of the HTTP door, by agency."""
        (self.http_port,) = free_ports(1)
        self.leaving = Event()
        self.snares: SimpleQueue[Snare] = SimpleQueue()
        """For the next hand-overs by the command."""
        self.direct = folder / "direct.toml"
        """Settings that pass by the proxies."""

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.leaving.set()
        self._stack.close()

    @property
    def doors(self) -> Mapping[str, str]:
        """By agency the door that it uses."""
        return self.wish.doors

    @property
    def amqp_urls(self) -> tuple[str, ...]:
        """The addresses of RabbitMQ by the direct way; none where it is not used."""
        return tuple(node.url for node in self._nodes())

    @property
    def installation(self) -> Installation:
        """The same installation as the workers', by the direct way; a new one each time."""
        return Installation(load_settings(file=self.direct))

    def start_workers(self) -> None:
        """Start a supervised process for each of the wished roles."""
        for number, roles in enumerate(self.wish.roles, start=1):
            worker = Worker(
                name=f"{roles.replace(',', '-')}-{number}",
                words=("--settings", str(self.through), "--verbose", "run", "--roles", roles),
                log=self.folder / f"worker-{number}.log",
                environment=plain_environment(),
                program=self._program,
            )
            worker.start()
            self.workers.append(worker)

    @property
    def _program(self) -> tuple[str, ...]:
        if self.wish.clock is None:
            return ("lienthong",)
        return ("lienthong.testing.clock", str(self.wish.clock))

    def stop_workers(self) -> list[str]:
        """End all of them for good; return the names of those that missed their deadline."""
        workers, self.workers = self.workers, []
        return [worker.name for worker in workers if not worker.stop()]

    @property
    def through(self) -> Path:
        """The workers' settings."""
        return self.folder / "lienthong.toml"

    def _open(self) -> None:
        self.portal.start()
        self._stack.callback(self.portal.kill)
        self._proxy("portal", self.portal.port)
        if self.wish.store is StoreKind.POSTGRESQL:
            assert self.servers.postgresql is not None
            self._store_url = self.servers.postgresql.create_database(self.wish.name)
            self._proxy("postgresql", self.servers.postgresql.port)
        for number, node in enumerate(self._nodes(), start=1):
            self._proxy(f"rabbitmq-{number}", node.port)
        self._stack.callback(self.stop_workers)
        self._write(self.through, by_proxy=True)
        self._write(self.direct, by_proxy=False)
        installation = self.installation
        upgrade(installation.engine, at=installation.clock())
        # Opened once by one: it makes the first key of what is sealed.
        store = installation.store
        for agency, door in self.wish.doors.items():
            (self.agencies_folder / agency / "in").mkdir(parents=True)
            if door == "http":
                with begin(store, at=installation.clock) as work:
                    self.tokens[agency] = make_token(work, agency, expires_at=None)
        store.dispose()
        if self._nodes():
            declare(installation.rabbit_settings)

    def _nodes(self) -> tuple[PrivateRabbit, ...]:
        if self.wish.broker is BrokerKind.CLUSTER:
            assert self.servers.cluster is not None
            return self.servers.cluster.nodes
        if self.wish.broker is BrokerKind.RABBITMQ:
            assert self.servers.rabbitmq is not None
            return (self.servers.rabbitmq,)
        return ()

    def _proxy(self, name: str, port: int) -> None:
        self.proxies[name] = self._stack.enter_context(Proxy(port))

    def _write(self, path: Path, *, by_proxy: bool) -> None:
        data = self.wish.data_dir or self.folder / "data"
        lines = [f"data_dir = {_toml(str(data))}", f"keys_dir = {_toml(str(self.keys))}"]
        lines += _table("expansion", {"lease_seconds": LEASE_SECONDS, "retry_seconds": 2})
        lines += _table("delivery", _PATIENCE)
        lines += _table("http", {"port": self.http_port, "stop_seconds": 3})
        lines += _table(
            "folder",
            {
                "path": str(self.agencies_folder),
                "unchanged_seconds": 0,
                "claim_seconds": LEASE_SECONDS,
            },
        )
        if self._store_url is not None:
            url = make_url(self._store_url)
            if by_proxy:
                url = url.set(port=self.proxies["postgresql"].port)
            lines += _table("store", {"url": url.render_as_string(hide_password=False)})
        lines += self._broker_lines(by_proxy=by_proxy)
        endpoint = self.portal.target["endpoint"]
        if by_proxy:
            endpoint = endpoint.replace(f":{self.portal.port}/", f":{self.proxies['portal'].port}/")
        lines += _table(
            "target", self.portal.target | _PATIENCE_WITH_PORTAL | {"endpoint": endpoint}
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _broker_lines(self, *, by_proxy: bool) -> list[str]:
        nodes = self._nodes()
        if not nodes:
            return []
        ports = [
            self.proxies[f"rabbitmq-{number}"].port if by_proxy else node.port
            for number, node in enumerate(nodes, start=1)
        ]
        return _table(
            "broker",
            {
                "kind": "rabbitmq",
                "urls": [f"amqp://127.0.0.1:{port}/%2F" for port in ports],
                "user": "guest",
                "password": "guest",
                "prefix": self.wish.name,
                "agencies": list(AGENCIES),
                "heartbeat_seconds": 4,
                "blocked_timeout_seconds": 3,
            },
        )


_PATIENCE = {
    "slots": 8,
    "lease_seconds": LEASE_SECONDS,
    "backoff_first_seconds": 0.2,
    "backoff_longest_seconds": 1.5,
    "breaker_threshold": 20,
}
_PATIENCE_WITH_PORTAL = {
    "connect_timeout_seconds": 1,
    "read_timeout_seconds": 2,
    "call_timeout_seconds": 4,
    "quiet_period_seconds": QUIET_SECONDS,
}


def plain_environment() -> dict[str, str]:
    """Return the environment without settings of ours; a bug's warning is then seen in the log."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIENTHONG_")}
    return kept | {"PYTHONWARNINGS": "default"}


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    return [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]


def _toml(value: object) -> str:
    """Return a text, a number, a truth or a list as TOML, which writes them as JSON does."""
    return json.dumps(value, ensure_ascii=False)
