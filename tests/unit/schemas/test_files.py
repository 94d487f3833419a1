"""The written files: made from one table, readable by independent programs."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest
import xmlschema
import zeep
from lxml import etree

import schemas

SCHEMAS = Path(schemas.__file__).parent
SCRIPT = SCHEMAS.parent / "scripts" / "make_schemas.py"
VERSIONS = ["dvcqg_2020", "dvcqg_2022"]
OPERATIONS = ["CapNhatTienDoHoSoMC", "DongBoHoSoMC", "TraCuuHoSo"]


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was used")

    monkeypatch.setattr("socket.socket.connect", refuse)


def test_the_files_are_those_the_script_writes(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("make_schemas", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "make_schemas", script)
    spec.loader.exec_module(script)

    script.write_schemas(tmp_path)

    for path in [Path("index.json"), *(Path(v) / n for v in VERSIONS for n in script.FILES)]:
        assert (tmp_path / path).read_bytes() == (SCHEMAS / path).read_bytes(), path


@pytest.mark.parametrize("folder", VERSIONS)
def test_the_manifest_tells_the_truth(folder):
    index = json.loads((SCHEMAS / "index.json").read_bytes())
    data = (SCHEMAS / folder / "manifest.json").read_bytes()
    manifest = json.loads(data)

    listed = {entry["folder"]: entry["sha256"] for entry in index["versions"]}
    assert listed[folder] == hashlib.sha256(data).hexdigest()
    assert manifest["files"] == {
        name: hashlib.sha256((SCHEMAS / folder / name).read_bytes()).hexdigest()
        for name in ("dossier.xsd", "messages.xsd", "portal.wsdl")
    }


@pytest.mark.parametrize("folder", VERSIONS)
def test_both_validators_compile_the_schema(folder):
    path = SCHEMAS / folder / "messages.xsd"

    libxml2 = etree.XMLSchema(etree.parse(path))
    other = xmlschema.XMLSchema(str(path), allow="local")

    assert libxml2 is not None
    assert sorted(other.elements) == [
        "BanTin",
        "BienNhan",
        "CapNhatTienDoHoSoMC",
        "CapNhatTienDoHoSoMCResponse",
        "DongBoHoSoMC",
        "DongBoHoSoMCResponse",
        "TraCuuHoSo",
        "TraCuuHoSoResponse",
    ]


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("folder", VERSIONS)
def test_an_independent_client_reads_the_wsdl(folder):
    client = zeep.Client(str(SCHEMAS / folder / "portal.wsdl"))

    (service,) = client.wsdl.services.values()
    found = {
        name: (port.binding.nsmap["soap-env"], sorted(port.binding._operations))
        for name, port in service.ports.items()
    }
    assert found == {
        "Soap11": ("http://schemas.xmlsoap.org/soap/envelope/", OPERATIONS),
        "Soap12": ("http://www.w3.org/2003/05/soap-envelope", OPERATIONS),
    }


def test_importing_the_package_stays_light():
    for name in ("__init__", "model", "building", "reading", "parser", "validation"):
        text = (SCHEMAS / f"{name}.py").read_text(encoding="utf-8")
        top = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
        assert not any("xmlschema" in line or "explaining" in line for line in top), name
