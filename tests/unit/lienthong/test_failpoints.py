"""Nothing happens at a failpoint unless it was asked for, and then exactly what was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lienthong import failpoints
from lienthong.failpoints import Point, arm, reached
from schemas.errors import ConfigError

SCRIPT = """
from lienthong.failpoints import Point, arm, reached
import os
arm(os.environ["WANTED"])
for turn in range(1, 6):
    print(turn, flush=True)
    reached(Point.EXPAND_COMMITTED)
"""


@pytest.fixture(autouse=True)
def disarmed():
    yield
    arm("")


def start(wanted):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"WANTED": wanted},
    )


def turns_noted(wanted, *, of):
    arm(wanted)
    turns = []
    for turn in range(1, of + 1):
        with capture_logs() as lines:
            reached(Point.EXPAND_COMMITTED)
        if lines:
            turns.append(turn)
    return turns


def test_nothing_is_set_in_a_process_that_was_not_asked():
    assert failpoints._traps == {}
    with capture_logs() as lines:
        for point in Point:
            reached(point)
    assert lines == []


def test_kill_ends_the_process_at_that_time():
    with start("expand.committed=kill@3") as process:
        told = process.stdout.read()
    assert process.returncode == -signal.SIGKILL
    assert [line for line in told.splitlines() if line.isdigit()] == ["1", "2", "3"]


def test_stop_freezes_the_process_until_it_may_go_on():
    with start("expand.committed=stop@2") as process:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        told = process.stdout.read()
    assert process.returncode == 0
    assert told.splitlines()[-1] == "5"


def test_sleep_takes_its_time_once():
    arm("receive.committed=sleep(0.2)@1")
    begun = time.monotonic()
    reached(Point.RECEIVE_COMMITTED)
    assert time.monotonic() - begun >= 0.2
    begun = time.monotonic()
    reached(Point.RECEIVE_COMMITTED)
    assert time.monotonic() - begun < 0.1


def test_only_that_point_springs_and_it_says_so():
    arm("seal.linked=note@1")
    with capture_logs() as lines:
        reached(Point.SWEEP_REMOVED)
        reached(Point.SEAL_LINKED)
    assert lines == [
        {
            "event": "failpoint.sprung",
            "log_level": "warning",
            "point": "seal.linked",
            "action": "note",
        }
    ]


def test_chance_is_the_same_for_the_same_seed():
    first = turns_noted("seed=7,expand.committed=note@1/4", of=100)
    assert first == turns_noted("seed=7,expand.committed=note@1/4", of=100)
    assert first != turns_noted("seed=8,expand.committed=note@1/4", of=100)
    assert 10 <= len(first) <= 45


def test_the_seventh_time_is_the_seventh():
    assert turns_noted("expand.committed=note@7", of=20) == [7]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("expand.comitted=kill@1", "did you mean: expand.committed?"),
        ("expand.committed=kil@1", "did you mean: kill?"),
        ("expand.committed=kill", "is not understood"),
        ("expand.committed=kill@0", "is not understood"),
        ("expand.committed=sleep(x)@1", "is not understood"),
        ("seed=x", "is not understood"),
    ],
)
def test_a_wrong_wish_is_refused_with_the_remedy(wanted, said):
    with pytest.raises(ConfigError) as error:
        arm(wanted)
    assert said in error.value.text.en
    assert error.value.text.vi.startswith("LIENTHONG_FAILPOINTS: ")


def test_every_point_is_named_after_its_role_and_told_once():
    values = [point.value for point in Point]
    assert len(set(values)) == len(values)
    assert all(point.name == point.value.replace(".", "_").upper() for point in Point)


def test_the_command_refuses_a_wrong_wish():
    done = subprocess.run(
        [sys.executable, "-m", "lienthong", "--lang", "en", "status"],
        env=os.environ | {"LIENTHONG_FAILPOINTS": "no.such=kill@1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "failpoints.unknown" in done.stderr


def test_every_point_stands_somewhere_in_the_code():
    sources = [
        path.read_text(encoding="utf-8")
        for path in Path(failpoints.__file__).parent.rglob("*.py")
        if path.name != "failpoints.py"
    ]
    missing = [
        point.name
        for point in Point
        if not any(f"reached(Point.{point.name})" in source for source in sources)
    ]
    assert missing == []
