"""The HTTP door against senders that do everything wrong, and servers that go away."""

import hashlib
import json
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from lienthong.pauses import TARGET
from lienthong.store.database import make_tables
from lienthong.store.pieces import PIECE_BYTES
from lienthong.store.tables import submission_pieces, submissions
from schemas.receipts import read_submission_receipt
from signing import verify

LAND = "land-registration"
HEALTH = "health-department"
CSV = b"a,b\n1,2\n"
RECORDS = f"/v1/agencies/{LAND}/records"
MIB = 1024 * 1024


def head(here, token, *lines, path=RECORDS, method="POST"):
    """Return the head of a request as bytes, for senders that http.client would not be."""
    host, port = here.address
    said = (f"{method} {path} HTTP/1.1", f"Host: {host}:{port}", f"Authorization: Bearer {token}")
    return "\r\n".join([*said, *lines, "", ""]).encode()


def raw(here, timeout=30):
    return socket.create_connection(here.address, timeout=timeout)


def answer_of(sock):
    """Read until the peer closes; return the status and the JSON of the body."""
    received = b""
    while part := sock.recv(65536):
        received += part
    top, _, body = received.partition(b"\r\n\r\n")
    return int(top.split()[1]), json.loads(body)


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)
    return found


def kept(here):
    return here.count(submissions), here.count(submission_pieces)


def test_a_file_is_taken_over_and_can_be_asked_about(here):
    token = here.token()

    taken = here.hand_over(
        CSV,
        token=token,
        Idempotency_Key="k1",
        Content_Type="text/csv; charset=tcvn",
        Content_Disposition='attachment; filename="tháng 3.csv"'.encode().decode("latin-1"),
    )

    assert taken.status == 201
    assert taken.json == {
        "submission": taken.json["submission"],
        "agency": LAND,
        "sha256": hashlib.sha256(CSV).hexdigest(),
        "bytes": len(CSV),
        "repeated": False,
        "receipt": f"{taken.headers['Location']}/receipt",
    }
    asked = here.ask(taken.headers["Location"], token=token)
    assert asked.status == 200
    assert (asked.json["state"], asked.json["door"], asked.json["key"], asked.json["file"]) == (
        "received",
        "http",
        "k1",
        "tháng 3.csv",
    )
    results = here.ask(f"/v1/agencies/{LAND}/results", token=token).json
    assert [result["kind"] for result in results["results"]] == ["received"]
    assert here.ask(f"/v1/agencies/{LAND}/results?after={results['next']}", token=token).json == {
        "results": [],
        "next": results["next"],
    }


@pytest.mark.parametrize(
    ("what", "subject"),
    [("intake", LAND), ("drain", LAND), ("intake", TARGET), ("drain", TARGET)],
)
def test_while_intake_is_paused_senders_are_told_to_come_again_and_nothing_is_kept(
    here, what, subject
):
    token = here.token()
    here.pause(what, subject)

    refused = here.hand_over(CSV, token=token, Idempotency_Key="k1")
    stranger = here.hand_over(CSV, token="x", Idempotency_Key="k1")

    assert (refused.status, refused.json["code"]) == (503, "http.paused")
    assert int(refused.headers["Retry-After"]) > 0
    assert "bảo trì" not in refused.body.decode()
    assert stranger.status == 401
    assert kept(here) == (0, 0)
    here.pause(None, subject)
    assert here.hand_over(CSV, token=token, Idempotency_Key="k1").status == 201


def test_while_delivery_or_another_agency_is_paused_files_are_taken(here):
    here.pause("delivery")
    here.pause("intake", HEALTH)

    assert here.hand_over(CSV, token=here.token(), Idempotency_Key="k1").status == 201


def test_an_upload_under_way_when_intake_is_paused_is_taken_to_its_end(here):
    token = here.token()
    with raw(here) as sock:
        sock.sendall(head(here, token, "Idempotency-Key: k1", "Content-Length: 8", "") + b"\r\n")
        sock.sendall(CSV[:4])
        time.sleep(0.5)
        here.pause("intake")
        sock.sendall(CSV[4:])
        sock.shutdown(socket.SHUT_WR)

        status, _ = answer_of(sock)

    assert status == 201


