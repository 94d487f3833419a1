"""Fetching over real connections: who is called, what is told, and what never happens."""

import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from lienthong.attachments.profile import FileServer
from lienthong.attachments.sources import FileSources
from lienthong.attachments.words import FileAway, FileWrong
from lienthong.testing.attached import PDF
from lienthong.testing.file_server import serving_files
from mappings.attachments import DeclaredFile
from schemas.problem import Place


@pytest.fixture
def site():
    with serving_files() as site:
        site.files["/f/a.pdf"] = PDF
        yield site


def server_of(site, **changes):
    values = {
        "url": f"{site.url}/f/",
        "agencies": ("land",),
        "allow_http": True,
        "allow_private": True,
        "connect_timeout_seconds": 2,
        "read_timeout_seconds": 1,
    }
    return FileServer.model_validate(values | changes)


def fetch(site, *servers, url=None, limit=1_000_000, size=None):
    named = {f"s{number}": one for number, one in enumerate(servers)}
    source = url or f"{site.url}/f/a.pdf"
    declared = DeclaredFile(
        number=1, place=Place(), name="a.pdf", way="url", source=source, size=size
    )
    with FileSources(named).open(declared, agency="land", limit=limit) as parts:
        return b"".join(parts)


def test_a_file_is_fetched_with_the_secrets_of_its_server_and_no_others(site):
    token = server_of(site, token=SecretStr("t0ken"))
    basic = server_of(site, user="u", password=SecretStr("p"))
    key = server_of(site, token=SecretStr("k"), token_header="X-Api-Key", token_prefix="")
    other = server_of(site, url=f"{site.url}/f/other/", token=SecretStr("others"))

    for server in (token, basic, key):
        assert fetch(site, other, server) == PDF

    seen = [(one.get("authorization"), one.get("x-api-key")) for one in site.requests]
    assert seen == [("Bearer t0ken", None), ("Basic dTpw", None), (None, "k")]
    assert {one["accept-encoding"] for one in site.requests} == {"identity"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(site, status):
    site.statuses["/f/a.pdf"] = status
    site.headers["/f/a.pdf"] = {"Location": f"{site.url}/secret"}

    with pytest.raises(FileAway) as caught:
        fetch(site, server_of(site))

    assert caught.value.problem.code == "attachment.redirected"
    assert site.asked == ["/f/a.pdf"]


def test_no_proxy_of_the_environment_is_used(site, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert fetch(site, server_of(site)) == PDF


def test_a_private_address_is_called_only_where_that_is_allowed(site):
    with pytest.raises(FileAway) as caught:
        fetch(site, server_of(site, allow_private=False))

    assert caught.value.problem.code == "attachment.private_address"
    assert site.asked == []


def test_a_name_is_looked_up_once_and_that_address_is_called(site, monkeypatch):
    asked = []
    real = socket.getaddrinfo

    def answer(host, port, *args, **named):
        if host != "hs.example.vn":
            return real(host, port, *args, **named)
        asked.append(host)
        # The second answer would lead elsewhere.
        address = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    root = f"http://hs.example.vn:{site.port}/f/"

    assert fetch(site, server_of(site, url=root), url=f"{root}a.pdf") == PDF
    assert asked == ["hs.example.vn"]
    assert site.requests[0]["host"] == f"hs.example.vn:{site.port}"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "attachment.missing"),
        (410, "attachment.missing"),
        (401, "attachment.refused"),
        (403, "attachment.refused"),
        (500, "attachment.unreachable"),
        (429, "attachment.unreachable"),
        (206, "attachment.unreachable"),
    ],
)
def test_each_status_means_what_it_should(site, status, code):
    site.statuses["/f/a.pdf"] = status

    with pytest.raises((FileWrong, FileAway)) as caught:
        fetch(site, server_of(site))

    assert caught.value.problem.code == code


def test_what_was_packed_without_being_asked_is_not_taken(site):
    site.headers["/f/a.pdf"] = {"Content-Encoding": "gzip"}

    with pytest.raises(FileAway) as caught:
        fetch(site, server_of(site))

    assert caught.value.problem.code == "attachment.encoded"


def test_a_file_that_says_it_is_too_large_is_not_begun(site):
    with pytest.raises(FileWrong) as caught:
        fetch(site, server_of(site), limit=10)

    assert caught.value.problem.code == "attachment.too_large"


@pytest.mark.parametrize("setting", [{"read_timeout_seconds": 0.3}, {"call_timeout_seconds": 0.6}])
def test_a_server_that_stalls_or_drips_is_left(site, setting):
    def drip():
        yield PDF[:10]
        for byte in PDF[10:60]:
            time.sleep(0.1 if "call_timeout_seconds" in setting else 2)
            yield bytes([byte])

    site.streams["/f/a.pdf"] = drip
    begun = time.monotonic()

    with pytest.raises(FileAway) as caught:
        fetch(site, server_of(site, **setting))

    assert caught.value.problem.code == "attachment.unreachable"
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("odd", ["\u00b2", "9" * 5000, "-1", "1e3", ""])
def test_odd_numbers_of_a_server_are_none(site, odd):
    site.headers["/f/a.pdf"] = {"Retry-After": odd}
    site.statuses["/f/a.pdf"] = 503

    with pytest.raises(FileAway) as told:
        fetch(site, server_of(site))

    assert (told.value.problem.code, told.value.wait) == ("attachment.unreachable", None)


@pytest.mark.parametrize("odd", ["\u00b2", "9" * 5000])
def test_a_length_that_is_no_number_ends_nobody_s_fetching(site, odd, monkeypatch):
    monkeypatch.setattr(
        BaseHTTPRequestHandler,
        "send_header",
        lambda self, name, value, send=BaseHTTPRequestHandler.send_header: send(
            self, name, odd if name == "Content-Length" else value
        ),
    )

    assert fetch(site, server_of(site), size=len(PDF)) == PDF
    with pytest.raises(FileAway) as told:
        fetch(site, server_of(site))
    assert told.value.problem.code == "attachment.unproven"


def test_nobody_there_is_no_fault_of_the_file(site):
    with pytest.raises(FileAway) as caught:
        fetch(site, server_of(site, url="http://127.0.0.1:1/f/"), url="http://127.0.0.1:1/f/a")

    assert caught.value.problem.code == "attachment.unreachable"


@pytest.fixture
def pem(tmp_path):
    """Give the file of a certificate for hs.example.vn, with its key, that is its own root."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "files")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hs.example.vn")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "tls.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


def test_the_name_of_the_server_is_verified_and_not_the_address(pem, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *args, **named: real(
            "127.0.0.1" if host.endswith(".example.vn") else host, port, *args, **named
        ),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with serving_files(context) as site:
        site.files["/f/a.pdf"] = PDF
        codes = []
        for host, ca in (("hs", pem), ("hs", None), ("other", pem)):
            root = f"https://{host}.example.vn:{site.port}/f/"
            try:
                server = server_of(site, url=root, ca_file=ca)
                codes.append(fetch(site, server, url=f"{root}a.pdf") == PDF)
            except FileAway as error:
                codes.append(error.problem.code)

    assert codes == [True, "attachment.tls", "attachment.tls"]
