from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from pydantic import SecretStr

from broker.rabbitmq import Plan, Secret, declare, make_permissions, permission_definitions
from lienthong.roles import Role, Workers
from lienthong.settings import BrokerSettings, Settings
from lienthong.wiring import Installation

AT_ONCE = 16
"""Installations whose users are made together: each rabbitmqctl takes a second to begin."""
HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs" / "agencies"
NUMBERS = itertools.count(1)
AGENCY = "igate-one-stop"


@pytest.fixture(scope="session")
def npm_folder(tmp_path_factory):
    """Install what the publisher and the judge need, from their lock file."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("agencies")
    for path in (*HERE.glob("package*.json"), HERE / "judge.js", DOCS / "publish.js"):
        shutil.copy(path, folder)
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=240,
    )
    return folder


@pytest.fixture(scope="session")
def prefixes(rabbitmq, tmp_path_factory):
    """Give prefixes one after the other; what each needs of users is there."""

    def make():
        rights = tmp_path_factory.mktemp("rights") / "permissions.json"
        while True:
            made = [f"g{next(NUMBERS)}" for _ in range(AT_ONCE)]
            plans = (Plan(prefix=prefix, agencies=(AGENCY,)) for prefix in made)
            permissions = [one for plan in plans for one in make_permissions(plan)]
            rabbitmq.make_users([permission.user for permission in permissions], "w0rd")
            rights.write_text(json.dumps(permission_definitions(permissions, vhost="/")))
            rabbitmq.ctl("import_definitions", str(rights))
            yield from made

    return make()


class Exchange:
    """The roles take, expand and results of one installation, with the rights of a worker."""

    def __init__(self, folder, rabbitmq, prefix):
        self.url = rabbitmq.url
        self.prefix = prefix
        self._stop = Event()
        self.installation = Installation(
            Settings(
                data_dir=folder,
                broker=BrokerSettings(
                    kind="rabbitmq",
                    urls=(rabbitmq.url,),
                    user=f"{self.prefix}-worker",
                    password=SecretStr("w0rd"),
                    prefix=self.prefix,
                    agencies=(AGENCY,),
                ),
            )
        )
        settings = self.installation.rabbit_settings
        declare(replace(settings, user="guest", password=Secret("guest")))
        roles = (Role.TAKE, Role.EXPAND, Role.RESULTS)
        self._workers = Workers(self.installation, roles, self._stop)
        self._thread = Thread(target=self._run)
        self.ended_well = False
        self._thread.start()

    def _run(self):
        self.ended_well = self._workers.run()

    def stop(self):
        self._stop.set()
        self._thread.join()
        self.installation.store.dispose()


@pytest.fixture
def exchange(rabbitmq, prefixes, tmp_path):
    made = Exchange(tmp_path, rabbitmq, next(prefixes))
    yield made
    made.stop()
    assert made.ended_well
