"""The HTTP door against requests that no client library would send, in any mixture."""

import json
import os
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from lienthong.store.database import reading
from lienthong.store.tables import submission_pieces, submissions

LAND, HEALTH = "land-registration", "health-department"
EXAMPLES = 30 * int(os.environ.get("LIENTHONG_API_EXAMPLES", "4"))
THEIRS = "benh-vien-cho-ray"
"""Stands in all that the other agency handed over."""
TYPES = [b"text/csv", b"text/csv; charset=x-none", b"application/json", b"multipart/form-data", b""]
NAMES = [
    b'attachment; filename="a.csv"',
    b"attachment; filename*=UTF-8''%ff%00.csv",
    b"attachment; filename*=no-such''x; filename*0*=a''b; filename*1=c",
    b'attachment; filename="unclosed',
    b"attachment; filename=../../etc/passwd",
    b"\xff\xfe; filename=\xc3\xa1",
]
SIZES = [b"0", b"7", b"8", b"9", b"+8", b"-1", b"8, 8", b"8, 9", b"0x8", b"9" * 30, b"\xb2", b""]
CODINGS = [b"chunked", b"gzip, chunked", b"chunked, chunked", b"identity", b"x", b""]
CHUNKS = [
    b"8\r\na,b\n1,2\n\r\n0\r\n\r\n",
    b"8;x=y\r\na,b\n1,2\n\r\n0\r\nX-Trailer: 1\r\n\r\n",
    b"3\r\na,b\r\n5\r\n\n1,2\n\r\n0\r\n\r\n",
    b"8\r\na,b\n1,2\nxx0\r\n\r\n",
    b"zz\r\n",
    b"-1\r\n\r\n",
    b"ffffffffffffffffffff\r\n",
    b"8\na,b",
]
CSV = b"a,b\n1,2\n"
HEADERS = st.one_of(
    st.tuples(st.just(b"Idempotency-Key"), st.sampled_from([b"k1", b'"k1"', b"\xe1", b"", b"'"])),
    st.tuples(st.just(b"Idempotency-Key"), st.binary(max_size=300)),
    st.tuples(st.just(b"Content-Type"), st.sampled_from(TYPES)),
    st.tuples(st.just(b"Content-Disposition"), st.sampled_from(NAMES)),
    st.tuples(st.just(b"Content-Length"), st.sampled_from(SIZES)),
    st.tuples(st.just(b"Transfer-Encoding"), st.sampled_from(CODINGS)),
    st.tuples(st.just(b"Content-Encoding"), st.sampled_from([b"gzip", b"identity", b"", b"x"])),
    st.tuples(st.just(b"Range"), st.sampled_from([b"bytes=0-1", b"bytes=-1", b"x=9-1", b""])),
    st.tuples(st.just(b"Expect"), st.sampled_from([b"100-continue", b"x"])),
    st.tuples(st.just(b"Upgrade"), st.sampled_from([b"websocket", b"h2c"])),
    st.tuples(st.just(b"Connection"), st.sampled_from([b"close", b"upgrade", b"keep-alive"])),
    st.tuples(st.just(b"Host"), st.sampled_from([b"b", b"\xff", b""])),
    st.tuples(st.just(b"traceparent"), st.sampled_from([b"00-0-0-0", b"\xe1", b"00-" + b"f" * 50])),
    st.tuples(st.binary(min_size=1, max_size=9), st.binary(max_size=30)),
)
AGENCIES = [LAND, HEALTH, "no-such", "%00", "..", "%2e%2e", "%C3%A1", "%FF", ""]
ENDS = [
    "results",
    "submissions/{ours}",
    "submissions/{theirs}",
    "submissions/{theirs}/annotated",
    "submissions/{ours}/receipt",
    "submissions/{theirs}/receipt",
    "submissions/%00",
    "submissions/..%2F{theirs}",
    "",
]
METHODS = [b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"TRACE", b"post", b"G\xe1T"]
QUERIES = ["", "?limit=2", "?limit=%00", "?after=9&after=x", "?file_name=%FF", "?file_name=%0D%0A"]


