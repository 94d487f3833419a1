"""The installed command, sample files made once, and installations in folders of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from lienthong.samples import write_samples


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@dataclass
class Cli:
    """Runs `lienthong` as a user would, in one folder."""

    folder: Path

    def __call__(self, *words, stdin=None, lang="en"):
        done = subprocess.run(
            [sys.executable, "-m", "lienthong", "--lang", lang, *map(str, words)],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=240,
            env=self.environment,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LIENTHONG_")}
        return kept | {"PYTHONWARNINGS": "default"}

    def start(self, *words, log="process.log"):
        """Start a command that goes on; its standard output can be read line by line."""
        with (self.folder / log).open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "lienthong", *map(str, words)],
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=self.environment,
            )


def stop(process, how=signal.SIGTERM):
    process.send_signal(how)
    process.wait(timeout=30)
    process.stdout.close()


@pytest.fixture(scope="session")
def sample_set(tmp_path_factory):
    """Six agencies' files, small enough for many tests."""
    return write_samples(tmp_path_factory.mktemp("samples"), dossiers=30)


@pytest.fixture(scope="session")
def big_sample_set(tmp_path_factory):
    """Six agencies' files of the size that the demo uses."""
    return write_samples(tmp_path_factory.mktemp("big"), dossiers=260)


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


@dataclass
class Site:
    """An installation with a sandbox portal beside it."""

    cli: Cli
    portal: subprocess.Popen
    control: str
    ledger: Path
    port: int

    def restart_portal(self):
        """Start the sandbox again on its port, after it was killed."""
        self.portal = _start_portal(self.cli, port=self.port)[0]

    def close(self):
        if self.portal.poll() is None:
            stop(self.portal)
        else:
            self.portal.stdout.close()


def _start_portal(cli, *, port):
    words = ("sandbox", "portal", "--port", port, "--no-idempotent", "--json")
    deadline = time.monotonic() + 30
    while True:
        portal = cli.start("--data-dir", "portal", *words, log="portal.log")
        line = portal.stdout.readline()
        if line:
            return portal, json.loads(line)
        portal.wait()
        portal.stdout.close()
        # A port whose last owner was killed may need a moment.
        assert time.monotonic() < deadline, (cli.folder / "portal.log").read_text()
        time.sleep(0.3)


@pytest.fixture
def site(cli):
    """Keys, a sandbox that is not idempotent, and settings that fit it, impatient for tests."""
    keys = cli.folder / "keys"
    assert cli("--data-dir", "data", "keys", "make", "--out", "keys").code == 0
    (cli.folder / "lienthong.toml").write_text(f'keys_dir = "{keys}"\n')
    portal, ready = _start_portal(cli, port=0)
    target = "\n".join(f"{key} = {json.dumps(value)}" for key, value in ready["target"].items())
    (cli.folder / "lienthong.toml").write_text(
        f'data_dir = "data"\nkeys_dir = "{keys}"\n'
        "[delivery]\nlease_seconds = 8\nbackoff_first_seconds = 0.2\n"
        "backoff_longest_seconds = 1\nsweep_patience_seconds = 2\n"
        f"[target]\n{target}\nread_timeout_seconds = 3\nconnect_timeout_seconds = 1\n"
        "call_timeout_seconds = 5\n"
    )
    port = int(ready["url"].split(":")[2].split("/")[0])
    site = Site(cli, portal, ready["control"], cli.folder / "portal" / "sandbox.sqlite", port)
    yield site
    site.close()
