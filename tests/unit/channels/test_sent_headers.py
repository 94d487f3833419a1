"""What is kept of headers has everything that went out, and none of its secrets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lienthong.channels.sent_headers import keep_headers
from schemas.building import SOAP_11, build_envelope
from signing import Passphrase
from signing.wss import Login, PasswordForm, SecurityWriter

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize("form", PasswordForm)
def test_neither_a_password_nor_its_digest_is_kept(form):
    login = Login(username="tich-hop", password=Passphrase("bí mật & <dài>"), form=form)
    writer = SecurityWriter(soap=SOAP_11, key=None, login=login)
    message = writer.write(b"<a/>", at=NOW)

    kept = keep_headers({"Accept": "x"}, envelope=message.envelope).decode()

    assert kept.startswith("Accept: x\n\n<wsse:Security ")
    assert kept.endswith("</wsse:Security>")
    assert ">***</wsse:Password>" in kept
    assert "bí mật" not in kept
    before, _, _ = message.envelope.decode().partition("</wsse:Password>")
    assert before.rpartition(">")[2] not in kept
    assert "<wsse:Username>tich-hop<" in kept


@pytest.mark.parametrize(
    "name", ["Authorization", "AUTHORIZATION", "Cookie", "Proxy-Authorization", "LgspAccessToken"]
)
def test_the_secret_headers_of_http_are_masked_in_every_case(name):
    kept = keep_headers({name: "Bearer abc", "A": "b"}, secret=["lgspaccesstoken"])

    assert kept.decode() == f"{name}: ***\nA: b"


def test_nothing_of_the_body_is_kept():
    body = b"<a><soap:Header>x</soap:Header><soap:Body>y</soap:Body></a>"

    assert keep_headers({"A": "b"}, envelope=build_envelope(body, soap=SOAP_11)) == b"A: b"
    with_one = build_envelope(body, soap=SOAP_11, headers=[b"<h>1</h>"])
    assert keep_headers({"A": "b"}, envelope=with_one) == b"A: b\n\n<h>1</h>"
