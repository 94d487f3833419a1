"""Pauses over real worker processes that are killed, embedded and on PostgreSQL and RabbitMQ."""

import json
import signal
import sys
import time
from uuid import uuid4

import pytest

from broker.rabbitmq import declare
from lienthong.agreement import compare
from lienthong.states import State
from lienthong.store.database import make_tables, reading
from lienthong.store.queries import delivered_events
from lienthong.testing import forked
from lienthong.testing.portal_site import AGENCY, record
from lienthong.wiring import Installation

DOSSIERS = 20
EVENTS = 4
"""Twice as many are handed in, and their numbers order as texts."""
ROLES = "expand,deliver,sweep,seal"


@pytest.fixture
def here(request, both, tmp_path):
    """Give a site whose portal is slow, so that a pause falls into the middle of the work."""
    tables = {"delivery": {"slots": 2, "lease_seconds": 6}}
    if request.param == "servers":
        rabbitmq = request.getfixturevalue("rabbitmq")
        postgresql = request.getfixturevalue("postgresql")
        name = f"p{uuid4().hex[:12]}"
        tables["store"] = {"url": postgresql.create_database(name)}
        tables["broker"] = {
            "kind": "rabbitmq",
            "urls": [rabbitmq.url],
            "user": "guest",
            "password": "guest",
            "prefix": name,
            "agencies": [AGENCY],
        }
    started = both(**tables)
    site = started.site
    if request.param == "servers":
        make_tables(site.installation.engine)
        declare(site.installation.rabbit_settings)
    _ = site.installation.store
    return Crew(site, started.portal, tmp_path)


class Crew:
    """Worker processes of one site, and the command line beside them."""

    def __init__(self, site, portal, folder):
        self.site = site
        self.portal = portal
        self.log = folder / "workers.log"
        self.running = []

    def command(self, *words):
        return [sys.executable, "-P", "-m", "lienthong", "--settings", self.site.file, *words]

    def start(self, count=1):
        for _ in range(count):
            with self.log.open("ab") as errors:
                self.running.append(
                    forked.Popen(self.command("--verbose", "run", "--roles", ROLES), stderr=errors)
                )

    def kill(self):
        process = self.running.pop(0)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def close(self):
        while self.running:
            self.kill()

    def say(self, *words):
        done = forked.run(
            self.command("traffic", *words, "--json"), capture_output=True, check=True, timeout=60
        )
        return json.loads(done.stdout)

    def at_portal(self):
        return sum(len(rows) for rows in self.portal.ledger.arrivals_by_message.values())

    def until(self, condition, seconds=60):
        ends = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends, self.log.read_text()[-3000:]
            time.sleep(0.05)


@pytest.fixture
def crew(here):
    yield here
    here.close()


def hand_in(site, first=1):
    for event in range(first, first + EVENTS):
        rows = [record(n, event=event) for n in range(1, DOSSIERS + 1)]
        site.submit(*rows)


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("here", "whom"),
    [("embedded", ("--target",)), ("servers", ("--agency", AGENCY))],
    indirect=["here"],
    ids=["embedded, the portal", "servers, an agency"],
)
def test_a_pause_stands_over_kills_and_nothing_is_lost_doubled_or_out_of_order(crew, whom):
    crew.portal.misbehave("slow", share=1.0, delay_seconds=0.8)
    hand_in(crew.site)
    crew.start(2)
    crew.until(lambda: crew.at_portal() >= 10)

    made = crew.say("pause", "delivery", *whom, "--reason", "bảo trì")
    # Whoever has a call out ends it; nobody knows later than a second.
    time.sleep(3)
    stood = crew.at_portal()
    assert stood < DOSSIERS * EVENTS
    crew.kill()
    crew.start()
    hand_in(crew.site, first=EVENTS + 1)
    time.sleep(9)
    crew.kill()
    crew.start()
    time.sleep(2)

    assert crew.at_portal() == stood
    assert [one["since"] for one in crew.say("show")] == [made["since"]]
    crew.portal.behave()
    crew.say("resume", *whom, "--reason", "xong rồi")
    crew.until(crew.site.is_idle, seconds=90)
    store = Installation(crew.site.installation.settings).store
    with reading(store) as connection:
        agreement = compare(delivered_events(connection), crew.portal.ledger)
    store.dispose()
    assert agreement.holds, agreement
    assert agreement.dossiers == DOSSIERS
    assert set(crew.site.states()) == {State.DELIVERED}
