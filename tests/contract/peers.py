"""Peers of a channel that do exactly what a test says, down to the byte and the socket."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from types import SimpleNamespace

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


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
    lengths = (
        int(line.partition(b":")[2])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    length = next(lengths, 0)
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
