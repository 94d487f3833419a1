"""Tokens from the command line to the door, and the door behind a certificate of its own."""

import http.client
import json
import ssl
import sys
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lienthong.testing import forked

LAND = "land-registration"
RECORDS = f"/v1/agencies/{LAND}/records"


@pytest.fixture
def lienthong(here):
    def run(*words, code=0):
        done = forked.run(
            [
                *(sys.executable, "-m", "lienthong", "--lang", "en"),
                *("--data-dir", here.folder / "data", *words),
            ],
            capture_output=True,
            text=True,
            cwd=here.folder,
        )
        assert done.returncode == code, done.stderr
        return done.stdout

    return run


def test_a_token_is_printed_once_and_opens_the_door_until_it_is_revoked(here, lienthong):
    token = lienthong("doors", "token", "make", LAND, "--days", "2").strip()
    assert here.hand_over(b"a", token=token).status == 201
    listed = lienthong("doors", "token", "list", "--json")
    (known,) = json.loads(listed)
    assert (known["agency"], known["revoked_at"]) == (LAND, None)
    assert token not in listed
    assert "valid" in lienthong("doors", "token", "list")

    lienthong("doors", "token", "revoke", known["id"])

    assert here.hand_over(b"a", token=token).status == 401
    assert "revoked" in lienthong("doors", "token", "list", "--agency", LAND)


def test_what_is_not_there_is_said(lienthong):
    lienthong("doors", "token", "make", "no-such-agency", code=2)
    lienthong("doors", "token", "revoke", "0123456789abcdef", code=1)


@pytest.fixture
def certificate(tmp_path):
    """Give the files of a certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "door.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "door.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return tmp_path / "door.pem", tmp_path / "door.key"


def test_it_speaks_tls_with_its_certificate(make_here, certificate):
    pem, key = certificate
    here = make_here(
        f'[http]\nport = 0\nhost = "0.0.0.0"\ntls_certificate = "{pem}"\ntls_key = "{key}"\n'
    )
    here.run("http")
    context = ssl.create_default_context(cafile=str(pem))
    connection = http.client.HTTPSConnection(
        "localhost", here.address[1], context=context, timeout=30
    )
    connection.request(
        "POST",
        RECORDS,
        body=bytes(3_000_000),
        headers={"Authorization": f"Bearer {here.token()}"},
    )

    assert connection.getresponse().status == 201
    connection.close()


def test_a_certificate_that_cannot_be_used_is_said(make_here, certificate):
    pem, _ = certificate
    here = make_here(f'[http]\nport = 0\ntls_certificate = "{pem}"\n')

    process = here.run_and_wait("http")

    assert process.returncode == 3
    assert "http.certificate" in here.logged() or "http.tls_certificate" in here.logged()
