from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.testing.clock import FalseClock, find_library
from lienthong.testing.disk import MIB, NoSmallDisk, limit_files, small_disk

TELL = """
import sys, time, threading
for line in sys.stdin:
    begun = time.monotonic()
    threading.Event().wait(0.2)
    print(time.time(), time.monotonic() - begun, flush=True)
"""


@pytest.fixture
def disk():
    try:
        with small_disk(size_bytes=4 * MIB) as made:
            yield made
    except NoSmallDisk as error:
        pytest.skip(f"nothing can be mounted here: {error}")


def test_a_small_disk_is_full_until_it_is_emptied(disk):
    disk.fill(leave_bytes=8192)
    with pytest.raises(OSError, match="No space left"):
        (disk.path / "file").write_bytes(b"x" * 100_000)
    disk.empty()
    (disk.path / "file").write_bytes(b"x" * 100_000)


def test_a_limited_process_cannot_write_a_long_file(tmp_path):
    script = "import sys; open(sys.argv[1], 'wb').write(b'x' * 100_000)"
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "file"],
        preexec_fn=limit_files(4096),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "File too large" in done.stderr


@pytest.fixture
def clock(tmp_path):
    library = find_library()
    if library is None:
        pytest.skip("faketime is not installed; run: scripts/install-system.sh tests")
    return FalseClock(tmp_path / "clock", library)


def test_a_process_can_be_moved_in_time_and_its_waiting_stays_true(clock):
    def ask(process):
        process.stdin.write("?\n")
        process.stdin.flush()
        seconds, waited = process.stdout.readline().split()
        assert 0.2 <= float(waited) < 2
        return datetime.fromtimestamp(float(seconds), UTC) - datetime.now(UTC)

    clock.jump(timedelta(0))
    with subprocess.Popen(
        [sys.executable, "-c", TELL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | clock.environment,
    ) as process:
        assert abs(ask(process)) < timedelta(seconds=2)
        for jump in (timedelta(hours=3), timedelta(hours=-5), timedelta(0)):
            clock.jump(jump)
            assert abs(ask(process) - jump) < timedelta(seconds=2)
        process.stdin.close()