def test_the_receipt_of_a_hand_over_is_signed_and_the_same_each_time(here):
    token = here.token()
    taken = here.hand_over(CSV, token=token, Idempotency_Key="k1").json

    first = here.ask(taken["receipt"], token=token)
    again = here.hand_over(CSV, token=token, Idempotency_Key="k1").json
    second = here.ask(again["receipt"], token=token)

    assert (first.status, first.headers["Content-Type"]) == (200, "application/xml")
    assert first.body == second.body
    keyring = here.installation.keyring
    verified = verify(first.body, policy=keyring.policy(), now=datetime.now(UTC))
    receipt = read_submission_receipt(verified.element)
    assert (receipt.submission_id, receipt.digest) == (taken["submission"], taken["sha256"])
    assert (receipt.size, receipt.door, receipt.agency) == (len(CSV), "http", LAND)
    assert receipt.sender.startswith("http:")
    results = here.ask(f"/v1/agencies/{LAND}/results", token=token).json["results"]
    told = {(one["kind"], one["again"]): one["receipt"] for one in results}
    digest = f"sha256:{hashlib.sha256(first.body).hexdigest()}"
    assert told["receipt", False]["digest"] == told["received", True]["digest"] == digest
    assert told["received", False] is None


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        ("?statement=refused", 404, "http.no_receipt"),
        ("?statement=paid", 422, "http.statement"),
    ],
)
def test_a_receipt_that_is_not_there_is_told(here, ending, status, code):
    token = here.token()
    taken = here.hand_over(CSV, token=token).json

    answer = here.ask(taken["receipt"] + ending, token=token)

    assert (answer.status, answer.json["code"]) == (status, code)


def test_nobody_gets_the_receipt_of_another_agency(here):
    taken = here.hand_over(CSV, token=here.token()).json
    theirs = here.token(HEALTH)
    asked = taken["receipt"].replace(LAND, HEALTH)

    assert here.ask(asked, token=theirs).json["code"] == "http.submission_unknown"
    assert here.ask(taken["receipt"], token=theirs).status == 403


def test_a_key_that_cannot_sign_turns_no_file_away(here):
    token = here.token()
    keyring = here.installation.keyring
    keyring.operator_key()
    file = keyring.folder / "operator.key.pem"
    whole = file.read_bytes()
    file.write_bytes(b"no key")

    taken = here.hand_over(CSV, token=token)
    waits = here.ask(taken.json["receipt"], token=token)
    file.unlink()
    file.write_bytes(whole)
    comes = here.ask(taken.json["receipt"], token=token)

    assert taken.status == 201
    assert (waits.status, waits.json["code"]) == (503, "http.receipt_not_yet")
    assert waits.headers["Retry-After"] == "5"
    assert comes.status == 200


def test_the_agency_may_be_called_by_its_code(here):
    code = here.installation.agency_code(LAND)

    taken = here.hand_over(CSV, token=here.token(), agency=code)

    assert (taken.status, taken.json["agency"]) == (201, LAND)


def test_the_same_key_is_answered_as_before_and_other_bytes_are_a_conflict(here):
    token = here.token()
    first = here.hand_over(CSV, token=token, Idempotency_Key="k1")
    again = here.hand_over(CSV, token=token, Idempotency_Key='"k1"')
    other = here.hand_over(b"x", token=token, Idempotency_Key="k1")

    assert (again.status, again.json["submission"]) == (200, first.json["submission"])
    assert other.status == 409
    assert kept(here) == (1, 1)


