"""Others verify what we write, and we take theirs: xmlsec, zeep, and senders like WSS4J."""

from __future__ import annotations

from base64 import b64encode

import pytest
import xmlsec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature, verify_envelope

from signing import RsaPadding
from signing.second import SignatureUnproven
from signing.wss import MessageOpinion, SecurityRefused
from signing.wss.names import BASE64, SOAP_11, SOAP_12, WSSE, WSU, X509_V3

BLOCK = b'<a:Action xmlns:a="urn:wsa">x</a:Action>'
CHANGES = [
    (b"<LanGui>1", b"<LanGui>2"),
    (b"08:05:00", b"09:05:00"),
    (b">x</a:Action>", b">y</a:Action>"),
    (b"#wss-body", b"#wss-token"),
]
CHANGED = pytest.mark.parametrize(
    ("old", "new"), CHANGES, ids=["body", "time", "header", "reference"]
)


@pytest.fixture(scope="module", params=["rsa", "rsa-pss", "p-256", "p-384"])
def holder(request, workshop):
    curve = {"p-256": ec.SECP256R1, "p-384": ec.SECP384R1}.get(request.param)
    key = workshop.rsa_key if curve is None else ec.generate_private_key(curve())
    padding = RsaPadding.PSS if request.param == "rsa-pss" else RsaPadding.PKCS1
    return workshop.issue("Sở Y tế", issuer=workshop.root, key=key), padding


@pytest.fixture
def files(workshop, tmp_path):
    """The agency's key and certificate as files, as zeep wants them."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    key.write_bytes(
        workshop.agency.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    certificate.write_bytes(workshop.agency.certificate.public_bytes(Encoding.PEM))
    return str(key), str(certificate)


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12], ids=["1.1", "1.2"])
def test_xmlsec_verifies_every_part_of_our_message(sender, holder, soap):
    by, padding = holder
    options = {"login": sender.login, "message": {"headers": [BLOCK], "confirms": b"x"}}
    envelope = sender.write(by=by, rsa_padding=padding, soap=soap, **options)

    MessageOpinion(by.certificate)(envelope)


@CHANGED
def test_xmlsec_refuses_our_message_after_a_change(sender, holder, old, new):
    by, padding = holder
    envelope = sender.write(by=by, rsa_padding=padding, message={"headers": [BLOCK]})
    assert old in envelope

    with pytest.raises(SignatureUnproven):
        MessageOpinion(by.certificate)(envelope.replace(old, new))


def test_a_message_that_xmlsec_does_not_accept_is_not_returned(workshop, sender):
    with pytest.raises(SignatureUnproven):
        sender.write(second=MessageOpinion(workshop.other_agency.certificate))

    every_second = MessageOpinion(workshop.agency.certificate, every=2)
    sender.write(second=every_second)
    sender.write(second=every_second, by=workshop.other_agency)


def test_zeep_verifies_our_message(sender, files):
    envelope = etree.fromstring(sender.write(message={"headers": [BLOCK]}))

    verify_envelope(envelope, files[1])

    envelope[1][0][0].text = "2"
    with pytest.raises(SignatureVerificationFailed):
        verify_envelope(envelope, files[1])


def test_we_take_what_zeep_signed(sender, receiver, files):
    body = sender.body.decode()
    envelope = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_11}"><s:Header><o:Security xmlns:o="{WSSE}">'
        f'<u:Timestamp xmlns:u="{WSU}"><u:Created>2026-11-24T08:00:00Z</u:Created>'
        f"</u:Timestamp></o:Security></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
    methods = {
        "signature_method": xmlsec.Transform.RSA_SHA256,
        "digest_method": xmlsec.Transform.SHA256,
    }
    BinarySignature(*files, **methods).apply(envelope, {})
    text = etree.tostring(envelope)

    # zeep signs body and time, and not the certificate's element.
    taken = receiver.take(text, needs_signed_tokens=False)

    assert taken.signer.common_name == "Sở Tư pháp"
    assert taken.body.tag == "{urn:x}DongBoHoSoMC"
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(text)
    assert refused.value.code == "wss.not_covering"
    assert "BinarySecurityToken" in refused.value.en
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(text.replace(b"<LanGui>1", b"<LanGui>2"), needs_signed_tokens=False)
    assert refused.value.code == "wss.digest_differs"


def test_we_refuse_what_zeep_signs_by_default(receiver, files):
    envelope = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_11}"><s:Header/><s:Body><a/></s:Body></s:Envelope>'
    )
    try:
        BinarySignature(*files).apply(envelope, {})
    except xmlsec.Error:
        pytest.skip("this xmlsec makes no SHA-1 signatures")

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(etree.tostring(envelope), needs_timestamp=False)

    assert refused.value.code == "wss.algorithm_forbidden"


@pytest.mark.parametrize("prefixes", [["s", "u"], ["s", "xs", "absent"]])
def test_we_take_namespaces_that_a_sender_declares_besides_those_in_use(
    workshop, receiver, files, prefixes
):
    """WSS4J and others name prefixes, so that values like xsi:type="xs:string" keep a meaning."""
    text = signed_by_xmlsec(workshop, files, prefixes=prefixes)

    taken = receiver.take(text)

    assert taken.body.nsmap["xs"] == "urn:xs"
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(text.replace(b'"urn:xs"', b'"urn:xz"'))
    assert refused.value.code == "wss.digest_differs"


def signed_by_xmlsec(workshop, files, *, prefixes):
    """A message whose body uses a prefix in a value only, which the envelope declares."""
    der = b64encode(workshop.agency.certificate.public_bytes(Encoding.DER)).decode()
    root = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_11}" xmlns:xs="urn:xs" xmlns:u="{WSU}"><s:Header>'
        f'<o:Security xmlns:o="{WSSE}"><u:Timestamp u:Id="T">'
        "<u:Created>2026-11-24T08:00:00.123456789+00:00</u:Created></u:Timestamp>"
        f'<o:BinarySecurityToken u:Id="X" EncodingType="{BASE64}" ValueType="{X509_V3}">'
        f"{der}</o:BinarySecurityToken></o:Security></s:Header>"
        '<s:Body u:Id="B"><a xs:type="xs:string">5</a></s:Body></s:Envelope>'
    )
    security = root[0][0]
    signature = xmlsec.template.create(
        root, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256
    )
    security.append(signature)
    context = xmlsec.SignatureContext()
    for element in (root[1], security[0], security[1]):
        uri = "#" + element.get(f"{{{WSU}}}Id")
        reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri=uri)
        transform = xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
        xmlsec.template.transform_add_c14n_inclusive_namespaces(transform, prefixes)
        context.register_id(element, "Id", WSU)
    key_info = xmlsec.template.ensure_key_info(signature)
    held = etree.SubElement(key_info, f"{{{WSSE}}}SecurityTokenReference")
    etree.SubElement(held, f"{{{WSSE}}}Reference", URI="#X")
    context.key = xmlsec.Key.from_file(files[0], xmlsec.KeyFormat.PEM)
    context.sign(signature)
    return etree.tostring(root)
