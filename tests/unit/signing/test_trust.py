"""Who is believed: chains, dates, uses, strength, and who is an agency."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing import SignatureRefused, TrustUnusable, VerificationPolicy, load_policy, verify
from signing.trust import certificate_reasons


def judge(workshop, holder, *intermediates, policy=None, at=None):
    return [
        reason.code
        for reason in certificate_reasons(
            holder.certificate,
            intermediates=tuple(one.certificate for one in intermediates),
            policy=policy or workshop.policy,
            signed_at=at or workshop.now,
        )
    ]


def test_nobody_is_trusted_by_default(workshop):
    with pytest.raises(SignatureRefused) as refused:
        verify(workshop.sign(), policy=VerificationPolicy(), now=workshop.now)

    assert [one.code for one in refused.value.reasons] == ["certificate.untrusted"]


def test_a_chain_through_an_intermediate_is_trusted_when_it_is_sent_along(workshop):
    middle = workshop.issue("CA con", issuer=workshop.root, is_ca=True)
    leaf = workshop.issue("Sở Y tế", issuer=middle)

    assert judge(workshop, leaf, middle) == []
    assert judge(workshop, leaf) == ["certificate.untrusted"]


def test_a_pinned_certificate_is_trusted_by_itself(workshop):
    lonely = workshop.issue("Cổng", issuer=None)

    pinned = VerificationPolicy(trust_anchors=(lonely.certificate,))

    assert judge(workshop, lonely, policy=pinned) == []


def test_a_certificate_of_the_same_name_that_signed_itself_is_not_trusted(workshop):
    impostor_root = workshop.issue("Gốc thử", issuer=None, is_ca=True)
    impostor = workshop.issue("Sở Tư pháp", issuer=impostor_root)

    assert judge(workshop, impostor_root) == [
        "certificate.not_for_signing",
        "certificate.untrusted",
    ]
    assert judge(workshop, impostor, impostor_root) == ["certificate.untrusted"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"is_ca": False}, id="not an authority"),
        pytest.param({"is_ca": False, "constraints": False}, id="no basicConstraints"),
        pytest.param({"is_ca": True, "usage": "digital_signature"}, id="may not issue"),
        pytest.param({"is_ca": True, "end": "yesterday"}, id="expired"),
        pytest.param({"is_ca": True, "begin": "tomorrow"}, id="not yet valid"),
    ],
)
def test_an_intermediate_that_may_not_issue_breaks_the_chain(workshop, fault):
    days = {
        "yesterday": workshop.now - timedelta(days=1),
        "tomorrow": workshop.now + timedelta(days=1),
    }
    fault = {name: days.get(value, value) for name, value in fault.items()}
    middle = workshop.issue("CA con", issuer=workshop.root, **fault)
    leaf = workshop.issue("Sở Y tế", issuer=middle)

    assert judge(workshop, leaf, middle) == ["certificate.untrusted"]


def test_the_path_length_of_an_authority_is_kept(workshop):
    first = workshop.issue("CA 1", issuer=workshop.root, is_ca=True, path_length=0)
    second = workshop.issue("CA 2", issuer=first, is_ca=True)
    leaf = workshop.issue("Sở Y tế", issuer=second)

    assert judge(workshop, leaf, second, first) == ["certificate.untrusted"]


def test_a_chain_longer_than_the_policy_allows_is_not_trusted(workshop):
    first = workshop.issue("CA 1", issuer=workshop.root, is_ca=True)
    second = workshop.issue("CA 2", issuer=first, is_ca=True)
    leaf = workshop.issue("Sở Y tế", issuer=second)

    assert judge(workshop, leaf, second, first) == []
    short = replace(workshop.policy, max_intermediates=1)
    assert judge(workshop, leaf, second, first, policy=short) == ["certificate.untrusted"]


@pytest.mark.parametrize(
    ("days", "codes"),
    [
        (-31, ["certificate.not_yet_valid_when_signed"]),
        (-30, []),
        (300, []),
        (301, ["certificate.expired_when_signed"]),
    ],
)
def test_the_certificate_must_be_valid_when_it_signs(workshop, days, codes):
    root = workshop.issue(
        "Gốc dài", issuer=None, is_ca=True, end=workshop.now + timedelta(days=900)
    )
    leaf = workshop.issue("Sở Y tế", issuer=root)
    policy = VerificationPolicy(trust_anchors=(root.certificate,))

    found = judge(workshop, leaf, policy=policy, at=workshop.now + timedelta(days=days))

    assert found == codes


def test_the_words_say_when_the_certificate_expired(workshop):
    leaf = workshop.issue("Sở Y tế", issuer=workshop.root, end=workshop.now - timedelta(days=1))

    (reason,) = certificate_reasons(
        leaf.certificate, intermediates=(), policy=workshop.policy, signed_at=workshop.now
    )

    assert reason.en == "Certificate Sở Y tế expired 2026-11-23, before signing"
    assert reason.vi == "Chứng thư Sở Y tế đã hết hạn ngày 2026-11-23, trước khi ký"


def test_an_expired_signer_may_have_signed_before(workshop):
    leaf = workshop.issue("Sở Y tế", issuer=workshop.root, end=workshop.now + timedelta(days=1))

    verified = verify(
        workshop.sign(by=leaf), policy=workshop.policy, now=workshop.now + timedelta(days=200)
    )

    assert verified.signed_at == workshop.now


@pytest.mark.parametrize(
    ("usage", "codes"),
    [
        ("digital_signature", []),
        ("content_commitment", []),
        ("key_encipherment", ["certificate.not_for_signing"]),
        ("key_agreement", ["certificate.not_for_signing"]),
        (None, ["certificate.not_for_signing"]),
    ],
)
def test_only_certificates_for_signing_sign_documents(workshop, usage, codes):
    leaf = workshop.issue("Sở Y tế", issuer=workshop.root, usage=usage)

    assert judge(workshop, leaf) == codes


def test_an_authority_does_not_sign_documents(workshop):
    middle = workshop.issue("CA con", issuer=workshop.root, is_ca=True, usage="digital_signature")

    assert judge(workshop, middle) == ["certificate.not_for_signing"]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: rsa.generate_private_key(65537, 1024), id="rsa-1024"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP256K1()), id="secp256k1"),
        pytest.param(lambda: ec.generate_private_key(ec.SECP224R1()), id="p-224"),
        pytest.param(ed25519.Ed25519PrivateKey.generate, id="ed25519"),
    ],
)
def test_weak_or_unusual_keys_are_refused(workshop, make):
    leaf = workshop.issue("Sở Y tế", issuer=workshop.root, key=make())

    assert "certificate.weak" in judge(workshop, leaf)


def test_a_weak_authority_is_refused(workshop):
    weak_key = rsa.generate_private_key(65537, 1024)
    middle = workshop.issue("CA con", issuer=workshop.root, key=weak_key, is_ca=True)
    leaf = workshop.issue("Sở Y tế", issuer=middle)

    assert judge(workshop, leaf, middle) in (["certificate.weak"], ["certificate.untrusted"])


def test_a_stricter_policy_wants_longer_rsa_keys(workshop):
    policy = replace(workshop.policy, min_rsa_bits=3072)

    assert judge(workshop, workshop.agency, policy=policy) == ["certificate.weak"]


def test_a_certificate_issued_with_sha1_is_not_trusted(workshop, sha1_certificate):
    (reason,) = certificate_reasons(
        sha1_certificate,
        intermediates=(),
        policy=workshop.policy,
        signed_at=workshop.now,
    )

    assert reason.code == "certificate.untrusted"
    assert "signature algorithm" in reason.en.lower()


@pytest.fixture
def sha1_certificate(workshop):
    """The library does not make them any more: the algorithm's name is changed in a good one."""
    der = workshop.agency.certificate.public_bytes(Encoding.DER)
    ecdsa_sha256, ecdsa_sha1 = bytes.fromhex("06082a8648ce3d040302"), "06072a8648ce3d0401"
    assert der.count(ecdsa_sha256) == 2
    return x509.load_der_x509_certificate(_renamed(der, ecdsa_sha256, bytes.fromhex(ecdsa_sha1)))


