"""The publishers of the guide, run as an agency runs them, with the dossier of the guide."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

AGENCY = "igate-one-stop"
DOCS = Path(__file__).parents[3] / "docs" / "agencies"


@pytest.fixture(params=["python", "node"])
def publish(request, exchange, tmp_path):
    """Run one of the publishers; return what it did."""
    if request.param == "python":
        command, folder = [sys.executable, str(DOCS / "publish.py")], tmp_path
    else:
        command, folder = ["node", "publish.js"], request.getfixturevalue("npm_folder")

    def once(body, message_id, *, name="ho-so.json", wait="30", **environment):
        path = tmp_path / name
        path.write_bytes(body)
        return subprocess.run(
            [*command, exchange.url, AGENCY, str(path), message_id],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "LIENTHONG_PREFIX": exchange.prefix,
                "LIENTHONG_PASSWORD": "w0rd",
                "LIENTHONG_WAIT": wait,
            }
            | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return once


@pytest.fixture
def dossier():
    """Give the dossier that stands in the guide."""
    text = (DOCS / "guide.md").read_text(encoding="utf-8")
    return re.search(r"```json\n(.*?)```", text, re.DOTALL)[1].encode()


def test_the_dossier_of_the_guide_is_taken_over_and_valid(publish, dossier):
    done = publish(dossier, "2026-000017", wait="4")

    assert done.returncode == 0, done.stderr
    assert "2026-000017: published" in done.stdout
    assert "received 2026-000017" in done.stdout
    assert "rejected" not in done.stdout


def test_the_fault_of_the_guide_is_told_with_its_place_and_remedy(publish, dossier):
    wrong = dossier.replace(b'"TrangThaiHoSo": 2', b'"TrangThaiHoSo": 12')
    assert wrong != dossier

    done = publish(wrong, "2026-000018")

    assert done.returncode == 1, done.stderr
    assert "rejected 2026-000018" in done.stdout
    assert "mapping.code_unknown" in done.stdout
    assert "data[0].TrangThaiHoSo" in done.stdout
    assert "→" in done.stdout


def test_the_same_again_is_received_again_and_other_bytes_are_refused(publish, dossier):
    publish(dossier, "k", LIENTHONG_FIRST_ONLY="1")

    again = publish(dossier, "k", LIENTHONG_FIRST_ONLY="1")
    other = publish(dossier + b" ", "k", LIENTHONG_FIRST_ONLY="1")

    assert (again.returncode, "received k" in again.stdout) == (0, True)
    assert (other.returncode, "submission.key_conflict" in other.stdout) == (1, True)


def test_a_content_type_that_does_not_fit_is_refused(publish):
    done = publish(b"a;b\n1;2\n", "csv", name="ho-so.csv")

    assert done.returncode == 1
    assert "message.content_type_other" in done.stdout


def test_a_content_type_that_lies_is_refused_by_the_reader_of_the_format(publish):
    done = publish(b"a;b\n1;2\n", "lie")

    assert done.returncode == 1
    assert "refused lie" in done.stdout
    assert "json.syntax" in done.stdout


def test_a_wrong_password_is_an_error_that_does_not_show_it(publish, dossier):
    done = publish(dossier, "k", LIENTHONG_PASSWORD="s3cret-w0rd")

    assert done.returncode not in (0, None)
    assert "ACCESS_REFUSED" in done.stderr or "ProbableAuthenticationError" in done.stderr
    assert "s3cret-w0rd" not in done.stderr + done.stdout
