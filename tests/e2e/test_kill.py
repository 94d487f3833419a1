"""kill -9 of any process at any moment: nothing lost, nothing doubled, order kept."""

import os
import signal
import time
from datetime import UTC, datetime
from random import Random

import pytest
import urllib3
from sqlalchemy import text

from lienthong.agreement import compare
from lienthong.sandbox import read_ledger
from lienthong.states import State
from lienthong.store.database import open_sqlite, open_store, reading
from lienthong.store.queries import count_agencies, delivered_events, is_idle

BAD_TIMES = (
    {"mode": "commit_then_drop", "share": 0.08, "for_seconds": 25},
    {"mode": "drop_before", "share": 0.05, "for_seconds": 25},
    {"mode": "slow", "share": 0.1, "delay_seconds": 0.3, "for_seconds": 25},
)
KILLS = 12
ACCOUNTED = """
SELECT agency, count(*) FROM (
    SELECT agency, submission_id, record FROM messages
    UNION
    SELECT s.agency, r.submission_id, r.record FROM repeats r
    JOIN submissions s ON s.id = r.submission_id
) GROUP BY agency
"""
"""Records of which the store knows what became of them."""
VICTIMS = ("worker", "worker", "other worker", "portal")


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.fixture
def workers(site):
    """Two worker processes by name; the dict is refilled with `start`, and emptied at the end."""
    running = {}

    def start(name):
        running[name] = site.cli.start("--verbose", "run", log=f"{name}.log")

    for name in ("worker", "other worker"):
        start(name)
    yield running, start
    for process in running.values():
        kill(process)


def idle(store):
    with reading(store) as connection:
        return is_idle(connection)


def kill_at_random_moments(site, workers, store, random):
    running, start = workers
    deadline = time.monotonic() + 200
    kills = 0
    while kills < KILLS or not idle(store):
        assert time.monotonic() < deadline, "it does not come to rest"
        time.sleep(random.uniform(0.05, 1.2))
        if kills == KILLS:
            continue
        kills += 1
        victim = random.choice(VICTIMS)
        if victim == "portal":
            kill(site.portal)
            site.restart_portal()
        else:
            kill(running[victim])
            start(victim)


@pytest.mark.timeout(280)
@pytest.mark.parametrize("seed", [1, 2])
def test_kill_of_any_process_at_any_moment_loses_and_doubles_nothing(
    site, workers, sample_set, seed
):
    random = Random(f"{seed}/{os.environ.get('LIENTHONG_KILL_SEED', '')}")
    for order in BAD_TIMES:
        urllib3.request("POST", f"{site.control}/misbehave", json=order, timeout=5)
    for file in sample_set.files:
        assert site.cli("submit", file.path, "--agency", file.agency).code == 0
    data = site.cli.folder / "data"
    store = open_store(
        open_sqlite(data / "store.sqlite"), key_file=data / "store.keys", now=datetime.now(UTC)
    )

    kill_at_random_moments(site, workers, store, random)

    with reading(store) as connection:
        agreement = compare(delivered_events(connection), read_ledger(site.ledger))
        counts = {line.agency: line for line in count_agencies(connection)}
        accounted = dict(connection.execute(text(ACCOUNTED)).all())
    store.dispose()
    assert agreement.holds, agreement
    assert agreement.dossiers == sum(len(file.dossiers) for file in sample_set.files)
    verified = site.cli("audit", "verify")
    assert verified.code == 0, verified.out
    for file in sample_set.files:
        line = counts[file.agency]
        assert accounted[file.agency] == file.records
        assert line.states[State.REJECTED] == len(file.bad_records)
        # Only an older version that came after a newer one is not delivered.
        assert set(line.states) <= {State.REJECTED, State.DELIVERED, State.SUPERSEDED}
