"""Others read our WSDL: zeep writes the same envelopes, and an npm client gets its answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lienthong.channels.binding import OPERATIONS, open_wsdl, read_actions
from lienthong.channels.port import TO_PORTAL, Packet
from schemas.building import (
    SOAP_11,
    SOAP_12,
    DocumentBuilder,
    build_envelope,
    build_look_up,
    build_request,
)
from schemas.model import load_version
from schemas.parser import parse_xml

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CLIENT = Path(__file__).parents[1] / "soap_client"
MESSAGE = "019abcde-0000-7000-8000-000000000001"
VERSIONS = ["dvcqg-2020", "dvcqg-2022"]
SOAPS = {"1.1": SOAP_11, "1.2": SOAP_12}


def shape(element):
    """Return names, attributes, texts and order: what an envelope says, whatever its prefixes."""
    children = [shape(child) for child in element]
    text = element.text or "" if not children else (element.text or "").strip()
    return (element.tag, sorted(element.attrib.items()), text, children)


def zeep_message(version, operation, values, *, soap):
    """Return the envelope that zeep writes from objects."""
    client = open_wsdl(version)
    kind = f"Soap{soap.replace('.', '')}Binding"
    (name,) = [name for name, one in client.wsdl.bindings.items() if type(one).__name__ == kind]
    service = client.create_service(name, "http://127.0.0.1/")
    return client.create_message(service, operation, **values)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_the_wsdl_tells_the_action_of_every_operation(version, soap):
    assert set(read_actions(version, soap=soap)) == set(OPERATIONS)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("soap", ["1.1", "1.2"])
@pytest.mark.parametrize("packet", TO_PORTAL, ids=lambda packet: packet.value)
def test_zeep_writes_the_envelope_of_a_delivery_as_we_do(samples, version, soap, packet):
    loaded, values = load_version(version), samples[packet]
    holder = {Packet.DOSSIER: "HoSo", Packet.PROGRESS: "TienDo"}[packet]
    document = DocumentBuilder(loaded, packet.value).build(
        values, message_id=MESSAGE, agency_code="000.00.00.H29", created_at=NOW
    )
    flag = {"isUpdating": "True"} if packet is Packet.DOSSIER else {}
    ours = build_envelope(
        build_request(
            packet.value,
            version=loaded,
            document=document,
            attempt=2,
            sent_at=NOW,
            is_updating=True if flag else None,
        ),
        soap=SOAPS[soap],
    )

    theirs = zeep_message(
        version,
        packet.value,
        {
            **flag,
            "LanGui": 2,
            "ThoiDiemGui": "20261124100000",
            "data": {
                "BanTin": {
                    "Id": f"bt-{MESSAGE}",
                    "MaBanTin": MESSAGE,
                    "MaDonVi": "000.00.00.H29",
                    "ThoiDiemTao": "20261124100000",
                    holder: values,
                }
            },
        },
        soap=soap,
    )

    assert shape(theirs) == shape(parse_xml(ours))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_zeep_writes_the_envelope_of_a_look_up_as_we_do(version, soap):
    ours = build_envelope(
        build_look_up(
            load_version(version), agency_code="000.00.00.H29", dossier_code="H29.14-261124-0001"
        ),
        soap=SOAPS[soap],
    )

    theirs = zeep_message(
        version,
        "TraCuuHoSo",
        {"madonvi": "000.00.00.H29", "mahoso": "H29.14-261124-0001"},
        soap=soap,
    )

    assert shape(theirs) == shape(parse_xml(ours))


@pytest.fixture(scope="session")
def npm_client(tmp_path_factory):
    """Install the client from its lock file; skipped only where there is no node or npm."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("soap_client")
    for name in ("package.json", "package-lock.json", "client.js"):
        shutil.copy(CLIENT / name, folder)
    subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=240,
    )
    return folder


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_an_independent_client_built_from_the_wsdl_delivers_and_looks_up(
    start, agency, npm_client, tmp_path, digest_of, soap
):
    sandbox = start()
    request = agency.request(1)
    document = tmp_path / "document.xml"
    document.write_bytes(request.document)

    done = subprocess.run(
        [
            "node",
            "client.js",
            f"{sandbox.url}?wsdl",
            str(document),
            agency.code,
            request.dossier_code,
            soap,
        ],
        cwd=npm_client,
        check=False,
        capture_output=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )

    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert answer["delivered"]["error_code"] == "0"
    assert answer["delivered"]["BienNhan"]["GiaTriBam"] == digest_of(request)
    assert answer["found"]["error_code"] == "0"
    assert sandbox.ledger().latest_snapshots == {request.dossier_code: digest_of(request)}