def _renamed(der: bytes, old: bytes, new: bytes) -> bytes:
    """Replace both names (one byte shorter) and mend the lengths of what holds them."""
    sequence_old = bytes((0x30, len(old))) + old
    sequence_new = bytes((0x30, len(new))) + new
    shorter = der.replace(sequence_old, sequence_new)
    whole = int.from_bytes(der[2:4], "big") - 2
    inner = int.from_bytes(der[6:8], "big") - 1
    assert der[1] == 0x82
    assert der[5] == 0x82
    return der[:2] + whole.to_bytes(2, "big") + der[4:6] + inner.to_bytes(2, "big") + shorter[8:]


def test_an_agency_code_can_be_demanded(workshop):
    policy = replace(workshop.policy, needs_agency_code=True)
    with_code = workshop.issue("Sở Y tế", issuer=workshop.root, code="H29.9")

    assert judge(workshop, with_code, policy=policy) == []
    assert judge(workshop, workshop.agency, policy=policy) == ["certificate.not_agency"]


def test_the_attribute_that_carries_the_agency_code_is_a_setting(workshop):
    policy = replace(workshop.policy, agency_attribute="2.5.4.3", needs_agency_code=True)

    verified = verify(workshop.sign(), policy=policy, now=workshop.now)

    assert verified.signer.agency_code == "Sở Tư pháp"


@pytest.mark.parametrize("critical", [True, False])
def test_an_unknown_extension_breaks_the_chain_only_when_it_is_critical(workshop, critical):
    names = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sở Y tế")])
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    usage = workshop.agency.certificate.extensions.get_extension_for_class(x509.KeyUsage)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(workshop.root.certificate.subject)
        .public_key(workshop.rsa_key.public_key())
        .serial_number(7)
        .not_valid_before(workshop.now - timedelta(days=1))
        .not_valid_after(workshop.now + timedelta(days=1))
        .add_extension(usage.value, critical=True)
        .add_extension(strange, critical=critical)
        .sign(workshop.root.key, hashes.SHA256())
    )

    found = certificate_reasons(
        certificate, intermediates=(), policy=workshop.policy, signed_at=workshop.now
    )

    assert [one.code for one in found] == (["certificate.untrusted"] if critical else [])


def test_a_policy_is_loaded_from_files(workshop, tmp_path):
    file = tmp_path / "roots.pem"
    pem = workshop.root.certificate.public_bytes(Encoding.PEM)
    file.write_bytes(pem + workshop.agency.certificate.public_bytes(Encoding.PEM))
    elements = frozenset({("urn:lienthong:dvcqg:2020", "BanTin")})

    policy = load_policy([file, file], elements=elements)

    assert policy.trust_anchors == (workshop.root.certificate, workshop.agency.certificate)
    assert verify(workshop.sign(), policy=policy, now=workshop.now)


def test_every_unusable_trust_file_is_named(tmp_path):
    noise = tmp_path / "noise.pem"
    noise.write_text("not a certificate")

    with pytest.raises(TrustUnusable) as unusable:
        load_policy([tmp_path / "absent.pem", noise])

    assert unusable.value.code == "trust.missing"
    assert "absent.pem" in str(unusable.value)
    assert "noise.pem" in str(unusable.value)
