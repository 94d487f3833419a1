"""Clients that others wrote send to the peers' doors: npm `soap`, curl, and Java's HTTP client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from lienthong.inbound.taking import holder_of
from lienthong.store.tables import audit, submissions
from schemas.building import SOAP_11, SOAP_12, DocumentBuilder, build_envelope, build_request
from schemas.model import load_version
from schemas.parser import parse_xml

HERE = Path(__file__).parent
NPM = HERE.parent / "soap_client"
UNIT = "000.00.15.H29"
DOSSIER = "000.00.15.H29-260302-0001"
FILED_AT = datetime(2026, 3, 2, tzinfo=UTC)
PASSWORD = "mật khẩu của Cổng"
ITEM = {
    "MaHoSo": DOSSIER,
    "MaTTHC": "1.001193",
    "TenTTHC": "Đăng ký đất đai <lần đầu> & cấp Giấy",
    "MaLinhVuc": "G15-DD01",
    "TenLinhVuc": "Đất đai",
    "LoaiDoiTuong": "1",
    "NgayTiepNhan": "20260302081500",
    "TrangThaiHoSo": "1",
    "HinhThuc": "0",
    "DonViXuLy": "Văn phòng đăng ký",
}
WRONG = ITEM | {"TrangThaiHoSo": "77", "NgayTiepNhan": "hôm qua"}
SETTINGS = f"""\
[http]
port = 0

[peers.portal.soap]
token = true
{{login}}
[peers.portal.json]
token = true
[peers.portal.services.DongBoHoSoMC]
[peers.portal.routes]
units = {{{{"{UNIT}" = "land-registration"}}}}
"""
LOGIN = f'username = "cong"\npassword = "{PASSWORD}"'
MEDIA = {"1.1": "text/xml; charset=utf-8", "1.2": "application/soap+xml; charset=utf-8"}


@pytest.fixture
def open_door(make_here):
    def start(login=""):
        here = make_here(SETTINGS.format(login=login))
        here.installation.store.dispose()
        here.run("http")
        return here

    return start


@pytest.fixture(scope="module")
def npm_client(need, tmp_path_factory):
    need(is_there=shutil.which("node") and shutil.which("npm"), name="npm")
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", "inbound.js"):
        shutil.copy(NPM / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
    return folder


def soap_body(soap, values, *, number, attempt=1):
    """Return an envelope; one that is wrong is written past our own builder's care."""
    version = load_version("dvcqg-2020")
    document = DocumentBuilder(version, "DongBoHoSoMC").build(
        ITEM,
        message_id=f"019abcde-0000-7000-8000-{number:012}",
        agency_code=UNIT,
        created_at=FILED_AT,
    )
    request = build_request(
        "DongBoHoSoMC",
        version=version,
        document=document,
        attempt=attempt,
        sent_at=datetime.now(UTC),
        is_updating=False,
    )
    envelope = build_envelope(request, soap={"1.1": SOAP_11, "1.2": SOAP_12}[soap])
    for name, value in values.items():
        envelope = envelope.replace(
            f"<{name}>{ITEM[name]}</{name}>".encode(), f"<{name}>{value}</{name}>".encode()
        )
    return envelope


def json_body(values):
    message = {"madonvi": UNIT, "service": "DongBoHoSoMC", "isUpdating": "False", "data": [values]}
    return json.dumps(message, ensure_ascii=False).encode()


def bodies(form):
    """Return a message, the same again, and one that is refused for two reasons."""
    if form == "json":
        return [json_body(ITEM), json_body(ITEM), json_body(WRONG)]
    wrong = {name: WRONG[name] for name in ("TrangThaiHoSo", "NgayTiepNhan")}
    return [
        soap_body(form, {}, number=1),
        soap_body(form, {}, number=1, attempt=2),
        soap_body(form, wrong, number=2),
    ]


def address(here, form):
    host, port = here.address
    return f"http://{host}:{port}/v1/peers/portal/{'json' if form == 'json' else 'soap'}"


