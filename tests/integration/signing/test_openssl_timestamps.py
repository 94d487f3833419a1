"""OpenSSL, whose time-stamps share no code with those made here: each judges the other's."""

import shutil
import subprocess
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lienthong.testing.authority import Authority, served
from signing import XadesSigner, load_certificates, load_pem, make_development_pki
from signing.augmenting import add_timestamp, stamped_bytes
from signing.timestamp_shapes import Granted
from signing.timestamps import TimestampPolicy, TimestampRefused, judge_answer, make_request

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DATA = "một niêm phong".encode()
CONFIG = """
[tsa]
serial = {folder}/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500, microsecs:100
ess_cert_id_alg = {ess}
"""

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is absent")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return make_development_pki(tmp_path_factory.mktemp("pki"), agencies={}, now=NOW)


def openssl(*words):
    command = ["openssl", "ts", *map(str, words)]
    return subprocess.run(command, capture_output=True, timeout=30, check=False)


@pytest.mark.parametrize("method", ["sha256", "sha384", "sha512"])
def test_openssl_accepts_what_our_authority_issues(pki, method, tmp_path):
    key = load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None)
    roots = tuple(load_certificates(pki.root.certificate.read_bytes()))
    request = make_request(DATA, method=method)
    with served(Authority(key=key, clock=lambda: NOW)) as url:
        answer = urllib3.request(
            "POST",
            url,
            body=request.body,
            headers={"Content-Type": "application/timestamp-query"},
            retries=False,
            timeout=10,
        )
    policy = TimestampPolicy(trust_anchors=roots)
    token = judge_answer(answer.data, request, policy=policy, now=NOW).token

    def is_verified(token):
        (tmp_path / "token").write_bytes(token)
        (tmp_path / "request").write_bytes(request.body)
        done = openssl(
            "-verify", "-token_in", "-in", tmp_path / "token",
            "-queryfile", tmp_path / "request", "-CAfile", pki.root.certificate,
            "-attime", int(NOW.timestamp()),
        )  # fmt: skip
        return done.returncode == 0

    assert is_verified(token)
    assert not is_verified(token[:-1] + bytes([token[-1] ^ 1]))


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """An authority with an RSA key, run by openssl: its key and its certificate, in files."""
    folder = tmp_path_factory.mktemp("tsa")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "RSA TSA")])
    today = datetime.now(UTC)

    def certificate(*, is_root):
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "crl_sign", "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "RSA root")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(root if is_root else name)
            .issuer_name(root)
            .public_key(key.public_key())
            .serial_number(1 if is_root else 2)
            .not_valid_before(today - timedelta(days=1))
            .not_valid_after(today + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not is_root, key_cert_sign=is_root, **usage),
                critical=True,
            )
        )
        if not is_root:
            only = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(only, critical=True)
        return builder.sign(key, hashes.SHA256())

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    signer = certificate(is_root=False).public_bytes(Encoding.PEM)
    (folder / "certificate.pem").write_bytes(signer)
    return folder, certificate(is_root=True)


@pytest.mark.parametrize("ess", ["sha1", "sha256", "sha512"])
def test_what_openssl_issues_with_an_rsa_key_is_accepted(other, ess, tmp_path):
    folder, root = other
    (tmp_path / "config").write_text(CONFIG.format(folder=tmp_path, ess=ess))
    request = make_request(DATA, method="sha384")
    (tmp_path / "request").write_bytes(request.body)
    done = openssl(
        "-reply", "-config", tmp_path / "config", "-section", "tsa",
        "-queryfile", tmp_path / "request", "-out", tmp_path / "answer",
        "-signer", folder / "certificate.pem", "-inkey", folder / "key.pem",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = (tmp_path / "answer").read_bytes()
    now = datetime.now(UTC)

    stamp = judge_answer(answer, request, policy=TimestampPolicy(trust_anchors=(root,)), now=now)

    assert now - timedelta(minutes=1) < stamp.at <= now
    assert stamp.accuracy == timedelta(seconds=1, milliseconds=500, microseconds=100)
    assert (stamp.authority.common_name, stamp.policy) == ("RSA TSA", "1.2.3.4.1")
    with pytest.raises(TimestampRefused, match="other data"):
        judge_answer(
            answer,
            make_request(DATA + b".", method="sha384"),
            policy=TimestampPolicy(trust_anchors=(root,)),
            now=now,
        )


def test_openssl_accepts_the_time_stamp_of_a_document_over_its_signature_value(pki, tmp_path):
    """XAdES-T by hand: the token out of the document, over the value in its canonical form."""
    signer = XadesSigner(load_pem(pki.operator.key, pki.operator.certificate, passphrase=None))
    signed = signer.sign(b'<BanTin xmlns="urn:x" Id="a">x</BanTin>', signed_at=NOW)
    key = load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None)
    request = make_request(stamped_bytes(signed))
    answer = asn1.decode_der(Granted, Authority(key=key, clock=lambda: NOW).answer(request.body))
    document = add_timestamp(signed, asn1.encode_der(answer.token)).decode()
    value = document.partition("<ds:SignatureValue>")[2].partition("<")[0]
    token = document.partition("<xades:EncapsulatedTimeStamp>")[2].partition("<")[0]
    (tmp_path / "token").write_bytes(b64decode(token))
    (tmp_path / "data").write_text(
        '<ds:SignatureValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'
        f"{value}</ds:SignatureValue>"
    )

    done = openssl(
        "-verify", "-token_in", "-in", tmp_path / "token", "-data", tmp_path / "data",
        "-CAfile", pki.root.certificate, "-attime", int(NOW.timestamp()),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