@pytest.mark.parametrize("size", [1, PIECE_BYTES - 1, PIECE_BYTES, 3 * PIECE_BYTES + 5])
def test_every_byte_arrives_with_and_without_a_length(here, size):
    token = here.token()
    body = os.urandom(size)
    parts = [body[start : start + 100_001] for start in range(0, size, 100_001)]

    whole = here.hand_over(body, token=token)
    chunked = here.hand_over(iter(parts), token=token)

    digest = hashlib.sha256(body).hexdigest()
    assert [a.json["sha256"] for a in (whole, chunked)] == [digest, digest]
    assert [a.json["bytes"] for a in (whole, chunked)] == [size, size]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"token": None}, 401, "http.token"),
        ({"token": "lt_0123456789abcdef_" + "A" * 43}, 401, "http.token"),
        ({"agency": HEALTH}, 403, "http.other_agency"),
        ({"agency": "no-such-agency"}, 404, "http.agency_unknown"),
        ({"agency": "%2e%2e%2f"}, 404, "http.address"),
        ({"Content_Type": "application/json"}, 415, "http.content_type"),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415, "http.content_type"),
        ({"Content_Encoding": "gzip"}, 415, "http.content_encoding"),
        ({"body": b""}, 422, "http.empty"),
        ({"Idempotency_Key": "khóa"}, 422, "http.idempotency_key"),
        ({"Idempotency_Key": "x" * 256}, 422, "http.idempotency_key"),
        ({"query": "?file_name=.."}, 422, "http.file_name"),
        ({"query": "?file_name=a%0Ab"}, 422, "http.file_name"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_taken_is_refused_in_words_and_leaves_nothing(here, given, status, code):
    body = given.pop("body", CSV)

    refused = here.hand_over(body, **{"token": here.token(), **given})

    assert refused.status == status
    assert refused.headers["Content-Type"] == "application/problem+json"
    said = refused.json
    assert (said["code"], said["status"]) == (code, status)
    assert said["message"]["vi"]
    assert said["message"]["en"]
    assert kept(here) == (0, 0)


def test_other_addresses_and_methods_are_told_where_to_look(here):
    nowhere = here.ask("/", method="POST", body=bytes(100_000))
    wrong = here.ask(RECORDS)

    assert (nowhere.status, nowhere.json["code"]) == (404, "http.address")
    assert (wrong.status, wrong.json["code"]) == (405, "http.method")
    assert wrong.headers["Allow"] == "POST"


def test_a_request_that_says_nothing_of_a_body_is_asked_for_its_length(here):
    with raw(here) as sock:
        sock.sendall(head(here, here.token()))

        assert answer_of(sock)[1]["code"] == "http.length_missing"


def test_what_is_no_http_is_told_so(here):
    with raw(here) as sock:
        sock.sendall(b"\x16\x03\x01 hello\r\n\r\n")

        status, said = answer_of(sock)
    assert (status, said["code"]) == (400, "http.malformed")


@pytest.mark.parametrize(
    "bad", [b"zz\r\nabc\r\n", b"5\r\nabcdefgh\r\n", b"-1\r\n", b"\xff" * 20_000]
)
def test_a_body_that_stops_being_http_after_it_was_refused_leaves_no_trace_in_the_log(here, bad):
    with raw(here) as sock:
        sock.sendall(head(here, "wrong", "Transfer-Encoding: chunked"))
        until(lambda: "http.refused" in here.logged())
        sock.sendall(bad)

        status, said = answer_of(sock)

    assert (status, said["code"]) == (401, "http.token")
    assert here.ask("/health/live").status == 200
    assert "Traceback" not in here.logged()


def test_a_question_for_the_head_alone_whose_body_is_no_http_is_told_so(here):
    with raw(here) as sock:
        sock.sendall(head(here, "x", "Transfer-Encoding: chunked", method="HEAD") + b"zz\r\n")
        received = b""
        while part := sock.recv(65536):
            received += part

    assert received.startswith(b"HTTP/1.1 400")
    assert received.endswith(b"\r\n\r\n")
    assert "Traceback" not in here.logged()


def test_who_says_that_nothing_more_will_come_is_answered_all_the_same(here):
    token = here.token()
    request = head(here, token, "Content-Length: 8") + CSV
    asking = head(here, token, path=f"/v1/agencies/{LAND}/results", method="GET")
    for sent, status in ((request, 201), (asking, 200)):
        with raw(here) as sock:
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)

            assert answer_of(sock)[0] == status


def test_a_file_over_the_limit_is_refused_before_and_while_it_comes(make_here):
    here = make_here("[http]\nport = 0\nmax_body_bytes = 3_000_000\n")
    here.run("http")
    token = here.token()

    announced = here.hand_over(bytes(3_000_001), token=token)
    chunked = here.hand_over(iter([bytes(100_000)] * 40), token=token)
    exactly = here.hand_over(bytes(3_000_000), token=token)

    assert [announced.status, chunked.status, exactly.status] == [413, 413, 201]
    assert kept(here) == (1, 3)


def test_who_expects_a_word_before_sending_gets_it(here):
    with raw(here) as sock:
        token = here.token()
        sock.sendall(head(here, token, "Content-Length: 8", "Expect: 100-continue"))
        assert sock.recv(100).startswith(b"HTTP/1.1 100")
        sock.sendall(CSV)
        assert sock.recv(100).startswith(b"HTTP/1.1 201")
    with raw(here) as sock:
        sock.sendall(head(here, "wrong", "Content-Length: 8", "Expect: 100-continue"))
        assert answer_of(sock)[0] == 401