@dataclass
class Door:
    """The door, what two agencies handed over, and a token of one of them."""

    here: object
    store: object
    token: str
    ids: dict

    def kept(self):
        with reading(self.store) as connection:
            counted = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (submissions, submission_pieces)
            ]
        return tuple(counted)

    def say(self, data, parts):
        """Send bytes in parts, and nothing more; return what comes back."""
        got = b""
        with socket.create_connection(self.here.address, timeout=20) as sock, suppress(OSError):
            step = max(1, -(-len(data) // parts))
            with suppress(OSError):
                for start in range(0, len(data), step):
                    sock.sendall(data[start : start + step])
                sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(65536):
                got += part
        return got


@pytest.fixture
def door(here):
    token, theirs = here.token(), here.token(HEALTH)
    ours = here.hand_over(CSV, token=token, Idempotency_Key="k1").json["submission"]
    other = here.hand_over(
        THEIRS.encode(),
        token=theirs,
        agency=HEALTH,
        query=f"?file_name={THEIRS}.csv",
        Idempotency_Key=THEIRS,
    ).json["submission"]
    installation = here.installation
    yield Door(here, installation.store, token, {"ours": ours, "theirs": other})
    installation.store.dispose()


def mostly(usual, others):
    """Return what is as it should be three times of four."""
    return st.sampled_from([0, 1, 2, 3]).flatmap(lambda n: others if n == 3 else st.just(usual))


@st.composite
def requests(draw):
    """Return (method, path, whether the token is there, further headers, body, parts)."""
    headers = draw(st.lists(HEADERS, max_size=3))
    if draw(st.booleans()):
        method, end = b"GET", st.sampled_from(ENDS)
        body = draw(mostly(b"", st.sampled_from(CHUNKS)))
    else:
        method, end = b"POST", mostly("records", st.sampled_from(ENDS))
        body = draw(st.sampled_from([CSV, *CHUNKS]) | st.binary(max_size=200))
        size = (b"Content-Length", str(len(body)).encode())
        how = (b"Transfer-Encoding", b"chunked") if body in CHUNKS else size
        headers = draw(mostly([how], st.just([]))) + headers
    method = draw(mostly(method, st.sampled_from(METHODS)))
    agency = draw(mostly(LAND, st.sampled_from(AGENCIES)))
    path = f"/v1/agencies/{agency}/{draw(end)}" + draw(mostly("", st.sampled_from(QUERIES)))
    return method, path, draw(mostly(True, st.just(False))), headers, body, draw(st.integers(1, 4))


def first_answer(received):
    """Return status, head and body of the first answer that is one."""
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status >= 200:
            # What follows may be the answer to what was taken for another request.
            size = re.search(rb"\r\ncontent-length: ([0-9]+)", head.lower())
            return status, head.lower(), received[: int(size[1]) if size else None]
    return None


def test_whatever_is_sent_is_answered_in_words_or_not_at_all_and_leaves_nothing_half_done(door):
    @settings(
        max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(requests())
    def send(request):
        method, path, is_known, headers, body, parts = request
        path = path.format(**door.ids)
        lines = [method + b" " + path.encode() + b" HTTP/1.1", b"Host: a"]
        if is_known:
            lines.append(b"Authorization: Bearer " + door.token.encode())
        lines += [name + b": " + value for name, value in headers]
        before = door.kept()

        received = door.say(b"\r\n".join([*lines, b"", b""]) + body, parts)

        answer = first_answer(received)
        status = None if answer is None else answer[0]
        assert door.kept()[0] == before[0] + (status == 201)
        if answer is None:
            return
        _, head, said = answer
        assert status < 500, received
        told = received.replace(path.encode(), b"")
        assert THEIRS.encode() not in told
        assert door.ids["theirs"].encode() not in told
        if status >= 400 and method != b"HEAD":
            assert b"content-type: application/problem+json" in head
            problem = json.loads(said)
            assert problem["status"] == status
            assert problem["code"]
            for words in (problem["message"], problem["suggestion"]):
                assert words["vi"]
                assert words["en"]

    send()

    assert door.here.ask("/health/live").status == 200
    deadline = time.monotonic() + 10
    while len(set(door.kept())) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    handed, pieces = door.kept()
    assert handed == pieces
    log = door.here.logged()
    assert not [one for one in ("Traceback", "http.failed", "http.store") if one in log]
