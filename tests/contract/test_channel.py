"""What one attempt is known to have done, against peers that break in every place they can."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

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

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
AGENCY = "000.00.00.H29"
MESSAGE = "019abcde-0000-7000-8000-000000000001"
DOSSIER = "H29.14-261124-0001"
VERSION = load_version("dvcqg-2020")
# The channel does not look into the document, so any bytes with the right beginning do.
DOCUMENT = (
    f'<BanTin xmlns="{VERSION.namespace}" Id="bt-{MESSAGE}"><MaBanTin>{MESSAGE}</MaBanTin></BanTin>'
).encode()
REQUEST = SendRequest(
    packet=Packet.DOSSIER,
    message_id=MESSAGE,
    dossier_code=DOSSIER,
    document=DOCUMENT,
    is_updating=False,
    attempt=1,
    sent_at=NOW,
)
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


@pytest.fixture
def open_channel(pki):
    channels = []

    def open_(url, **settings):
        values = {
            "read_timeout_seconds": 1,
            "call_timeout_seconds": 2,
            "connect_timeout_seconds": 1,
            "look_up_attempts": 1,
        }
        profile = TargetProfile(endpoint=url, **(values | settings))
        channel = SoapChannel(profile, receipt_policy=pki.policy, clock=lambda: NOW)
        channels.append(channel)
        return channel

    yield open_
    for channel in channels:
        channel.close()


@contextmanager
def peer(*scripts, tls=None):
    """Serve on loopback: the n-th connection is handled by the n-th script, the last repeats."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(20)
        seen = []

        def accept():
            number = 0
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                script = scripts[min(number, len(scripts) - 1)]
                number += 1
                threading.Thread(target=run, args=(script, connection), daemon=True).start()

        def run(script, connection):
            with suppress(OSError):
                if tls is not None:
                    connection = tls.wrap_socket(
                        connection, server_side=True, do_handshake_on_connect=False
                    )
                    shake_hands(connection)
                with connection:
                    script(connection, seen)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        scheme = "http" if tls is None else "https"
        yield SimpleNamespace(
            url=f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/portal", seen=seen
        )
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def shake_hands(connection):
    """Shake hands; after a refusal, stay until the client has read the alert."""
    try:
        connection.do_handshake()
    except ssl.SSLError:
        # Closing with unread bytes would reset the connection, and the reset overtake the alert.
        with connection:
            connection.settimeout(5)
            socket.socket.shutdown(connection, socket.SHUT_WR)
            while socket.socket.recv(connection, 65536):
                pass
        raise


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


def http(status=200, body=b"", *, headers=()):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answering(*answers):
    """Return a script that gives each answer to one request of a kept-alive connection."""

    def script(connection, seen):
        for answer in answers:
            request = read_request(connection)
            if request is None:
                return
            seen.append(request)
            if not answer:
                return
            connection.sendall(answer)
        connection.recv(1)

    return script


