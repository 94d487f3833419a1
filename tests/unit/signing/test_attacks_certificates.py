"""
Certificates made to deceive, under signatures of every form: the value is right for the key that is
enclosed, and nothing of what follows is taken for the agency's.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from lxml import etree

from lienthong.documents import DocumentFindings
from schemas.problem import Language
from signing import Form, VerificationPolicy, canonical_bytes, explain
from tests.unit.signing.conftest import DS, NOW, b64

UNTRUSTED = "certificate.untrusted"
DAY = timedelta(days=1)


@pytest.fixture(params=list(Form), ids=lambda form: form.value)
def form(request):
    return request.param


def codes(found) -> list[str]:
    return [one.code for one in found.reasons]


def test_who_signed_their_own_certificate_is_nobody(workshop, form):
    stranger = workshop.issue("Sở Tư pháp", issuer=None, code="H29.5")

    found = workshop.judge(form, workshop.make(form, by=stranger))

    assert codes(found) == [UNTRUSTED]
    assert (found.intact, found.trusted) == (True, False)


def test_an_authority_of_the_same_name_is_another_authority(workshop, form):
    """It is sent along, and its name is that of the pinned root to the letter."""
    double = workshop.issue("Gốc thử", issuer=None, is_ca=True)
    leaf = workshop.issue("Sở Tư pháp", issuer=double, code="H29.5")
    assert double.certificate.subject == workshop.root.certificate.subject

    for chain in [(), (double.certificate,), (double.certificate, workshop.root.certificate)]:
        assert codes(workshop.judge(form, workshop.make(form, by=leaf, chain=chain))) == [UNTRUSTED]


def test_a_root_that_is_sent_along_is_not_pinned_by_that(workshop, form):
    own_root = workshop.issue("Gốc riêng", issuer=None, is_ca=True)
    leaf = workshop.issue("Sở Tư pháp", issuer=own_root)
    text = workshop.make(form, by=leaf, chain=(own_root.certificate,))

    assert codes(workshop.judge(form, text)) == [UNTRUSTED]
    assert codes(workshop.judge(form, text, trust_anchors=())) == [UNTRUSTED]
    assert not codes(workshop.judge(form, text, trust_anchors=(own_root.certificate,)))


def test_an_agency_issues_no_certificates(workshop, form):
    leaf = workshop.issue("Cơ quan giả", issuer=workshop.agency, code="H29.1")

    text = workshop.make(form, by=leaf, chain=(workshop.agency.certificate,))

    assert codes(workshop.judge(form, text)) == [UNTRUSTED]


@pytest.mark.parametrize(
    ("begin", "end", "code"),
    [
        (NOW - 9 * DAY, NOW - DAY, "certificate.expired_when_signed"),
        (NOW + DAY, NOW + 9 * DAY, "certificate.not_yet_valid_when_signed"),
    ],
)
def test_a_certificate_out_of_its_time_signs_nothing(workshop, form, begin, end, code):
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, begin=begin, end=end)

    found = workshop.judge(form, workshop.make(form, by=holder))

    assert codes(found) == [code]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"usage": "key_encipherment"}, ["certificate.not_for_signing"]),
        ({"usage": None}, ["certificate.not_for_signing"]),
        ({"is_ca": True}, ["certificate.not_for_signing"]),
        ({"purposes": (Purpose.OCSP_SIGNING,)}, ["certificate.not_for_signing"]),
        ({"purposes": (Purpose.TIME_STAMPING,)}, ["certificate.not_for_signing"]),
        ({"purposes": (Purpose.SERVER_AUTH,)}, ["certificate.not_for_signing"]),
        ({"purposes": (Purpose.CODE_SIGNING,)}, ["certificate.not_for_signing"]),
        ({"purposes": (Purpose.SERVER_AUTH, Purpose.CLIENT_AUTH)}, []),
    ],
)
def test_a_certificate_for_something_else_signs_nothing(workshop, form, options, expected):
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, **options)

    assert codes(workshop.judge(form, workshop.make(form, by=holder))) == expected


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: rsa.generate_private_key(65537, 1024), id="rsa-1024"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP224R1()), id="p-224"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP521R1()), id="p-521"),
    ],
)
def test_a_weak_or_unusual_key_signs_nothing(workshop, form, make):
    holder = workshop.issue("Sở Y tế", issuer=workshop.root, key=make())

    assert "certificate.weak" in codes(workshop.judge(form, workshop.make(form, by=holder)))


def test_a_rsa_key_too_large_to_compute_with_costs_nothing(workshop, form):
    """16,384 bits are the most that OpenSSL computes with; an exponent of its size is refused."""
    numbers = rsa.RSAPublicNumbers((1 << 16_000) + 1, (1 << 16_383) + 12_345)
    names = workshop.agency.certificate
    huge = _certificate_of(workshop, names.subject, numbers.public_key())
    root = etree.fromstring(workshop.make(form))
    root.find(f".//{DS}X509Certificate").text = b64(huge.public_bytes(Encoding.DER))

    assert "signature.value_wrong" in codes(workshop.judge(form, canonical_bytes(root)))


def _certificate_of(workshop, subject, public_key):
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(workshop.root.certificate.subject)
        .public_key(public_key)
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(workshop.root.key, hashes.SHA256())
    )


def test_the_value_of_one_key_with_the_certificate_of_another_is_wrong(workshop, form):
    forger = workshop.issue("Kẻ giả mạo", issuer=None)
    root = etree.fromstring(workshop.make(form, by=forger))
    trusted = workshop.other_agency.certificate.public_bytes(Encoding.DER)
    root.find(f".//{DS}X509Certificate").text = b64(trusted)

    found = workshop.judge(form, canonical_bytes(root))

    assert "signature.value_wrong" in codes(found)
    assert not found.intact


def test_the_trusted_certificate_behind_the_forgers_does_not_help(workshop, form):
    forger = workshop.issue("Kẻ giả mạo", issuer=None)

    text = workshop.make(form, by=forger, chain=(workshop.agency.certificate,))

    found = workshop.judge(form, text)
    assert codes(found) == [UNTRUSTED]
    assert found.signer.common_name == "Kẻ giả mạo"


def test_a_second_certificate_for_the_same_key_is_another_signers(workshop):
    """XAdES signs the certificate along. The plain form cannot, and says nothing of time."""
    twin = workshop.issue("Sở khác", issuer=workshop.root, key=workshop.rsa_key)
    der = b64(twin.certificate.public_bytes(Encoding.DER))

    for form, expected in [
        (Form.ENVELOPED, ["signature.certificate_swapped"]),
        (Form.DETACHED, ["signature.certificate_swapped"]),
        (Form.PLAIN, []),
    ]:
        root = etree.fromstring(workshop.make(form))
        root.find(f".//{DS}X509Certificate").text = der
        assert codes(workshop.judge(form, canonical_bytes(root))) == expected


@pytest.mark.filterwarnings("ignore:Attribute's length")
def test_a_name_as_long_as_a_book_is_cut_in_what_is_told(workshop, form):
    holder = workshop.issue("Sở Y tế", issuer=None)
    common_name = x509.NameAttribute(x509.NameOID.COMMON_NAME, "x" * 12_000, _validate=False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([common_name]))
        .issuer_name(holder.certificate.subject)
        .public_key(holder.key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(holder.key, hashes.SHA256())
    )
    text = workshop.make(form, by=type(holder)(holder.key, certificate))

    found = workshop.judge(form, text)

    assert UNTRUSTED in codes(found)
    assert all(len(one.vi) < 1000 and len(one.en) < 1000 for one in found.reasons)


def test_nobody_is_trusted_by_a_policy_without_roots(workshop, form):
    policy = VerificationPolicy()

    found = workshop.judge(form, workshop.make(form), trust_anchors=policy.trust_anchors)

    assert codes(found) == [UNTRUSTED]


@pytest.mark.parametrize(
    "name", ["Sở\nSIGNATURE ACCEPTED", "Sở\x1b[2K\r", "Sở\u202edesufer", "Sở\x9b1m\u2028"]
)
def test_a_name_writes_no_lines_and_no_colours_into_what_is_told(workshop, form, name):
    found = workshop.judge(form, workshop.make(form, by=workshop.issue(name, issuer=None)))

    assert UNTRUSTED in codes(found)
    assert all(one.vi.isprintable() and one.en.isprintable() for one in found.reasons)
    told = [one for step in explain(found, policy=workshop.policy) for one in step.found]
    assert all(one.vi.isprintable() and one.en.isprintable() for one in told)
    shown = DocumentFindings(inspection=found, faults=None).lines(Language.EN)
    assert all(value.isprintable() for _, value in shown)
