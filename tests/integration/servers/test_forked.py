from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from lienthong.testing import forked

STATUS = [sys.executable, "-P", "-m", "lienthong", "--lang", "en", "status"]


@pytest.mark.parametrize("words", [["--help"], ["validate", "away.xml"], ["nonsense"]])
def test_a_fork_says_and_ends_as_a_new_interpreter_does(words, tmp_path):
    command = [sys.executable, "-P", "-m", "lienthong", "--lang", "vi", *words]
    told = [
        run(command, capture_output=True, cwd=tmp_path, env=dict(os.environ))
        for run in (subprocess.run, forked.run)
    ]

    for name in ("returncode", "stdout", "stderr"):
        assert getattr(told[0], name) == getattr(told[1], name)


def test_it_has_an_environment_and_a_folder_of_its_own(tmp_path):
    here, language = os.getcwd(), os.environ.get("LIENTHONG_LANG")
    (tmp_path / "lienthong.toml").write_text("nonsense")

    done = forked.run(
        [sys.executable, "-m", "lienthong", "status"],
        cwd=tmp_path,
        env={**os.environ, "LIENTHONG_LANG": "vi"},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 2
    assert "không đúng cú pháp TOML" in done.stderr
    assert (os.getcwd(), os.environ.get("LIENTHONG_LANG")) == (here, language)


def test_what_is_written_to_it_is_its_standard_input(tmp_path):
    words = ["validate", "-"]

    done = forked.run(
        [sys.executable, "-m", "lienthong", "--lang", "en", *words],
        input=b'<a xmlns="urn:not-ours"/>',
        cwd=tmp_path,
        capture_output=True,
    )

    assert done.returncode == 1
    assert b"urn:not-ours" in done.stderr


def test_it_is_a_child_that_can_be_frozen_and_killed(tmp_path):
    process = forked.Popen(
        [sys.executable, "-m", "lienthong", "sandbox", "portal", "--port", "0", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout.readline()

        process.send_signal(signal.SIGSTOP)
        stopped = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        process.kill()

    assert stopped.si_status == signal.SIGSTOP
    assert process.returncode == -signal.SIGKILL


def test_what_a_fork_cannot_do_is_done_by_a_new_interpreter(tmp_path):
    done = forked.run(STATUS, cwd=tmp_path, preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE)
    other = forked.run(["echo", "one"], stdout=subprocess.PIPE, text=True)

    assert done.returncode != 0
    assert other.stdout == "one\n"
