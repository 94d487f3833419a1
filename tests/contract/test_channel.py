"""What one attempt is known to have done, against peers that break in every place they can."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import unicodedata
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace

import pytest
from cryptography import x509

from lienthong.channels.port import Answer, CutAnswer, Found, Outcome, Packet, SendRequest
from lienthong.channels.profile import TargetProfile
from lienthong.channels.soap import SoapChannel
from schemas.building import (
    SOAP_11,
    SOAP_12,
    LookUpResult,
    build_envelope,
    build_look_up_response,
    build_receipt,
    build_response,
)
from schemas.errors import ConfigError
from schemas.model import load_version
from schemas.parser import parse_xml
from signing import (
    Demand,
    Evidence,
    Kept,
    Kind,
    Revocation,
    Withdrawn,
    XadesSigner,
    load_development_authority,
    load_pem,
    load_policy,
    read_signer,
)
from signing.devpki import make_development_pki
from tests.contract.json_site import JSON_DOCUMENT, open_json
from tests.contract.lgsp_site import open_lgsp
from tests.contract.peers import (
    answering,
    closing_after_reading,
    dripping_body,
    dripping_headers,
    http,
    make_tls,
    peer,
    raw,
    read_request,
    resetting,
    resetting_after_reading,
    resetting_at_once,
    silent,
)

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
AGENCY = "000.00.00.H29"
MESSAGE = "019abcde-0000-7000-8000-000000000001"
DOSSIER = "H29.14-261124-0001"
OTHER_DOSSIER = "H29.14-261124-0002"
VERSION = load_version("dvcqg-2020")
# The SOAP channel does not look into the document, so any bytes with the right beginning do.
DOCUMENT = (
    f'<BanTin xmlns="{VERSION.namespace}" Id="bt-{MESSAGE}"><MaBanTin>{MESSAGE}</MaBanTin></BanTin>'
).encode()
REQUEST = SendRequest(
    agency="land-registration",
    packet=Packet.DOSSIER,
    message_id=MESSAGE,
    dossier_code=DOSSIER,
    document=DOCUMENT,
    is_updating=False,
    attempt=1,
    sent_at=NOW,
)
PATIENCE = {
    "read_timeout_seconds": 1,
    "call_timeout_seconds": 2,
    "connect_timeout_seconds": 1,
    "look_up_attempts": 1,
}
FAULT_11 = (
    f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body><s:Fault><faultcode>s:%s</faultcode>'
    "<faultstring>why</faultstring></s:Fault></s:Body></s:Envelope>"
)
FAULT_12 = (
    f'<s:Envelope xmlns:s="{SOAP_12}"><s:Body><s:Fault><s:Code><s:Value>s:%s</s:Value></s:Code>'
    '<s:Reason><s:Text xml:lang="en">why</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>'
)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "pki"
    make_development_pki(folder, agencies={"sotttt": (AGENCY, "Sở thử nghiệm")}, now=NOW)
    portal = x509.load_pem_x509_certificate((folder / "portal.cert.pem").read_bytes())
    return SimpleNamespace(
        authority=load_development_authority(folder),
        portal_serial=portal.serial_number,
        policy=load_policy([folder / "root.cert.pem"]),
        portal=XadesSigner(
            load_pem(folder / "portal.key.pem", folder / "portal.cert.pem", passphrase=None)
        ),
        agency=XadesSigner(
            load_pem(
                folder / "agencies" / "sotttt.key.pem",
                folder / "agencies" / "sotttt.cert.pem",
                passphrase=None,
            )
        ),
    )


class Soap:
    """The SOAP channel, and how its portal speaks."""

    request = REQUEST

    def __init__(self, pki, tmp_path):
        self._pki = pki
        self._channels = []

    def __call__(self, url, **settings):
        profile = TargetProfile(endpoint=url, **(PATIENCE | settings))
        channel = SoapChannel(profile, receipt_policy=self._pki.policy, clock=lambda: NOW)
        self._channels.append(channel)
        return channel

    def close(self):
        for channel in self._channels:
            channel.close()

    def said(self, code, message="", *, packet="DongBoHoSoMC"):
        return soap(response(code, message, packet=packet))

    def good(self):
        return good_answer(self._pki)

    def look_up_answer(self, *dossiers, code="0", message=""):
        return look_up_answer(*[result(one) for one in dossiers], code=code, message=message)


class Json(Soap):
    """The same of the JSON adapter; a session is there already."""

    request = replace(REQUEST, document=JSON_DOCUMENT)

    def __init__(self, pki, tmp_path):
        super().__init__(pki, tmp_path)
        self._folder = tmp_path

    def __call__(self, url, **settings):
        channel = open_json(url, folder=self._folder, clock=lambda: NOW, **(PATIENCE | settings))
        self._channels.append(channel)
        return channel

    def said(self, code, message="", *, packet="DongBoHoSoMC"):
        return json.dumps({"error_code": code, "message": message, "result": []}).encode()

    def good(self):
        return http(body=self.said("0", "Thành công"))

    def look_up_answer(self, *dossiers, code="0", message=""):
        results = [{"MaHoSo": one, "TrangThaiHoSo": "2"} for one in dossiers]
        body = {"error_code": code, "message": message, "result": results}
        return http(body=json.dumps(body).encode())


class Lgsp(Json):
    """The same of an LGSP; a token is there already."""

    def __call__(self, url, **settings):
        channel = open_lgsp(url, folder=self._folder, clock=lambda: NOW, **(PATIENCE | settings))
        self._channels.append(channel)
        return channel

    def said(self, code, message="", *, packet="DongBoHoSoMC"):
        return json.dumps({"Status": code, "Message": message}).encode()

    def look_up_answer(self, *dossiers, code="0", message=""):
        results = [{"DocCode": one} for one in dossiers]
        body = {"Status": code, "Message": message, "ResultObject": results}
        return http(body=json.dumps(body).encode())


@pytest.fixture
def open_channel(pki, tmp_path):
    """What only SOAP has is tried on it alone."""
    speech = Soap(pki, tmp_path)
    yield speech
    speech.close()


@pytest.fixture(params=[Soap, Json, Lgsp], ids=["soap", "dvcqg-json", "lgsp"])
def speech(request, pki, tmp_path):
    speech = request.param(pki, tmp_path)
    yield speech
    speech.close()


def soap(body, *, version=SOAP_11):
    return build_envelope(body, soap=version)


def response(code, message="", *, receipt=None, packet="DongBoHoSoMC"):
    return build_response(VERSION, packet, error_code=code, message=message, receipt=receipt)


def receipt_by(
    signer, *, message_id=MESSAGE, dossier_code=DOSSIER, document=DOCUMENT, signed_at=NOW
):
    unsigned = build_receipt(
        VERSION,
        message_id=message_id,
        dossier_code=dossier_code,
        digest=sha256(document).hexdigest(),
        received_at=signed_at,
    )
    return signer.sign(unsigned, signed_at=signed_at)


def good_answer(pki):
    return http(body=soap(response("0", "Thành công", receipt=receipt_by(pki.portal))))


def send(open_channel, raw, **settings) -> Answer:
    with peer(answering(raw)) as target:
        return open_channel(target.url, **settings).send(open_channel.request)


# ---- nothing left


def test_a_refused_connection_sent_nothing(speech):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

    answer = speech(f"http://127.0.0.1:{port}/").send(speech.request)

    assert answer.outcome is Outcome.NOT_SENT


def test_a_document_of_another_schema_version_is_withheld(speech):
    request = replace(speech.request, document=b'<BanTin xmlns="urn:another">x</BanTin>')

    with peer() as target:
        answer = speech(target.url).send(request)

    assert answer.outcome is Outcome.WITHHELD
    assert "no schema version of this target" in answer.detail
    assert target.seen == []


def test_an_unknown_host_sent_nothing(speech):
    answer = speech("http://no-such-host.invalid/").send(speech.request)

    assert answer.outcome is Outcome.NOT_SENT


def test_a_connect_timeout_sent_nothing(speech):
    # A full backlog: the kernel of the peer answers no further SYN.
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(address)

        channel = speech(f"http://127.0.0.1:{address[1]}/", connect_timeout_seconds=0.3)
        answer = channel.send(speech.request)

        for filler in fillers:
            filler.close()

    assert answer.outcome is Outcome.NOT_SENT


# ---- TLS


def test_a_certificate_nobody_vouches_for_is_the_targets_fault(speech, tmp_path):
    context, _ = make_tls(tmp_path)
    with peer(answering(b""), tls=context) as target:
        answer = speech(target.url).send(speech.request)

        assert answer.outcome is Outcome.TARGET
        assert target.seen == []


def test_a_certificate_for_another_host_is_the_targets_fault(speech, tmp_path):
    context, file = make_tls(tmp_path, name="127.0.0.2")
    with peer(answering(b""), tls=context) as target:
        answer = speech(target.url, ca_file=file).send(speech.request)

    assert answer.outcome is Outcome.TARGET


def test_a_plain_server_behind_https_is_the_targets_fault(speech):
    def script(connection, seen):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with peer(script) as target:
        answer = speech(target.url.replace("http:", "https:")).send(speech.request)

    assert answer.outcome is Outcome.TARGET


def test_a_refused_client_certificate_is_the_targets_fault(speech, tmp_path):
    # Under TLS 1.3 the refusal comes only after the request was written.
    context, file = make_tls(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(file)
    with peer(answering(b""), tls=context) as target:
        answer = speech(target.url, ca_file=file).send(speech.request)

        assert answer.outcome is Outcome.TARGET
        assert target.seen == []


def test_a_delivery_over_tls_with_a_client_certificate_succeeds(speech, tmp_path):
    context, file = make_tls(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(file)
    with peer(answering(speech.good()), tls=context) as target:
        answer = speech(target.url, ca_file=file, client_certificate=file).send(speech.request)

    assert answer.outcome is Outcome.DELIVERED


def test_a_missing_ca_file_is_told_when_the_channel_is_opened(speech, tmp_path):
    with pytest.raises(ConfigError, match="ca_file"):
        speech("https://127.0.0.1/", ca_file=tmp_path / "none.pem")


# ---- bytes left, and no whole answer came


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(silent, id="read timeout"),
        pytest.param(closing_after_reading, id="closed after the request"),
        pytest.param(resetting_after_reading, id="reset after the request"),
        pytest.param(resetting_at_once, id="reset in the middle of the request"),
        pytest.param(dripping_headers, id="headers that never end"),
        pytest.param(dripping_body, id="a body that never ends"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Le"), id="cut headers"),
        pytest.param(raw(http(200, b"x" * 100)[:-50]), id="cut body"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<a/>"), id="cut chunk"
        ),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<a/>\r\n"),
            id="wrong chunk",
        ),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\n\r\n<s:Envelope"), id="cut, no length announced"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.2\r\n"), id="not HTTP"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"), id="many headers"),
        pytest.param(raw(http(200, b"x" * 2000)), id="body over the limit"),
        pytest.param(raw(http(502, b"<html/>")), id="gateway error"),
        pytest.param(raw(http(504, b"<html/>")), id="gateway timeout"),
        pytest.param(raw(http(500, b"<html/>")), id="server error with a web page"),
        pytest.param(raw(http(102, b"")), id="interim status as the last"),
    ],
)
def test_without_a_whole_answer_the_fate_is_unknown(speech, script):
    with peer(script) as target:
        answer = speech(target.url, max_answer_bytes=1024).send(speech.request)

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.receipt is None
    assert "\n" not in answer.detail


@pytest.mark.parametrize("fault", [FAULT_11 % "Server", FAULT_12 % "Receiver", FAULT_11 % "Weird"])
def test_after_a_fault_of_the_server_the_fate_is_unknown(open_channel, fault):
    answer = send(open_channel, http(500, fault.encode()))

    assert (answer.outcome, answer.receipt) == (Outcome.UNKNOWN, None)


def test_of_an_answer_over_the_limit_the_beginning_is_kept_and_the_whole_is_digested(speech):
    answer = send(speech, http(200, b"x" * 5000), max_answer_bytes=1024)

    assert answer.raw == b"x" * 1024
    digest = sha256(b"x" * 5000).hexdigest()
    assert answer.cut == CutAnswer(size=5000, digest=digest, is_whole=True)
    assert answer.detail == "the answer is larger than 1024 bytes: 5000"


def test_an_answer_without_end_is_read_only_so_far(speech, monkeypatch):
    monkeypatch.setattr("lienthong.channels.wire.MOST_DIGESTED", 100_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"

    def pour(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(head)
        for _ in range(1000):
            connection.sendall(b"y" * 10_000)

    with peer(pour) as target:
        answer = speech(target.url, max_answer_bytes=1024).send(speech.request)

    assert answer.raw == b"y" * 1024
    assert not answer.cut.is_whole
    assert 100_000 <= answer.cut.size <= 170_000
    assert answer.cut.digest == sha256(b"y" * answer.cut.size).hexdigest()
    assert answer.detail.endswith("and more")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"<half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1f4\r\n<half"),
    ],
    ids=["with a length", "in chunks"],
)
def test_of_an_answer_that_breaks_off_what_came_is_kept(speech, head, body):
    answer = send(speech, head + body, read_timeout_seconds=0.3)

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.raw == b"<half"
    digest = sha256(b"<half").hexdigest()
    assert answer.cut == CutAnswer(size=5, digest=digest, is_whole=False)


def test_a_refusal_is_kept_as_it_came(speech):
    body = speech.said("44", "Sai")

    answer = send(speech, http(200, body), rejected_codes=["44"])

    assert (answer.outcome, answer.raw, answer.cut) == (Outcome.REJECTED, body, None)


# ---- whole answers


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (503, b"<html/>", Outcome.BUSY),
        (429, b"", Outcome.BUSY),
        (407, b"", Outcome.TARGET),
        (403, b"<html/>", Outcome.TARGET),
        (404, b"", Outcome.TARGET),
        (405, b"", Outcome.TARGET),
        (302, b"", Outcome.TARGET),
        (200, b"<html><body>Welcome</body></html>", Outcome.UNRECOGNISED),
        (200, b"", Outcome.UNRECOGNISED),
        (200, b"Thanh cong", Outcome.UNRECOGNISED),
        (202, b"", Outcome.UNRECOGNISED),
        (400, b"<html/>", Outcome.UNRECOGNISED),
    ],
)
def test_a_status_and_a_web_page_mean_the_same_on_every_channel(speech, status, body, outcome):
    answer = send(speech, http(status, body))

    assert (answer.outcome, answer.http_status, answer.raw) == (outcome, status, body)
    assert answer.receipt is None


@pytest.mark.parametrize(
    ("status", "code", "message", "outcome"),
    [
        (200, "1", "?", Outcome.UNRECOGNISED),
        (200, "3", "Hồ sơ đã tồn tại", Outcome.EXISTS),
        (200, "-3", "HỒ SƠ ĐÃ TỒN TẠI.", Outcome.EXISTS),
        (200, "3", unicodedata.normalize("NFD", "Hồ sơ đã tồn tại"), Outcome.EXISTS),
        (200, "3", "Lỗi khác", Outcome.UNRECOGNISED),
        (200, "4", "Hồ sơ chưa tồn tại", Outcome.MISSING),
        (200, "4", "Thủ tục không đúng", Outcome.UNRECOGNISED),
        (200, "44", "Sai", Outcome.REJECTED),
        (200, "55", "Bận", Outcome.BUSY),
        (201, "55", "Bận", Outcome.UNRECOGNISED),
        (502, "0", "Thành công", Outcome.UNKNOWN),
        (503, "44", "Sai", Outcome.UNKNOWN),
    ],
)
def test_a_whole_answer_means_what_the_profile_says(speech, status, code, message, outcome):
    body = speech.said(code, message)

    answer = send(
        speech, http(status, body), rejected_codes=["44"], busy_codes=["55"], missing_codes=["4"]
    )

    assert (answer.outcome, answer.http_status, answer.raw) == (outcome, status, body)
    assert answer.receipt is None


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (401, (FAULT_11 % "Client").encode(), Outcome.TARGET),
        (200, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', Outcome.UNRECOGNISED),
        (500, (FAULT_11 % "Client").encode(), Outcome.REJECTED),
        (500, (FAULT_11 % "Client.Authentication").encode(), Outcome.REJECTED),
        (400, (FAULT_12 % "Sender").encode(), Outcome.REJECTED),
        (500, (FAULT_11 % "VersionMismatch").encode(), Outcome.TARGET),
        (200, soap(b"<x/>"), Outcome.UNRECOGNISED),
        (200, soap(b""), Outcome.UNRECOGNISED),
        (200, soap(response("0", "Thành công")), Outcome.UNRECOGNISED),
        (200, soap(response("44", packet="CapNhatTienDoHoSoMC")), Outcome.UNRECOGNISED),
    ],
)
def test_a_whole_answer_in_soap_means_what_the_profile_says(open_channel, status, body, outcome):
    settings = {"rejected_codes": ["44"], "busy_codes": ["55"]}

    answer = send(open_channel, http(status, body), **settings)

    assert (answer.outcome, answer.http_status, answer.raw) == (outcome, status, body)
    assert answer.receipt is None


def test_the_peers_code_is_kept(speech):
    assert send(speech, http(200, speech.said(" 777 ", "?"))).code == "777"


def test_the_code_of_a_fault_is_kept(open_channel):
    assert send(open_channel, http(500, (FAULT_11 % "Server").encode())).code == "Server"


def test_the_peers_words_are_kept_apart_from_what_is_logged(speech):
    named = send(speech, http(200, speech.said("777", "Hồ sơ của\nTrương Thị M")))
    garbled = send(speech, b"Truong Thi M\r\n\r\n")

    assert named.message == "Hồ sơ của Trương Thị M"
    assert named.detail.endswith("code 777")
    assert garbled.outcome is Outcome.UNKNOWN
    assert "Truo" not in named.detail + garbled.detail


def test_the_words_of_a_fault_are_kept_apart_too(open_channel):
    fault = send(open_channel, http(500, (FAULT_11 % "Server").encode()))

    assert (fault.message, fault.detail) == ("why", "fault Server")


def test_a_fault_that_promises_nothing_was_done_is_busy_where_the_profile_says_so(open_channel):
    raw = http(500, (FAULT_11 % "Server").encode())

    assert send(open_channel, raw, busy_faults=["Server"]).outcome is Outcome.BUSY


def test_a_statement_of_success_needs_its_text_where_the_profile_wants_one(speech):
    settings = {"receipts": "none", "success_texts": ["thành công"]}

    ok = send(speech, http(200, speech.said("0", "Thành công")), **settings)
    odd = send(speech, http(200, speech.said("0", "Có lỗi")), **settings)

    assert (ok.outcome, ok.receipt) == (Outcome.DELIVERED, None)
    assert odd.outcome is Outcome.UNRECOGNISED


@pytest.mark.parametrize("texts", [["thành công"], []])
@pytest.mark.parametrize(
    "words", ["Đồng bộ KHÔNG thành công", "Thất bại", "Hồ sơ đã tồn tại", "Hồ sơ chưa tồn tại"]
)
def test_a_success_code_beside_words_of_failure_is_none(speech, words, texts):
    settings = {"receipts": "none", "success_texts": texts}

    answer = send(speech, http(200, speech.said("0", words)), **settings)

    assert answer.outcome is Outcome.UNRECOGNISED


# ---- how long to leave it alone


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (503, ["Retry-After: 120"], 120),
        (429, ["retry-after:  7 "], 7),
        (503, ["Retry-After: 999999999"], 3600),
        (503, ["Retry-After: Tue, 24 Nov 2026 03:02:00 GMT"], 120),
        (
            503,
            ["Date: Tue, 24 Nov 2026 03:01:00 GMT", "Retry-After: Tue, 24 Nov 2026 03:02:00 GMT"],
            60,
        ),
        (503, ["Retry-After: Tue, 24 Nov 2026 02:00:00 GMT"], None),
        (503, ["Retry-After: soon"], None),
        (503, ["Retry-After: 5", "Retry-After: 6"], None),
        (503, ["Retry-After:"], None),
        (503, [], None),
        (502, ["Retry-After: 120"], None),
        (302, ["Retry-After: 120"], None),
        (200, ["Retry-After: 120"], None),
    ],
)
def test_a_target_that_turns_us_away_may_say_for_how_long(speech, status, headers, seconds):
    answer = send(speech, http(status, b"<html/>", headers=headers))

    if seconds is None:
        assert answer.retry_after is None
    else:
        # A date is measured from when the answer came, a moment after the request was made.
        waits = answer.retry_after.total_seconds()
        assert seconds - 1 < waits <= seconds


def test_a_look_up_that_is_told_to_wait_is_not_repeated(speech):
    told = http(503, headers=["Retry-After: 30", "Connection: close"])

    found = look_up(speech, told, speech.look_up_answer(), look_up_attempts=3)

    assert (found.found, found.retry_after) == (Found.FAILED, timedelta(seconds=30))


# ---- receipts


def test_a_valid_receipt_proves_the_delivery_and_is_returned_as_verified(open_channel, pki):
    receipt = receipt_by(pki.portal)

    answer = send(open_channel, http(200, soap(response("00", "ok", receipt=receipt))))

    assert answer.outcome is Outcome.DELIVERED
    assert answer.receipt == receipt


def test_who_signed_the_receipt_is_told(open_channel, pki):
    answer = send(open_channel, good_answer(pki))

    assert answer.receipt_signer == read_signer(pki.portal.key.certificate)


def test_the_first_receipt_again_proves_the_same_bytes(open_channel, pki):
    """A portal that is sent the same document twice answers with its first receipt: it has it."""
    receipt = receipt_by(pki.portal, signed_at=NOW - timedelta(hours=2))
    raw = http(200, soap(response("0", "ok", receipt=receipt)))

    with peer(answering(raw)) as target:
        answer = open_channel(target.url).send(replace(REQUEST, attempt=2, is_updating=True))

    assert (answer.outcome, answer.receipt) == (Outcome.DELIVERED, receipt)


def test_the_receipt_of_an_earlier_document_proves_nothing_of_its_reissue(open_channel, pki):
    receipt = receipt_by(pki.portal)
    reissued = DOCUMENT.replace(b"</BanTin>", b"<x/></BanTin>")

    with peer(answering(http(200, soap(response("0", "ok", receipt=receipt))))) as target:
        answer = open_channel(target.url).send(replace(REQUEST, document=reissued))

    assert answer.outcome is Outcome.UNRECOGNISED
    assert answer.detail == "error_code 0, but its receipt is for another content"


def test_two_receipts_are_none(open_channel, pki):
    twice = receipt_by(pki.portal) * 2

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=twice))))

    assert (answer.outcome, answer.receipt) == (Outcome.UNRECOGNISED, None)


def test_a_receipt_inside_another_is_none(open_channel, pki):
    inner = receipt_by(pki.portal)
    outer = receipt_by(pki.agency).replace(b"<MaBanTin>", inner + b"<MaBanTin>", 1)

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=outer))))

    assert (answer.outcome, answer.receipt) == (Outcome.UNRECOGNISED, None)


def test_an_intact_receipt_of_somebody_nobody_trusts_proves_nothing(open_channel, tmp_path):
    make_development_pki(tmp_path / "other", agencies={}, now=NOW)
    files = (tmp_path / "other" / "portal.key.pem", tmp_path / "other" / "portal.cert.pem")
    stranger = XadesSigner(load_pem(*files, passphrase=None))
    receipt = receipt_by(stranger)

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=receipt))))

    assert (answer.outcome, answer.receipt) == (Outcome.UNRECOGNISED, None)
    assert "its receipt is not valid: certificate.untrusted" in answer.detail


def test_a_message_as_its_own_receipt_proves_nothing(open_channel, pki):
    """Signed, trusted and intact, and another element."""
    message = pki.portal.sign(DOCUMENT, signed_at=NOW)

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=message))))

    assert (answer.outcome, answer.receipt) == (Outcome.UNRECOGNISED, None)


def test_a_receipt_signed_with_the_key_of_the_message_proves_nothing(open_channel, pki):
    """One issuer may vouch for the portal and for the agencies, and nobody be named."""
    document = pki.agency.sign(DOCUMENT, signed_at=NOW)
    receipt = receipt_by(pki.agency, document=document)

    with peer(answering(http(200, soap(response("0", "ok", receipt=receipt))))) as target:
        answer = open_channel(target.url).send(replace(REQUEST, document=document))

    assert (answer.outcome, answer.receipt) == (Outcome.UNRECOGNISED, None)
    assert answer.detail.endswith("its receipt is signed with the key of the message itself")


def test_a_receipt_beside_a_refusal_is_not_recognised(open_channel, pki):
    body = soap(response("44", "Sai", receipt=receipt_by(pki.portal)))

    answer = send(open_channel, http(200, body), rejected_codes=["44"])

    assert answer.outcome is Outcome.UNRECOGNISED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"message_id": "019abcde-0000-7000-8000-000000000002"}, "for another message"),
        ({"dossier_code": "H29.14-261124-0002"}, "for another dossier"),
        ({"document": DOCUMENT + b" "}, "for another content"),
    ],
)
def test_a_receipt_for_something_else_proves_nothing(open_channel, pki, change, words):
    receipt = receipt_by(pki.portal, **change)

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=receipt))))

    assert answer.outcome is Outcome.UNRECOGNISED
    assert words in answer.detail


def test_a_receipt_ahead_of_our_time_leaves_it_open_what_happened(open_channel, pki):
    """It is right in all else: one of two clocks is wrong, which is no fault of the message."""
    receipt = receipt_by(pki.portal, signed_at=NOW + timedelta(minutes=30))

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=receipt))))

    assert answer.outcome is Outcome.UNKNOWN
    assert "check both clocks" in answer.detail
    assert answer.receipt is None


@pytest.mark.parametrize(
    ("demand", "gone_on", "outcome", "words"),
    [
        ("off", None, Outcome.DELIVERED, "receipt verified"),
        ("when-available", None, Outcome.DELIVERED, "receipt verified"),
        ("required", None, Outcome.UNKNOWN, "cannot be judged yet: revocation.missing"),
        ("when-available", -1, Outcome.UNRECOGNISED, "certificate.revoked_when_signed"),
        ("required", -1, Outcome.UNRECOGNISED, "certificate.revoked_when_signed"),
    ],
)
def test_a_silent_authority_leaves_it_open_and_a_revoked_signer_proves_nothing(
    pki, demand, gone_on, outcome, words
):
    evidence = ()
    if gone_on is not None:
        gone = Withdrawn(serial=pki.portal_serial, at=NOW + timedelta(days=gone_on))
        made = pki.authority.make_list([gone], now=NOW)
        evidence = (Evidence(kind=Kind.CRL, data=made, origin="ca.crl"),)
    revocation = Revocation(demand=Demand(demand), source=Kept(evidence=evidence))
    policy = replace(pki.policy, revocation=revocation)
    body = soap(response("0", "ok", receipt=receipt_by(pki.portal)))

    with peer(answering(http(200, body))) as server:
        profile = TargetProfile(endpoint=server.url, look_up_attempts=1)
        with closing(SoapChannel(profile, receipt_policy=policy, clock=lambda: NOW)) as channel:
            answer = channel.send(REQUEST)

    assert answer.outcome is outcome
    assert words in answer.detail


def test_a_forged_receipt_ahead_of_our_time_is_not_recognised(open_channel, pki):
    digest = sha256(DOCUMENT).hexdigest().encode()
    other = receipt_by(pki.portal, document=b"other", signed_at=NOW + timedelta(minutes=30))
    receipt = other.replace(sha256(b"other").hexdigest().encode(), digest)

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=receipt))))

    assert answer.outcome is Outcome.UNRECOGNISED


def test_a_changed_receipt_proves_nothing(open_channel, pki):
    digest = sha256(DOCUMENT).hexdigest().encode()
    other = receipt_by(pki.portal, document=b"other")
    receipt = other.replace(sha256(b"other").hexdigest().encode(), digest)

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=receipt))))

    assert answer.outcome is Outcome.UNRECOGNISED
    assert "signature.digest_differs" in answer.detail


def test_an_unsigned_receipt_proves_nothing(open_channel):
    unsigned = build_receipt(
        VERSION,
        message_id=MESSAGE,
        dossier_code=DOSSIER,
        digest=sha256(DOCUMENT).hexdigest(),
        received_at=NOW,
    )

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=unsigned))))

    assert answer.outcome is Outcome.UNRECOGNISED


def test_a_receipt_without_a_canonical_form_proves_nothing(open_channel, pki):
    receipt = receipt_by(pki.portal).replace(b"</BienNhan>", b'<x xmlns="relative"/></BienNhan>')

    answer = send(open_channel, http(200, soap(response("0", "ok", receipt=receipt))))

    assert answer.outcome is Outcome.UNRECOGNISED
    assert "no canonical form" in answer.detail


def test_a_receipt_signed_by_an_agency_is_refused_where_the_signer_is_named(open_channel, pki):
    raw = http(200, soap(response("0", "ok", receipt=receipt_by(pki.agency))))

    answer = send(open_channel, raw, receipt_signers=["portal of the test"])

    assert answer.outcome is Outcome.UNRECOGNISED
    assert "signed by another" in answer.detail


def test_required_receipts_need_somebody_to_trust():
    profile = TargetProfile(endpoint="http://127.0.0.1/")

    with pytest.raises(ConfigError, match="receipt_trust"):
        SoapChannel(profile, receipt_policy=None, clock=lambda: NOW)


# ---- what goes out


@pytest.mark.parametrize(
    ("soap_version", "content_type"),
    [("1.1", b"text/xml; charset=utf-8"), ("1.2", b"application/soap+xml; charset=utf-8; action=")],
)
def test_the_document_goes_out_byte_for_byte(open_channel, pki, soap_version, content_type):
    with peer(answering(good_answer(pki))) as target:
        open_channel(target.url, soap=soap_version).send(REQUEST)
        head, body = target.seen[0]

    assert DOCUMENT in body
    assert b"Content-Type: " + content_type in head
    assert (b"SOAPAction: " in head) is (soap_version == "1.1")
    assert parse_xml(body).tag == f"{{{SOAP_11 if soap_version == '1.1' else SOAP_12}}}Envelope"


# ---- kept-alive connections


def test_one_connection_serves_many_calls(speech):
    one = speech.good()
    with peer(answering(one, one, one), closing_after_reading) as target:
        channel = speech(target.url)
        outcomes = [channel.send(speech.request).outcome for _ in range(3)]

    assert outcomes == [Outcome.DELIVERED] * 3


def test_a_connection_the_peer_closed_is_seen_and_not_used_again(speech):
    # The first connection ends after one answer; the second call must not lose its request there.
    closed = threading.Event()

    def once(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(speech.good())
        connection.close()
        closed.set()

    with peer(once, answering(speech.good())) as target:
        channel = speech(target.url)
        first = channel.send(speech.request)
        closed.wait(5)
        second = channel.send(speech.request)

        assert (first.outcome, second.outcome) == (Outcome.DELIVERED, Outcome.DELIVERED)
        assert len(target.seen) == 2


def test_a_kept_connection_that_breaks_under_the_request_leaves_the_fate_unknown(speech):
    def breaking(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(speech.good())
        seen.append(read_request(connection))
        resetting(connection)

    with peer(breaking, answering(speech.good())) as target:
        channel = speech(target.url)
        outcomes = [channel.send(speech.request).outcome for _ in range(2)]

        assert outcomes == [Outcome.DELIVERED, Outcome.UNKNOWN]
        assert len(target.seen) == 2


def test_bytes_nobody_asked_for_are_not_taken_for_the_next_answer(speech):
    sent = threading.Event()

    def chatty(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(speech.good())
        threading.Event().wait(0.1)
        connection.sendall(speech.good())
        sent.set()
        connection.recv(1)

    with peer(chatty, answering(http(503))) as target:
        channel = speech(target.url)
        channel.send(speech.request)
        sent.wait(5)

        assert channel.send(speech.request).outcome is Outcome.BUSY


def test_the_rest_of_a_timed_out_call_is_not_taken_for_the_next_answer(speech):
    def late(connection, seen):
        seen.append(read_request(connection))
        threading.Event().wait(1.2)
        connection.sendall(speech.good())
        connection.recv(1)

    with peer(late, answering(http(503))) as target:
        channel = speech(target.url)
        outcomes = [channel.send(speech.request).outcome for _ in range(2)]

    assert outcomes == [Outcome.UNKNOWN, Outcome.BUSY]


def test_no_proxy_of_the_environment_is_used(speech, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")

    assert send(speech, speech.good()).outcome is Outcome.DELIVERED


# ---- look-ups


def look_up(open_channel, *answers, **settings):
    with peer(*[answering(answer) for answer in answers]) as target:
        channel = open_channel(target.url, **settings)
        return channel.look_up(agency_code=AGENCY, dossier_code=DOSSIER)


def look_up_answer(*results, code="0", message=""):
    body = build_look_up_response(VERSION, error_code=code, message=message, results=results)
    return http(200, soap(body))


def result(dossier_code=DOSSIER):
    return LookUpResult(
        dossier_code=dossier_code,
        status="2",
        message_id=MESSAGE,
        digest="a" * 64,
        received_at=NOW,
        progress=(("019abcde-0000-7000-8000-000000000009", "b" * 64),),
    )


def test_an_empty_result_is_an_absence(speech):
    assert look_up(speech, speech.look_up_answer()).found is Found.ABSENT


def test_a_result_is_a_presence_and_its_digests_count_only_where_the_profile_says_so(open_channel):
    bare = look_up(open_channel, look_up_answer(result()))
    full = look_up(open_channel, look_up_answer(result()), shows_content=True)

    assert (bare.found, bare.digest, bare.progress_digests) == (Found.PRESENT, None, frozenset())
    assert full.found is Found.PRESENT
    assert full.message_id == MESSAGE
    assert full.digest == "a" * 64
    assert full.progress_digests == frozenset({"b" * 64})


def test_a_look_up_tells_what_stands_there_more_than_once(open_channel):
    rows = result().progress * 3

    twice = look_up(open_channel, *[look_up_answer(result(), result())] * 9)
    again = replace(result(), progress=rows)
    repeated = look_up(open_channel, look_up_answer(again), shows_content=True)

    assert (twice.found, twice.copies) == (Found.FAILED, 2)
    assert (repeated.status, repeated.copies, repeated.repeated_progress) == ("2", 1, 2)


@pytest.mark.parametrize(
    ("dossiers", "code"),
    [((), "7"), ((OTHER_DOSSIER,), "0"), ((DOSSIER, DOSSIER), "0"), ((DOSSIER,), "7")],
    ids=["an error code", "another dossier", "the dossier twice", "a dossier beside an error"],
)
def test_whatever_is_not_plain_is_a_failed_look_up(speech, dossiers, code):
    raw = speech.look_up_answer(*dossiers, code=code)

    assert look_up(speech, raw).found is Found.FAILED


@pytest.mark.parametrize("dossiers", [(), (DOSSIER,)], ids=["nothing", "the dossier"])
def test_a_look_up_that_says_that_it_failed_proves_nothing(speech, dossiers):
    raw = speech.look_up_answer(*dossiers, message="Tra cứu không thành công")

    assert look_up(speech, raw).found is Found.FAILED


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(http(503, b"<html/>"), id="unavailable"),
        pytest.param(http(200, b"<html/>"), id="a web page"),
        pytest.param(b"", id="a closed connection"),
    ],
)
def test_what_is_no_answer_is_a_failed_look_up(speech, raw):
    assert look_up(speech, raw).found is Found.FAILED


def test_the_dossier_by_its_name_is_a_presence(speech):
    assert look_up(speech, speech.look_up_answer(DOSSIER)).found is Found.PRESENT


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(http(500, (FAULT_11 % "Server").encode()), id="a fault"),
        pytest.param(http(200, soap(response("0"))), id="the answer of another operation"),
    ],
)
def test_a_fault_or_another_answer_is_a_failed_look_up(open_channel, raw):
    assert look_up(open_channel, raw).found is Found.FAILED


def test_a_failed_look_up_is_repeated(speech):
    busy = http(503, headers=["Connection: close"])

    found = look_up(speech, busy, b"", speech.look_up_answer(), look_up_attempts=3)

    assert found.found is Found.ABSENT


def test_the_repeats_of_a_look_up_end(speech):
    assert look_up(speech, http(503), look_up_attempts=3).found is Found.FAILED
