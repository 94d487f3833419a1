"""
The least that answers HTTP: reads a request, sends the same answer, in a process of its own.

Run as a module; prints its port. One connection at a time, kept alive; ends with its caller.
"""

from __future__ import annotations

import re
import socket
import sys

ANSWER_BYTES = 3_000
"""About what a portal's answer with a receipt has."""
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % ANSWER_BYTES
    + b"x" * ANSWER_BYTES
)


def serve() -> None:
    """Answer whoever connects until the process is ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _answer_all(connection)


def _answer_all(connection: socket.socket) -> None:
    held = b""
    while part := connection.recv(65_536):
        held += part
        head, end, body = held.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and len(body) >= (int(length[1]) if length else 0):
            connection.sendall(_ANSWER)
            held = b""


if __name__ == "__main__":
    serve()