@pytest.mark.parametrize("how", ["length", "chunks"])
def test_a_sender_that_leaves_in_the_middle_leaves_nothing(here, how):
    token = here.token()
    line = "Content-Length: 9000000" if how == "length" else "Transfer-Encoding: chunked"
    with raw(here) as sock:
        sock.sendall(head(here, token, line))
        part = bytes(3 * MIB)
        sock.sendall(part if how == "length" else b"%x\r\n%b\r\n" % (len(part), part))
        until(lambda: here.count(submission_pieces) == 2)

    until(lambda: kept(here) == (0, 0))
    until(lambda: "http.sender_left" in here.logged())


def test_a_kill_in_the_middle_takes_nothing_over_and_the_next_try_does(here):
    token = here.token()
    (process,) = here.processes
    with raw(here) as sock:
        sock.sendall(head(here, token, "Content-Length: 9000000", "Idempotency-Key: k"))
        sock.sendall(bytes(3 * MIB))
        until(lambda: here.count(submission_pieces) == 2)
        process.kill()
        process.wait()
    assert here.count(submissions) == 0

    here.run("http")
    taken = here.hand_over(bytes(9_000_000), token=token, Idempotency_Key="k")

    assert taken.status == 201
    assert here.count(submissions) == 1


def test_a_kill_after_the_commit_is_met_by_the_same_key(here):
    token = here.token()
    first = here.hand_over(CSV, token=token, Idempotency_Key="k")
    (process,) = here.processes
    process.kill()
    process.wait()
    here.run("http")

    again = here.hand_over(CSV, token=token, Idempotency_Key="k")

    assert (again.status, again.json["submission"]) == (200, first.json["submission"])


def test_a_large_upload_is_never_in_memory(here):
    token = here.token()
    (process,) = here.processes
    here.hand_over(bytes(5 * MIB), token=token)
    before = here.rss(process)
    peak = before
    part = os.urandom(MIB)

    def parts():
        nonlocal peak
        for _ in range(256):
            peak = max(peak, here.rss(process))
            yield part

    taken = here.hand_over(parts(), token=token)

    assert taken.json["sha256"] == hashlib.sha256(part * 256).hexdigest()
    assert peak - before < 64 * MIB


def test_a_silent_or_dripping_sender_is_sent_away(make_here):
    here = make_here("[http]\nport = 0\nidle_seconds = 1\nleast_bytes_per_second = 1000\n")
    here.run("http")
    token = here.token()
    with raw(here) as sock:
        sock.sendall(head(here, token, "Content-Length: 100") + b"abc")
        assert answer_of(sock)[1]["code"] == "http.too_slow"
    with raw(here) as sock:
        sock.sendall(head(here, token, "Content-Length: 100000"))
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 20:
                sock.sendall(b"x" * 10)
                time.sleep(0.05)
        assert time.monotonic() - began < 15

    until(lambda: kept(here) == (0, 0))


def test_a_connection_that_never_says_what_it_wants_is_closed(make_here):
    here = make_here("[http]\nport = 0\nheader_seconds = 1\n")
    here.run("http")
    with raw(here) as silent, raw(here) as dripping, raw(here) as second:
        second.sendall(head(here, "x", path="/health/live", method="GET"))
        until(lambda: b'"ok"' in second.recv(1000))
        second.sendall(b"GET /hea")
        dripping.sendall(b"POST /v1/a HTTP/1.1\r\n")
        for sock in (silent, dripping, second):
            sock.settimeout(5)
            assert sock.recv(1000) == b""


def test_more_connections_than_may_be_are_closed(make_here):
    here = make_here("[http]\nport = 0\nconnections = 8\n")
    here.run("http")
    held = [raw(here) for _ in range(8)]
    with raw(here, timeout=5) as one_more:
        assert one_more.recv(100) == b""
    for sock in held:
        sock.close()

    until(lambda: here.ask("/health/live").status == 200)


