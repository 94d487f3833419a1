"""The doors as real processes on real sockets and folders."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select

from lienthong.pauses import What
from lienthong.settings import load_settings
from lienthong.store.database import reading
from lienthong.store.pauses import end_pauses, make_pause
from lienthong.store.tokens import make_token
from lienthong.store.work import begin
from lienthong.testing import forked
from lienthong.wiring import Installation

LAND = "land-registration"
HEALTH = "health-department"


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Here:
    """One installation, its workers and its tokens."""

    folder: Path
    settings: str
    processes: list = field(default_factory=list)
    address: tuple = ()

    @property
    def installation(self):
        return Installation(load_settings(file=self.file, data_dir=self.folder / "data"))

    @property
    def file(self):
        file = self.folder / "lienthong.toml"
        file.write_text(self.settings, encoding="utf-8")
        return file

    def token(self, agency=LAND):
        installation = self.installation
        with begin(installation.store, at=installation.clock) as work:
            token = make_token(work, agency, expires_at=None)
        installation.store.dispose()
        return token

    def pause(self, what, subject=LAND):
        """Stop something; None: let everything of it go on."""
        installation = self.installation
        with begin(installation.store, at=installation.clock, actor="an") as work:
            if what is None:
                end_pauses(work, subject, tuple(What), reason="xong")
            else:
                make_pause(work, subject, What(what), reason="bảo trì", until=None)
        installation.store.dispose()
        time.sleep(1.1)

    def select(self, query):
        installation = self.installation
        with reading(installation.store) as connection:
            rows = [tuple(row) for row in connection.execute(query)]
        installation.store.dispose()
        return rows

    def count(self, table):
        return self.select(select(func.count()).select_from(table))[0][0]

    def run(self, roles):
        process = self.start(roles)
        if "http" in roles:
            self.address = self._address(process)
        return process

    def run_and_wait(self, roles):
        process = self.start(roles)
        process.wait(timeout=30)
        return process

    def start(self, roles):
        log = self.folder / f"log{len(self.processes)}"
        with log.open("wb") as stderr:
            process = forked.Popen(
                [
                    *(sys.executable, "-m", "lienthong", "--verbose"),
                    *("--settings", self.file, "--data-dir", self.folder / "data"),
                    *("run", "--roles", roles),
                ],
                stderr=stderr,
                cwd=self.folder,
            )
        self.processes.append(process)
        process.log = log
        return process

    def _address(self, process):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for line in process.log.read_text().splitlines():
                if "http.listening" in line:
                    host, _, port = json.loads(line)["address"].rpartition("/")[2].rpartition(":")
                    return host, int(port)
            assert process.poll() is None, process.log.read_text()
            time.sleep(0.05)
        raise AssertionError("it does not listen")

    def logged(self):
        return "".join(process.log.read_text() for process in self.processes)

    @staticmethod
    def rss(process):
        """Return the memory of a process now, in bytes."""
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def connect(self, timeout=60):
        return http.client.HTTPConnection(*self.address, timeout=timeout)

    def ask(self, path, *, token=None, method="GET", body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def hand_over(self, body, *, token, agency=LAND, query="", **headers):
        path = f"/v1/agencies/{agency}/records{query}"
        return self.ask(path, token=token, method="POST", body=body, **headers)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
def make_here(tmp_path):
    made = []

    def make(settings):
        folder = tmp_path / f"here{len(made)}"
        folder.mkdir()
        made.append(Here(folder, settings))
        return made[-1]

    yield make
    for here in made:
        here.close()


@pytest.fixture
def here(make_here):
    """Give an installation whose HTTP door is open."""
    here = make_here("[http]\nport = 0\n")
    here.installation.store.dispose()
    here.run("http")
    return here
