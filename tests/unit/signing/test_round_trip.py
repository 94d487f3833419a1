"""What is signed verifies, is canonical, and comes back unchanged."""

from __future__ import annotations

import base64
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from signing import (
    Algorithm,
    DocumentUnsignable,
    KeyUnusable,
    RsaPadding,
    SignatureRefused,
    XadesSigner,
    canonical_bytes,
    inspect,
    verify,
)
from signing.values import algorithm_of

DS = "{http://www.w3.org/2000/09/xmldsig#}"
PKCS1, PSS = RsaPadding.PKCS1, RsaPadding.PSS
RECEIPT = (
    b'<BienNhan xmlns="urn:lienthong:dvcqg:2020" Id="bn-7f0c"><MaBanTin>7f0c</MaBanTin>'
    b"<GiaTriBam>00</GiaTriBam></BienNhan>"
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((lambda: rsa.generate_private_key(65537, 2048), PKCS1), id="rsa-2048"),
        pytest.param((lambda: rsa.generate_private_key(65537, 3072), PKCS1), id="rsa-3072"),
        pytest.param((lambda: rsa.generate_private_key(65537, 2048), PSS), id="rsa-2048-pss"),
        pytest.param((lambda: ec.generate_private_key(ec.SECP256R1()), PKCS1), id="p-256"),
        pytest.param((lambda: ec.generate_private_key(ec.SECP384R1()), PKCS1), id="p-384"),
    ],
)
def signer(request, workshop) -> XadesSigner:
    make_key, rsa_padding = request.param
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, key=make_key(), code="H29.9")
    return XadesSigner(holder.signing_key(), rsa_padding=rsa_padding)


@pytest.mark.parametrize("document", [None, RECEIPT], ids=["message", "receipt"])
def test_a_signed_document_verifies_and_gives_back_what_was_signed(workshop, signer, document):
    document = document or workshop.document

    signed = signer.sign(document, signed_at=workshop.now)
    verified = verify(signed, policy=workshop.policy, now=workshop.now)

    assert verified.content == document
    assert canonical_bytes(verified.element) == document
    assert verified.digest == hashlib.sha256(signed).hexdigest()
    assert verified.signed_at == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert verified.signer.common_name == "Sở Y tế"
    assert verified.signer.agency_code == "H29.9"
    assert verified.signer.organization is None


def test_the_signed_text_is_its_own_canonical_form_and_the_document_stays_as_it_was(
    workshop, signer
):
    signed = signer.sign(workshop.document, signed_at=workshop.now)

    assert canonical_bytes(etree.fromstring(signed)) == signed
    head, tail = workshop.document[: -len(b"</BanTin>")], b"</BanTin>"
    assert signed.startswith(head + b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"')
    assert signed.endswith(b"</ds:Signature>" + tail)


def test_each_key_signs_with_the_method_that_fits_it(workshop):
    keys = [
        workshop.rsa_key,
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
    ]

    holders = [workshop.issue("A", issuer=workshop.root, key=key) for key in keys]

    assert [algorithm_of(holder.signing_key()) for holder in holders] == [
        Algorithm.RSA_SHA256,
        Algorithm.ECDSA_SHA256,
        Algorithm.ECDSA_SHA384,
    ]
    pss = [algorithm_of(holder.signing_key(), rsa_padding=PSS) for holder in holders]
    assert pss == [Algorithm.RSA_PSS_SHA256, Algorithm.ECDSA_SHA256, Algorithm.ECDSA_SHA384]


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda text: b'<?xml version="1.0" encoding="UTF-8"?>\n' + text, id="decl"),
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="bom"),
        pytest.param(lambda text: text + b"\n<!-- end -->\n", id="trailing-comment"),
        pytest.param(lambda text: b"<?style x?>" + text, id="instruction-before-the-root"),
        pytest.param(lambda text: text.replace(b"<MaDonVi>", b"<MaDonVi\n >"), id="space-in-a-tag"),
        pytest.param(
            lambda text: text.replace(b"7f0c</", b"<![CDATA[7f0c]]></"), id="character-data"
        ),
        pytest.param(lambda text: text.decode().encode("utf-16"), id="utf-16"),
    ],
)
def test_a_document_not_in_canonical_form_is_brought_into_it_first(workshop, wrap):
    signer = XadesSigner(workshop.agency.signing_key())

    signed = signer.sign(wrap(workshop.document), signed_at=workshop.now)

    verified = verify(signed, policy=workshop.policy, now=workshop.now)
    assert verified.content == workshop.document


def test_a_prefixed_root_can_be_signed(workshop):
    document = b'<dv:BanTin xmlns:dv="urn:x" Id="bt-1"><dv:A>1</dv:A></dv:BanTin>'

    signed = workshop.sign(document)

    assert verify(signed, policy=workshop.policy, now=workshop.now).content == document


def test_a_signed_document_survives_a_journey_inside_a_soap_message(workshop):
    signed = workshop.sign()
    message = (
        b'<s:Envelope xmlns:s="urn:soap" xmlns="urn:other" xmlns:ds="urn:not-ds"><s:Body>\n  '
        + signed
        + b"\n</s:Body></s:Envelope>"
    )

    cut_out = canonical_bytes(etree.fromstring(message)[0][0])

    assert cut_out == signed
    assert verify(cut_out, policy=workshop.policy, now=workshop.now).content == workshop.document


def test_the_canonical_form_leaves_out_what_stands_around_the_root():
    root = etree.fromstring(b"<?a b?><!-- c --><r><x/>t</r><?d e?>")

    assert canonical_bytes(root) == b"<r><x></x>t</r>"
    assert canonical_bytes(root[0]) == b"<x></x>"


