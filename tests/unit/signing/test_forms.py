"""Signatures beside a file, and without XAdES: what verifies, and what each of them refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree

from signing import (
    DocumentUnsignable,
    KeyUnusable,
    PlainSigner,
    SignatureRefused,
    XadesSigner,
    canonical_bytes,
    inspect_detached,
    inspect_plain,
    relative_uri,
    verify,
    verify_detached,
    verify_plain,
)

DS = "{http://www.w3.org/2000/09/xmldsig#}"
NAME = "ho-so/giay-chung-nhan.pdf"
FILE = b"%PDF-1.7\n\x00\xff<not xml\r\n%%EOF"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(lambda: rsa.generate_private_key(65537, 2048), id="rsa-2048"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP256R1()), id="p-256"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP384R1()), id="p-384"),
    ],
)
def key(request, workshop):
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, key=request.param(), code="H29.9")
    return holder.signing_key()


def beside(workshop, key=None, *, content=FILE, name=NAME) -> bytes:
    signer = XadesSigner(key or workshop.agency.signing_key())
    return signer.sign_file(content, name=name, signed_at=workshop.now)


def plain(workshop, key=None) -> bytes:
    signer = PlainSigner(key or workshop.agency.signing_key())
    return signer.sign(workshop.document, at=workshop.now)


def codes(refused) -> list[str]:
    return [one.code for one in refused.value.reasons]


def test_a_file_is_proven_by_the_signature_beside_it(workshop, key):
    signature = beside(workshop, key)

    verified = verify_detached(signature, FILE, name=NAME, policy=workshop.policy, now=workshop.now)

    assert verified.content == FILE
    assert verified.name == NAME
    assert verified.signer.agency_code == "H29.9"
    assert verified.signed_at == workshop.now
    assert canonical_bytes(etree.fromstring(signature)) == signature


@pytest.mark.parametrize("content", [b"", b"\x00", b"<a/>", "Nguyễn".encode() * 100_000])
def test_any_bytes_can_be_signed_as_they_are(workshop, content):
    signature = beside(workshop, content=content)

    verified = verify_detached(
        signature, content, name=NAME, policy=workshop.policy, now=workshop.now
    )

    assert verified.content == content


@pytest.mark.parametrize("content", [FILE + b"\n", FILE[:-1], FILE.replace(b"\r\n", b"\n"), b""])
def test_a_changed_file_is_refused(workshop, content):
    with pytest.raises(SignatureRefused) as refused:
        verify_detached(
            beside(workshop), content, name=NAME, policy=workshop.policy, now=workshop.now
        )

    assert codes(refused) == ["signature.digest_differs"]
    assert "the file" in refused.value.en
    assert "tệp" in refused.value.vi


@pytest.mark.parametrize(
    "name", ["giay-chung-nhan.pdf", "ho-so/Giay-chung-nhan.pdf", "./ho-so/giay-chung-nhan.pdf", ""]
)
def test_a_signature_is_of_no_file_with_another_name(workshop, name):
    found = inspect_detached(
        beside(workshop), FILE, name=name, policy=workshop.policy, now=workshop.now
    )

    assert [one.code for one in found.reasons] == ["signature.not_covering"]
    assert f"'{NAME}'" in found.reasons[0].en


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../a.pdf",
        "a/../b",
        "a/%2E%2E/b",
        "a%2F..%2Fb",
        "a%5Cb",
        "a%00",
        "file:a",
        "http://x/a",
        "//host/a",
        "a?b",
        "a#b",
        "#a",
        "a b",
        "giấy.pdf",
        "a&b",
        'a"b',
        "a/",
        "%zz",
        "x" * 1025,
    ],
)
def test_a_name_that_leads_elsewhere_is_neither_signed_nor_accepted(workshop, name):
    with pytest.raises(DocumentUnsignable) as unsignable:
        beside(workshop, name=name)
    assert unsignable.value.code == "content.name"

    root = etree.fromstring(beside(workshop))
    root.find(f".//{DS}Reference").set("URI", name)
    with pytest.raises(SignatureRefused) as refused:
        verify_detached(
            canonical_bytes(root), FILE, name=name, policy=workshop.policy, now=workshop.now
        )
    assert codes(refused) == ["signature.reference_forbidden"]


def test_the_name_of_a_file_becomes_a_relative_uri(workshop):
    name = relative_uri("hồ sơ/giấy & phép (1).pdf")

    assert name == "h%E1%BB%93%20s%C6%A1/gi%E1%BA%A5y%20%26%20ph%C3%A9p%20(1).pdf"
    signature = beside(workshop, name=name)
    assert verify_detached(signature, FILE, name=name, policy=workshop.policy, now=workshop.now)


@pytest.mark.parametrize("media_type", ["", "pdf", "a/b/c", 'a/"b', "a/<b>", "text/xml; q=1"])
def test_a_media_type_that_is_none_is_not_signed(workshop, media_type):
    signer = XadesSigner(workshop.agency.signing_key())

    with pytest.raises(DocumentUnsignable) as unsignable:
        signer.sign_file(FILE, name=NAME, signed_at=workshop.now, media_type=media_type)

    assert unsignable.value.code == "content.media_type"


def test_no_key_signs_out_of_its_time(workshop):
    late = workshop.now + timedelta(days=900)
    key = workshop.agency.signing_key()

    with pytest.raises(KeyUnusable):
        XadesSigner(key).sign_file(FILE, name=NAME, signed_at=late)
    with pytest.raises(KeyUnusable):
        PlainSigner(key).sign(workshop.document, at=late)


def test_a_document_with_a_plain_signature_is_proven(workshop, key):
    signed = plain(workshop, key)

    verified = verify_plain(signed, policy=workshop.policy, at=workshop.now)

    assert verified.content == workshop.document
    assert canonical_bytes(verified.element) == workshop.document
    assert verified.signer.agency_code == "H29.9"
    assert canonical_bytes(etree.fromstring(signed)) == signed
    assert b"etsi.org" not in signed


def test_a_plain_signature_says_no_time_so_the_callers_counts(workshop):
    signed = plain(workshop)
    late = workshop.now + timedelta(days=301)
    early = workshop.now - timedelta(days=31)

    assert inspect_plain(signed, policy=workshop.policy, at=workshop.now).signed_at is None
    for at, code in [
        (late, "certificate.expired_when_signed"),
        (early, "certificate.not_yet_valid_when_signed"),
    ]:
        with pytest.raises(SignatureRefused) as refused:
            verify_plain(signed, policy=workshop.policy, at=at)
        assert code in codes(refused)


def test_the_empty_uri_is_the_whole_document_in_the_plain_form_only(workshop):
    """Partners whose roots have no Id write it; it means the same, for the root is all there is."""
    document = b'<BanTin xmlns="urn:lienthong:dvcqg:2020"><MaBanTin>7f0c</MaBanTin></BanTin>'
    signed = workshop.sign_whole(document)

    assert verify_plain(signed, policy=workshop.policy, at=workshop.now).content == document


def test_no_form_passes_for_another(workshop):
    """Which form is expected is the caller's decision, never the document's."""
    enveloped, detached, without = workshop.sign(), beside(workshop), plain(workshop)
    policy, now = workshop.policy, workshop.now

    for attempt, code in [
        (lambda: verify(without, policy=policy, now=now), "signature.structure"),
        (lambda: verify(detached, policy=policy, now=now), "signature.misplaced"),
        (lambda: verify_plain(enveloped, policy=policy, at=now), "signature.structure"),
        (lambda: verify_plain(detached, policy=policy, at=now), "signature.misplaced"),
        (
            lambda: verify_detached(enveloped, FILE, name=NAME, policy=policy, now=now),
            "signature.missing",
        ),
        (
            lambda: verify_detached(without, FILE, name=NAME, policy=policy, now=now),
            "signature.missing",
        ),
    ]:
        with pytest.raises(SignatureRefused) as refused:
            attempt()
        assert codes(refused) == [code]


def test_a_signature_beside_a_file_is_bound_in_size(workshop):
    policy = replace(workshop.policy, max_bytes=1000)

    found = inspect_detached(beside(workshop), FILE, name=NAME, policy=policy, now=workshop.now)

    assert [one.code for one in found.reasons] == ["xml.too_large"]