def test_more_uploads_than_may_be_are_told_when_to_come_again(make_here):
    here = make_here("[http]\nport = 0\nuploads_at_once = 2\nuploads_per_agency = 1\n")
    here.run("http")
    land, health = here.token(), here.token(HEALTH)
    with raw(here) as one, raw(here) as two:
        one.sendall(head(here, land, "Content-Length: 9000000") + bytes(3 * MIB))
        until(lambda: here.count(submission_pieces) == 2)
        assert here.hand_over(CSV, token=land).status == 429
        path = f"/v1/agencies/{HEALTH}/records"
        two.sendall(head(here, health, "Content-Length: 9000000", path=path) + bytes(3 * MIB))
        until(lambda: here.count(submission_pieces) == 4)
        refused = here.hand_over(CSV, token=land)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    until(lambda: here.hand_over(CSV, token=land).status == 201)


def test_many_senders_at_once_all_arrive(here):
    token, other = here.token(), here.token(HEALTH)

    def send(number):
        agency, key = ((LAND, token), (HEALTH, other))[number % 2]
        for _ in range(200):
            answer = here.hand_over(
                b"%d" % number, token=key, agency=agency, Idempotency_Key=f"k{number}"
            )
            if answer.status in (200, 201):
                return answer.json["submission"]
            assert answer.status in (429, 503)
            time.sleep(0.05)
        raise AssertionError("it was never let in")

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(send, range(60)))

    assert len(set(ids)) == 60
    assert {row[0] for row in here.select(select(submissions.c.id))} == set(ids)


def test_a_stop_lets_an_upload_end(here):
    token = here.token()
    (process,) = here.processes
    with raw(here) as sock:
        sock.sendall(head(here, token, "Content-Length: 8") + CSV[:4])
        until(lambda: here.ask("/health/live").status == 200)
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
        sock.sendall(CSV[4:])
        assert sock.recv(100).startswith(b"HTTP/1.1 201")
    assert process.wait(timeout=20) == 0


def test_nothing_secret_or_personal_is_logged(here):
    token = here.token()
    here.hand_over(
        b"Nguyen Van An,079200001234",
        token=token,
        query="?file_name=nguyen-van-an.csv",
        Idempotency_Key="secret-key-1",
    )
    here.hand_over(b"Nguyen", token=token + "x", query="?file_name=../nguyen-van-an")
    here.ask("/v1/nguyen-van-an?x=nguyen-van-an")

    log = here.logged()
    assert "http.received" in log
    for secret in (token, "guyen", "079200001234", "secret-key-1"):
        assert secret not in log


def test_it_is_alive_and_ready_and_describes_itself(here):
    for prefix in ("/health", ""):
        assert here.ask(f"{prefix}/live").json == {"status": "ok"}
        assert here.ask(f"{prefix}/ready").json == {
            "status": "ok",
            "checks": {"store": "ok", "broker": "ok", "signing_key": "ok"},
        }
    assert here.ask("/v1/openapi.json").json["openapi"] == "3.1.0"


def test_it_is_not_ready_when_no_key_can_sign(make_here, tmp_path):
    keys = tmp_path / "keys"
    (keys / "agencies").mkdir(parents=True)
    (keys / "agencies" / f"{LAND}.key.pem").write_text("damaged")
    here = make_here(f'keys_dir = "{keys}"\n[http]\nport = 0\n')
    here.run("http")

    ready = here.ask("/health/ready")

    assert ready.status == 503
    assert ready.json["checks"] == {"store": "ok", "broker": "ok", "signing_key": "failed"}


def test_without_its_store_it_says_so_and_takes_over_when_it_is_back(make_here, private_postgresql):
    url = private_postgresql.create_database("doors_away")
    here = make_here(f'[store]\nurl = "{url}"\n[http]\nport = 0\n')
    engine = here.installation.engine
    make_tables(engine)
    engine.dispose()
    token = here.token()
    here.run("http")
    assert here.hand_over(CSV, token=token, Idempotency_Key="k").status == 201

    private_postgresql.kill()
    try:
        away = here.hand_over(CSV, token=token, Idempotency_Key="k")
        ready = here.ask("/health/ready")
    finally:
        private_postgresql.start()

    assert (away.status, away.json["code"]) == (503, "http.store_unreachable")
    assert away.headers["Retry-After"] == "5"
    assert (ready.status, ready.json["checks"]["store"]) == (503, "failed")
    until(lambda: here.hand_over(CSV, token=token, Idempotency_Key="k").status == 200)


def test_it_listens_with_a_certificate_anywhere_and_without_only_here(make_here):
    here = make_here('[http]\nport = 0\nhost = "0.0.0.0"\n')
    process = here.run_and_wait("http")

    assert process.returncode == 2
    assert "tls_certificate" in here.logged()
