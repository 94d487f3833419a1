"""What is written is taken, carries the body's bytes as they were, and is never the same twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from signing import DocumentUnsignable, KeyUnusable, Passphrase, RsaPadding, SigningKey
from signing.wss import Login, SecurityRefused, SecurityWriter
from signing.wss.names import SOAP_11, SOAP_12, WSSE, WSU

ACTION = ("urn:wsa", "Action")
BLOCK = b'<a:Action xmlns:a="urn:wsa" xmlns:unused="urn:u">DongBoHoSoMC</a:Action>'
SOAPS = pytest.mark.parametrize("soap", [SOAP_11, SOAP_12], ids=["1.1", "1.2"])


@SOAPS
def test_the_body_reaches_the_wire_byte_for_byte_and_is_taken(sender, receiver, soap):
    envelope = sender.write(soap=soap)

    taken = receiver.take(envelope)

    assert sender.body in envelope
    assert taken.soap == soap
    assert taken.body.tag == "{urn:x}DongBoHoSoMC"
    assert taken.body.findtext(".//{urn:x}ChuHoSo") == "Trương Thị Mẫu & con"
    assert taken.signer.common_name == "Sở Tư pháp"
    assert taken.created_at == receiver.now


@pytest.mark.parametrize(
    "body",
    [
        b'<R xmlns="urn:x"  b="2"   a="1" ><!-- so --><D/></R >',
        b'<soap:R xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:D/></soap:R>',
        b"<R xmlns='urn:x'><![CDATA[<5]]>\r\n</R>",
        "<R>Ứng &#x1EE8;</R>".encode(),
    ],
    ids=["not canonical", "with the envelope's prefix", "with CDATA", "with references"],
)
def test_a_body_that_is_not_canonical_is_taken_as_it_is(sender, receiver, body):
    envelope = sender.write(body)

    receiver.take(envelope)

    assert body in envelope


@pytest.mark.parametrize(
    ("make", "padding"),
    [
        pytest.param(None, RsaPadding.PKCS1, id="rsa"),
        pytest.param(None, RsaPadding.PSS, id="rsa-pss"),
        pytest.param(ec.SECP256R1, RsaPadding.PKCS1, id="p-256"),
        pytest.param(ec.SECP384R1, RsaPadding.PKCS1, id="p-384"),
    ],
)
def test_every_kind_of_key_signs(workshop, sender, receiver, make, padding):
    key = workshop.rsa_key if make is None else ec.generate_private_key(make())
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, key=key)

    taken = receiver.take(sender.write(by=holder, rsa_padding=padding))

    assert taken.signer.common_name == "Sở Y tế"


def test_a_chain_travels_as_a_path_and_leads_to_the_root(workshop, receiver):
    middle = workshop.issue("CA giữa", issuer=workshop.root, is_ca=True)
    low = workshop.issue("CA dưới", issuer=middle, is_ca=True)
    holder = workshop.issue("Sở Y tế", issuer=low)
    key = SigningKey(
        private_key=holder.key,
        certificate=holder.certificate,
        chain=(low.certificate, middle.certificate),
    )
    envelope = SecurityWriter(soap=SOAP_11, key=key).write(b"<a/>", at=workshop.now).envelope

    assert b"#X509PKIPathv1" in envelope
    assert receiver.take(envelope).signer.common_name == "Sở Y tế"

    alone = SecurityWriter(soap=SOAP_11, key=replace(key, chain=()))
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(alone.write(b"<a/>", at=workshop.now).envelope)
    assert refused.value.code == "certificate.untrusted"


def test_header_blocks_are_signed_and_handed_on(sender, receiver):
    envelope = sender.write(message={"headers": [BLOCK]})

    taken = receiver.take(envelope, signed_headers=frozenset({ACTION}))

    assert taken.headers[ACTION].text == "DongBoHoSoMC"
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(
            envelope.replace(b"DongBoHoSoMC</a:", b"TraCuuHoSo</a:"),
            signed_headers=frozenset({ACTION}),
        )
    assert refused.value.code == "wss.digest_differs"


def test_two_messages_of_one_moment_are_two(sender, receiver):
    first, second = sender.write(), sender.write()

    assert first != second
    receiver.take(first)
    receiver.take(second)


def test_an_answer_confirms_the_signature_of_its_request(workshop, sender, receiver):
    writer = SecurityWriter(soap=SOAP_11, key=workshop.agency.signing_key())
    asked = writer.write(sender.body, at=workshop.now)
    other = writer.write(sender.body, at=workshop.now)
    answer = sender.write(b"<ok/>", message={"confirms": asked.signature})

    receiver.take(answer, confirms=asked.signature)

    for envelope in (sender.write(b"<ok/>"), answer):
        with pytest.raises(SecurityRefused) as refused:
            receiver.take(envelope, confirms=other.signature)
        assert refused.value.code == "wss.not_confirmed"


def test_the_header_is_written_as_the_standard_wants_it(workshop, sender):
    root = etree.fromstring(
        sender.write(
            login=sender.login, actor='urn:"cổng"', validity=timedelta(minutes=2), soap=SOAP_12
        )
    )

    (security,) = root[0]
    assert security.tag == f"{{{WSSE}}}Security"
    assert dict(security.attrib) == {
        f"{{{SOAP_12}}}mustUnderstand": "1",
        f"{{{SOAP_12}}}role": 'urn:"cổng"',
    }
    assert [etree.QName(child).localname for child in security] == [
        "Timestamp",
        "BinarySecurityToken",
        "UsernameToken",
        "Signature",
    ]
    assert [child.text for child in security[0]] == [
        "2026-11-24T08:00:00.000Z",
        "2026-11-24T08:02:00.000Z",
    ]
    references = security[3].findall(".//{http://www.w3.org/2000/09/xmldsig#}Reference")
    ids = {one.get(f"{{{WSU}}}Id") for one in (*security[:3], root[1])}
    assert {one.get("URI")[1:] for one in references} == ids


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<a/><b/>", "wss.body"),
        (b"text", "wss.body"),
        (b"<a></b>", "xml.syntax"),
        (b"</soap:Body><soap:Body>", "xml.syntax"),
        (b'<a Id="wss-body"/>', "signature.duplicate_id"),
        (b'<a xml:id="wss-time-0"/>', "signature.duplicate_id"),
        (b"<a><?php ?></a>", "document.instruction"),
        (b'<a xmlns="relative"/>', "document.no_canonical_form"),
    ],
)
def test_what_cannot_be_signed_is_refused(sender, body, code):
    with pytest.raises(DocumentUnsignable) as refused:
        sender.write(body)

    assert refused.value.code == code


def test_an_expired_key_signs_nothing(workshop, sender):
    with pytest.raises(KeyUnusable) as refused:
        sender.write(at=workshop.now + timedelta(days=400))

    assert refused.value.code == "key.expired"


@pytest.mark.parametrize(
    ("username", "password"), [("", "x"), ("u", ""), ("u\n", "x"), ("u", "x\x00"), ("u", "\x1b")]
)
def test_a_login_that_no_message_can_hold_is_refused_without_being_shown(username, password):
    with pytest.raises(ValueError, match="is empty or has control characters"):
        Login(username=username, password=Passphrase(password))
