"""Who was withdrawn, and when: revocation lists and OCSP answers, good, old, foreign and forged."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing import (
    Demand,
    DevelopmentAuthority,
    Evidence,
    Kept,
    Kind,
    Revocation,
    SignatureRefused,
    VerificationPolicy,
    Withdrawn,
    XadesSigner,
    inspect,
    verify,
)
from signing import crl as crl_room
from signing.ocsp import judge_answer
from signing.revocation import MAX_EVIDENCE_BYTES, judge_certificate
from signing.standing import Question, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY_COMPROMISE = x509.ReasonFlags.key_compromise
HOLD = x509.ReasonFlags.certificate_hold


@pytest.fixture(scope="module")
def root(workshop):
    return workshop.issue("Gốc thu hồi", issuer=None, is_ca=True, usage=None)


@pytest.fixture(scope="module")
def leaf(workshop, root):
    return workshop.issue("Sở Y tế", issuer=root)


@pytest.fixture(scope="module")
def authority(root):
    return DevelopmentAuthority(key=root.key, certificate=root.certificate)


def crl(data: bytes) -> Evidence:
    return Evidence(kind=Kind.CRL, data=data, origin="tệp ds.crl")


def answer(data: bytes) -> Evidence:
    return Evidence(kind=Kind.OCSP, data=data, origin="http://ocsp.example")


def judge(workshop, leaf, root, *evidence: Evidence, at: datetime | None = None):
    question = Question(
        certificate=leaf.certificate,
        issuer=root.certificate,
        fresh_at=at or workshop.now,
        now=at or workshop.now,
        max_age=7 * DAY,
        clock_skew=timedelta(minutes=5),
    )
    return judge_certificate(question, source=Kept(evidence=evidence))


def codes(standing) -> list[str]:
    return [one.code for one in standing.reasons]


def policy_of(root, *evidence: Evidence, demand: Demand = Demand.REQUIRED, is_kept: bool = False):
    return VerificationPolicy(
        trust_anchors=(root.certificate,),
        revocation=Revocation(demand=demand, source=Kept(evidence=evidence), is_kept=is_kept),
    )


def withdrawn(leaf, at: datetime, **more) -> Withdrawn:
    return Withdrawn(serial=leaf.certificate.serial_number, at=at, **more)


def both_kinds(authority, leaf, root, *, now: datetime, gone: Sequence[Withdrawn] = ()):
    """Return the same word as a list and as an answer."""
    return {
        "crl": crl(authority.make_list(gone, now=now)),
        "ocsp": answer(
            authority.make_answer(
                leaf.certificate,
                issuer=root.certificate,
                now=now,
                withdrawn=gone[0] if gone else None,
            )
        ),
    }


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_a_certificate_that_is_not_revoked_is_good(workshop, authority, leaf, root, kind):
    evidence = both_kinds(authority, leaf, root, now=workshop.now - HOUR)[kind]

    standing = judge(workshop, leaf, root, evidence)

    assert standing.status is Status.GOOD
    assert standing.this_update == workshop.now - HOUR
    assert standing.next_update == workshop.now - HOUR + DAY
    assert standing.evidence == evidence


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_revoked_before_signing_is_refused_and_says_when_and_why(
    workshop, authority, leaf, root, kind
):
    gone = [withdrawn(leaf, workshop.now - 3 * DAY, cause=KEY_COMPROMISE)]
    evidence = both_kinds(authority, leaf, root, now=workshop.now - HOUR, gone=gone)[kind]

    with pytest.raises(SignatureRefused) as refused:
        verify(workshop.sign(by=leaf), policy=policy_of(root, evidence), now=workshop.now)

    (reason,) = refused.value.reasons
    assert reason.code == "certificate.revoked_when_signed"
    assert reason.en == (
        "Certificate Sở Y tế was revoked 2026-11-21 (keyCompromise), before signing"
    )
    assert reason.vi == (
        "Chứng thư Sở Y tế đã bị thu hồi ngày 2026-11-21 (keyCompromise), trước khi ký"
    )


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_revoked_after_signing_is_accepted_and_said(workshop, authority, leaf, root, kind):
    later = workshop.now + 5 * DAY
    gone = [withdrawn(leaf, workshop.now + DAY, cause=x509.ReasonFlags.superseded)]
    evidence = both_kinds(authority, leaf, root, now=later - HOUR, gone=gone)[kind]

    verified = verify(workshop.sign(by=leaf), policy=policy_of(root, evidence), now=later)

    assert [one.code for one in verified.notices] == ["certificate.revoked_since"]
    assert verified.notices[0].en == (
        "Certificate Sở Y tế was revoked 2026-11-25 (superseded), after the signing time that is "
        "stated"
    )


def test_a_stolen_key_that_states_an_earlier_time_can_be_refused(workshop, authority, leaf, root):
    """Whoever has the key writes any signing time; without a time-stamp nobody can tell."""
    later = workshop.now + 5 * DAY
    gone = [withdrawn(leaf, workshop.now + DAY, cause=KEY_COMPROMISE)]
    policy = policy_of(root, crl(authority.make_list(gone, now=later - HOUR)))
    strict = replace(policy, revocation=replace(policy.revocation, believes_stated_time=False))
    backdated = workshop.sign(by=leaf)

    believed = inspect(backdated, policy=policy, now=later)
    refused = inspect(backdated, policy=strict, now=later)

    assert believed.trusted
    (reason,) = refused.reasons
    assert reason.en == (
        "Certificate Sở Y tế was revoked 2026-11-25 (keyCompromise), and nothing proves that it "
        "signed before"
    )


def test_a_stolen_key_counts_from_when_it_was_stolen(workshop, authority, leaf, root):
    later = workshop.now + 5 * DAY
    gone = [
        withdrawn(
            leaf,
            workshop.now + DAY,
            cause=KEY_COMPROMISE,
            invalid_since=workshop.now - DAY,
        )
    ]
    policy = policy_of(root, crl(authority.make_list(gone, now=later - HOUR)))

    found = inspect(workshop.sign(by=leaf), policy=policy, now=later)

    assert [one.code for one in found.reasons] == ["certificate.revoked_when_signed"]
    assert "2026-11-23" in found.reasons[0].en
    assert found.intact
    assert not found.trusted


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_what_has_run_out_by_its_own_word_is_stale(workshop, authority, leaf, root, kind):
    evidence = both_kinds(authority, leaf, root, now=workshop.now - 2 * DAY)[kind]

    standing = judge(workshop, leaf, root, evidence)

    assert codes(standing) == ["revocation.stale"]
    assert "stale since 2026-11-23 08:00 UTC (made 2026-11-22 08:00 UTC)" in standing.reasons[0].en
    assert evidence.origin in standing.reasons[0].vi


@pytest.mark.parametrize("life", [None, 900 * DAY])
def test_an_old_good_answer_shown_again_is_stale_whatever_it_says(
    workshop, authority, leaf, root, life
):
    old = authority.make_answer(
        leaf.certificate, issuer=root.certificate, now=workshop.now - 8 * DAY, life=life
    )

    assert codes(judge(workshop, leaf, root, answer(old))) == ["revocation.stale"]


def test_a_replayed_good_answer_does_not_hide_a_newer_revocation(workshop, authority, leaf, root):
    good = authority.make_answer(
        leaf.certificate, issuer=root.certificate, now=workshop.now - HOUR, life=DAY
    )
    gone = [withdrawn(leaf, workshop.now - timedelta(minutes=10))]
    bad = authority.make_list(gone, now=workshop.now)

    for evidence in ([answer(good), crl(bad)], [crl(bad), answer(good)]):
        assert judge(workshop, leaf, root, *evidence).status is Status.REVOKED


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_a_stale_answer_that_says_revoked_is_believed(workshop, authority, leaf, root, kind):
    gone = [withdrawn(leaf, workshop.now - 40 * DAY)]
    evidence = both_kinds(authority, leaf, root, now=workshop.now - 30 * DAY, gone=gone)[kind]

    assert judge(workshop, leaf, root, evidence).status is Status.REVOKED


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_a_stale_suspension_may_have_been_lifted(workshop, authority, leaf, root, kind):
    gone = [withdrawn(leaf, workshop.now - 40 * DAY, cause=HOLD)]
    stale = both_kinds(authority, leaf, root, now=workshop.now - 30 * DAY, gone=gone)[kind]
    fresh = both_kinds(authority, leaf, root, now=workshop.now - HOUR)[kind]

    assert codes(judge(workshop, leaf, root, stale)) == ["revocation.stale"]
    assert judge(workshop, leaf, root, stale, fresh).status is Status.GOOD


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_an_answer_from_the_future_is_no_answer(workshop, authority, leaf, root, kind):
    evidence = both_kinds(authority, leaf, root, now=workshop.now + HOUR)[kind]

    assert codes(judge(workshop, leaf, root, evidence)) == ["revocation.from_future"]


def test_a_list_of_a_same_name_authority_with_another_key_is_refused(workshop, leaf, root):
    impostor = workshop.issue("Gốc thu hồi", issuer=None, is_ca=True, usage=None)
    forged = DevelopmentAuthority(key=impostor.key, certificate=impostor.certificate)

    standing = judge(workshop, leaf, root, crl(forged.make_list(now=workshop.now)))

    assert codes(standing) == ["revocation.signed_by_other"]
    assert "not signed by who issued the certificate" in standing.reasons[0].en


def test_a_list_of_another_authority_is_refused(workshop, leaf, root):
    other = DevelopmentAuthority(key=workshop.root.key, certificate=workshop.root.certificate)

    standing = judge(workshop, leaf, root, crl(other.make_list(now=workshop.now)))

    assert codes(standing) == ["revocation.other_issuer"]


def test_an_authority_that_may_not_sign_lists_is_not_listened_to(workshop):
    agency = workshop.agency
    issuer = DevelopmentAuthority(key=workshop.root.key, certificate=workshop.root.certificate)

    standing = judge(workshop, agency, workshop.root, crl(issuer.make_list(now=workshop.now)))

    assert codes(standing) == ["revocation.issuer_may_not"]


def test_an_answer_for_another_certificate_is_refused(workshop, authority, leaf, root):
    sibling = workshop.issue("Sở Y tế", issuer=root)
    about_sibling = authority.make_answer(
        sibling.certificate, issuer=root.certificate, now=workshop.now
    )

    standing = judge(workshop, leaf, root, answer(about_sibling))

    assert codes(standing) == ["revocation.other_certificate"]
    assert "the OCSP answer is for another certificate (from http://ocsp.example)" in (
        standing.reasons[0].en
    )


def test_the_same_serial_of_another_authority_is_another_certificate(workshop, leaf, root):
    other_root = workshop.issue("Gốc khác", issuer=None, is_ca=True, usage=None)
    other = DevelopmentAuthority(key=root.key, certificate=root.certificate)
    forged = other.make_answer(leaf.certificate, issuer=other_root.certificate, now=workshop.now)

    assert codes(judge(workshop, leaf, root, answer(forged))) == ["revocation.other_certificate"]


@pytest.mark.parametrize("last", [0x08, 0x77], ids=["SHA3-256", "no hash"])
def test_an_answer_that_names_its_certificate_by_a_strange_hash_is_refused(
    workshop, leaf, root, last
):
    """The authority itself has signed it, so it is read to the end."""
    content = ocsp.load_der_ocsp_response(
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=leaf.certificate,
            issuer=root.certificate,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=workshop.now,
            next_update=None,
            revocation_time=None,
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, root.certificate)
        .sign(root.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    sha256 = bytes.fromhex("608648016503040201")
    body = content.tbs_response_bytes.replace(sha256, sha256[:-1] + bytes([last]))
    value = b""
    while len(value) != len(content.signature):
        value = root.key.sign(body, ec.ECDSA(hashes.SHA256()))
    data = content.public_bytes(Encoding.DER).replace(content.tbs_response_bytes, body)
    evidence = answer(data.replace(content.signature, value))

    assert codes(judge(workshop, leaf, root, evidence)) == ["revocation.weak"]


def test_an_answer_signed_by_somebody_else_is_refused(workshop, authority, leaf, root):
    good = authority.make_answer(leaf.certificate, issuer=root.certificate, now=workshop.now)
    signature = ocsp.load_der_ocsp_response(good).signature
    forged = good.replace(signature, signature[:-1] + bytes((signature[-1] ^ 1,)))

    assert codes(judge(workshop, leaf, root, answer(forged))) == ["revocation.signed_by_other"]


def responder_term(workshop):
    return workshop.now - 30 * DAY, workshop.now + 30 * DAY


def test_a_delegated_responder_is_believed(workshop, authority, leaf, root):
    responder = authority.make_responder(term=responder_term(workshop))
    good = responder.make_answer(leaf.certificate, issuer=root.certificate, now=workshop.now)

    assert judge(workshop, leaf, root, answer(good)).status is Status.GOOD


def test_a_responder_of_another_authority_is_refused(workshop, leaf, root):
    impostor = workshop.issue("Gốc thu hồi", issuer=None, is_ca=True, usage=None)
    other = DevelopmentAuthority(key=impostor.key, certificate=impostor.certificate)
    responder = other.make_responder(term=responder_term(workshop))
    forged = responder.make_answer(leaf.certificate, issuer=root.certificate, now=workshop.now)

    found = codes(judge(workshop, leaf, root, answer(forged)))

    assert found == ["revocation.signer_of_other_issuer"]


def test_a_responder_without_the_purpose_is_refused(workshop, authority, leaf, root):
    responder = authority.make_responder(term=responder_term(workshop), may_answer=False)
    forged = responder.make_answer(leaf.certificate, issuer=root.certificate, now=workshop.now)

    assert codes(judge(workshop, leaf, root, answer(forged))) == ["revocation.signer_may_not"]


def test_another_holder_of_a_certificate_cannot_answer_for_the_authority(workshop, leaf, root):
    sibling = workshop.issue("Sở Xây dựng", issuer=root)
    forger = DevelopmentAuthority(key=sibling.key, certificate=sibling.certificate)
    forged = forger.make_answer(leaf.certificate, issuer=root.certificate, now=workshop.now)

    assert codes(judge(workshop, leaf, root, answer(forged))) == ["revocation.signer_may_not"]


@pytest.mark.parametrize(("begin", "end"), [(-30, -1), (1, 30)], ids=["expired", "not valid yet"])
def test_a_responder_out_of_its_time_is_refused(workshop, authority, leaf, root, begin, end):
    term = (workshop.now + begin * DAY, workshop.now + end * DAY)
    responder = authority.make_responder(term=term)
    late = responder.make_answer(leaf.certificate, issuer=root.certificate, now=workshop.now)

    assert codes(judge(workshop, leaf, root, answer(late))) == ["revocation.signer_expired"]


def test_a_responder_that_may_be_revoked_itself_needs_a_list(workshop, authority, leaf, root):
    responder = authority.make_responder(term=responder_term(workshop), is_unchecked=False)
    good = responder.make_answer(leaf.certificate, issuer=root.certificate, now=workshop.now)
    without = crl(authority.make_list(now=workshop.now))
    gone = Withdrawn(serial=responder.certificate.serial_number, at=workshop.now - DAY)
    with_it = crl(authority.make_list([gone], now=workshop.now - HOUR))

    assert codes(judge(workshop, leaf, root, answer(good))) == ["revocation.signer_unchecked"]
    assert judge(workshop, leaf, root, answer(good), without).evidence in (answer(good), without)
    only_answer = judge_certificate_by_answer(workshop, leaf, root, answer(good), with_it)
    assert codes(only_answer) == ["revocation.signer_revoked"]


def judge_certificate_by_answer(workshop, leaf, root, one, *lists):
    question = Question(
        certificate=leaf.certificate,
        issuer=root.certificate,
        fresh_at=workshop.now,
        now=workshop.now,
        max_age=7 * DAY,
        clock_skew=timedelta(minutes=5),
    )
    return judge_answer(question, one, lists=lists)


def test_a_certificate_that_the_authority_does_not_know_is_not_good(
    workshop, authority, leaf, root
):
    unknown = authority.make_answer(
        leaf.certificate, issuer=root.certificate, now=workshop.now, is_known=False
    )

    assert codes(judge(workshop, leaf, root, answer(unknown))) == ["revocation.unknown"]


STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def point(**parts) -> x509.IssuingDistributionPoint:
    plain = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**plain, **parts})


@pytest.mark.parametrize(
    ("extension", "critical", "expected"),
    [
        pytest.param(point(indirect_crl=True), True, ["revocation.partial"], id="indirect"),
        pytest.param(
            point(only_some_reasons=frozenset([KEY_COMPROMISE])),
            True,
            ["revocation.partial"],
            id="some reasons",
        ),
        pytest.param(
            point(only_contains_ca_certs=True), True, ["revocation.partial"], id="authorities"
        ),
        pytest.param(
            point(only_contains_attribute_certs=True),
            True,
            ["revocation.partial"],
            id="attributes",
        ),
        pytest.param(
            point(full_name=[x509.UniformResourceIdentifier("http://ca.example/part-2.crl")]),
            True,
            ["revocation.partial"],
            id="another distribution point",
        ),
        pytest.param(point(only_contains_user_certs=True), True, [], id="holders"),
        pytest.param(x509.DeltaCRLIndicator(4), True, ["revocation.partial"], id="delta"),
        pytest.param(STRANGE, True, ["revocation.critical_extension"], id="strange, critical"),
        pytest.param(STRANGE, False, [], id="strange"),
        pytest.param(x509.CRLNumber(7), False, [], id="number"),
    ],
)
def test_lists_that_need_not_name_the_certificate_are_refused(
    workshop, authority, leaf, root, extension, critical, expected
):
    made = authority.make_list(now=workshop.now, extensions=[(extension, critical)])

    assert codes(judge(workshop, leaf, root, crl(made))) == expected


def test_a_partial_list_counts_for_certificates_that_name_it(workshop, authority, root):
    name = x509.UniformResourceIdentifier("http://ca.example/part-1.crl")
    there = x509.DistributionPoint(
        full_name=[name], relative_name=None, reasons=None, crl_issuer=None
    )
    plain = workshop.issue("Sở Y tế", issuer=root)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(plain.certificate.subject)
        .issuer_name(root.certificate.subject)
        .public_key(plain.key.public_key())
        .serial_number(77)
        .not_valid_before(workshop.now - DAY)
        .not_valid_after(workshop.now + DAY)
        .add_extension(x509.CRLDistributionPoints([there]), critical=False)
        .sign(root.key, hashes.SHA256())
    )
    named = replace(plain, certificate=certificate)
    made = authority.make_list(now=workshop.now, extensions=[(point(full_name=[name]), True)])

    assert judge(workshop, named, root, crl(made)).status is Status.GOOD
    assert codes(judge(workshop, plain, root, crl(made))) == ["revocation.partial"]


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (STRANGE, ["revocation.critical_extension"]),
        (
            x509.CertificateIssuer([x509.UniformResourceIdentifier("http://other.example")]),
            ["revocation.partial"],
        ),
    ],
)
def test_one_entry_that_is_not_understood_spoils_the_list(
    workshop, authority, leaf, root, extension, expected
):
    entry = (
        x509.RevokedCertificateBuilder()
        .serial_number(1)
        .revocation_date(workshop.now - DAY)
        .add_extension(extension, critical=True)
        .build()
    )
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(workshop.now)
        .next_update(workshop.now + DAY)
        .add_revoked_certificate(entry)
        .sign(root.key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )

    assert codes(judge(workshop, leaf, root, crl(made))) == expected


def nested(depth: int) -> bytes:
    """Return a sequence in a sequence in a sequence, with right lengths."""
    der = b""
    for _ in range(depth):
        size = len(der)
        if size < 0x80:
            head = bytes((0x30, size))
        else:
            length = size.to_bytes((size.bit_length() + 7) // 8, "big")
            head = bytes((0x30, 0x80 | len(length))) + length
        der = head + der
    return der


@pytest.mark.parametrize("kind", [Kind.CRL, Kind.OCSP])
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>404</html>", id="html"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff", id="length that lies"),
        pytest.param(b"\x30\x80" * 5_000, id="indefinite lengths"),
        pytest.param(nested(20_000), id="20,000 levels"),
        pytest.param(bytes(range(256)) * 100, id="noise"),
        pytest.param(b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", id="pem"),
    ],
)
def test_garbage_is_unreadable_and_nothing_worse(workshop, leaf, root, kind, data):
    evidence = Evidence(kind=kind, data=data, origin="rác")

    assert codes(judge(workshop, leaf, root, evidence)) == ["revocation.unreadable"]


@pytest.mark.parametrize("kind", ["crl", "ocsp"])
def test_no_changed_byte_makes_a_revoked_certificate_good(workshop, authority, leaf, root, kind):
    gone = [withdrawn(leaf, workshop.now - 3 * DAY)]
    evidence = both_kinds(authority, leaf, root, now=workshop.now - HOUR, gone=gone)[kind]

    for place in range(len(evidence.data)):
        data = bytearray(evidence.data)
        data[place] ^= 0x15
        standing = judge(workshop, leaf, root, replace(evidence, data=bytes(data)))
        assert standing.status is not Status.GOOD


def test_what_is_too_large_is_not_even_read(workshop, leaf, root):
    huge = crl(b"\x30" * (MAX_EVIDENCE_BYTES + 1))

    assert codes(judge(workshop, leaf, root, huge)) == ["revocation.too_large"]


def test_without_evidence_that_is_said(workshop, leaf, root):
    standing = judge(workshop, leaf, root)

    assert standing.reasons[0].en == (
        "Whether certificate Sở Y tế was revoked cannot be told: there is no revocation list (CRL) "
        "and no OCSP answer"
    )


@pytest.mark.parametrize(
    ("demand", "is_accepted", "said"),
    [
        (Demand.OFF, True, []),
        (Demand.WHEN_AVAILABLE, True, ["revocation.missing"]),
        (Demand.REQUIRED, False, []),
    ],
)
def test_the_policy_says_what_silence_means(workshop, leaf, root, demand, is_accepted, said):
    policy = policy_of(root, demand=demand)

    found = inspect(workshop.sign(by=leaf), policy=policy, now=workshop.now)

    assert found.trusted is is_accepted
    assert [one.code for one in found.notices] == said
    assert [one.code for one in found.reasons] == ([] if is_accepted else ["revocation.missing"])


def test_every_certificate_below_the_pinned_root_is_judged(workshop, authority, root):
    middle = workshop.issue("CA con", issuer=root, is_ca=True, usage=None)
    leaf = workshop.issue("Sở Y tế", issuer=middle)
    below = DevelopmentAuthority(key=middle.key, certificate=middle.certificate)
    fine = crl(below.make_list(now=workshop.now - HOUR))
    gone = [withdrawn(middle, workshop.now - 2 * DAY, cause=x509.ReasonFlags.ca_compromise)]
    bad = crl(authority.make_list(gone, now=workshop.now - HOUR))
    signer = leaf.signing_key(middle.certificate)
    signed = XadesSigner(signer).sign(workshop.document, signed_at=workshop.now)

    found = inspect(signed, policy=policy_of(root, fine, bad), now=workshop.now)

    assert [one.code for one in found.reasons] == ["certificate.revoked_when_signed"]
    assert "CA con" in found.reasons[0].en
    assert found.certificate is not None
    assert [one.status for one in found.certificate.standings] == [Status.GOOD, Status.REVOKED]


def test_a_list_of_the_authority_may_be_half_a_year_old(workshop, authority, root):
    middle = workshop.issue("CA con", issuer=root, is_ca=True, usage=None)
    leaf = workshop.issue("Sở Y tế", issuer=middle)
    below = DevelopmentAuthority(key=middle.key, certificate=middle.certificate)
    signed_list = crl(below.make_list(now=workshop.now - HOUR))
    half_year = crl(authority.make_list(now=workshop.now - 180 * DAY, life=200 * DAY))
    signed = XadesSigner(leaf.signing_key(middle.certificate)).sign(
        workshop.document, signed_at=workshop.now
    )

    assert verify(signed, policy=policy_of(root, signed_list, half_year), now=workshop.now)


class Watched:
    """A source that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[x509.Certificate] = []

    def find(self, certificate, *, issuer):
        self.asked.append(certificate)
        return Kept(evidence=()).find(certificate, issuer=certificate)


