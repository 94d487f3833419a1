"""
A MariaDB server of the tests' own: a free loopback port, its own data, socket and user.

It touches no server that runs on this machine. It plays the database of an agency.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from lienthong.testing.machine import ServerFailed, end_of, free_ports

SYSTEM_USER = "mysql"
"""Whom the server runs as when root starts it: it refuses root."""
USER = "lienthong"
START_SECONDS = 90.0
STOP_SECONDS = 20.0
_PATH = f"{os.defpath}:/usr/sbin:/usr/local/sbin"


def find_program(name: str) -> str | None:
    """Return where one of the server's programs is; Debian keeps some outside the usual PATH."""
    return shutil.which(name) or shutil.which(name, path=_PATH)


def is_installed() -> bool:
    """Return whether this machine has the server's programs."""
    return all(find_program(name) for name in ("mariadbd", "mariadb-install-db"))


@dataclass(slots=True, kw_only=True)
class PrivateMariadb:
    """One server, in a temporary folder that goes when it stops."""

    port: int = field(init=False)
    _root: Path = field(init=False)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Choose a port and make the folder."""
        if not is_installed():
            raise ServerFailed("MariaDB is not installed; run: scripts/install-system.sh tests")
        (self.port,) = free_ports(1)
        self._root = Path(tempfile.mkdtemp(prefix="lienthong-maria-"))
        if os.geteuid() == 0:
            shutil.chown(self._root, SYSTEM_USER)

    def url(self, database: str = "") -> str:
        """Return the address of a database of the server, for a user who may do everything."""
        return f"mysql+pymysql://{USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, charset: str = "utf8mb4") -> str:
        """Make an empty database, in place of one of that name; return its address."""
        engine = create_engine(self.url())
        try:
            with engine.begin() as connection:
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
                connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET {charset}")
        finally:
            engine.dispose()
        return self.url(name)

    def start(self) -> None:
        """
        Start, and return when connections are accepted.

        Raises:
            ServerFailed: it ended, or was not ready in time.
        """
        if not (self._root / "data").exists():
            self._make_data()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own arguments
                [
                    str(find_program("mariadbd")),
                    *self._options(),
                    "--bind-address=127.0.0.1",
                    f"--port={self.port}",
                    f"--socket={self._root / 'socket'}",
                    f"--pid-file={self._root / 'pid'}",
                    f"--init-file={self._root / 'init.sql'}",
                ],
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
                raise ServerFailed(f"MariaDB did not start:\n{end_of(self._log)}")
            time.sleep(0.1)

    def kill(self) -> None:
        """End it at once as a power cut would: kill -9; the data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End the server; its folder goes with it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
                self._process = None
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._root / "output"

    def _options(self) -> tuple[str, ...]:
        # The first must be first: nothing that is configured on this machine is meant for it.
        return ("--no-defaults", f"--datadir={self._root / 'data'}")

    def _make_data(self) -> None:
        (self._root / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1';\n"
            f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        done = subprocess.run(  # noqa: S603 - our own arguments
            [
                str(find_program("mariadb-install-db")),
                *self._options(),
                "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ],
            **self._as_user(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"mariadb-install-db failed:\n{done.stderr[-2000:]}")

    def _is_ready(self) -> bool:
        engine = create_engine(self.url(), connect_args={"connect_timeout": 2})
        try:
            with engine.connect():
                return True
        except OperationalError:
            return False
        finally:
            engine.dispose()

    def _as_user(self) -> dict[str, Any]:
        environment = {"PATH": f"{os.environ['PATH']}:{_PATH}", "LANG": "C", "TZ": "UTC"}
        as_user: dict[str, Any] = {"cwd": self._root, "env": environment}
        if os.geteuid() == 0:
            as_user |= {"user": SYSTEM_USER, "group": SYSTEM_USER, "extra_groups": []}
        return as_user
