"""Debian's xmlsec1 verifies the WS-Security signature of a message, chain and validity included."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing import load_pem, make_development_pki
from signing.wss import SecurityWriter
from signing.wss.names import SOAP_11, WSSE, WSU

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
pytestmark = pytest.mark.skipif(shutil.which("xmlsec1") is None, reason="xmlsec1 is absent")


@pytest.fixture(scope="module", params=["rsa", "ec"])
def pki(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    agencies = {"a": ("H29.1", "Sở Mẫu")}
    return make_development_pki(folder, agencies=agencies, now=NOW, kind=request.param)


@pytest.mark.parametrize(
    ("old", "new"),
    [(None, None), ("<So>5", "<So>6"), ("08:05:00", "09:05:00"), ("MII", "MIJ")],
    ids=["as it was written", "body", "time", "certificate"],
)
def test_xmlsec1_agrees(pki, tmp_path, old, new):
    files = pki.agencies["a"]
    key = load_pem(files.key, files.certificate, passphrase=None)
    writer = SecurityWriter(soap=SOAP_11, key=key)
    envelope = writer.write(b'<a xmlns="urn:x"><So>5</So></a>', at=NOW).envelope.decode()
    file, public = tmp_path / "message.xml", tmp_path / "key.pem"
    file.write_text(envelope if old is None else envelope.replace(old, new, 1))
    public.write_bytes(key.certificate.public_bytes(Encoding.PEM))
    named = [
        item
        for name in (f"{SOAP_11}:Body", f"{WSU}:Timestamp", f"{WSSE}:BinarySecurityToken")
        for item in ("--id-attr:Id", name)
    ]

    done = subprocess.run(
        ["xmlsec1", "--verify", "--pubkey-cert-pem", str(public), *named, str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode == 0) is (old is None), done.stderr
    assert ("References (ok/all): 3/3" in done.stderr) is (old is None), done.stderr
