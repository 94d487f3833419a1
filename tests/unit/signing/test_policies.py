"""One policy for each use: what SHA-1 may prove, and where; what each policy takes at all."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError, replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from signing import (
    AGENCY_DOCUMENT,
    EDXML_LEGACY,
    PORTAL_RECEIPT,
    Algorithm,
    Form,
    Hash,
    LegacyAlgorithm,
    PlainSigner,
    RsaPadding,
    XadesSigner,
    canonical_bytes,
    inspect,
    inspect_detached,
    inspect_plain,
    verify_plain,
)
from signing.values import algorithm_of
from tests.unit.signing.conftest import DS, b64

RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"


def with_sha1(workshop, signed: bytes, *, digest: bool = True, method: bool = True) -> bytes:
    """Make digests and value right again with SHA-1, as an old library would have."""
    root = etree.fromstring(signed)
    signature = root.find(f"{DS}Signature")
    info = signature.find(f"{DS}SignedInfo")
    if digest:
        info.find(f".//{DS}DigestMethod").set("Algorithm", SHA1)
        info.find(f".//{DS}DigestValue").text = b64(hashlib.sha1(workshop.document).digest())
    if method:
        info.find(f"{DS}SignatureMethod").set("Algorithm", RSA_SHA1)
    found = hashes.SHA1() if method else hashes.SHA256()
    value = workshop.rsa_key.sign(canonical_bytes(info), padding.PKCS1v15(), found)
    signature.find(f"{DS}SignatureValue").text = b64(value)
    return canonical_bytes(root)


@pytest.fixture
def old(workshop) -> bytes:
    """A document that an old system has signed."""
    signer = PlainSigner(workshop.agency.signing_key())
    return with_sha1(workshop, signer.sign(workshop.document, at=workshop.now))


@pytest.fixture
def legacy(workshop):
    return replace(EDXML_LEGACY, trust_anchors=(workshop.root.certificate,))


def codes(found) -> list[str]:
    return [one.code for one in found.reasons]


def test_sha1_proves_old_documents_under_the_policy_for_them(workshop, legacy, old):
    assert verify_plain(old, policy=legacy, at=workshop.now).content == workshop.document


def test_sha1_proves_nothing_under_any_other_policy(workshop, old):
    for policy in (AGENCY_DOCUMENT, replace(PORTAL_RECEIPT, forms=frozenset(Form))):
        trusting = replace(policy, trust_anchors=(workshop.root.certificate,))
        found = inspect_plain(old, policy=trusting, at=workshop.now)
        assert codes(found) == ["signature.algorithm_forbidden"] * 2


@pytest.mark.parametrize(("digest", "method"), [(True, False), (False, True)])
def test_half_of_sha1_is_sha1(workshop, digest, method):
    signed = PlainSigner(workshop.agency.signing_key()).sign(workshop.document, at=workshop.now)
    half = with_sha1(workshop, signed, digest=digest, method=method)

    found = inspect_plain(half, policy=workshop.policy, at=workshop.now)

    assert codes(found) == ["signature.algorithm_forbidden"]


def test_sha1_never_proves_xades_whatever_the_policy_says(workshop):
    """With the properties around it, SHA-1 would look like a signature of today."""
    broad = replace(workshop.policy, legacy=frozenset(LegacyAlgorithm))
    signed = with_sha1(workshop, workshop.sign(), digest=False)
    beside = XadesSigner(workshop.agency.signing_key()).sign_file(
        b"x", name="x", signed_at=workshop.now
    )
    beside = beside.replace(Algorithm.RSA_SHA256.value.encode(), RSA_SHA1.encode())

    for found in (
        inspect(signed, policy=broad, now=workshop.now),
        inspect_detached(beside, b"x", name="x", policy=broad, now=workshop.now),
    ):
        assert codes(found) == ["signature.algorithm_forbidden"]


def test_an_old_document_need_not_be_in_canonical_form_but_is_handed_on_in_it(
    workshop, legacy, old
):
    loose = b'<?xml version="1.0"?>\n' + old.replace(b"<MaDonVi>", b"<MaDonVi ><!-- H1 -->")

    assert verify_plain(loose, policy=legacy, at=workshop.now).content == workshop.document
    strict = replace(legacy, canonical_only=True)
    assert codes(inspect_plain(loose, policy=strict, at=workshop.now)) == ["document.not_canonical"]


def test_a_comment_never_hides_half_of_a_value(workshop, legacy, old):
    split = old.replace(b"H29.5-261124-0001", b"H29.5-<!-- -->261124-0001")

    verified = verify_plain(split, policy=legacy, at=workshop.now)

    assert verified.element.findtext(".//{*}MaHoSo") == "H29.5-261124-0001"


def test_each_use_takes_its_own_forms(workshop):
    key = workshop.agency.signing_key()
    signed = workshop.sign()
    plain = PlainSigner(key).sign(workshop.document, at=workshop.now)
    beside = XadesSigner(key).sign_file(b"x", name="x", signed_at=workshop.now)

    def taken(policy):
        policy = replace(policy, trust_anchors=(workshop.root.certificate,))
        now = workshop.now
        found = {
            "enveloped": inspect(signed, policy=policy, now=now),
            "detached": inspect_detached(beside, b"x", name="x", policy=policy, now=now),
            "plain": inspect_plain(plain, policy=policy, at=now),
        }
        refused = {code for one in found.values() for code in codes(one)}
        assert refused <= {"signature.form_forbidden"}
        return {name for name, one in found.items() if not one.reasons}

    assert taken(AGENCY_DOCUMENT) == {"enveloped", "detached", "plain"}
    assert taken(PORTAL_RECEIPT) == {"enveloped"}
    assert taken(EDXML_LEGACY) == {"plain"}


@pytest.mark.parametrize("policy", [AGENCY_DOCUMENT, PORTAL_RECEIPT, EDXML_LEGACY])
def test_a_policy_trusts_nobody_by_itself_and_cannot_be_changed(workshop, policy):
    assert policy.trust_anchors == ()
    assert policy.min_rsa_bits == 2048
    with pytest.raises(FrozenInstanceError):
        policy.min_rsa_bits = 512


@pytest.mark.parametrize("digest", list(Hash))
@pytest.mark.parametrize("rsa_padding", list(RsaPadding))
def test_no_choice_of_hash_signs_with_sha1_or_md5(workshop, digest, rsa_padding):
    for holder in (workshop.agency, workshop.other_agency):
        key = holder.signing_key()
        assert algorithm_of(key, rsa_padding=rsa_padding, digest=digest).hash.name == digest.value
        signed = XadesSigner(key, rsa_padding=rsa_padding, digest=digest).sign(
            workshop.document, signed_at=workshop.now
        )
        assert signed.count(digest.uri.encode()) == 3
        assert not inspect(signed, policy=workshop.policy, now=workshop.now).reasons
    assert {one.value for one in Hash} == {"sha256", "sha384", "sha512"}
