from __future__ import annotations

import socket

import pytest


class NetworkForbidden(AssertionError):
    """A unit test wanted the network."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Refuse every connection but those between processes of this machine by a file name."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def refuse(sock, address):
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            raise NetworkForbidden(f"a unit test may not connect to {address!r}")

    def guarded_connect(sock, address):
        refuse(sock, address)
        return connect(sock, address)

    def guarded_connect_ex(sock, address):
        refuse(sock, address)
        return connect_ex(sock, address)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
