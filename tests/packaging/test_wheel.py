"""The wheel: what is in it, and that it works alone in an empty environment."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"adapters", "broker", "lienthong", "mappings", "schemas", "signing"}
DATA_SUFFIXES = {".yaml", ".xsd", ".wsdl", ".json", ".csv", ".html", ".css", ".js", ".svg"}


def run(*words, cwd, allowed=(0,)):
    """Run one command as an installation would: without this tree on any path."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("LIENTHONG_")
    }
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in allowed, (words, done.returncode, done.stdout, done.stderr)
    return done


def files_of_the_tree():
    """Return the files of the six packages, those under version control where there is one."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", *sorted(PACKAGES)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        names = [name for name in listed.split("\0") if name]
    except (FileNotFoundError, subprocess.CalledProcessError):
        names = []
    return names or [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, cwd=ROOT)
    (path,) = target.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def content(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Make an environment with the runtime lock and the wheel only; return its bin folder."""
    home = tmp_path_factory.mktemp("installed") / "env"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python")
    install = (*pip, "install", "--quiet", "--disable-pip-version-check")
    run(*install, "--require-hashes", "-r", ROOT / "requirements" / "runtime.lock", cwd=home.parent)
    run(*install, "--no-deps", wheel, cwd=home.parent)
    run(*pip, "check", "--disable-pip-version-check", cwd=home.parent)
    return home / "bin"


def test_every_file_of_the_packages_is_in_the_wheel(content):
    # Sources too: an ignore rule can drop a module as quietly as a schema.
    expected = {
        name
        for name in files_of_the_tree()
        if Path(name).suffix in DATA_SUFFIXES | {".py"} or Path(name).name == "py.typed"
    }

    assert len([name for name in expected if name.endswith("/py.typed")]) == 6
    assert expected - content == set()


def test_the_wheel_has_the_six_packages_and_no_more(content):
    tops = {name.partition("/")[0] for name in content}

    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_the_contracts_are_about_what_is_shipped(content):
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = {
        layer
        for contract in tool["importlinter"]["contracts"]
        if contract["type"] == "layers"
        for layer in contract["layers"]
    }
    others = {"broker", "signing"}

    assert set(tool["importlinter"]["root_packages"]) == layers | others
    assert {name.partition("/")[0] for name in content if "dist-info" not in name} == (
        layers | others
    )


def test_no_test_key_or_cache_is_shipped(content):
    strangers = {
        name
        for name in content
        if "tests" in Path(name).parts
        or "__pycache__" in Path(name).parts
        or Path(name).suffix in {".pem", ".key", ".p12", ".pyc", ".sqlite", ".lock"}
    }

    assert strangers == set()


def test_nobody_else_here_owns_one_of_our_names():
    owners = importlib.metadata.packages_distributions()

    assert {owner for name in PACKAGES for owner in owners.get(name, ())} <= {"lienthong"}


def test_the_command_works_alone_in_an_empty_environment(installed, tmp_path):
    script = (
        "import adapters, broker, lienthong, mappings, schemas, signing as s; print(s.__file__)"
    )

    where = run(installed / "python", "-c", script, cwd=tmp_path).stdout.strip()
    helped = run(installed / "lienthong", "--help", cwd=tmp_path).stdout

    assert Path(where).is_relative_to(installed.parent)
    assert "convert" in helped


def test_nobody_else_there_owns_one_of_our_names(installed, tmp_path):
    script = (
        "import importlib.metadata as m, json;"
        f"owners = m.packages_distributions(); print(json.dumps({{name: owners[name]"
        f" for name in {sorted(PACKAGES)}}}))"
    )

    owners = json.loads(run(installed / "python", "-c", script, cwd=tmp_path).stdout)

    assert owners == {name: ["lienthong"] for name in PACKAGES}


def test_a_file_of_an_agency_becomes_valid_documents_there(installed, tmp_path):
    lienthong = installed / "lienthong"
    run(lienthong, "sandbox", "samples", "samples", cwd=tmp_path)

    # 1 says that some records were rejected, which the sample has on purpose.
    run(
        *(lienthong, "convert", "samples/ward-civil-status.xlsx"),
        *("--agency", "ward-civil-status", "--out", "out", "--report", "report.json"),
        cwd=tmp_path,
        allowed=(0, 1),
    )

    documents = sorted((tmp_path / "out").rglob("*.xml"))
    assert documents
    assert b"<BanTin" in documents[0].read_bytes()
    json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    run(lienthong, "validate", documents[0], cwd=tmp_path)
