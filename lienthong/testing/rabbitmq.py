"""
A RabbitMQ server of the tests' own: free loopback ports, its own data, name, cookie and settings.

It touches no server that runs on this machine. Killing it with -9 and starting it again on the same
data is what the durability tests do. `PrivateCluster` is three of them, joined.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lienthong.testing.machine import ServerFailed, end_of, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
START_SECONDS = 90.0
PAUSE_SECONDS = 1.0
"""Before a server that ended while it started is started again."""
GREETING = b"AMQP\x00\x00\x09\x01"
QUIET_SECONDS = 8
"""After which a node that says nothing is down for the others; the default of 60 is for networks
that are worse than a loopback."""


def is_installed() -> bool:
    """Return whether this machine has the server's programs."""
    return (PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd") is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRabbit:
    """A server that somebody else runs; user guest, password guest."""

    url: str
    """amqp://host:port/vhost, without the user."""

    @property
    def host(self) -> str:
        """Where it listens."""
        return urlsplit(self.url).hostname or "localhost"

    @property
    def port(self) -> int:
        """On which port."""
        return urlsplit(self.url).port or 5672


@dataclass(slots=True, kw_only=True)
class NameService:
    """Erlang's name service (epmd) for the nodes of one test, on a port of its own."""

    port: int = field(default_factory=lambda: free_ports(1)[0])
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    @property
    def environment(self) -> dict[str, str]:
        """What every program needs that asks it."""
        return {"ERL_EPMD_PORT": str(self.port), "ERL_EPMD_ADDRESS": "127.0.0.1"}

    def start(self) -> None:
        """Start it. Left alone, a server would start one that outlives it."""
        if self._process is None:
            self._process = subprocess.Popen(
                ["epmd"],  # noqa: S607
                env=self.environment | {"PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@dataclass(slots=True, kw_only=True)
class PrivateRabbit:
    """One server in `folder`."""

    folder: Path
    extra: tuple[str, ...] = ()
    """Lines of its rabbitmq.conf."""
    with_management: bool = False
    """Whether it has the management pages."""
    names: NameService | None = None
    """Shared by the nodes of a cluster; None is one of its own."""
    cookie: str = field(default_factory=lambda: secrets.token_hex(16))
    port: int = field(init=False)
    management_port: int = field(init=False)
    _names: NameService = field(init=False)
    _environment: dict[str, str] = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Choose ports and write the settings."""
        self.port, dist, self.management_port = free_ports(3)
        self._names = self.names or NameService()
        home = self.folder / "home"
        home.mkdir(parents=True)
        cookie = home / ".erlang.cookie"
        cookie.write_text(self.cookie)
        cookie.chmod(0o400)
        config = self.folder / "rabbitmq.conf"
        config.write_text("\n".join((*self._settings(), *self.extra)) + "\n", encoding="utf-8")
        plugins = ["rabbitmq_auth_mechanism_ssl"]
        if self.with_management:
            plugins.append("rabbitmq_management")
        (self.folder / "plugins").write_text(f"[{','.join(plugins)}].\n", encoding="utf-8")
        (self.folder / "env.conf").write_text("", encoding="utf-8")
        self._environment = self._names.environment | {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(dist),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "env.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} "
                f"-kernel net_ticktime {QUIET_SECONDS} +S 2:2"
            ),
        }

    @property
    def host(self) -> str:
        """Where it listens."""
        return "127.0.0.1"

    @property
    def name(self) -> str:
        """The name of the Erlang node."""
        return f"lienthong-{self.port}@localhost"

    @property
    def url(self) -> str:
        """The address of the virtual host /."""
        return self.url_of("%2F")

    @property
    def management_url(self) -> str:
        """The address of the management pages; user guest, password guest."""
        return f"http://127.0.0.1:{self.management_port}/"

    def url_of(self, vhost: str) -> str:
        """Return the address of a virtual host."""
        return f"amqp://127.0.0.1:{self.port}/{vhost}"

    def start(self) -> None:
        """
        Start, and return when AMQP is spoken.

        Raises:
            ServerFailed: it was not ready in time.
        """
        self._names.start()
        ends = time.monotonic() + START_SECONDS
        process = self._launch()
        while not self.speaks():
            if time.monotonic() > ends:
                self.kill()
                raise ServerFailed(f"RabbitMQ did not start:\n{end_of(self.folder / 'output')}")
            if process.poll() is not None:
                # While it was down, somebody's connection may have been given its port for a
                # moment. Whoever supervises a server starts it again.
                time.sleep(PAUSE_SECONDS)
                process = self._launch()
            time.sleep(0.1)

    def _launch(self) -> subprocess.Popen[bytes]:
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [str(PROGRAMS / "rabbitmq-server")],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self._process

    def kill(self) -> None:
        """End the server as a power cut would: kill -9."""
        if self._process is not None:
            # It may have ended by itself, with everything that it began.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it where it is: connections stay open and nothing answers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End the server, and its name service where it has one of its own."""
        self.kill()
        if self.names is None:
            self._names.stop()

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl and return what it prints."""
        done = subprocess.run(  # noqa: S603 - our own arguments
            [str(PROGRAMS / "rabbitmqctl"), "--quiet", *arguments],
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        if done.returncode != 0:
            raise ServerFailed(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def make_vhost(self, name: str) -> str:
        """Make a virtual host that guest may use; return its address."""
        self.ctl("add_vhost", name)
        self.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return self.url_of(name)

    def make_user(
        self,
        name: str,
        password: str,
        *,
        vhost: str = "/",
        configure: str = "^$",
        write: str = "^$",
        read: str = "^$",
    ) -> None:
        """Make a user; the permissions are regular expressions on names, by default none."""
        self.ctl("add_user", name, password)
        self.ctl("set_permissions", "-p", vhost, name, configure, write, read)

    def make_users(self, names: Iterable[str], password: str) -> None:
        """
        Make users who may do nothing yet, at once: each rabbitmqctl takes a second to begin.

        Args:
            names: Plain letters, digits and signs, as is the password.
            password: The same for all.
        """
        by_whom = '<<"tests">>'
        made = [
            f'rabbit_auth_backend_internal:add_user(<<"{name}">>, <<"{password}">>, {by_whom})'
            for name in names
        ]
        self.ctl("eval", ", ".join(made) + ".")

    def raise_disk_alarm(self) -> None:
        """Let the server think that its disk is full: it takes no more messages."""
        self.ctl("set_disk_free_limit", "mem_relative", "1000000")

    def end_disk_alarm(self) -> None:
        """Let it think that there is room again."""
        self.ctl("set_disk_free_limit", "1MB")

    def running_nodes(self) -> set[str]:
        """Return the names of the cluster's nodes that run, as this one sees it."""
        status = json.loads(self.ctl("cluster_status", "--formatter", "json"))
        return set(status["running_nodes"])

    def speaks(self) -> bool:
        """Return whether it greets those who connect."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(GREETING)
                return bool(connection.recv(1))
        except OSError:
            return False

    def _settings(self) -> Sequence[str]:
        common = (
            f"listeners.tcp.default = 127.0.0.1:{self.port}",
            "disk_free_limit.absolute = 1MB",
            "log.file.level = warning",
        )
        if not self.with_management:
            return common
        return (
            *common,
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {self.management_port}",
        )


@dataclass(slots=True, kw_only=True)
class PrivateCluster:
    """
    Three servers as one cluster; who is in the minority pauses, as the manual advises.

    Every node is a `PrivateRabbit` and can be killed, frozen and started by itself.
    """

    folder: Path
    nodes: tuple[PrivateRabbit, ...] = field(init=False)
    _names: NameService = field(init=False, default_factory=NameService)

    def __post_init__(self) -> None:
        """Choose the ports of all three."""
        cookie = secrets.token_hex(16)
        self.nodes = tuple(
            PrivateRabbit(
                folder=self.folder / f"node-{number}",
                extra=("cluster_partition_handling = pause_minority",),
                names=self._names,
                cookie=cookie,
            )
            for number in (1, 2, 3)
        )

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of the virtual host / on every node."""
        return tuple(node.url for node in self.nodes)

    def start(self) -> None:
        """
        Start all three and join them; return when the cluster is whole.

        Raises:
            ServerFailed: one did not start or did not join.
        """
        first, *others = self.nodes
        for node in self.nodes:
            node.start()
        for node in others:
            node.ctl("stop_app")
            node.ctl("join_cluster", first.name)
            node.ctl("start_app")
        self.wait_whole()

    def wait_whole(self) -> None:
        """
        Return when every node speaks and sees the two others.

        Raises:
            ServerFailed: not in time.
        """
        ends = time.monotonic() + START_SECONDS
        while not all(self._sees_all(node) for node in self.nodes):
            if time.monotonic() > ends:
                raise ServerFailed("the nodes did not become one cluster")
            time.sleep(0.5)

    def isolate(self, node: PrivateRabbit) -> None:
        """
        Cut one node off from the two others; its clients still reach it.

        By Erlang's own means: on that node the two others get a wrong cookie and are disconnected,
        so neither side can connect again. Both sides see what a broken network shows them: the
        peer is gone, and nobody said goodbye.
        """
        # In one go: a node that has lost one of the others and not yet both makes all three pause.
        names = [other.name for other in self._others(node)]
        cookies = [f"erlang:set_cookie('{name}', '{secrets.token_hex(8)}')" for name in names]
        partings = [f"erlang:disconnect_node('{name}')" for name in names]
        node.ctl("eval", ", ".join((*cookies, *partings)) + ".")

    def rejoin(self, node: PrivateRabbit) -> None:
        """Let an isolated node and the others find each other; return when they have."""
        names = [other.name for other in self._others(node)]
        cookies = [f"erlang:set_cookie('{name}', '{node.cookie}')" for name in names]
        meetings = [f"net_kernel:connect_node('{name}')" for name in names]
        node.ctl("eval", ", ".join((*cookies, *meetings)) + ".")
        self.wait_whole()

    def stop(self) -> None:
        """End all of it."""
        for node in self.nodes:
            node.stop()
        self._names.stop()

    def _others(self, node: PrivateRabbit) -> list[PrivateRabbit]:
        return [other for other in self.nodes if other is not node]

    def _sees_all(self, node: PrivateRabbit) -> bool:
        return node.speaks() and len(node.running_nodes()) == len(self.nodes)
