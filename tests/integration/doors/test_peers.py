"""The peers' doors on a real socket, with curl and zeep, and senders that do everything wrong."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import pytest
import zeep
from sqlalchemy import select

from lienthong.inbound.taking import holder_of
from lienthong.pauses import TARGET
from lienthong.store.tables import audit, submissions
from schemas.building import SOAP_11, DocumentBuilder, build_request
from schemas.model import load_version
from schemas.parser import parse_xml
from signing import load_pem
from signing.devpki import make_development_pki
from signing.wss import SecurityWriter

LAND = "land-registration"
UNIT = "000.00.15.H29"
REFUSED = audit.c.action == "inbound.refused"
FILED_AT = datetime(2026, 3, 2, tzinfo=UTC)
SECRET = "bi-mat-cua-thue-2026"
ITEM = {
    "MaHoSo": "000.00.15.H29-260302-0001",
    "MaTTHC": "1.001193",
    "TenTTHC": "Đăng ký đất đai",
    "MaLinhVuc": "G15-DD01",
    "TenLinhVuc": "Đất đai",
    "LoaiDoiTuong": "1",
    "NgayTiepNhan": "20260302081500",
    "TrangThaiHoSo": "1",
    "HinhThuc": "0",
    "DonViXuLy": "Văn phòng đăng ký",
}
SETTINGS = """\
[http]
port = 0
{http}

[peers.portal.soap]
trust = ["{trust}"]
[peers.portal.json]
token = true
[peers.portal.services.DongBoHoSoMC]
[peers.portal.routes]
units = {{"000.00.15.H29" = "land-registration"}}

[peers.tax]
max_message_bytes = 65536
[peers.tax.soap]
token = true
[peers.tax.json]
security_key = "bi-mat-cua-thue-2026"
[peers.tax.services.ChungTuThue]
every_field = true
[peers.tax.routes]
otherwise = "land-registration"
"""


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return make_development_pki(tmp_path_factory.mktemp("keys"), now=datetime.now(UTC), agencies={})


@pytest.fixture
def make_door(make_here, pki):
    def make(http=""):
        here = make_here(SETTINGS.format(trust=pki.portal.certificate, http=http))
        here.installation.store.dispose()
        here.run("http")
        return here

    return make


@pytest.fixture
def here(make_door):
    return make_door()


@pytest.fixture
def write(pki):
    """Write the portal's messages."""
    key = load_pem(pki.portal.key, pki.portal.certificate, passphrase=None)

    def write_(number=1, *, attempt=1):
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
        writer = SecurityWriter(soap=SOAP_11, key=key)
        return writer.write(request, at=datetime.now(UTC)).envelope

    return write_


def tax_body(**data):
    values = {"SecurityKey": SECRET, "Service": "ChungTuThue", "IsUpdating": "False"}
    return json.dumps(values | {"Data": data or {"MaHoSo": "a"}}).encode()


def post(here, path, body, *, token=None, media="application/json", **headers):
    return here.ask(path, token=token, method="POST", body=body, Content_Type=media, **headers)


def code_of(answer):
    """Return the code of an answer, or of a fault."""
    if answer.headers["Content-Type"].startswith("application/json"):
        return answer.json["error_code"]
    root = parse_xml(answer.body)
    return root.findtext(".//{*}error_code") or root.findtext(".//faultcode")


def kept(here):
    columns = submissions.c
    query = select(columns.agency, columns.door, columns.sender, columns.key, columns.file_name)
    return here.select(query.order_by(columns.id))


def test_a_dossier_filed_at_the_portal_arrives_over_both_doors(here, write):
    token = here.token(holder_of("portal"))
    body = json.dumps({"madonvi": UNIT, "service": "DongBoHoSoMC", "data": [ITEM]}).encode()

    by_soap = post(here, "/v1/peers/portal/soap", write(), media="text/xml; charset=utf-8")
    by_json = post(here, "/v1/peers/portal/json", body, token=token)

    assert [(one.status, code_of(one)) for one in (by_soap, by_json)] == [(200, "0"), (200, "0")]
    (soap, json_) = kept(here)
    key = "019abcde-0000-7000-8000-000000000001"
    assert soap == (LAND, "portal-soap", "portal", key, "DongBoHoSoMC.xml")
    assert json_[:3] == (LAND, "portal-json", "portal")


