"""docs/first-agency.md, done as it is written: its files, and its commands in their order."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Cli

PAGE = (Path(__file__).parents[2] / "docs" / "first-agency.md").read_text(encoding="utf-8")
ENDS_WITH = {"convert": 1}
"""Two records are wrong on purpose."""


def block(language, number=0):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[number]


def commands():
    return [shlex.split(line) for line in re.findall(r"^    (lienthong .*)$", PAGE, re.MULTILINE)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mappings").mkdir()
    (tmp_path / "ho-so.csv").write_text(block("csv"), encoding="utf-8")
    (tmp_path / "lienthong.toml").write_text(block("toml"), encoding="utf-8")
    (tmp_path / "thong-diep.json").write_text(block("json"), encoding="utf-8")
    return tmp_path


def start_portal(folder):
    """Start the portal on any port; put what it prints where the page says."""
    portal = subprocess.Popen(
        [sys.executable, "-P", "-m", "lienthong", "sandbox", "portal", "--port", "0"],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=Cli(folder).environment,
    )
    lines = iter(portal.stderr.readline, "")
    section = [next(line for line in lines if line == "[target]\n")]
    while "shows_content" not in section[-1]:
        section.append(next(lines))
    with (folder / "lienthong.toml").open("a", encoding="utf-8") as settings:
        settings.writelines(section)
    return portal


def test_the_page_leads_from_a_sample_to_a_delivered_dossier(folder):
    cli, portal, said = Cli(folder), None, {}
    mapping = folder / "mappings" / "phuong-mau.yaml"
    try:
        for words in commands():
            name = " ".join(words[1:3]) if words[1] in ("mapping", "text") else words[1]
            if name == "sandbox":
                portal = start_portal(folder)
                continue
            if "--inbound" in words:
                name = "what comes down"
                with mapping.open("a", encoding="utf-8") as whole:
                    whole.write(block("yaml", 1))
            said[name] = cli(*words[1:])
            assert said[name].code == ENDS_WITH.get(name, 0), said[name]
            if name == "mapping new":
                # Mended as the page says.
                assert "6 places are left" in said[name].out + said[name].err
                mapping.write_text(block("yaml"), encoding="utf-8")
    finally:
        if portal is not None:
            portal.terminate()
            portal.wait(30)
            portal.stderr.close()

    rows = (folder / "loi.csv").read_text(encoding="utf-8-sig").splitlines()
    assert ["ChuHoSo" in row or "Người nộp" in row for row in rows[1:]] == [
        False,
        False,
        True,
        False,
    ]
    assert ["31/02/2026" in row and "Ngày nhận" in row for row in rows[1:]][3]
    [filed] = (folder / "ra").iterdir()
    assert "Phạm Thị Mẫu;05/03/2026 08:15;Mới đăng ký" in filed.read_text(encoding="utf-8-sig")
    [agency] = cli("status", "--json").json["agencies"]
    assert agency["records"] == 4
    assert {state: count for state, count in agency["states"].items() if count} == {
        "delivered": 2,
        "rejected": 2,
    }
    assert len(commands()) == len(said) + 1
