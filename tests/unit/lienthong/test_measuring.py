"""Costs, ratios and percentiles; the processor time of other processes comes from /proc."""

import math
import subprocess
import sys
import time

import pytest

from lienthong.benchmarks.measuring import (
    Cost,
    Meter,
    Primitive,
    Stage,
    cpu_by_name,
    percentile,
)
from schemas.problem import Text

NAME = Text(vi="ký", en="sign")
BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint('done', flush=True)\ninput()"


def primitive(cpu, wall=0.0):
    return Primitive(key="sign", name=NAME, cost=Cost(cpu=cpu, wall=wall))


def test_a_stage_is_measured_against_the_sum_of_its_primitives():
    parts = (primitive(100, wall=150), primitive(60, wall=80), primitive(60, wall=80))
    stage = Stage(key="expand", name=NAME, cost=Cost(cpu=440, wall=900), primitives=parts)

    assert stage.limit == Cost(cpu=220, wall=310)
    assert stage.ratio == 0.5


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1, 100), (0.001, 1)]
)
def test_a_percentile_is_a_value_that_was_there(share, value):
    assert percentile(range(100, 0, -1), share) == value


def test_nothing_has_no_percentile():
    assert math.isnan(percentile([], 0.99))


def test_a_meter_tells_work_from_waiting():
    cost = Meter().measure(lambda: time.sleep(0.2), dossiers=10)

    assert cost.wall >= 20_000
    assert cost.cpu < 10_000


def test_the_time_of_a_process_that_was_named_is_counted_and_no_other():
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        used = cpu_by_name({process.pid: "worker 1"})
        unnamed = cpu_by_name({})
        process.communicate(b"\n")

    assert used["worker 1"] >= 0.29
    assert "worker 1" not in unnamed
