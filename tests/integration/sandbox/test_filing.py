"""What is filed at the portal is sent down until it is acknowledged, in order, and no longer."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from schemas.building import SOAP_11, build_envelope, build_response
from schemas.model import load_version
from signing import load_policy
from signing.wss import ReplayMemory, SecurityPolicy, verify_message
from tests.integration.sandbox.conftest import NOW, SNAPSHOT

OK = (200, b'{"error_code": "0", "message": "ok"}')
DONE = (200, b'{"error_code": "1", "message": "there already"}')
REFUSED = (200, b'{"error_code": "-1", "message": "wrong"}')


class Door(ThreadingHTTPServer):
    """Answers as it is told, the last answer for ever."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = [OK], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1/peers/portal"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        answers = self.server.answers
        status, data = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture
def door():
    server = Door()
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def file(sandbox, door, *, kind="json", **order):
    where = {"url": f"{door.url}/{kind}", "token": "chia-khoa"} | order.pop("where", {})
    body = json.dumps(order | {"door": where})
    answer = sandbox.http.request("POST", f"{sandbox.control_url}/file", body=body)
    return answer.status, answer.json()


def wait(sandbox, state, *, count=1):
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        rows = sandbox.http.request("GET", f"{sandbox.control_url}/filings").json()["filings"]
        found = [row for row in rows if row["state"] == state and row["repeats_left"] <= 0]
        if len(found) == count:
            return rows
        time.sleep(0.05)
    raise AssertionError(rows)


def code(number):
    return f"000.15.29.H29-261124-{number:04d}"


def test_it_is_sent_until_acknowledged_always_the_same_and_then_forgotten(start, door):
    sandbox = start()
    door.answers = [(503, b"later"), (401, b'{"error_code": "-1"}'), (200, b"<html>"), OK, DONE]

    status, filed = file(sandbox, door, item=SNAPSHOT | {"MaHoSo": code(1)}, repeats=2)

    assert status == 200
    (row,) = wait(sandbox, "acknowledged")
    assert (row["tries"], row["dossier_code"], row["unit"]) == (6, code(1), "000.15.29.H29")
    assert row["message_id"] == filed["message_id"]
    bodies = {body for _, body in door.requests}
    assert len(bodies) == 1
    said = json.loads(bodies.pop())
    assert (said["madonvi"], said["service"], said["isUpdating"]) == (
        "000.15.29.H29",
        "DongBoHoSoMC",
        "False",
    )
    assert said["data"][0]["ChuHoSo"] == "Trương Thị <Mẫu> & Con"
    assert door.requests[0][0]["Authorization"] == "Bearer chia-khoa"
    with closing(sqlite3.connect(sandbox.config.ledger)) as connection:
        assert connection.execute("SELECT item FROM filings").fetchall() == [(None,)]
    assert b"chia-khoa" not in sandbox.config.ledger.read_bytes()


def test_a_dossiers_messages_keep_their_order_and_others_go_on(start, door):
    sandbox = start()
    door.answers = [(503, b""), OK]

    file(sandbox, door, item=SNAPSHOT | {"MaHoSo": code(1)})
    file(sandbox, door, item=SNAPSHOT | {"MaHoSo": code(1), "GhiChu": "hai"}, is_updating=True)
    file(sandbox, door, item=SNAPSHOT | {"MaHoSo": code(2)})

    wait(sandbox, "acknowledged", count=3)
    notes = [json.loads(body)["data"][0].get("GhiChu") for _, body in door.requests]
    of_first = [
        json.loads(body)["data"][0].get("GhiChu")
        for _, body in door.requests
        if json.loads(body)["data"][0]["MaHoSo"] == code(1)
    ]
    assert of_first == [None, None, "hai"]
    assert notes[-1] == "hai"


def test_a_refusal_ends_it(start, door):
    sandbox = start()
    door.answers = [REFUSED]

    file(sandbox, door, item=SNAPSHOT | {"MaHoSo": code(1)}, repeats=3)

    ends = time.monotonic() + 10
    rows = []
    while not rows or rows[0]["state"] == "waiting":
        rows = sandbox.http.request("GET", f"{sandbox.control_url}/filings").json()["filings"]
        assert time.monotonic() < ends
    assert (rows[0]["state"], rows[0]["tries"]) == ("refused", 1)
    assert rows[0]["answer"] == "HTTP 200, -1: wrong"


def test_over_soap_the_same_document_is_signed_anew(start, door, pki):
    sandbox = start()
    version = load_version("dvcqg-2020")
    said = build_response(version, "DongBoHoSoMC", error_code="0", message="ok")
    door.answers = [(500, b""), (200, build_envelope(said, soap=SOAP_11))]

    file(sandbox, door, kind="soap", item=SNAPSHOT | {"MaHoSo": code(1)})

    wait(sandbox, "acknowledged")
    policy = SecurityPolicy(
        certificates=load_policy([pki.portal.certificate]),
        passwords=None,
        allows_password_text=False,
        needs_signed_tokens=False,
    )
    proven = [
        verify_message(body, policy=policy, memory=ReplayMemory(), now=NOW).body
        for _, body in door.requests
    ]
    assert [one.findtext("{*}LanGui") for one in proven] == ["1", "2"]
    ids = {one.findtext("{*}data/{*}BanTin/{*}MaBanTin") for one in proven}
    assert len(ids) == 1


def test_a_key_in_the_envelope_is_the_other_form(start, door):
    sandbox = start()

    file(sandbox, door, service="ChungTuThue", where={"security_key": "k", "token": ""})

    wait(sandbox, "acknowledged")
    headers, body = door.requests[0]
    said = json.loads(body)
    assert "Authorization" not in headers
    assert sorted(said) == ["Data", "IsUpdating", "MaDonVi", "Ngay", "SecurityKey", "Service"]
    assert said["Data"]["ThongTinThanhToan"]["SoTien"] == 1250000


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({"item": {}}, 422),
        ({"item": {"MaHoSo": code(1)}}, 422),
        ({"item": SNAPSHOT | {"MaHoSo": code(1)}, "is_updating": True}, 422),
        ({"item": "x"}, 400),
        ({"item": {"MaHoSo": "\ud800"}}, 400),
        ({"service": "<script>"}, 400),
        ({"repeats": -1}, 400),
        ({"where": {"url": "file:///etc/passwd"}}, 400),
        ({"strange": 1}, 400),
    ],
)
def test_what_cannot_be_filed_is_told_and_leaves_nothing(start, door, order, status):
    sandbox = start()

    got, said = file(sandbox, door, **order)

    assert got == status
    assert said["error"]
    assert "chia-khoa" not in json.dumps(said)
    assert sandbox.ledger().effects == ()
    assert door.requests == []
