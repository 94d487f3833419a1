"""
A RabbitMQ server of the tests' own: free loopback ports, its own data, name, cookie and settings.

It touches no server that runs on this machine. Killing it with -9 and starting it again on the same
data is what the durability tests do.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from lienthong.testing.machine import ServerFailed, end_of, free_ports

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
START_SECONDS = 60.0
GREETING = b"AMQP\x00\x00\x09\x01"


def is_installed() -> bool:
    """Return whether this machine has the server's programs."""
    return (PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd") is not None


@dataclass(slots=True, kw_only=True)
class PrivateRabbit:
    """One server in `folder`; `extra` are lines of its rabbitmq.conf."""

    folder: Path
    extra: tuple[str, ...] = ()
    port: int = field(init=False)
    _environment: dict[str, str] = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _names: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Choose ports and write the settings."""
        self.port, dist, epmd = free_ports(3)
        home = self.folder / "home"
        home.mkdir(parents=True)
        config = self.folder / "rabbitmq.conf"
        config.write_text(
            "\n".join(
                (
                    f"listeners.tcp.default = 127.0.0.1:{self.port}",
                    "disk_free_limit.absolute = 1MB",
                    "log.file.level = warning",
                    *self.extra,
                )
            )
            + "\n",
            encoding="utf-8",
        )
        (self.folder / "plugins").write_text("[rabbitmq_auth_mechanism_ssl].\n", encoding="utf-8")
        (self.folder / "env.conf").write_text("", encoding="utf-8")
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"lienthong-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(dist),
            "ERL_EPMD_PORT": str(epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "env.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2"
            ),
        }

    @property
    def url(self) -> str:
        """The address of the virtual host /."""
        return f"amqp://127.0.0.1:{self.port}/%2F"

    def start(self) -> None:
        """
        Start, and return when AMQP is spoken.

        Raises:
            ServerFailed: it ended, or was not ready in time.
        """
        with (self.folder / "output").open("ab") as output:
            if self._names is None:
                # Left alone, the server would start a name service that outlives it.
                self._names = subprocess.Popen(
                    ["epmd"],  # noqa: S607
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [str(PROGRAMS / "rabbitmq-server")],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        ends = time.monotonic() + START_SECONDS
        while not self._speaks():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.kill()
                raise ServerFailed(f"RabbitMQ did not start:\n{end_of(self.folder / 'output')}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End the server as a power cut would: kill -9."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the server and its name service."""
        self.kill()
        if self._names is not None:
            self._names.kill()
            self._names.wait()
            self._names = None

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl and return what it prints."""
        done = subprocess.run(  # noqa: S603 - our own arguments
            [str(PROGRAMS / "rabbitmqctl"), "--quiet", *arguments],
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        return done.stdout

    def _speaks(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(GREETING)
                return bool(connection.recv(1))
        except OSError:
            return False
