"""The house itself: its packages, the rules between them, and what unit tests may not do."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"adapters", "broker", "lienthong", "mappings", "schemas", "signing"}


@pytest.fixture(scope="module")
def tool():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]


def test_the_packages_are_the_six_and_no_more():
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert found == PACKAGES


def test_every_tool_names_the_same_packages(tool):
    assert set(tool["importlinter"]["root_packages"]) == PACKAGES
    assert set(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == PACKAGES
    assert set(tool["mypy"]["packages"]) == PACKAGES


def test_the_contracts_speak_of_every_package_and_of_no_other(tool):
    named = {
        module.partition(".")[0]
        for contract in tool["importlinter"]["contracts"]
        for key in ("layers", "source_modules", "ancestors")
        for module in contract.get(key, [])
    }

    assert named == PACKAGES


def test_no_module_lies_in_the_root():
    assert list(ROOT.glob("*.py")) == []


def test_every_package_is_marked_as_typed():
    marked = {path.parent.name for path in ROOT.glob("*/py.typed")}

    assert marked == PACKAGES


def test_importing_the_broker_is_light():
    script = "import sys, broker; print(*sorted({'sqlite3', 'asyncio', 'ssl'} & set(sys.modules)))"

    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == ""


def test_help_needs_no_more_than_the_commands_themselves():
    heavy = "{'mappings', 'adapters', 'sqlalchemy', 'cryptography', 'lienthong.wiring'}"
    script = f"import sys, lienthong.cli.app; print(*sorted({heavy} & set(sys.modules)))"

    seen = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert seen.stdout.split() == []


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_unit_test_cannot_reach_the_network(family, call):
    with (
        socket.socket(family) as sock,
        pytest.raises(AssertionError, match="may not connect"),
    ):
        getattr(sock, call)(("localhost", 80))


def test_every_test_that_the_page_of_traps_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs/traps.md").read_text(encoding="utf-8")))
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }

    assert named - defined == set()
