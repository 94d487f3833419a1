"""Two verifiers that share no code with ours, xmlsec and the JDK, judge our signatures."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lienthong.testing.authority import Authority
from signing import (
    Demand,
    Evidence,
    Kept,
    Kind,
    Revocation,
    RsaPadding,
    VerificationPolicy,
    XadesSigner,
    load_certificates,
    load_development_authority,
    load_pem,
    make_development_pki,
)
from signing.augmenting import add_timestamp, add_values, stamped_bytes, stamped_claims
from signing.collecting import collect_values
from signing.timestamps import TimestampPolicy, judge_answer, make_request

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HERE = Path(__file__).parent
SOAP = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns="urn:o"><s:Body>{}'
DOCUMENT = (
    '<BanTin xmlns="urn:lienthong:dvcqg:2020" Id="bt-7f0c"><MaBanTin>7f0c</MaBanTin><HoSo>'
    "<MaHoSo>H29.5-261124-0001</MaHoSo><TenHoSo>Nguyễn Thị Ứng &amp; con\nsố &lt;1&gt; &#xD;"
    "</TenHoSo></HoSo></BanTin>"
)

needs_xmlsec = pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is absent")
needs_java = pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK (javac) is here")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pki") / "keys"
    agencies = {"so-tu-phap": ("H29.5", "Sở Tư pháp")}
    return make_development_pki(folder, agencies=agencies, now=NOW)


@pytest.fixture(scope="module", params=["rsa", "rsa-pss", "p-256"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def signer_files(kind, keys):
    return keys.portal if kind == "p-256" else keys.agencies["so-tu-phap"]


def time_stamped(signed, keys):
    key = load_pem(keys.timestamps.key, keys.timestamps.certificate, passphrase=None)
    data = stamped_bytes(signed)
    request = make_request(data)
    answer = Authority(key=key, clock=lambda: NOW).answer(request.body)
    roots = tuple(load_certificates(keys.root.certificate.read_bytes()))
    policy = TimestampPolicy(trust_anchors=roots)
    return add_timestamp(signed, judge_answer(answer, request, policy=policy, now=NOW).token)


def long_term(stamped, keys):
    """Enclose what its root says of all that it has issued."""
    authority = load_development_authority(keys.root.certificate.parent)
    said = Evidence(kind=Kind.CRL, data=authority.make_list(now=NOW), origin="root.crl")
    roots = tuple(load_certificates(keys.root.certificate.read_bytes()))
    policy = VerificationPolicy(
        trust_anchors=roots,
        timestamps=TimestampPolicy(trust_anchors=roots),
        revocation=Revocation(demand=Demand.REQUIRED, source=Kept(evidence=(said,))),
    )
    values = collect_values(stamped_claims(stamped), policy=policy, now=NOW)
    return add_values(stamped, values)


@pytest.fixture(scope="module")
def documents(kind, keys, signer_files, tmp_path_factory) -> dict[str, Path]:
    """Our signature as sent, with a time-stamp, in a SOAP message, with one changed letter each."""
    key = load_pem(signer_files.key, signer_files.certificate, passphrase=None)
    padding = RsaPadding.PSS if kind == "rsa-pss" else RsaPadding.PKCS1
    signed = XadesSigner(key, rsa_padding=padding).sign(DOCUMENT.encode(), signed_at=NOW).decode()
    texts = {
        "alone": signed,
        "time-stamped": time_stamped(signed.encode(), keys).decode(),
        "long-term": long_term(time_stamped(signed.encode(), keys), keys).decode(),
        "in a message": SOAP.format(signed) + "\n</s:Body></s:Envelope>",
        "document changed": signed.replace("0001", "0002"),
        "properties changed": signed.replace("08:00:00Z", "08:00:01Z"),
        "signed info changed": signed.replace('URI="#bt-7f0c"', 'URI="#bt-7f0c" Type="urn:x"'),
    }
    folder = tmp_path_factory.mktemp("documents")
    files = {}
    for number, (name, text) in enumerate(texts.items()):
        files[name] = folder / f"{number}.xml"
        files[name].write_text(text, encoding="utf-8", newline="")
    return files


# Debian's xmlsec 1.2 knows no PSS; the library of 1.3 judges that in test_interoperability.py.
@needs_xmlsec
@pytest.mark.parametrize("kind", ["rsa", "p-256"], indirect=True, scope="module")
@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("alone", True),
        ("time-stamped", True),
        ("long-term", True),
        ("in a message", True),
        ("document changed", False),
        ("properties changed", False),
        ("signed info changed", False),
    ],
)
def test_xmlsec_agrees(keys, documents, name, accepted):
    command = [
        "xmlsec1",
        "--verify",
        "--enabled-key-data",
        "x509",
        "--verification-gmt-time",
        "2026-11-24 08:00:00",
        "--trusted-pem",
        str(keys.root.certificate),
        "--id-attr:Id",
        "urn:lienthong:dvcqg:2020:BanTin",
        "--id-attr:Id",
        "http://uri.etsi.org/01903/v1.3.2#:SignedProperties",
        str(documents[name]),
    ]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode == 0) is accepted, done.stderr
    assert ("References (ok/all): 2/2" in done.stderr) is (
        name not in {"document changed", "properties changed"}
    )


@needs_java
def test_the_jdk_agrees(signer_files, documents, tmp_path):
    compiled = ["javac", "-d", str(tmp_path), str(HERE / "Verify.java")]
    subprocess.run(compiled, check=True, capture_output=True, timeout=120)
    command = ["java", "-cp", str(tmp_path), "Verify", str(signer_files.certificate)]

    done = subprocess.run(
        [*command, *map(str, documents.values())],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert dict(zip(documents, done.stdout.splitlines(), strict=True)) == {
        "alone": "valid valid valid",
        "time-stamped": "valid valid valid",
        "long-term": "valid valid valid",
        "in a message": "valid valid valid",
        "document changed": "invalid invalid valid",
        "properties changed": "invalid valid invalid",
        "signed info changed": "invalid valid valid",
    }
