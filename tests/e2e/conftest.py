"""The installed command, sample files made once, and installations in folders of their own."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lienthong.cli import main
from lienthong.samples import write_samples
from lienthong.testing import forked
from mappings import load_agencies
from signing import make_development_pki


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(done.returncode)
"""


def _command(lang, words):
    # As the installed command does, which looks for no module in the working directory.
    return [sys.executable, "-P", "-m", "lienthong", "--lang", lang, *map(str, words)]


@dataclass
class Cli:
    """Runs `lienthong` as a user would, in one folder."""

    folder: Path
    keys: Path | None = None

    def __call__(self, *words, stdin=None, lang="en", before=None, stdout=subprocess.PIPE):
        """Run one command; `before` is run in the child first, for limits."""
        done = forked.run(
            _command(lang, words),
            cwd=self.folder,
            input=stdin,
            timeout=240,
            env=self.environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            preexec_fn=before,
        )
        return Result(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())

    def measured(self, *words, stdin=None):
        """Run one command; return its result and its peak memory in bytes."""
        peak = self.folder / "peak"
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, peak, *_command("en", words)],
            cwd=self.folder,
            stdin=stdin,
            capture_output=True,
            check=False,
            timeout=240,
            env=self.environment,
        )
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        return result, int(peak.read_text()) * 1024

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LIENTHONG_")}
        own = {"LIENTHONG_KEYS_DIR": str(self.keys)} if self.keys else {}
        return kept | {"PYTHONWARNINGS": "default"} | own

    def start(self, *words, log="process.log"):
        """Start a command that goes on; its standard output can be read line by line."""
        with (self.folder / log).open("ab") as errors:
            return forked.Popen(
                [sys.executable, "-P", "-m", "lienthong", *map(str, words)],
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


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Keys of every packaged agency, made once; elliptic, because they sign faster."""
    folder = tmp_path_factory.mktemp("keys")
    agencies = load_agencies(None)
    named = {name: agencies.get(name) for name in agencies.names()}
    make_development_pki(
        folder,
        agencies={name: (found.agency_code, found.agency_name) for name, found in named.items()},
        now=datetime.now(UTC),
        kind="ec",
    )
    return folder


@pytest.fixture
def keyed(tmp_path, keys):
    """The command with keys that are there already."""
    return Cli(tmp_path, keys)


@pytest.fixture(scope="session")
def run_in():
    """Make the command for a folder, where a test needs one of its own."""
    return Cli


class _Stdin:
    def __init__(self, data):
        self.buffer = io.BytesIO(data)


@pytest.fixture
def quick(tmp_path, keys, monkeypatch, capsys):
    """The same command in this process, without the second that a new process takes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIENTHONG_KEYS_DIR", str(keys))

    def run(*words, stdin=b"", lang="en"):
        monkeypatch.setattr(sys, "stdin", _Stdin(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["--lang", lang, *map(str, words)])
        shown = capsys.readouterr()
        return Result(ended.value.code or 0, shown.out, shown.err)

    return run


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


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory):
    """Keys as the command makes them, made once: RSA takes its time."""
    cli = Cli(tmp_path_factory.mktemp("made"))
    assert cli("--data-dir", "data", "keys", "make", "--out", "keys").code == 0
    return cli.folder / "keys"


@pytest.fixture
def site(cli, made_keys):
    """Keys, a sandbox that is not idempotent, and settings that fit it, impatient for tests."""
    with _site_of(cli, made_keys) as site:
        yield site


@pytest.fixture(scope="session")
def site_in(made_keys):
    """
    Make such a site for a folder, where several tests look at one.

    It may take over what another did and was told, whose folder is given as `like`.
    """
    return lambda folder, *, like=None: _site_of(Cli(folder), made_keys, like=like)


@contextmanager
def _site_of(cli, made_keys, *, like=None):
    keys = cli.folder / "keys"
    shutil.copytree(made_keys, keys)
    for name in ("data", "portal") if like else ():
        shutil.copytree(like / name, cli.folder / name)
    (cli.folder / "lienthong.toml").write_text(f'keys_dir = "{keys}"\n')
    portal, ready = _start_portal(cli, port=0)
    target = "\n".join(f"{key} = {json.dumps(value)}" for key, value in ready["target"].items())
    (cli.folder / "lienthong.toml").write_text(
        f'data_dir = "data"\nkeys_dir = "{keys}"\n'
        "[delivery]\nlease_seconds = 8\nbackoff_first_seconds = 0.2\n"
        "backoff_longest_seconds = 1\n"
        f"[target]\n{target}\nread_timeout_seconds = 3\nconnect_timeout_seconds = 1\n"
        "call_timeout_seconds = 5\n"
    )
    port = int(ready["url"].split(":")[2].split("/")[0])
    site = Site(cli, portal, ready["control"], cli.folder / "portal" / "sandbox.sqlite", port)
    try:
        yield site
    finally:
        site.close()
