"""kill -9 of any process at any moment: nothing lost, nothing doubled, order kept."""

import os
import signal
import time
from random import Random

import pytest
import urllib3

from lienthong.agreement import compare
from lienthong.sandbox import read_ledger
from lienthong.states import State
from lienthong.store.database import open_store, reading
from lienthong.store.queries import count_agencies, delivered_events, is_idle

BAD_TIMES = (
    {"mode": "commit_then_drop", "share": 0.08, "for_seconds": 25},
    {"mode": "drop_before", "share": 0.05, "for_seconds": 25},
    {"mode": "slow", "share": 0.1, "delay_seconds": 0.3, "for_seconds": 25},
)
VICTIMS = ("worker", "worker", "other worker", "portal")


def worker(site, name):
    return site.cli.start("--verbose", "run", log=f"{name}.log")


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def idle(engine):
    with reading(engine) as connection:
        return is_idle(connection)


@pytest.mark.timeout(280)
@pytest.mark.parametrize("seed", [1, 2])
def test_kill_of_any_process_at_any_moment_loses_and_doubles_nothing(site, sample_set, seed):
    random = Random(f"{seed}/{os.environ.get('LIENTHONG_KILL_SEED', '')}")
    running = {name: worker(site, name) for name in ("worker", "other worker")}
    for order in BAD_TIMES:
        urllib3.request("POST", f"{site.control}/misbehave", json=order, timeout=5)
    for file in sample_set.files:
        assert site.cli("submit", file.path, "--agency", file.agency).code == 0
    engine = open_store(site.cli.folder / "data" / "store.sqlite")
    kills = 0
    deadline = time.monotonic() + 200
    while not idle(engine) or kills < 12:
        assert time.monotonic() < deadline, "it does not come to rest"
        time.sleep(random.uniform(0.05, 1.2))
        if kills < 12:
            victim = random.choice(VICTIMS)
            kills += 1
            if victim == "portal":
                kill(site.portal)
                site.restart_portal()
            else:
                kill(running[victim])
                running[victim] = worker(site, victim)
    for process in running.values():
        kill(process)

    with reading(engine) as connection:
        agreement = compare(delivered_events(connection), read_ledger(site.ledger))
        counts = {line.agency: line for line in count_agencies(connection)}
    engine.dispose()

    assert agreement.holds, agreement
    for file in sample_set.files:
        line = counts[file.agency]
        assert line.records == file.records
        assert line.states[State.REJECTED] == len(file.bad_records)
        open_ones = set(line.states) - {State.REJECTED, State.DELIVERED}
        assert open_ones == set(), line
    assert agreement.dossiers == sum(len(file.dossiers) for file in sample_set.files)