def test_nobody_is_asked_about_a_chain_that_leads_to_no_pinned_root(workshop, root):
    stranger = workshop.issue("Gốc thu hồi", issuer=None, is_ca=True)
    forged = workshop.issue("Sở Y tế", issuer=stranger)
    source = Watched()
    policy = replace(policy_of(root), revocation=Revocation(demand=Demand.REQUIRED, source=source))

    found = inspect(workshop.sign(by=forged), policy=policy, now=workshop.now)

    assert [one.code for one in found.reasons] == ["certificate.untrusted"]
    assert source.asked == []


def test_the_pinned_certificate_itself_is_not_asked_about(workshop):
    lonely = workshop.issue("Cổng", issuer=None)
    policy = policy_of(lonely)

    assert verify(workshop.sign(by=lonely), policy=policy, now=workshop.now)


def test_kept_evidence_still_counts_years_later(workshop, authority, leaf, root):
    evidence = crl(authority.make_list(now=workshop.now - HOUR))
    years_later = workshop.now + 9 * 365 * DAY
    signed = workshop.sign(by=leaf)

    assert verify(signed, policy=policy_of(root, evidence, is_kept=True), now=years_later)
    found = inspect(signed, policy=policy_of(root, evidence), now=years_later)
    assert [one.code for one in found.reasons] == ["revocation.stale"]


