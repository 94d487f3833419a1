"""A name and a password: right, wrong, repeated, and never shown."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import etree
from zeep.wsse.username import UsernameToken

from signing import Passphrase
from signing.wss import Login, PasswordForm, SecurityRefused
from signing.wss.login import password_digest
from signing.wss.names import SOAP_11, WSSE
from tests.unit.signing.conftest import b64

SECRET = "mật khẩu & <thử> 1"
PASSWORDS = {"tich-hop": Passphrase(SECRET)}
UNSIGNED = {"certificates": None, "passwords": PASSWORDS}


def login(form=PasswordForm.DIGEST, *, username="tich-hop", password=SECRET):
    return Login(username=username, password=Passphrase(password), form=form)


def test_the_digest_is_that_of_the_profile():
    # Base64(SHA-1(nonce + created + password)), computed with openssl.
    digest = password_digest(
        nonce=bytes(range(16)), created="2026-11-24T08:00:00Z", password=Passphrase("bí mật")
    )

    assert digest.hex() == "f3f99342d4946e1b17da3625d81e2ae6e7b80f32"


def test_a_login_stands_beside_a_signature_that_covers_it(sender, receiver):
    taken = receiver.take(sender.write(login=login()), passwords=PASSWORDS)

    assert taken.username == "tich-hop"
    assert taken.signer.common_name == "Sở Tư pháp"


def test_a_login_stands_alone_where_nothing_is_signed(sender, receiver):
    envelope = sender.write(login=login(), key=None)

    taken = receiver.take(envelope, **UNSIGNED)

    assert taken.username == "tich-hop"
    assert taken.signer is None
    assert taken.body.tag == "{urn:x}DongBoHoSoMC"
    assert SECRET.encode() not in envelope


def test_a_password_in_plain_text_is_taken_only_where_it_may(sender, receiver):
    envelope = sender.write(login=login(PasswordForm.TEXT), key=None)

    assert codes(receiver, envelope, **UNSIGNED) == ["wss.unsupported"]
    assert receiver.take(envelope, **UNSIGNED, allows_password_text=True).username == "tich-hop"


@pytest.mark.parametrize("form", list(PasswordForm))
@pytest.mark.parametrize(
    "wrong", [{"password": "khác"}, {"username": "ai"}], ids=["password", "name"]
)
def test_a_wrong_name_and_a_wrong_password_are_told_alike(sender, receiver, form, wrong):
    envelope = sender.write(login=login(form, **wrong), key=None)

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(envelope, **UNSIGNED, allows_password_text=True)

    assert refused.value.code == "wss.login_wrong"
    assert refused.value.fault == (WSSE, "FailedAuthentication")
    assert "khác" not in refused.value.en + refused.value.vi


def test_a_nonce_is_taken_once_even_under_another_timestamp(sender, receiver):
    first = etree.fromstring(sender.write(login=login(), key=None))
    second = etree.fromstring(sender.write(login=login(), key=None))
    receiver.take(etree.tostring(first), **UNSIGNED)
    second[0][0][-1] = first[0][0][-1]

    assert codes(receiver, etree.tostring(second), **UNSIGNED) == ["wss.replayed"]


@pytest.mark.parametrize("end", [" ", "\n", "\t", "\u3000"])
def test_a_nonce_is_not_taken_twice_by_moving_its_end_to_the_time(sender, receiver, end):
    """They are digested without a border, and white space around a time says nothing."""
    root = etree.fromstring(sender.write(login=login(), key=None))
    _, secret, nonce, created = root[0][0][-1]
    first = "mười sáu".encode() + end.encode()
    digest = password_digest(nonce=first, created=created.text, password=PASSWORDS["tich-hop"])
    secret.text, nonce.text = b64(digest), b64(first)
    receiver.take(etree.tostring(root), **UNSIGNED)
    nonce.text, created.text = b64(first.removesuffix(end.encode())), end + created.text

    assert codes(receiver, etree.tostring(root), **UNSIGNED) == ["wss.structure"]


def test_an_old_login_is_refused_though_the_timestamp_is_fresh(sender, receiver):
    old = receiver.now - timedelta(minutes=7)
    first = etree.fromstring(sender.write(login=login(), key=None, at=old))
    second = etree.fromstring(sender.write(login=login(), key=None))
    second[0][0][-1] = first[0][0][-1]

    assert codes(receiver, etree.tostring(second), **UNSIGNED) == ["wss.too_old"]


def test_a_login_of_another_message_is_not_covered_by_this_signature(sender, receiver):
    first = etree.fromstring(sender.write(login=login()))
    second = etree.fromstring(sender.write(login=login()))
    second[0][0][2] = first[0][0][2]

    found = codes(receiver, etree.tostring(second), passwords=PASSWORDS)

    assert found == ["wss.digest_differs"]


def test_a_login_that_is_wanted_and_missing_or_not_wanted_is_refused(sender, receiver):
    assert codes(receiver, sender.write(), passwords=PASSWORDS) == ["wss.login_missing"]
    assert codes(receiver, sender.write(login=login())) == ["wss.unsupported"]
    assert codes(receiver, sender.write(), certificates=None, passwords=PASSWORDS) == [
        "wss.unsupported",
        "wss.login_missing",
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"#PasswordDigest", b"#PasswordMD5", "wss.unsupported"),
        (b"<wsse:Username>tich-hop</wsse:Username>", b"", "wss.structure"),
        (
            b"<wsse:Username>tich-hop</wsse:Username>",
            b"<wsse:Username>tich-hop</wsse:Username><wsse:Username>a</wsse:Username>",
            "wss.structure",
        ),
        (b"tich-hop", b"<a>tich-hop</a>", "wss.structure"),
    ],
)
def test_a_login_of_another_shape_is_refused(sender, receiver, old, new, code):
    envelope = sender.write(login=login(), key=None)
    assert old in envelope

    assert codes(receiver, envelope.replace(old, new), **UNSIGNED) == [code]


def test_a_digest_without_nonce_or_time_is_refused(sender, receiver):
    for name in ("Nonce", "Created"):
        root = etree.fromstring(sender.write(login=login(), key=None))
        token = root[0][0][-1]
        (part,) = [one for one in token if etree.QName(one).localname == name]
        token.remove(part)

        assert codes(receiver, etree.tostring(root), **UNSIGNED) == ["wss.structure"]


def test_zeeps_login_is_taken(receiver):
    envelope = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_11}"><s:Header/><s:Body><a/></s:Body></s:Envelope>'
    )
    created = receiver.now.replace(tzinfo=None)
    UsernameToken("tich-hop", SECRET, use_digest=True, created=created).apply(envelope, {})

    taken = receiver.take(etree.tostring(envelope), **UNSIGNED, needs_timestamp=False)

    assert taken.username == "tich-hop"


def test_secrets_are_never_shown(receiver):
    shown = f"{login()!r} {login()} {receiver.policy!r}"

    assert SECRET not in shown


def codes(receiver, envelope, **changes):
    """Return the codes of all reasons for which a message is refused."""
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(envelope, **changes)
    return [reason.code for reason in refused.value.reasons]
