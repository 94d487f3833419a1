from __future__ import annotations

import socket
import time
from datetime import timedelta
from threading import Thread

import pytest

from lienthong.testing.proxy import Proxy


@pytest.fixture
def echo():
    """Give the port of a server that says everything back, and ends when the client has."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection):
        with connection:
            try:
                while data := connection.recv(4096):
                    connection.sendall(data)
            except OSError:
                return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            Thread(target=serve, args=(connection,), daemon=True).start()

    Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def proxy(echo):
    with Proxy(echo) as made:
        yield made


@pytest.fixture
def connect(proxy):
    opened = []

    def once():
        connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
        opened.append(connection)
        return connection

    yield once
    for connection in opened:
        connection.close()


def ask(connection, words):
    connection.sendall(words)
    got = b""
    while len(got) < len(words):
        piece = connection.recv(65536)
        if not piece:
            break
        got += piece
    return got


def test_everything_passes_both_ways(connect):
    words = b"x" * 3_000_000
    connection = connect()
    sender = Thread(target=connection.sendall, args=(words,))
    sender.start()
    got = 0
    while got < len(words):
        got += len(connection.recv(65536))
    sender.join()
    assert got == len(words)


def test_a_client_that_has_said_everything_still_hears_the_answer(connect):
    connection = connect()
    connection.sendall(b"last words")
    connection.shutdown(socket.SHUT_WR)
    assert connection.recv(100) == b"last words"
    assert connection.recv(100) == b""


def test_cut_breaks_what_is_open_and_nothing_else(proxy, connect):
    connection = connect()
    assert ask(connection, b"a") == b"a"
    assert proxy.cut() == 1
    assert connection.recv(1) == b""
    assert ask(connect(), b"b") == b"b"


def test_refusing_leaves_open_connections_alone(proxy, connect):
    before = connect()
    assert ask(before, b"a") == b"a"
    proxy.refuses = True
    assert connect().recv(1) == b""
    assert ask(before, b"b") == b"b"
    proxy.restore()
    assert ask(connect(), b"c") == b"c"


def test_latency_delays_each_way(proxy, connect):
    connection = connect()
    proxy.latency = timedelta(milliseconds=150)
    begun = time.monotonic()
    assert ask(connection, b"a") == b"a"
    assert 0.3 <= time.monotonic() - begun < 1


def test_what_was_swallowed_arrives_when_the_way_is_restored(proxy, connect):
    before = connect()
    assert ask(before, b"a") == b"a"
    proxy.swallow()
    later = connect()
    for connection in (before, later):
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ask(connection, b"bc")
    proxy.restore()
    for connection in (before, later):
        connection.settimeout(5)
        assert connection.recv(2) == b"bc"


def test_nobody_behind_it_is_an_end_and_no_silence(echo):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Proxy(port) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as near:
        assert near.recv(1) == b""
