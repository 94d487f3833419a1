from __future__ import annotations

import itertools
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from broker.rabbitmq import (
    Plan,
    RabbitBroker,
    RabbitInbox,
    RabbitOutbox,
    RabbitSettings,
    declare,
    make_permissions,
)
from lienthong.flows.hints import DELIVER, EXPAND
from lienthong.flows.incoming import Sender, format_of
from lienthong.flows.take import Taker
from lienthong.flows.tell import Teller
from lienthong.settings import Settings
from lienthong.wiring import Installation

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs" / "agencies"
NUMBERS = itertools.count(1)
WAIT = timedelta(seconds=0.1)
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


class Exchange:
    """The roles take, expand and results of one installation, in a thread of the test."""

    def __init__(self, folder, settings, rabbitmq):
        self.settings = settings
        self.installation = Installation(Settings(data_dir=folder))
        self._stop = Event()
        self._thread = Thread(target=self._run)
        self._error = None
        declare(settings)
        for permission in make_permissions(settings.plan):
            rabbitmq.ctl("add_user", permission.user, "w0rd")
            rights = (permission.configure, permission.write, permission.read)
            rabbitmq.ctl("set_permissions", permission.user, *rights)

    def start(self):
        self._thread.start()

    def stop(self):
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self):
        try:
            self._serve()
        except Exception as error:  # noqa: BLE001 - told by stop
            self._error = error

    def _serve(self):
        made, clock = self.installation, self.installation.clock
        broker = RabbitBroker(self.settings, clock=clock)
        with broker, RabbitInbox(self.settings, clock=clock) as inbox:
            taker = Taker(
                inbox=inbox, store=made.store, broker=broker, senders=self._sender, clock=clock
            )
            expander = made.make_expander(broker)
            with RabbitOutbox(self.settings) as outbox:
                teller = Teller(
                    outbox=outbox, store=made.store, clock=clock, patience=timedelta(seconds=1)
                )
                while not self._stop.is_set():
                    taker.step(wait=WAIT)
                    expander.step()
                    teller.step()
            expander.close()

    def _sender(self, name):
        mapping = self.installation.mappings.get(name)
        return Sender(name=name, code=mapping.agency_code, format=format_of(mapping.source))


@pytest.fixture
def exchange(rabbitmq, tmp_path):
    settings = RabbitSettings(
        urls=(rabbitmq.url,),
        plan=Plan(
            prefix=f"g{next(NUMBERS)}-{datetime.now(UTC):%f}",
            queues=(EXPAND, DELIVER),
            agencies=(AGENCY,),
        ),
    )
    made = Exchange(tmp_path, settings, rabbitmq)
    made.start()
    yield made
    made.stop()
