"""Signatures that another implementation of XMLDSig puts into the header of a packet."""

from __future__ import annotations

from dataclasses import replace

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from schemas.edxml.names import signature_places
from signing import EDXML_LEGACY, inspect_plain
from tests.unit.schemas.edxml.conftest import Sample
from tests.unit.signing.conftest import Workshop

METHODS = {
    "sha256": (xmlsec.constants.TransformRsaSha256, xmlsec.constants.TransformSha256),
    "sha1": (xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformSha1),
}


@pytest.fixture(scope="module")
def workshop():
    return Workshop()


def signed_by_xmlsec(workshop, method):
    value, digest = METHODS[method]
    root = etree.fromstring(Sample().data())
    node = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, value)
    root.find(".//{*}edXMLHeader").append(node)
    reference = xmlsec.template.add_reference(node, digest, uri="")
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    data = xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(node))
    xmlsec.template.x509_data_add_certificate(data)
    private = workshop.rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(private, xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(
        workshop.agency.certificate.public_bytes(Encoding.PEM), xmlsec.constants.KeyDataFormatPem
    )
    context.sign(node)
    return etree.tostring(root)


def codes(workshop, document):
    policy = replace(
        EDXML_LEGACY,
        holders=signature_places(),
        trust_anchors=(workshop.root.certificate,),
    )
    return [one.code for one in inspect_plain(document, policy=policy, at=workshop.now).reasons]


@pytest.mark.parametrize("method", list(METHODS))
def test_what_xmlsec_signs_is_verified_here(workshop, method):
    document = signed_by_xmlsec(workshop, method)

    assert codes(workshop, document) == []
    changed = document.replace(b"application/zip", b"application/xip")
    assert codes(workshop, changed) == ["signature.digest_differs"]
