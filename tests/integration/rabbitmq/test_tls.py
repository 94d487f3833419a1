"""Encrypted connections, with a certificate of ours instead of a password."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker.port import BrokerError
from broker.rabbitmq import Tls, check, declare
from lienthong.testing.machine import free_ports
from lienthong.testing.rabbitmq import PrivateRabbit

DAY = datetime.timedelta(days=1)


class Authority:
    """A root that signs certificates of tests."""

    def __init__(self, folder, name):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path = self._write(name, self._certificate(self.name, self.key, is_root=True))

    def issue(self, name):
        """Return the files of one certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._write(name, self._certificate(subject, key, is_root=False))
        path = self.folder / f"{name}.key"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, path

    def _certificate(self, subject, key, *, is_root):
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
        )
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, name, certificate):
        path = self.folder / f"{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path


@pytest.fixture(scope="module")
def secured(rabbitmq, tmp_path_factory):
    """Give a server that speaks TLS and knows its users by their certificates."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder, "root")
    certificate, key = authority.issue("server")
    (port,) = free_ports(1)
    server = PrivateRabbit(
        folder=folder / "server",
        extra=(
            f"listeners.ssl.default = 127.0.0.1:{port}",
            f"ssl_options.cacertfile = {authority.path}",
            f"ssl_options.certfile = {certificate}",
            f"ssl_options.keyfile = {key}",
            "ssl_options.verify = verify_peer",
            "ssl_options.fail_if_no_peer_cert = true",
            "ssl_cert_login_from = common_name",
            "auth_mechanisms.1 = EXTERNAL",
            "auth_mechanisms.2 = PLAIN",
        ),
    )
    try:
        server.start()
        server.ctl("add_user", "lienthong", "never-used")
        server.ctl("set_permissions", "lienthong", ".*", ".*", ".*")
        yield authority, f"amqps://127.0.0.1:{port}/%2F"
    finally:
        server.stop()


@pytest.fixture
def by_certificate(secured, settings):
    authority, url = secured
    certificate, key = authority.issue("lienthong")
    tls = Tls(ca_file=authority.path, certificate=certificate, key=key)
    return replace(settings, urls=(url,), user=None, tls=tls)


def test_a_client_certificate_opens_the_door_without_a_password(by_certificate):
    declare(by_certificate)

    assert check(by_certificate) == []


def test_a_server_of_another_authority_is_not_trusted(by_certificate, tmp_path):
    stranger = Authority(tmp_path, "stranger")
    tls = replace(by_certificate.tls, ca_file=stranger.path)

    with pytest.raises(BrokerError, match=r"TLS connection to RabbitMQ failed"):
        declare(replace(by_certificate, tls=tls))


def test_without_a_certificate_the_server_lets_nobody_in(by_certificate):
    tls = replace(by_certificate.tls, certificate=None, key=None)

    with pytest.raises(BrokerError):
        declare(replace(by_certificate, tls=tls))


def test_a_missing_file_is_told_before_anything_is_sent(by_certificate, tmp_path):
    tls = replace(by_certificate.tls, certificate=tmp_path / "nobody.pem")

    with pytest.raises(BrokerError, match=r"nobody\.pem"):
        declare(replace(by_certificate, tls=tls))