def test_while_intake_of_an_agency_is_paused_its_peers_are_told_to_come_again(here, write):
    here.pause("drain")

    by_soap = post(here, "/v1/peers/portal/soap", write(), media="text/xml; charset=utf-8")
    by_json = post(here, "/v1/peers/tax/json", tax_body(MaHoSo="a"))

    assert [one.status for one in (by_soap, by_json)] == [503, 503]
    assert all(int(one.headers["Retry-After"]) > 0 for one in (by_soap, by_json))
    assert kept(here) == []
    # What is stopped for the portal is not what comes down from peers.
    here.pause(None)
    here.pause("intake", TARGET)
    assert post(here, "/v1/peers/tax/json", tax_body(MaHoSo="a")).status == 200


def test_plain_curl_sends_and_hears_the_same_the_second_time(here, need, tmp_path):
    need(is_there=shutil.which("curl") is not None, name="curl")
    host, port = here.address
    file = tmp_path / "body.json"
    file.write_bytes(tax_body(MaHoSo="a", SoTien="1"))

    def curl(*args):
        return subprocess.run(
            [
                *("curl", "-sS", "--fail-with-body", "-H", "Content-Type: application/json"),
                *("--data-binary", f"@{file}", *args, f"http://{host}:{port}/v1/peers/tax/json"),
            ],
            capture_output=True,
            check=True,
        ).stdout

    first, again = curl(), curl("-H", "Transfer-Encoding: chunked")

    assert json.loads(first) == {"error_code": "0", "message": "Thành công"}
    assert again == first
    assert len(kept(here)) == 1


@pytest.mark.parametrize("kind", ["Soap11", "Soap12"])
def test_zeep_reads_the_wsdl_and_sends(here, kind):
    host, port = here.address
    token = here.token(holder_of("tax"))
    client = zeep.Client(f"http://{host}:{port}/v1/peers/tax/soap?wsdl")
    client.transport.session.headers["Authorization"] = f"Bearer {token}"
    service = client.bind("TiepNhan", kind)
    content = parse_xml(b"<ChungTu><MaHoSo>a</MaHoSo><SoTien>1</SoTien></ChungTu>")

    good = service.NhanBanTin(
        MaBanTin="m-1", DichVu="ChungTuThue", MaDonVi=UNIT, DuLieu={"_value_1": content}
    )
    bad = service.NhanBanTin(
        MaBanTin="m-2", DichVu="LayThuTuc", MaDonVi=UNIT, DuLieu={"_value_1": content}
    )

    assert (good.error_code, good.message) == ("0", "Thành công")
    assert bad.error_code == "-1"
    client.transport.session.headers["Authorization"] = "Bearer x"
    with pytest.raises(zeep.exceptions.Fault):
        service.NhanBanTin(MaBanTin="m-3", DichVu="x", DuLieu={"_value_1": content})
    client.transport.session.close()
    assert [row[3] for row in kept(here)] == ["m-1"]


def test_the_wsdl_is_the_same_each_time_and_leads_to_its_schemas(here):
    first = here.ask("/v1/peers/portal/soap?wsdl")
    other = here.ask("/v1/peers/portal/soap?wsdl=dvcqg-2022")

    assert first.status == other.status == 200
    assert first.body == here.ask("/v1/peers/portal/soap?wsdl").body != other.body
    assert b"DongBoHoSoMC" in first.body
    assert b"CapNhatTienDoHoSoMC" not in first.body
    for path in ("dvcqg-2020/messages.xsd", "dvcqg-2020/dossier.xsd", "inbound-1/inbound.xsd"):
        assert here.ask(f"/v1/peers/portal/schemas/{path}").status == 200
    for path in ("soap", "soap?wsdl=x", "schemas/dvcqg-2020/manifest.json", "schemas/../x"):
        assert here.ask(f"/v1/peers/portal/{path}").status == 404
    assert here.ask("/v1/peers/nobody/soap?wsdl").status == 404


