from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.testing.clock import FalseClock
from lienthong.testing.disk import MIB, NoSmallDisk, limit_files, small_disk


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


TELL = """
import sys
from lienthong.testing import clock
from lienthong.wiring import Installation
from pathlib import Path
clock.runpy.run_module = lambda *_, **__: None
clock.run(Path(sys.argv[1]), [])
installation = object.__new__(Installation)
for line in sys.stdin:
    print(installation.clock().isoformat(), flush=True)
"""


def test_a_process_can_be_moved_in_time(tmp_path):
    clock = FalseClock(tmp_path / "clock")

    def ask(process):
        process.stdin.write("?\n")
        process.stdin.flush()
        return datetime.fromisoformat(process.stdout.readline().strip()) - datetime.now(UTC)

    clock.jump(timedelta(0))
    with subprocess.Popen(
        [sys.executable, "-c", TELL, clock.file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for jump in (timedelta(0), timedelta(hours=3), timedelta(hours=-5), timedelta(0)):
            clock.jump(jump)
            assert abs(ask(process) - jump) < timedelta(seconds=2)
        process.stdin.close()
