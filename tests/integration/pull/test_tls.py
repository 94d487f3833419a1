"""Services behind TLS: only those that somebody vouches for, and who we are by a certificate."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@pytest.fixture
def pem(tmp_path):
    """Give the file of a certificate for 127.0.0.1, with its key, that is its own root."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(names, critical=False)
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


def test_a_service_is_read_over_tls_with_a_client_certificate_and_not_without(
    make_web, make_reader, pem, tmp_path
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pem)
    web = make_web(context)
    web.answer = lambda _: (200, [{"ma": "H29-1"}])
    plain = {"kind": "rest", "url": f"{web.url}/hoso", "key": ["ma"]}
    known = {**plain, "ca_file": pem}

    assert make_reader(**plain).read().trouble.code == "pull.tls"
    # A server may close before its alert is read.
    assert make_reader(**known).read().trouble.code in ("pull.tls", "pull.unreachable")
    assert make_reader(**known, client_certificate=pem).read().rows == 1
    missing = {**plain, "ca_file": tmp_path / "none.pem"}
    assert make_reader(**missing).read().trouble.code == "pull.tls"