@pytest.mark.parametrize("form", ["soap", "json"])
def test_two_gigabytes_that_are_announced_are_refused_before_they_are_sent(here, form):
    media = {"soap": "text/xml", "json": "application/json"}[form]
    with socket.create_connection(here.address, timeout=20) as sock:
        sock.sendall(
            f"POST /v1/peers/tax/{form} HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\n"
            f"Content-Length: {2 * 1024**3}\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: sock.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"65536 byte" in answer
    assert (b"<faultcode>s:Client" if form == "soap" else b'"error_code": "-1"') in answer


@pytest.mark.parametrize("form", ["soap", "json"])
def test_what_goes_on_for_ever_is_refused_at_the_limit_and_costs_no_memory(here, form):
    media = {"soap": "text/xml", "json": "application/json"}[form]
    token = here.token(holder_of("tax"))
    before = here.rss(here.processes[-1])
    parts = (b'{"Data":"' + b"a" * 65536 for _ in range(200))

    answer = post(here, f"/v1/peers/tax/{form}", parts, media=media, token=token)

    assert answer.status == 413
    assert here.rss(here.processes[-1]) - before < 32 * 1024 * 1024


@pytest.mark.parametrize(
    ("path", "media", "status"),
    [
        ("tax/json", "text/plain", 415),
        ("tax/json", "application/x-www-form-urlencoded", 415),
        ("tax/json", "application/json; charset=windows-1258", 415),
        ("tax/soap", "multipart/related; type=text/xml", 415),
        ("tax/soap", "text/xml; charset=tcvn-5712", 415),
        ("tax/soap", "text/html", 415),
        ("nobody/json", "application/json", 404),
        ("nobody/soap", "text/xml", 500),
        ("nobody/soap", "application/soap+xml", 400),
    ],
)
def test_every_refusal_is_in_the_form_that_was_asked_in(here, path, media, status):
    answer = post(here, f"/v1/peers/{path}", b"<x>" * 9999, media=media)

    assert answer.status == status
    if path.endswith("json"):
        assert answer.json["error_code"] == "-1"
    else:
        assert b"Fault>" in answer.body
    assert kept(here) == []


def test_compressed_bodies_are_not_taken(here):
    answer = post(here, "/v1/peers/tax/json", tax_body(), Content_Encoding="gzip")

    assert (answer.status, answer.json["error_code"]) == (415, "-1")


def test_a_sender_that_drips_takes_no_place_for_long(make_door):
    here = make_door("idle_seconds = 1\nuploads_per_agency = 1")
    with socket.create_connection(here.address, timeout=20) as sock:
        sock.sendall(
            b"POST /v1/peers/tax/json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        busy = post(here, "/v1/peers/tax/json", tax_body())
        answer = b"".join(iter(lambda: sock.recv(65536), b""))

    assert (busy.status, busy.json["error_code"], busy.headers["Retry-After"]) == (429, "-1", "5")
    assert answer.startswith(b"HTTP/1.1 408")
    assert post(here, "/v1/peers/tax/json", tax_body()).status == 200


@pytest.mark.parametrize(
    ("path", "shown", "said"),
    [
        ("tax/soap", "", b"HTTP/1.1 500"),
        ("tax/soap", "Authorization: Bearer x\r\n", b"HTTP/1.1 500"),
        ("portal/json", "Authorization: Bearer x\r\n", b"HTTP/1.1 401"),
    ],
)
def test_who_shows_no_token_of_a_peer_that_must_show_one_takes_no_place(
    make_door, path, shown, said
):
    here = make_door("idle_seconds = 1\nuploads_at_once = 1\nuploads_per_agency = 1")
    media = "text/xml" if path.endswith("soap") else "application/json"
    with socket.create_connection(here.address, timeout=20) as sock:
        sock.sendall(
            f"POST /v1/peers/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\n{shown}"
            "Content-Length: 100\r\n\r\n{".encode()
        )
        answer = sock.recv(65536)
        while_it_drips = post(here, "/v1/peers/tax/json", tax_body())

    assert answer.startswith(said)
    assert while_it_drips.status == 200
    ((detail,),) = here.select(select(audit.c.detail).where(REFUSED))
    assert (json.loads(detail)["proven"], json.loads(detail)["sha256"]) == (False, None)


def test_while_the_store_is_away_the_peer_waits_and_is_taken_over_later(here):
    file = here.folder / "data" / "store.sqlite"

    def rename(old, new):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename("submissions", "away")
    waits = post(here, "/v1/peers/tax/json", tax_body())
    fault = post(here, "/v1/peers/tax/soap", b"<x/>", media="text/xml")
    rename("away", "submissions")
    again = post(here, "/v1/peers/tax/json", tax_body())

    assert (waits.status, waits.json["error_code"], waits.headers["Retry-After"]) == (
        503,
        "-1",
        "5",
    )
    assert fault.status == 500
    assert (again.status, again.json["error_code"]) == (200, "0")
    assert len(kept(here)) == 1


@pytest.mark.parametrize("point", ["receive.registered", "receive.committed", "receive.hinted"])
def test_a_crash_between_receiving_and_answering_loses_and_doubles_nothing(
    here, write, point, monkeypatch
):
    here.processes[-1].terminate()
    here.processes[-1].wait(timeout=30)
    monkeypatch.setenv("LIENTHONG_FAILPOINTS", f"{point}=kill@1")
    here.run("http")
    monkeypatch.delenv("LIENTHONG_FAILPOINTS")
    with pytest.raises((OSError, http.client.HTTPException)):
        post(here, "/v1/peers/portal/soap", write(), media="text/xml")
    assert here.processes[-1].wait(timeout=30) != 0

    here.run("http")
    again = post(here, "/v1/peers/portal/soap", write(attempt=2), media="text/xml")

    assert (again.status, code_of(again)) == (200, "0")
    assert len(kept(here)) == 1


def test_two_processes_that_get_the_same_message_at_once_keep_one(here, write):
    messages = [write(number) for number in range(1, 9)]
    first = here.address
    here.run("http")
    addresses = [first, here.address] * 2

    def send(address, data):
        connection = http.client.HTTPConnection(*address, timeout=60)
        with closing(connection):
            headers = {"Content-Type": "text/xml"}
            connection.request("POST", "/v1/peers/portal/soap", body=data, headers=headers)
            return connection.getresponse().read()

    with ThreadPoolExecutor(4) as pool:
        answers = [
            answer
            for data in messages
            for answer in pool.map(lambda address, data=data: send(address, data), addresses)
        ]

    assert len(set(answers)) == 1
    assert len(kept(here)) == 8


def test_what_was_refused_before_it_was_read_is_in_the_audit_log(here):
    post(here, "/v1/peers/tax/json", b"x" * 70_000)

    rows = here.select(select(audit.c.subject, audit.c.detail).where(REFUSED))

    ((subject, detail),) = rows
    assert subject == "tax"
    assert json.loads(detail) == {
        "door": "portal-json",
        "codes": "http.too_large",
        "status": 413,
        "service": None,
        "proven": False,
        "sha256": None,
        "size": None,
    }


def test_nothing_of_a_message_or_a_secret_is_logged(here, write):
    token = here.token(holder_of("tax"))
    post(here, "/v1/peers/tax/json", tax_body(MaHoSo="Nguyễn", SoDienThoai="0912345678"))
    post(here, "/v1/peers/tax/json", tax_body(MaHoSo=""))
    post(here, "/v1/peers/tax/json?x=bi-mat", b"<bi-mat>", token=token)
    post(here, "/v1/peers/portal/soap", write(), media="text/xml")

    logged = here.logged()

    assert "inbound.received" in logged
    for secret in (SECRET, token, "Nguy", "0912345678", "bi-mat", "ChungTu>"):
        assert secret not in logged


def test_a_peer_whose_trust_cannot_be_read_waits_and_hinders_nobody(make_here):
    here = make_here(SETTINGS.format(trust="/nowhere.pem", http=""))
    here.installation.store.dispose()
    here.run("http")

    waits = post(here, "/v1/peers/portal/soap", b"<x/>", media="text/xml")

    assert waits.status == 503
    assert post(here, "/v1/peers/tax/json", tax_body()).status == 200
