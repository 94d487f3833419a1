"""A hook gets each document signed, and what it answers decides what follows."""

import base64
import hashlib
import hmac
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from lienthong.channels.port import HandedFile, Outcome, Packet, SendRequest
from lienthong.receivers.hook import HookReceiver, sign_hook
from lienthong.receivers.profile import HookProfile

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "bi-mat-dai-it-nhat-24-ky-tu"
DOCUMENT = "Nguyễn".encode("utf-16")


class Hook:
    def __init__(self):
        self.answers, self.requests = [], []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.requests.append((dict(self.headers.items()), body))
                status, headers, *said = hook.answers.pop(0) if hook.answers else (204, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204 and "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(b"".join(said))))
                self.end_headers()
                self.wfile.write(b"".join(said))
                self.close_connection = "Content-Length" in headers

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Closing waits for them, so that no connection is left open.
        self.server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self.server.server_port}/in?x=1"
        Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def receiver(hook):
    profile = HookProfile(url=hook.url, secret=SECRET, token="ma-truy-cap")
    made = HookReceiver(profile, name="land")
    yield made
    made.close()


def request():
    return SendRequest(
        packet=Packet.INBOUND,
        message_id="01a2194a-0439-74a3-8213-7e08258ff847",
        dossier_code="H1",
        document=DOCUMENT,
        is_updating=False,
        attempt=1,
        sent_at=AT,
        agency="land",
        file=HandedFile(
            name="hồ sơ-1.csv", media_type="text/csv; charset=utf-16", service="DongBoHoSoMC"
        ),
    )


def test_the_document_arrives_with_all_that_is_known_of_it(hook, receiver):
    answer = receiver.hand_over(request())

    assert (answer.outcome, answer.http_status) == (Outcome.DELIVERED, 204)
    ((headers, body),) = hook.requests
    assert body == DOCUMENT
    digest = base64.b64encode(hashlib.sha256(DOCUMENT).digest()).decode()
    expected = {
        "Content-Type": "text/csv; charset=utf-16",
        "Content-Disposition": "attachment; filename*=UTF-8''h%E1%BB%93%20s%C6%A1-1.csv",
        "Content-Digest": f"sha-256=:{digest}:",
        "Idempotency-Key": "01a2194a-0439-74a3-8213-7e08258ff847",
        "X-Lienthong-Service": "DongBoHoSoMC",
        "webhook-id": "01a2194a-0439-74a3-8213-7e08258ff847",
        "webhook-timestamp": "1772438400",
        "Authorization": "Bearer ma-truy-cap",
    }
    assert {name: headers[name] for name in expected} == expected


def test_the_agency_can_check_who_sent_it(hook, receiver):
    receiver.hand_over(request())

    ((headers, body),) = hook.requests
    signed = b".".join(
        (headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body)
    )
    expected = base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_signature_is_that_of_the_published_example():
    # Of the Standard Webhooks reference libraries' tests.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = sign_hook(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (201, Outcome.DELIVERED),
        (302, Outcome.BUSY),
        (400, Outcome.REJECTED),
        (401, Outcome.BUSY),
        (404, Outcome.BUSY),
        (422, Outcome.REJECTED),
        (429, Outcome.BUSY),
        (500, Outcome.BUSY),
        (503, Outcome.BUSY),
    ],
)
def test_what_an_answer_means(hook, receiver, status, outcome):
    hook.answers.append((status, {}))

    answer = receiver.hand_over(request())

    assert (answer.outcome, answer.code) == (outcome, str(status))
    assert "H1" not in answer.detail


def test_a_wait_that_the_agency_asks_for_is_kept_to_and_bounded(hook, receiver):
    hook.answers += [(503, {"Retry-After": "30"}), (503, {"Retry-After": "999999"})]

    waits = [receiver.hand_over(request()).retry_after for _ in range(2)]

    assert waits == [timedelta(seconds=30), timedelta(hours=1)]


def test_an_agency_that_is_not_there_is_tried_again(hook, receiver):
    hook.server.shutdown()
    hook.server.server_close()

    assert receiver.hand_over(request()).outcome is Outcome.NOT_SENT


def test_a_secret_as_its_libraries_write_it_is_understood(hook):
    profile = HookProfile(url=hook.url, secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    with closing(HookReceiver(profile, name="land")) as receiver:
        receiver.hand_over(request())

    ((headers, body),) = hook.requests
    assert headers["webhook-signature"] == sign_hook(
        base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        headers["webhook-id"],
        headers["webhook-timestamp"],
        body,
    )


@pytest.mark.parametrize(
    ("answer", "is_whole"),
    [((200, {}, b"x" * 100_000), True), ((200, {"Content-Length": "9"}, b"brok"), False)],
)
def test_a_yes_stays_a_yes_whatever_is_said_behind_it(hook, receiver, answer, is_whole):
    hook.answers = [answer]

    taken = receiver.hand_over(request())

    assert (taken.outcome, taken.http_status) == (Outcome.DELIVERED, 200)
    assert (taken.cut.size, taken.cut.is_whole) == (len(answer[2]), is_whole)


def test_a_refusal_with_endless_reasons_parks_its_file(hook, receiver):
    hook.answers = [(422, {}, b"x" * 100_000)]

    assert receiver.hand_over(request()).outcome is Outcome.REJECTED
