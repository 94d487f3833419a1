"""
An independent library accepts our signatures, and refuses them after a change.

Its XAdES classes digest the signed properties without naming the transform (5.2), so that
nothing they make with exclusive canonicalisation verifies anywhere; its plain XML Signature
verifier is right, and checks both references.
"""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier
from signxml.exceptions import InvalidDigest, InvalidSignature

from signing import canonical_bytes

CONFIGURATION = SignatureConfiguration(expect_references=2)
MAKERS = [
    pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="rsa-2048"),
    pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="p-256"),
    pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), id="p-384"),
]


def check(text: bytes, certificate) -> list:
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return XMLVerifier().verify(text, x509_cert=pem, id_attribute="Id", expect_config=CONFIGURATION)


@pytest.mark.parametrize("make", MAKERS)
def test_signxml_verifies_both_references_of_our_signature(workshop, make):
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, key=make())
    signed = workshop.sign(by=holder)

    document, properties = check(signed, holder.certificate)

    assert canonical_bytes(document.signed_xml) == workshop.document
    assert etree.QName(properties.signed_xml).localname == "SignedProperties"


@pytest.mark.parametrize(
    ("old", "new"), [(b"0001", b"0002"), (b"text/xml", b"text/pdf")], ids=["document", "properties"]
)
def test_signxml_refuses_our_signature_after_a_change(workshop, old, new):
    holder = workshop.issue("Sở Y tế", issuer=workshop.root)
    signed = workshop.sign(by=holder)

    with pytest.raises((InvalidDigest, InvalidSignature)):
        check(signed.replace(old, new), holder.certificate)


@pytest.mark.parametrize("make", MAKERS)
def test_signxml_verifies_our_signature_inside_a_soap_message(workshop, make):
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, key=make())
    signed = workshop.sign(by=holder)
    message = b'<s:Envelope xmlns:s="urn:soap" xmlns="urn:o"><s:Body>%b</s:Body></s:Envelope>'

    document, _ = check(message % signed, holder.certificate)

    assert etree.QName(document.signed_xml).localname == "BanTin"
