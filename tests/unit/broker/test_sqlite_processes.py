"""The embedded broker between processes: kill -9 in the middle, and several at once."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from broker.sqlite import SqliteBroker

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
LEASE = timedelta(hours=1)

PREAMBLE = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from broker.port import Message
from broker.sqlite import SqliteBroker

name, path = sys.argv[1], Path(sys.argv[2])
broker = SqliteBroker(path, clock=lambda: datetime(2026, 3, 2, 1, 30, tzinfo=UTC))
print("open", flush=True)
"""

PUBLISH_FOR_EVER = """
number = 0
while True:
    ids = [f"{name}-{number + step}" for step in range(1 + number % 4)]
    broker.publish("deliver", [Message(id=id_, body=bytes(3000)) for id_ in ids])
    print(*ids, flush=True)
    number += len(ids)
"""

PUBLISH_AND_CONSUME = """
for number in range(0, 500, 10):
    batch = [Message(id=f"{name}-{number + step}", body=b"x") for step in range(10)]
    broker.publish("deliver", batch)
    taken = broker.receive(
        "deliver", limit=15, lease=timedelta(hours=1), wait=timedelta(0)
    )
    broker.ack(taken)
    print(*(delivery.message.id for delivery in taken), flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "broker.sqlite"


def start(script, *, name, path):
    return subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + script, name, str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )


def drain(path):
    """Return every id in the queue, in the order of lending."""
    with SqliteBroker(path, clock=lambda: START) as broker:
        return [
            delivery.message.id
            for delivery in broker.receive(
                "deliver", limit=1_000_000, lease=LEASE, wait=timedelta(0)
            )
        ]


def test_what_publish_promised_survives_kill_9(path):
    chance = random.Random(20260302)
    acknowledged = []

    for round_ in range(12):
        process = start(PUBLISH_FOR_EVER, name=f"round-{round_}", path=path)
        assert process.stdout.readline() == "open\n"
        lines = chance.randint(0, 25)
        printed = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        printed.append(process.communicate()[0])
        # A line cut off by the kill was not acknowledged to anybody.
        whole = "".join(printed).rpartition("\n")[0]
        acknowledged += whole.split()

    found = drain(path)
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert len(acknowledged) > 100
    # At most the one batch per round that was committed and not yet said may be there besides.
    assert len(found) - len(acknowledged) <= 12 * 5
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_four_processes_at_once_lose_and_double_nothing(path):
    names = ["an", "bình", "châu", "dũng"]
    processes = [start(PUBLISH_AND_CONSUME, name=name, path=path) for name in names]

    outputs = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    consumed = [id_ for output in outputs for id_ in output.removeprefix("open\n").split()]
    everything = consumed + drain(path)
    assert sorted(everything) == sorted(f"{name}-{i}" for name in names for i in range(500))
    assert len(consumed) > 1_000


def test_many_processes_may_make_the_file_together(path):
    processes = [start("", name=str(number), path=path) for number in range(8)]

    outputs = [process.communicate(timeout=60)[0] for process in processes]

    assert outputs == ["open\n"] * 8
    assert [process.returncode for process in processes] == [0] * 8
