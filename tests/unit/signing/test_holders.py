"""A plain signature inside a header: of the whole document, or of nothing."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from signing import AGENCY_DOCUMENT, EDXML_LEGACY, canonical_bytes, inspect_plain, verify_plain
from tests.unit.signing.conftest import DS, b64

NAMESPACE = "urn:goi"
HOLDERS = frozenset({((NAMESPACE, "goi"), (NAMESPACE, "dau"))})
PARTS = (
    '<goi xmlns="urn:goi"{id}>\n <dau><so>1</so>\n  ',
    "\n </dau>\n <tep>QQ==</tep>\n</goi>",
)
TEMPLATE = (
    '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>'
    '<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
    '<SignatureMethod Algorithm="{method}"/><Reference URI="{uri}"><Transforms>'
    '<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>'
    '<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>'
    '<DigestMethod Algorithm="{digest}"/><DigestValue>{value}</DigestValue></Reference>'
    "</SignedInfo><SignatureValue></SignatureValue><KeyInfo><X509Data>"
    "<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></Signature>"
)


def signed(workshop, *, uri="", parts=PARTS, is_old=False) -> bytes:
    """Sign as a library would that knows nothing of ours."""
    before, after = (part.replace("{id}", f' Id="{uri[1:]}"' if uri else "") for part in parts)
    content = canonical_bytes(etree.fromstring(before + after))
    algorithm = hashlib.sha1 if is_old else hashlib.sha256
    ds, more = "http://www.w3.org/2000/09/xmldsig#", "http://www.w3.org/2001/04/xmldsig-more#"
    signature = TEMPLATE.format(
        uri=uri,
        method=f"{ds}rsa-sha1" if is_old else f"{more}rsa-sha256",
        digest=f"{ds}sha1" if is_old else "http://www.w3.org/2001/04/xmlenc#sha256",
        value=b64(algorithm(content).digest()),
        certificate=b64(workshop.agency.certificate.public_bytes(Encoding.DER)),
    )
    root = etree.fromstring(before + signature + after)
    info = root.find(f".//{DS}SignedInfo")
    chosen = hashes.SHA1() if is_old else hashes.SHA256()
    value = workshop.rsa_key.sign(canonical_bytes(info), padding.PKCS1v15(), chosen)
    root.find(f".//{DS}SignatureValue").text = b64(value)
    return etree.tostring(root)


@pytest.fixture
def policy(workshop):
    trust = (workshop.root.certificate,)
    return replace(EDXML_LEGACY, holders=HOLDERS, trust_anchors=trust)


def codes(document, policy, workshop):
    found = inspect_plain(document, policy=policy, at=workshop.now)
    return [one.code for one in found.reasons]


@pytest.mark.parametrize("is_old", [False, True], ids=["sha256", "sha1"])
@pytest.mark.parametrize("uri", ["", "#g-1"])
def test_a_signature_in_its_place_proves_the_whole_document(workshop, policy, uri, is_old):
    document = signed(workshop, uri=uri, is_old=is_old)

    verified = verify_plain(document, policy=policy, at=workshop.now)

    assert verified.element.findtext("{*}tep") == "QQ=="
    assert verified.element.find(f".//{DS}Signature") is None
    assert verified.content.endswith(b"<dau><so>1</so>\n  \n </dau>\n <tep>QQ==</tep>\n</goi>")


def test_what_stands_outside_of_the_header_is_signed_too(workshop, policy):
    document = signed(workshop).replace(b"QQ==", b"Qg==")

    assert codes(document, policy, workshop) == ["signature.digest_differs"]


def test_the_spaces_around_it_are_signed(workshop, policy):
    document = signed(workshop).replace(b"</Signature>\n </dau>", b"</Signature></dau>")

    assert codes(document, policy, workshop) == ["signature.digest_differs"]


def test_a_part_that_is_signed_is_not_the_document(workshop, policy):
    document = signed(workshop, uri="#g-1").replace(b'URI="#g-1"', b'URI="#g-2"')
    document = document.replace(b"<dau>", b'<dau Id="g-2">')

    assert "signature.not_covering" in codes(document, policy, workshop)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"</Signature>", b"</Signature>x"), (b"dau>", b"khac>"), (b"urn:goi", b"urn:khac")],
    ids=["text behind it", "another element", "another namespace"],
)
def test_nowhere_else_is_a_place_for_it(workshop, policy, old, new):
    document = signed(workshop).replace(old, new)

    assert codes(document, policy, workshop) == ["signature.misplaced"]


def test_a_second_one_is_one_too_many(workshop, policy):
    document = signed(workshop)
    start, end = document.index(b"<Signature"), document.index(b"</Signature>") + 12

    twice = document[:end] + document[start:end] + document[end:]

    assert codes(twice, policy, workshop) == ["signature.not_single"]


def test_other_policies_have_no_such_place(workshop):
    trusting = replace(
        AGENCY_DOCUMENT, canonical_only=False, trust_anchors=(workshop.root.certificate,)
    )

    assert codes(signed(workshop), trusting, workshop) == ["signature.misplaced"]