def test_the_signing_time_is_written_in_utc_to_the_second(workshop):
    hanoi = timezone(timedelta(hours=7))
    signer = XadesSigner(workshop.agency.signing_key())

    signed = signer.sign(
        workshop.document, signed_at=datetime(2026, 11, 24, 14, 59, 58, 999999, tzinfo=hanoi)
    )

    assert b"<xades:SigningTime>2026-11-24T07:59:58Z</xades:SigningTime>" in signed


def test_one_signer_serves_many_threads(workshop):
    signer = XadesSigner(workshop.agency.signing_key())
    documents = [workshop.document.replace(b"7f0c", b"%04d" % n) for n in range(60)]

    with ThreadPoolExecutor(4) as pool:
        signed = list(pool.map(lambda one: signer.sign(one, signed_at=workshop.now), documents))

    contents = [verify(s, policy=workshop.policy, now=workshop.now).content for s in signed]
    assert contents == documents


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b'<BanTin xmlns="../x" Id="a"></BanTin>', "document.no_canonical_form"),
        (b"<BanTin>", "xml.syntax"),
        (b'<!DOCTYPE a><a Id="x"></a>', "xml.doctype"),
        (b"<BanTin><a></a></BanTin>", "document.id_missing"),
        (b'<BanTin Id="1 2"></BanTin>', "document.id_missing"),
        (b'<BanTin Id="x&quot;y"></BanTin>', "document.id_missing"),
        (b'<BanTin Id=""></BanTin>', "document.id_missing"),
        (b'<BanTin Id="a"><b Id="sp-a"></b></BanTin>', "signature.duplicate_id"),
        (b'<BanTin Id="a"><b xml:id="c"></b></BanTin>', "signature.duplicate_id"),
        (b'<BanTin Id="a"><b>1<?x?>2</b></BanTin>', "document.instruction"),
        (
            b'<BanTin Id="a"><s:Any xmlns:s="http://www.w3.org/2000/09/xmldsig#"/></BanTin>',
            "document.signed_already",
        ),
    ],
)
def test_a_document_that_cannot_carry_the_signature_is_refused(workshop, document, code):
    signer = XadesSigner(workshop.agency.signing_key())

    with pytest.raises(DocumentUnsignable) as refused:
        signer.sign(document, signed_at=workshop.now)

    assert refused.value.code == code
    assert refused.value.vi
    assert str(refused.value) == refused.value.en


def test_a_signed_document_is_not_signed_again(workshop):
    signed = workshop.sign()

    with pytest.raises(DocumentUnsignable):
        workshop.sign(signed)


@pytest.mark.parametrize(
    ("days", "code"), [(301, "key.expired"), (-31, "key.not_yet_valid")], ids=["late", "early"]
)
def test_a_certificate_out_of_its_time_does_not_sign(workshop, days, code):
    signer = XadesSigner(workshop.agency.signing_key())

    with pytest.raises(KeyUnusable) as unusable:
        signer.sign(workshop.document, signed_at=workshop.now + timedelta(days=days))

    assert unusable.value.code == code


def test_an_inspection_says_what_is_signed_by_whom_and_trusted(workshop):
    found = inspect(workshop.sign(), policy=workshop.policy, now=workshop.now)

    assert found.element == ("urn:lienthong:dvcqg:2020", "BanTin")
    assert found.id == "bt-7f0c"
    assert found.signer is not None
    assert found.signer.common_name == "Sở Tư pháp"
    assert found.signed_at == workshop.now
    assert (found.intact, found.trusted, found.reasons) == (True, True, ())


def with_method(workshop, key, method, sign):
    """Return a document whose SignedInfo names `method`, with the value that `sign` gives."""
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, key=key)
    root = etree.fromstring(workshop.sign(by=holder))
    info = root.find(f".//{DS}SignedInfo")
    info.find(f"{DS}SignatureMethod").set("Algorithm", method.value)
    value = sign(canonical_bytes(info))
    root.find(f".//{DS}SignatureValue").text = base64.b64encode(value).decode()
    return canonical_bytes(root)


def raw(curve_key, data, hash_algorithm):
    r, s = decode_dss_signature(curve_key.sign(data, ec.ECDSA(hash_algorithm)))
    size = (curve_key.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP384R1())


def signing_by(method):
    """Return key and way of signing, written out from RFC 6931 and not from ours."""
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    found = digest[re.search(r"sha(256|384|512)", method.value)[1]]
    if "ecdsa" in method.value:
        return EC_KEY, lambda data: raw(EC_KEY, data, found)
    pad = padding.PKCS1v15()
    if "MGF1" in method.value:
        pad = padding.PSS(mgf=padding.MGF1(found), salt_length=found.digest_size)
    return RSA_KEY, lambda data: RSA_KEY.sign(data, pad, found)


@pytest.mark.parametrize("method", list(Algorithm), ids=lambda method: method.name)
def test_every_method_is_verified_and_taken_for_no_other(workshop, method):
    key, sign = signing_by(method)
    document = with_method(workshop, key, method, sign)

    verified = verify(document, policy=workshop.policy, now=workshop.now)

    assert verified.content == workshop.document
    for other in set(Algorithm) - {method}:
        forged = with_method(workshop, key, other, sign)
        with pytest.raises(SignatureRefused) as refused:
            verify(forged, policy=workshop.policy, now=workshop.now)
        assert refused.value.code == "signature.value_wrong"


@pytest.mark.parametrize("salt", [0, 20, 33])
def test_pss_with_a_salt_of_another_length_is_refused(workshop, salt):
    pad = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt)
    document = with_method(
        workshop,
        RSA_KEY,
        Algorithm.RSA_PSS_SHA256,
        lambda data: RSA_KEY.sign(data, pad, hashes.SHA256()),
    )

    with pytest.raises(SignatureRefused):
        verify(document, policy=workshop.policy, now=workshop.now)
