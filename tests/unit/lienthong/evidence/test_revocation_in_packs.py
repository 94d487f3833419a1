"""What a pack holds of revocation, and what the verifier makes of it, years later and offline."""

import io
from datetime import timedelta

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from lienthong.evidence import verify_evidence as verifier
from lienthong.evidence.packing import Packer, Wanted
from lienthong.testing.evidence_site import AGENCY, MADE_AT
from signing import Evidence, Kept, Kind, make_development_pki
from signing.devauthority import DevelopmentAuthority, Withdrawn, load_development_authority

LATER = MADE_AT + timedelta(days=1)


@pytest.fixture(scope="module")
def authority(shop):
    return load_development_authority(shop.site.keyring.folder)


@pytest.fixture
def told(shop):
    """Make a pack with what an authority says; return the findings about the agency's signer."""
    root = verifier.read_roots([shop.site.keyring.folder / "root.cert.pem"])

    def check(*said):
        evidence = tuple(
            Evidence(kind=Kind.OCSP if is_answer else Kind.CRL, data=data, origin="test")
            for data, is_answer in said
        )
        packer = Packer(
            shop.site.store,
            converters=shop.site.mappings.get,
            key=shop.site.keyring.operator_key,
            roots=shop.site.keyring.policy().trust_anchors,
            clock=shop.site.clock,
            revocation=lambda: Kept(evidence=evidence),
        )
        target = io.BytesIO()
        packer.pack(target, Wanted(dossier=shop.dossiers[0]))
        report = verifier.verify(target, verifier.Means(roots=root))
        found = [one for one in report.lines if one.code.startswith("revocation.")]
        return [(one.kind, one.code) for one in found if "Văn phòng" in one.en]

    return check


def test_a_list_made_after_the_signature_proves_that_the_signer_was_good(told, authority):
    assert told((authority.make_list(now=LATER), False)) == [("proven", "revocation.good")]


def test_a_list_made_before_the_signature_proves_nothing_about_it(told, authority):
    early = authority.make_list(now=MADE_AT - timedelta(days=1))

    assert told((early, False)) == [("not_proven", "revocation.stale")]


@pytest.mark.parametrize(
    ("days", "found"),
    [(-1, ("false", "revocation.revoked_before")), (1, ("not_proven", "revocation.revoked_later"))],
)
def test_a_signer_that_was_revoked_is_told_with_when(told, shop, authority, days, found):
    gone = Withdrawn(
        serial=shop.agency.certificate.serial_number, at=MADE_AT + timedelta(days=days)
    )

    assert told((authority.make_list([gone], now=LATER), False)) == [found]


def test_a_key_that_was_lost_before_it_was_revoked_counts_from_then(told, shop, authority):
    gone = Withdrawn(
        serial=shop.agency.certificate.serial_number,
        at=LATER,
        invalid_since=MADE_AT - timedelta(days=1),
    )

    found = told((authority.make_list([gone], now=LATER), False))

    assert found == [("false", "revocation.revoked_before")]


def test_an_answer_of_the_issuer_or_of_its_responder_is_taken(told, shop, authority):
    agency = shop.agency.certificate
    term = (MADE_AT - timedelta(days=9), MADE_AT + timedelta(days=9))
    responder = authority.make_responder(term=term)

    for who in (authority, responder):
        answer = who.make_answer(agency, issuer=authority.certificate, now=LATER)
        assert told((answer, True)) == [("proven", "revocation.good")]
    gone = Withdrawn(serial=agency.serial_number, at=MADE_AT - timedelta(days=1))
    answer = responder.make_answer(agency, issuer=authority.certificate, now=LATER, withdrawn=gone)
    assert told((answer, True)) == [("false", "revocation.revoked_before")]


def test_what_others_say_is_not_taken(told, shop, authority, tmp_path):
    agency = shop.agency.certificate
    term = (MADE_AT - timedelta(days=9), MADE_AT + timedelta(days=9))
    without_leave = authority.make_responder(term=term, may_answer=False)
    make_development_pki(
        tmp_path, agencies={AGENCY: ("000.00.15.H29", "x")}, now=MADE_AT, kind="ec"
    )
    namesake = load_development_authority(tmp_path)
    pretender = DevelopmentAuthority(key=namesake.key, certificate=authority.certificate)
    portal = shop.site.keyring.portal_key().certificate

    for said in (
        (without_leave.make_answer(agency, issuer=authority.certificate, now=LATER), True),
        (namesake.make_answer(agency, issuer=authority.certificate, now=LATER), True),
        (pretender.make_list(now=LATER), False),
        (authority.make_answer(portal, issuer=authority.certificate, now=LATER), True),
        (b"nothing of the kind", False),
        (b"nothing of the kind", True),
    ):
        assert told(said) == [("not_proven", "revocation.not_judged")]


def test_a_pack_without_any_says_so_once(shop):
    root = verifier.read_roots([shop.site.keyring.folder / "root.cert.pem"])

    report = verifier.verify(io.BytesIO(shop.good), verifier.Means(roots=root))

    found = [one.code for one in report.lines if one.code.startswith("revocation.")]
    assert found == ["revocation.not_judged"]


def test_an_answer_that_names_its_certificate_by_a_strange_hash_is_unreadable(shop, authority):
    """Nobody need have signed it: it is looked at first."""
    good = authority.make_answer(shop.agency.certificate, issuer=authority.certificate, now=LATER)
    sha1, md5 = bytes.fromhex("06052b0e03021a"), bytes.fromhex("06052b0e030203")
    assert sha1 in good

    with pytest.raises((ValueError, UnsupportedAlgorithm)):
        verifier.StatusAnswer(good.replace(sha1, md5))