def resetting(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


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
        return open_channel(target.url, **settings).send(REQUEST)


# ---- nothing left


def test_a_refused_connection_sent_nothing(open_channel):
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

    answer = open_channel(f"http://127.0.0.1:{port}/").send(REQUEST)

    assert answer.outcome is Outcome.NOT_SENT


def test_a_document_of_another_schema_version_is_withheld(open_channel):
    request = replace(REQUEST, document=b'<BanTin xmlns="urn:another">x</BanTin>')

    with peer() as target:
        answer = open_channel(target.url).send(request)

    assert answer.outcome is Outcome.WITHHELD
    assert "no schema version of this target" in answer.detail
    assert target.seen == []


def test_an_unknown_host_sent_nothing(open_channel):
    answer = open_channel("http://no-such-host.invalid/").send(REQUEST)

    assert answer.outcome is Outcome.NOT_SENT


def test_a_connect_timeout_sent_nothing(open_channel):
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

        channel = open_channel(f"http://127.0.0.1:{address[1]}/", connect_timeout_seconds=0.3)
        answer = channel.send(REQUEST)

        for filler in fillers:
            filler.close()

    assert answer.outcome is Outcome.NOT_SENT


# ---- TLS


def make_tls(folder, *, name="127.0.0.1"):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "tls.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, file


def test_a_certificate_nobody_vouches_for_is_the_targets_fault(open_channel, tmp_path):
    context, _ = make_tls(tmp_path)
    with peer(answering(b""), tls=context) as target:
        answer = open_channel(target.url).send(REQUEST)

        assert answer.outcome is Outcome.TARGET
        assert target.seen == []


def test_a_certificate_for_another_host_is_the_targets_fault(open_channel, tmp_path):
    context, file = make_tls(tmp_path, name="127.0.0.2")
    with peer(answering(b""), tls=context) as target:
        answer = open_channel(target.url, ca_file=file).send(REQUEST)

    assert answer.outcome is Outcome.TARGET


def test_a_plain_server_behind_https_is_the_targets_fault(open_channel):
    def script(connection, seen):
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with peer(script) as target:
        answer = open_channel(target.url.replace("http:", "https:")).send(REQUEST)

    assert answer.outcome is Outcome.TARGET


def test_a_refused_client_certificate_is_the_targets_fault(open_channel, tmp_path):
    # Under TLS 1.3 the refusal comes only after the request was written.
    context, file = make_tls(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(file)
    with peer(answering(b""), tls=context) as target:
        answer = open_channel(target.url, ca_file=file).send(REQUEST)

        assert answer.outcome is Outcome.TARGET
        assert target.seen == []


def test_a_delivery_over_tls_with_a_client_certificate_succeeds(open_channel, tmp_path, pki):
    context, file = make_tls(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(file)
    with peer(answering(good_answer(pki)), tls=context) as target:
        answer = open_channel(target.url, ca_file=file, client_certificate=file).send(REQUEST)

    assert answer.outcome is Outcome.DELIVERED


def test_a_missing_ca_file_is_told_when_the_channel_is_opened(open_channel, tmp_path):
    with pytest.raises(ConfigError, match="ca_file"):
        open_channel("https://127.0.0.1/", ca_file=tmp_path / "none.pem")


# ---- bytes left, and no whole answer came


def silent(connection, seen):
    seen.append(read_request(connection))
    connection.recv(1)


def closing_after_reading(connection, seen):
    seen.append(read_request(connection))


def resetting_after_reading(connection, seen):
    seen.append(read_request(connection))
    resetting(connection)


def resetting_at_once(connection, seen):
    connection.recv(10)
    resetting(connection)


def dripping_headers(connection, seen):
    seen.append(read_request(connection))
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
        connection.sendall(bytes([byte]))
        threading.Event().wait(0.05)


def dripping_body(connection, seen):
    seen.append(read_request(connection))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(1000):
        connection.sendall(b"a")
        threading.Event().wait(0.05)


def raw(data):
    def script(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(data)

    return script


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
        pytest.param(raw(http(500, b"<html/>")), id="server error without SOAP"),
        pytest.param(raw(http(102, b"")), id="interim status as the last"),
        pytest.param(raw(http(500, (FAULT_11 % "Server").encode())), id="server fault"),
        pytest.param(raw(http(500, (FAULT_12 % "Receiver").encode())), id="receiver fault"),
        pytest.param(raw(http(500, (FAULT_11 % "Weird").encode())), id="a fault nobody knows"),
    ],
)
def test_without_a_whole_answer_the_fate_is_unknown(open_channel, script):
    with peer(script) as target:
        answer = open_channel(target.url, max_answer_bytes=1024).send(REQUEST)

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.receipt is None
    assert "\n" not in answer.detail


def test_of_an_answer_over_the_limit_the_beginning_is_kept_and_the_whole_is_digested(open_channel):
    answer = send(open_channel, http(200, b"x" * 5000), max_answer_bytes=1024)

    assert answer.raw == b"x" * 1024
    digest = sha256(b"x" * 5000).hexdigest()
    assert answer.cut == CutAnswer(size=5000, digest=digest, is_whole=True)
    assert answer.detail == "the answer is larger than 1024 bytes: 5000"


def test_an_answer_without_end_is_read_only_so_far(open_channel, monkeypatch):
    monkeypatch.setattr("lienthong.channels.wire.MOST_DIGESTED", 100_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"

    def pour(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(head)
        for _ in range(1000):
            connection.sendall(b"y" * 10_000)

    with peer(pour) as target:
        answer = open_channel(target.url, max_answer_bytes=1024).send(REQUEST)

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
def test_of_an_answer_that_breaks_off_what_came_is_kept(open_channel, head, body):
    answer = send(open_channel, head + body, read_timeout_seconds=0.3)

    assert answer.outcome is Outcome.UNKNOWN
    assert answer.raw == b"<half"
    digest = sha256(b"<half").hexdigest()
    assert answer.cut == CutAnswer(size=5, digest=digest, is_whole=False)


def test_a_refusal_is_kept_as_it_came(open_channel):
    body = soap(response("44", "Sai"))

    answer = send(open_channel, http(200, body), rejected_codes=["44"])

    assert (answer.outcome, answer.raw, answer.cut) == (Outcome.REJECTED, body, None)


# ---- whole answers


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (503, b"<html/>", Outcome.BUSY),
        (429, b"", Outcome.BUSY),
        (401, b"", Outcome.TARGET),
        (403, b"<html/>", Outcome.TARGET),
        (404, b"", Outcome.TARGET),
        (405, b"", Outcome.TARGET),
        (302, b"", Outcome.TARGET),
        (401, (FAULT_11 % "Client").encode(), Outcome.TARGET),
        (200, b"<html><body>Welcome</body></html>", Outcome.UNRECOGNISED),
        (200, b"", Outcome.UNRECOGNISED),
        (200, b"not XML at all", Outcome.UNRECOGNISED),
        (200, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', Outcome.UNRECOGNISED),
        (202, b"", Outcome.UNRECOGNISED),
        (400, b"<html/>", Outcome.UNRECOGNISED),
        (500, (FAULT_11 % "Client").encode(), Outcome.REJECTED),
        (500, (FAULT_11 % "Client.Authentication").encode(), Outcome.REJECTED),
        (400, (FAULT_12 % "Sender").encode(), Outcome.REJECTED),
        (500, (FAULT_11 % "VersionMismatch").encode(), Outcome.TARGET),
        (200, soap(b"<x/>"), Outcome.UNRECOGNISED),
        (200, soap(b""), Outcome.UNRECOGNISED),
        (200, soap(response("0", "Thành công")), Outcome.UNRECOGNISED),
        (200, soap(response("1", "?")), Outcome.UNRECOGNISED),
        (200, soap(response("3", "Hồ sơ đã tồn tại")), Outcome.EXISTS),
        (200, soap(response("-3", "HỒ SƠ ĐÃ TỒN TẠI.")), Outcome.EXISTS),
        (200, soap(response("3", "Lỗi khác")), Outcome.UNRECOGNISED),
        (200, soap(response("44", "Sai")), Outcome.REJECTED),
        (200, soap(response("55", "Bận")), Outcome.BUSY),
        (201, soap(response("55", "Bận")), Outcome.UNRECOGNISED),
        (200, soap(response("44", packet="CapNhatTienDoHoSoMC")), Outcome.UNRECOGNISED),
    ],
)
def test_a_whole_answer_means_what_the_profile_says(open_channel, status, body, outcome):
    settings = {"rejected_codes": ["44"], "busy_codes": ["55"]}

    answer = send(open_channel, http(status, body), **settings)

    assert (answer.outcome, answer.http_status, answer.raw) == (outcome, status, body)
    assert answer.receipt is None


def test_the_peers_code_is_kept(open_channel):
    assert send(open_channel, http(200, soap(response(" 777 ", "?")))).code == "777"
    assert send(open_channel, http(500, (FAULT_11 % "Server").encode())).code == "Server"


def test_the_peers_words_are_kept_apart_from_what_is_logged(open_channel):
    named = send(open_channel, http(200, soap(response("777", "Hồ sơ của\nTrương Thị M"))))
    fault = send(open_channel, http(500, (FAULT_11 % "Server").encode()))
    garbled = send(open_channel, b"Truong Thi M\r\n\r\n")

    assert (named.message, named.detail) == ("Hồ sơ của Trương Thị M", "error_code 777")
    assert (fault.message, fault.detail) == ("why", "fault Server")
    assert garbled.outcome is Outcome.UNKNOWN
    assert "Truo" not in garbled.detail


def test_a_fault_that_promises_nothing_was_done_is_busy_where_the_profile_says_so(open_channel):
    raw = http(500, (FAULT_11 % "Server").encode())

    assert send(open_channel, raw, busy_faults=["Server"]).outcome is Outcome.BUSY


def test_a_statement_of_success_needs_its_text_where_the_profile_wants_one(open_channel):
    settings = {"receipts": "none", "success_texts": ["thành công"]}

    ok = send(open_channel, http(200, soap(response("0", "Thành công"))), **settings)
    odd = send(open_channel, http(200, soap(response("0", "Có lỗi"))), **settings)

    assert (ok.outcome, ok.receipt) == (Outcome.DELIVERED, None)
    assert odd.outcome is Outcome.UNRECOGNISED


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
def test_a_target_that_turns_us_away_may_say_for_how_long(open_channel, status, headers, seconds):
    answer = send(open_channel, http(status, b"<html/>", headers=headers))

    if seconds is None:
        assert answer.retry_after is None
    else:
        # A date is measured from when the answer came, a moment after the request was made.
        waits = answer.retry_after.total_seconds()
        assert seconds - 1 < waits <= seconds


def test_a_look_up_that_is_told_to_wait_is_not_repeated(open_channel):
    told = http(503, headers=["Retry-After: 30", "Connection: close"])

    found = look_up(open_channel, told, look_up_answer(), look_up_attempts=3)

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


def test_one_connection_serves_many_calls(open_channel, pki):
    one = good_answer(pki)
    with peer(answering(one, one, one), closing_after_reading) as target:
        channel = open_channel(target.url)
        outcomes = [channel.send(REQUEST).outcome for _ in range(3)]

    assert outcomes == [Outcome.DELIVERED] * 3


def test_a_connection_the_peer_closed_is_seen_and_not_used_again(open_channel, pki):
    # The first connection ends after one answer; the second call must not lose its request there.
    closed = threading.Event()

    def once(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(good_answer(pki))
        connection.close()
        closed.set()

    with peer(once, answering(good_answer(pki))) as target:
        channel = open_channel(target.url)
        first = channel.send(REQUEST)
        closed.wait(5)
        second = channel.send(REQUEST)

        assert (first.outcome, second.outcome) == (Outcome.DELIVERED, Outcome.DELIVERED)
        assert len(target.seen) == 2


def test_a_kept_connection_that_breaks_under_the_request_leaves_the_fate_unknown(open_channel, pki):
    def breaking(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(good_answer(pki))
        seen.append(read_request(connection))
        resetting(connection)

    with peer(breaking, answering(good_answer(pki))) as target:
        channel = open_channel(target.url)
        outcomes = [channel.send(REQUEST).outcome for _ in range(2)]

        assert outcomes == [Outcome.DELIVERED, Outcome.UNKNOWN]
        assert len(target.seen) == 2


def test_bytes_nobody_asked_for_are_not_taken_for_the_next_answer(open_channel, pki):
    sent = threading.Event()

    def chatty(connection, seen):
        seen.append(read_request(connection))
        connection.sendall(good_answer(pki) + good_answer(pki))
        sent.set()
        connection.recv(1)

    with peer(chatty, answering(http(503))) as target:
        channel = open_channel(target.url)
        channel.send(REQUEST)
        sent.wait(5)

        assert channel.send(REQUEST).outcome is Outcome.BUSY


def test_the_rest_of_a_timed_out_call_is_not_taken_for_the_next_answer(open_channel, pki):
    def late(connection, seen):
        seen.append(read_request(connection))
        threading.Event().wait(1.2)
        connection.sendall(good_answer(pki))
        connection.recv(1)

    with peer(late, answering(http(503))) as target:
        channel = open_channel(target.url)
        outcomes = [channel.send(REQUEST).outcome for _ in range(2)]

    assert outcomes == [Outcome.UNKNOWN, Outcome.BUSY]


def test_no_proxy_of_the_environment_is_used(open_channel, pki, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")

    assert send(open_channel, good_answer(pki)).outcome is Outcome.DELIVERED


# ---- look-ups


def look_up(open_channel, *answers, **settings):
    with peer(*[answering(answer) for answer in answers]) as target:
        channel = open_channel(target.url, **settings)
        return channel.look_up(agency_code=AGENCY, dossier_code=DOSSIER)


def look_up_answer(*results, code="0"):
    body = build_look_up_response(VERSION, error_code=code, message="", results=results)
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


def test_an_empty_result_is_an_absence(open_channel):
    assert look_up(open_channel, look_up_answer()).found is Found.ABSENT


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
    "raw",
    [
        pytest.param(look_up_answer(code="7"), id="an error code"),
        pytest.param(look_up_answer(result("H29.14-261124-0002")), id="another dossier"),
        pytest.param(look_up_answer(result(), result()), id="the dossier twice"),
        pytest.param(http(500, (FAULT_11 % "Server").encode()), id="a fault"),
        pytest.param(http(503, b"<html/>"), id="unavailable"),
        pytest.param(http(200, b"<html/>"), id="a web page"),
        pytest.param(http(200, soap(response("0"))), id="the answer of another operation"),
        pytest.param(b"", id="a closed connection"),
    ],
)
def test_whatever_is_not_plain_is_a_failed_look_up(open_channel, raw):
    assert look_up(open_channel, raw).found is Found.FAILED


def test_a_failed_look_up_is_repeated(open_channel):
    busy = http(503, headers=["Connection: close"])

    found = look_up(open_channel, busy, b"", look_up_answer(), look_up_attempts=3)

    assert found.found is Found.ABSENT


def test_the_repeats_of_a_look_up_end(open_channel):
    assert look_up(open_channel, http(503), look_up_attempts=3).found is Found.FAILED
