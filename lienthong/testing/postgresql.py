"""
A PostgreSQL server of the tests' own: a free loopback port, its own data, sockets and user.

It touches no server that runs on this machine. Left as it is, nothing is switched off to be quick.
Killing it with -9 and starting it again on the same data is what the durability tests do;
`NO_POWER_CUT` is for those that do no more than that.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, make_url

from lienthong.testing.machine import (
    ServerFailed,
    descendants,
    end_of,
    free_ports,
    kill_all,
    signal_all,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps the programs, one folder per version; not on the PATH."""
SYSTEM_USER = "postgres"
"""Whom the server runs as when root starts it: it refuses root."""
USER = "lienthong"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
LONGEST_SOCKET_PATH = 90
"""The system's limit is 103 to 107 bytes, with the name of the socket."""
NO_POWER_CUT = ("fsync = off", "full_page_writes = off", "max_wal_size = 256MB")
"""
Settings of a server whose machine stays on: a commit is handed to the kernel, where no kill -9 of
the server reaches it, and does not wait for the disk.
"""


def find_programs() -> Path | None:
    """Return the folder of initdb and postgres, the newest where there are several, or None."""
    versions = [path.parent for path in DEBIAN.glob("*/bin/initdb")]
    if versions:
        return max(versions, key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def is_installed() -> bool:
    """Return whether this machine has the server's programs."""
    return find_programs() is not None


def make_database(url: str, name: str, *, like: str | None = None) -> str:
    """
    Make a database on a server.

    Args:
        url: Of any database there, with a user who may make others.
        name: Letters, digits and underscores; one that is there is removed first.
        like: The database to copy, in which nobody is; None makes an empty one.

    Returns:
        The address of the new database.
    """
    source = "" if like is None else f" TEMPLATE {_plain(like)}"
    _execute(url, _removal(name), f"CREATE DATABASE {name}{source}")
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def remove_database(url: str, name: str) -> None:
    """Remove a database of a server, if it is there, from under whoever still uses it."""
    _execute(url, _removal(name))


def _removal(name: str) -> str:
    return f"DROP DATABASE IF EXISTS {_plain(name)} WITH (FORCE)"


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"not a plain name of a database: {name!r}")
    return name


def _execute(url: str, *statements: str) -> None:
    address = make_url(url).set(drivername="postgresql+psycopg")
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPostgres:
    """A server that somebody else runs; `url` is of a user who may make databases."""

    url: str

    def create_database(self, name: str, *, like: str | None = None) -> str:
        """Make a database, empty or a copy, in place of one of that name; return its address."""
        return make_database(self.url, name, like=like)

    def remove_database(self, name: str) -> None:
        """Remove a database, if it is there."""
        remove_database(self.url, name)


@dataclass(slots=True, kw_only=True)
class PrivatePostgres:
    """One server; `extra` are lines of its postgresql.conf."""

    folder: Path | None = None
    """
    Where its data is; None is a temporary folder that goes when the server stops. When root starts
    it, the system user must be able to reach it: not under pytest's own folders, which are closed.
    """
    extra: tuple[str, ...] = ()
    port: int = field(init=False)
    _root: Path = field(init=False)
    _programs: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Choose a port and make the folder."""
        programs = find_programs()
        if programs is None:
            raise ServerFailed("PostgreSQL is not installed; run: scripts/install-system.sh tests")
        self._programs = programs
        (self.port,) = free_ports(1)
        self._root = self.folder or Path(tempfile.mkdtemp(prefix="lienthong-pg-"))
        self._root.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            user = _system_user()
            os.chown(self._root, user.pw_uid, user.pw_gid)
            _check_reachable(self._root)

    @property
    def url(self) -> str:
        """The address of the server's first database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """The data directory."""
        return self._root / "data"

    def create_database(self, name: str, *, like: str | None = None) -> str:
        """Make a database, empty or a copy, in place of one of that name; return its address."""
        return make_database(self.url, name, like=like)

    def remove_database(self, name: str) -> None:
        """Remove a database, if it is there."""
        remove_database(self.url, name)

    def start(self) -> None:
        """
        Start, and return when connections are accepted; recovers first after a kill.

        Raises:
            ServerFailed: it ended, or was not ready in time.
        """
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [self._programs / "postgres", "-D", self.data],
                **self._as_user(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.kill()
                raise ServerFailed(f"PostgreSQL did not start:\n{end_of(self._log)}")
            time.sleep(0.05)

    @property
    def is_running(self) -> bool:
        """Whether it was started and did not end by itself."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End all its processes at once as a power cut would: kill -9; the data stays."""
        if self._process is None:
            return
        # Stopped first, it cannot start another process while the others are killed.
        self._process.send_signal(signal.SIGSTOP)
        kill_all(descendants(self._process.pid))
        self._process.kill()
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """Stop all its processes where they are: connections stay open and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            signal_all(descendants(self._process.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the processes go on."""
        if self._process is not None:
            signal_all(descendants(self._process.pid), signal.SIGCONT)
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the server; a temporary folder goes with it."""
        if self._process is not None:
            self.thaw()
            # Connections are broken; what is committed is written out where somebody may want it.
            self._process.send_signal(signal.SIGQUIT if self.folder is None else signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()
        if self.folder is None:
            shutil.rmtree(self._root, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._root / "output"

    def _make_cluster(self) -> None:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [
                self._programs / "initdb",
                *("--pgdata", self.data),
                *("--username", USER),
                *("--auth", "trust"),
                *("--encoding", "UTF8"),
                "--no-locale",
                # Only the making of it; the server's own fsync stays on.
                "--no-sync",
            ],
            **self._as_user(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"initdb failed:\n{done.stderr[-2000:]}")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write("\n".join((*self._settings(), *self.extra)) + "\n")

    def _settings(self) -> Sequence[str]:
        sockets = self._root / "sockets"
        sockets.mkdir(exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(sockets, SYSTEM_USER)
        usable = len(str(sockets)) <= LONGEST_SOCKET_PATH
        return (
            "listen_addresses = '127.0.0.1'",
            f"port = {self.port}",
            f"unix_socket_directories = '{sockets if usable else ''}'",
            "max_connections = 200",
        )

    def _is_ready(self) -> bool:
        """Whether the eighth line of its pid file says so, which is where pg_ctl looks."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        assert self._process is not None
        is_ours = lines[:1] == [str(self._process.pid)]
        return is_ours and len(lines) >= 8 and lines[7].strip() == "ready"

    def _as_user(self) -> dict[str, Any]:
        environment = {"PATH": os.environ["PATH"], "LANG": "C", "TZ": "UTC"}
        if os.geteuid() != 0:
            return {"cwd": self._root, "env": environment}
        user = _system_user()
        return {
            "cwd": self._root,
            "env": environment,
            "user": user.pw_uid,
            "group": user.pw_gid,
            "extra_groups": [],
        }


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise ServerFailed(
            f"PostgreSQL refuses to run as root, and there is no user {SYSTEM_USER}; "
            "make one (adduser --system --group postgres) or run the tests as another user"
        ) from None


def _check_reachable(folder: Path) -> None:
    closed = [path for path in folder.parents if not path.stat().st_mode & stat.S_IXOTH]
    if closed:
        raise ServerFailed(
            f"{folder}: the user {SYSTEM_USER} cannot pass {closed[-1]}; give another folder"
        )