def verdict(form, body):
    """Return code and words of an answer."""
    if form == "json":
        answer = json.loads(body)
        return answer["error_code"], answer["message"]
    root = parse_xml(body)
    return root.findtext(".//{*}error_code"), root.findtext(".//{*}message")


def check(here, verdicts):
    """See that the first two were answered alike and kept once, and the third refused in words."""
    first, again, (code, words) = verdicts
    columns = submissions.c
    query = select(columns.agency, columns.sender, columns.file_name)
    assert first == again == ("0", "Thành công")
    assert code == "-1"
    assert "TrangThaiHoSo" in words
    assert "NgayTiepNhan" in words
    (kept,) = here.select(query)
    assert kept[:2] == ("land-registration", "portal")
    assert len(here.select(select(audit.c.id).where(audit.c.action == "inbound.refused"))) == 1


@pytest.mark.parametrize("soap", ["1.1", "1.2"])
def test_the_npm_package_soap_builds_itself_from_our_wsdl_and_sends_objects(
    open_door, npm_client, soap
):
    here = open_door(LOGIN)

    def request(number, attempt, values):
        message_id = f"019abcde-0000-7000-8000-{number:012}"
        head = {
            "attributes": {"Id": f"bt-{message_id}"},
            "MaBanTin": message_id,
            "MaDonVi": UNIT,
            "ThoiDiemTao": "20260302070000",
        }
        return {
            "isUpdating": "False",
            "LanGui": attempt,
            "ThoiDiemGui": "20260302070000",
            "data": {"BanTin": head | {"HoSo": values}},
        }

    given = {
        "wsdl": f"{address(here, soap)}?wsdl",
        "version": soap,
        "token": here.token(holder_of("portal")),
        "username": "cong",
        "password": PASSWORD,
        "calls": [request(1, 1, ITEM), request(1, 2, ITEM), request(2, 1, WRONG)],
    }
    done = subprocess.run(
        ["node", "inbound.js"],
        cwd=npm_client,
        input=json.dumps(given).encode(),
        check=False,
        capture_output=True,
        timeout=60,
        env={"PATH": os.environ["PATH"]},
    )

    assert done.returncode == 0, done.stderr.decode()
    answers = json.loads(done.stdout)["answers"]
    check(here, [(one["error_code"], one["message"]) for one in answers])


@pytest.mark.parametrize("form", ["1.1", "1.2", "json"])
def test_plain_curl_is_all_that_a_peer_needs(open_door, need, tmp_path, form):
    need(is_there=shutil.which("curl") is not None, name="curl")
    here = open_door()
    token, verdicts = here.token(holder_of("portal")), []
    for body in bodies(form):
        file = tmp_path / "body"
        file.write_bytes(body)
        done = subprocess.run(
            [
                *("curl", "-sS", "--fail-with-body", "-H", f"Authorization: Bearer {token}"),
                *("-H", f"Content-Type: {MEDIA.get(form, 'application/json')}"),
                *("--data-binary", f"@{file}", address(here, form)),
            ],
            capture_output=True,
            check=True,
            timeout=60,
        )
        verdicts.append(verdict(form, done.stdout))

    check(here, verdicts)


@pytest.mark.parametrize("form", ["1.1", "1.2", "json"])
def test_java_s_own_http_client_sends_over_one_kept_connection(open_door, need, tmp_path, form):
    need(is_there=shutil.which("javac") is not None, name="a JDK")
    here = open_door()
    files = []
    for number, body in enumerate(bodies(form)):
        files.append(tmp_path / f"body-{number}")
        files[-1].write_bytes(body)

    done = subprocess.run(
        [
            *("java", str(HERE / "InboundClient.java"), address(here, form)),
            *(MEDIA.get(form, "application/json"), here.token(holder_of("portal")), *files),
        ],
        check=False,
        capture_output=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr.decode()
    lines = [line.partition(" ") for line in done.stdout.decode().splitlines()]
    assert [status for status, _, _ in lines] == ["200"] * 3
    check(here, [verdict(form, body.encode()) for _, _, body in lines])