def test_kept_evidence_from_long_before_signing_says_nothing(workshop, authority, leaf, root):
    evidence = crl(authority.make_list(now=workshop.now - 20 * DAY))
    policy = policy_of(root, evidence, is_kept=True)

    found = inspect(workshop.sign(by=leaf), policy=policy, now=workshop.now + DAY)

    assert [one.code for one in found.reasons] == ["revocation.stale"]


@pytest.mark.parametrize(
    ("kept_since", "expected"),
    [
        (None, ["revocation.after_expiry"]),
        (b"20200101000000Z", []),
        (b"noise", ["revocation.after_expiry"]),
    ],
)
def test_a_list_from_after_the_expiry_says_nothing_unless_it_keeps_expired_ones(
    workshop, authority, leaf, root, kept_since, expected
):
    later = workshop.now + 400 * DAY
    kept = []
    if kept_since is not None:
        der = bytes((0x18, len(kept_since))) + kept_since
        oid = x509.ObjectIdentifier("2.5.29.60")
        kept = [(x509.UnrecognizedExtension(oid, der), False)]
    made = authority.make_list(now=later - HOUR, extensions=kept)

    assert codes(judge(workshop, leaf, root, crl(made), at=later)) == expected


def test_a_list_in_pem_is_read(workshop, authority, leaf, root):
    made = x509.load_der_x509_crl(authority.make_list(now=workshop.now))

    standing = judge(workshop, leaf, root, crl(made.public_bytes(Encoding.PEM)))

    assert standing.status is Status.GOOD


def test_each_piece_gives_its_own_reason(workshop, authority, leaf, root):
    stale = crl(authority.make_list(now=workshop.now - 30 * DAY))
    noise = answer(b"\x30\x03\x0a\x01\x06")

    standing = judge(workshop, leaf, root, stale, noise)

    assert codes(standing) == ["revocation.stale", "revocation.refused"]


def test_a_large_list_is_looked_through_once(workshop, authority, leaf, root, monkeypatch):
    """A list of a national authority: 20,000 entries, asked about for every message."""
    gone = [Withdrawn(serial=1_000_000 + n, at=workshop.now - DAY) for n in range(20_000)]
    evidence = crl(authority.make_list(gone, now=workshop.now))
    looked_through = []
    parse = crl_room._parse
    monkeypatch.setattr(
        crl_room, "_parse", lambda data: looked_through.append(len(data)) or parse(data)
    )

    for _ in range(1_000):
        assert judge(workshop, leaf, root, evidence).status is Status.GOOD

    assert looked_through == [len(evidence.data)]
