"""Documents that enclose what proves them: judged offline and years later, and attacked."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

from lienthong.testing.authority import Authority
from signing import (
    Demand,
    DevelopmentAuthority,
    DocumentUnsignable,
    Evidence,
    Kept,
    Kind,
    Revocation,
    SignatureRefused,
    SigningKey,
    VerificationPolicy,
    Withdrawn,
    XadesSigner,
    canonical_bytes,
    explain,
    inspect,
    load_certificates,
    load_development_authority,
    load_pem,
    make_development_pki,
    verify,
    verify_detached,
)
from signing.augmenting import add_timestamp, add_values, stamped_bytes, stamped_claims
from signing.collecting import collect_values
from signing.enclosed_values import (
    MOST_ANSWER_BYTES,
    MOST_CERTIFICATES,
    MOST_EVIDENCE,
    MOST_LIST_BYTES,
    EnclosedValues,
)
from signing.second import SecondOpinion
from signing.timestamp_shapes import Granted
from signing.timestamps import TimestampPolicy, judge_answer, make_request
from tests.unit.signing.conftest import USAGES

XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEY_COMPROMISE = x509.ReasonFlags.key_compromise
SUPERSEDED = x509.ReasonFlags.superseded


@dataclass(frozen=True)
class Site:
    """A root, an authority below it, a signer below that, and a time-stamp authority beside."""

    workshop: object
    root: object
    middle: object
    leaf: object
    stamping: Authority
    stamps: DevelopmentAuthority
    policy: VerificationPolicy

    @property
    def now(self) -> datetime:
        return self.workshop.now

    @property
    def years_later(self) -> datetime:
        """When every certificate and list has run out."""
        return datetime(2060, 1, 1, tzinfo=self.now.tzinfo)

    def issuer(self, holder) -> DevelopmentAuthority:
        return DevelopmentAuthority(key=holder.key, certificate=holder.certificate)

    def stamped(self, *, signed: bytes | None = None) -> bytes:
        if signed is None:
            # The authority between is not sent along.
            signed = self.workshop.sign(by=self.leaf)
        request = make_request(stamped_bytes(signed))
        answer = self.stamping.answer(request.body)
        stamp = judge_answer(answer, request, policy=self.policy.timestamps, now=self.now)
        return add_timestamp(signed, stamp.token)

    def evidence(self, *, at: datetime | None = None, gone=(), kinds=("crl", "ocsp")) -> list:
        """Return what is needed: of the signer an answer or a list, lists of the others."""
        at = at or self.now - HOUR
        middle = self.issuer(self.middle)
        of_leaf = {
            "crl": crl(middle.make_list(gone, now=at)),
            "ocsp": ocsp(
                middle.make_answer(
                    self.leaf.certificate,
                    issuer=self.middle.certificate,
                    now=at,
                    withdrawn=gone[0] if gone else None,
                )
            ),
        }
        return [
            *(of_leaf[kind] for kind in kinds),
            crl(self.issuer(self.root).make_list(now=at)),
            crl(self.stamps.make_list(now=at)),
        ]

    def values(self, *evidence: Evidence, certificates=None) -> EnclosedValues:
        enclosed = (self.middle.certificate,) if certificates is None else certificates
        return EnclosedValues(certificates=tuple(enclosed), evidence=tuple(evidence))

    def document(self, *evidence: Evidence, certificates=None) -> bytes:
        chosen = evidence or self.evidence(kinds=("ocsp",))
        return add_values(self.stamped(), self.values(*chosen, certificates=certificates))

    def asking(self, *evidence: Evidence) -> VerificationPolicy:
        """A policy whose source has this evidence."""
        source = Kept(evidence=evidence)
        return replace(self.policy, revocation=Revocation(demand=Demand.REQUIRED, source=source))

    def collect(self, document: bytes, *evidence: Evidence) -> bytes:
        policy = self.asking(*(evidence or self.evidence()))
        signer = stamped_claims(document)
        return add_values(document, collect_values(signer, policy=policy, now=self.now))

    def with_chain(self) -> bytes:
        signer = XadesSigner(self.leaf.signing_key(self.middle.certificate))
        return signer.sign(self.workshop.document, signed_at=self.now)

    def codes(self, document: bytes, *, policy=None, now=None) -> list[str]:
        with pytest.raises(SignatureRefused) as refused:
            verify(document, policy=policy or self.policy, now=now or self.now)
        return [one.code for one in refused.value.reasons]

    def notices(self, document: bytes, *, policy=None) -> list[str]:
        found = verify(document, policy=policy or self.policy, now=self.now)
        return [one.code for one in found.notices]


def crl(data: bytes) -> Evidence:
    return Evidence(kind=Kind.CRL, data=data, origin="ds.crl")


def ocsp(data: bytes) -> Evidence:
    return Evidence(kind=Kind.OCSP, data=data, origin="http://ocsp.example")


def withdrawn(certificate, at: datetime, cause=KEY_COMPROMISE) -> Withdrawn:
    return Withdrawn(serial=certificate.serial_number, at=at, cause=cause)


@pytest.fixture(scope="module")
def site(workshop, tmp_path_factory):
    root = workshop.issue("Gốc LT", issuer=None, is_ca=True, usage=None)
    middle = workshop.issue("Cấp giữa", issuer=root, is_ca=True, usage=None)
    folder = tmp_path_factory.mktemp("pki")
    pki = make_development_pki(folder, agencies={}, now=workshop.now - DAY)
    key = load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None)
    roots = tuple(load_certificates(pki.root.certificate.read_bytes()))
    return Site(
        workshop=workshop,
        root=root,
        middle=middle,
        leaf=workshop.issue("Sở Y tế", issuer=middle),
        stamping=Authority(key=key, clock=lambda: workshop.now),
        stamps=load_development_authority(folder),
        policy=VerificationPolicy(
            trust_anchors=(root.certificate,),
            timestamps=TimestampPolicy(trust_anchors=roots),
            revocation=Revocation(demand=Demand.REQUIRED),
        ),
    )


def test_it_is_proven_offline_when_all_certificates_and_lists_have_run_out(site):
    document = site.collect(site.stamped(signed=site.with_chain()))

    found = verify(document, policy=site.policy, now=site.years_later)

    assert found.timestamp.at == site.now
    assert found.notices == ()
    # The same without values proves nothing any more.
    stamped = site.stamped(signed=site.with_chain())
    assert site.codes(stamped, now=site.years_later) == ["revocation.missing"] * 2


def test_the_document_is_the_stamped_one_with_text_put_in(site):
    stamped = site.stamped(signed=site.with_chain())
    document = site.collect(stamped, *site.evidence(kinds=("ocsp",)))

    before, behind = stamped.split(b"</xades:SignatureTimeStamp>")
    start, _, rest = document.partition(b"</xades:SignatureTimeStamp>")
    added = rest.removesuffix(behind)

    assert (start, rest) == (before, added + behind)
    assert canonical_bytes(etree.fromstring(document)) == document
    names = [etree.QName(one).localname for one in parts_of(etree.fromstring(document)).iter()]
    assert names[names.index("CertificateValues") :] == [
        "CertificateValues", "EncapsulatedX509Certificate", "EncapsulatedX509Certificate",
        "RevocationValues",
        "CRLValues", "EncapsulatedCRLValue", "EncapsulatedCRLValue",
        "OCSPValues", "EncapsulatedOCSPValue",
    ]  # fmt: skip


def test_xmlsec_accepts_it_too(site):
    document = site.collect(site.stamped(signed=site.with_chain()))

    SecondOpinion(site.leaf.certificate)(document)


def test_a_signature_beside_a_file_becomes_lt_too(site):
    signer = XadesSigner(site.leaf.signing_key(site.middle.certificate))
    signature = signer.sign_file(b"%PDF", name="a.pdf", signed_at=site.now)
    document = site.collect(site.stamped(signed=signature))

    found = verify_detached(
        document, b"%PDF", name="a.pdf", policy=site.policy, now=site.years_later
    )

    assert found.timestamp.at == site.now


def test_only_a_stamped_document_gets_values_and_only_once(site):
    stamped = site.stamped(signed=site.with_chain())
    for document, code in [
        (site.with_chain(), "document.not_stamped"),
        (site.collect(stamped), "document.values_already"),
        (site.workshop.document, "document.not_signed"),
        (b"<a>", "xml.syntax"),
    ]:
        with pytest.raises(DocumentUnsignable) as refused:
            stamped_claims(document)
        assert refused.value.code == code
    with pytest.raises(DocumentUnsignable) as refused:
        add_values(b"<?xml version='1.0'?>" + stamped, site.values(*site.evidence()))
    assert refused.value.code == "document.not_canonical"


@pytest.mark.parametrize("lacking", [0, 1, 2], ids=["signer", "between", "authority"])
def test_it_is_not_made_while_a_certificate_below_a_root_lacks_evidence(site, lacking):
    evidence = site.evidence(kinds=("ocsp",))
    names = ("Sở Y tế", "Cấp giữa", "Development time-stamps")
    del evidence[lacking]

    with pytest.raises(DocumentUnsignable) as refused:
        site.collect(site.stamped(signed=site.with_chain()), *evidence)

    assert refused.value.code == "document.evidence_lacking"
    assert f"Whether certificate {names[lacking]} was revoked" in refused.value.en
    assert all(one not in refused.value.en for one in names if one != names[lacking])


def test_it_is_not_made_of_stale_or_damning_evidence(site):
    stamped = site.stamped(signed=site.with_chain())
    gone = [withdrawn(site.leaf.certificate, site.now - 2 * HOUR)]
    for evidence, words in [
        (site.evidence(at=site.now - 30 * DAY), "the answer is stale"),
        (site.evidence(gone=gone), "nothing proves that it signed before"),
    ]:
        with pytest.raises(DocumentUnsignable) as refused:
            site.collect(stamped, *evidence)
        assert words in refused.value.en


def test_a_signer_revoked_after_the_time_stamp_stays_proven(site):
    gone = [withdrawn(site.leaf.certificate, site.now + HOUR)]
    later = site.evidence(at=site.now + 2 * HOUR, gone=gone)
    strict = replace(site.policy.revocation, believes_stated_time=False)
    document = site.document(*later)

    found = verify(
        document, policy=replace(site.policy, revocation=strict), now=site.now + 3 * HOUR
    )

    assert [one.code for one in found.notices] == ["certificate.revoked_since"]


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(1, "certificate.revoked_since"), (-1, "certificate.revoked_time_unproven")],
    ids=["after", "before"],
)
def test_a_time_stamp_alone_proves_that_a_signature_is_older_than_a_revocation(
    site, hours, expected
):
    """Where a stated time is not believed, a time-stamp is what it takes instead."""
    signer = XadesSigner(site.leaf.signing_key(site.middle.certificate))
    stated = site.now - 2 * HOUR
    stamped = site.stamped(signed=signer.sign(site.workshop.document, signed_at=stated))
    gone = [withdrawn(site.leaf.certificate, site.now + hours * HOUR)]
    asking = site.asking(*site.evidence(at=site.now + 2 * HOUR, gone=gone))
    strict = replace(asking, revocation=replace(asking.revocation, believes_stated_time=False))

    found = inspect(stamped, policy=strict, now=site.now + 3 * HOUR)

    assert expected in [one.code for one in (*found.reasons, *found.notices)]
    assert found.trusted is (hours > 0)
    assert inspect(stamped, policy=asking, now=site.now + 3 * HOUR).trusted


@pytest.mark.parametrize("demand", list(Demand))
def test_a_signer_revoked_before_the_time_stamp_is_refused_whatever_is_asked_for(site, demand):
    policy = replace(site.policy, revocation=Revocation(demand=demand))
    for kind in ("crl", "ocsp"):
        gone = [withdrawn(site.leaf.certificate, site.now - 2 * HOUR)]
        document = site.document(*site.evidence(gone=gone, kinds=(kind,)))

        assert site.codes(document, policy=policy) == ["certificate.revoked_when_signed"]


def test_a_thief_who_dates_back_is_refused_by_the_time_stamp(site):
    """Signed with a stolen key after the revocation, stating a time before it."""
    stated = site.now - 10 * DAY
    signer = XadesSigner(site.leaf.signing_key(site.middle.certificate))
    stamped = site.stamped(signed=signer.sign(site.workshop.document, signed_at=stated))
    gone = [withdrawn(site.leaf.certificate, site.now - 5 * DAY)]
    revoked = add_values(stamped, site.values(*site.evidence(gone=gone)))
    old = add_values(stamped, site.values(*site.evidence(at=stated)))

    assert site.codes(revoked) == ["certificate.revoked_time_unproven"]
    assert set(site.codes(old)) == {"revocation.stale"}


def test_without_a_time_stamp_that_is_judged_old_evidence_is_stale(site):
    """Otherwise whoever has a stolen key would choose the time for which it must be fresh."""
    unjudged = replace(site.policy, timestamps=TimestampPolicy())
    document = site.document()

    assert verify(document, policy=unjudged, now=site.now)
    assert set(site.codes(document, policy=unjudged, now=site.now + 100 * DAY)) == {
        "revocation.stale"
    }


def test_what_the_policys_own_source_knows_counts_too(site):
    gone = [withdrawn(site.leaf.certificate, site.now - 2 * HOUR)]
    knows = site.asking(crl(site.issuer(site.middle).make_list(gone, now=site.now)))

    assert site.codes(site.document(), policy=knows) == ["certificate.revoked_when_signed"]


def test_enclosed_certificates_fill_the_chain_and_add_no_trust(site, workshop):
    stranger_root = workshop.issue("Gốc LT", issuer=None, is_ca=True, usage=None)
    stranger = workshop.issue("Cấp giữa", issuer=stranger_root, is_ca=True, usage=None)
    forged = workshop.issue("Sở Y tế", issuer=stranger)
    stamped = site.stamped(signed=workshop.sign(by=forged))
    enclosed = (stranger.certificate, stranger_root.certificate)
    document = add_values(stamped, site.values(*site.evidence(), certificates=enclosed))

    assert site.codes(document) == ["certificate.untrusted"]
    assert site.codes(site.stamped()) == ["certificate.untrusted"]
    assert site.notices(site.document()) == []
    # An intermediate of the same name with another key does not hide the right one.
    both = (stranger.certificate, site.middle.certificate)
    assert site.notices(site.document(certificates=both)) == []


def test_an_enclosed_root_is_not_a_root_for_time_stamps_either(site, workshop, tmp_path):
    pki = make_development_pki(tmp_path, agencies={}, now=workshop.now - DAY)
    key = load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None)
    roots = tuple(load_certificates(pki.root.certificate.read_bytes()))
    own = replace(
        site,
        stamping=Authority(key=key, clock=lambda: workshop.now),
        policy=replace(site.policy, timestamps=TimestampPolicy(trust_anchors=roots)),
    )
    evidence = [
        *site.evidence()[:-1],
        crl(load_development_authority(tmp_path).make_list(now=own.now)),
    ]
    document = own.document(*evidence, certificates=(site.middle.certificate, *roots))

    assert own.notices(document) == []
    assert site.codes(document) == ["timestamp.untrusted"]


def others(site):
    """Evidence beside the good that is of no use, and what is said of it."""
    middle, root = site.issuer(site.middle), site.issuer(site.root)
    forger = site.issuer(site.workshop.issue("Cấp giữa", issuer=None, is_ca=True, usage=None))
    leaf, now = site.leaf.certificate, site.now
    neighbour = site.workshop.issue("Sở Xây dựng", issuer=site.middle).certificate
    stale = middle.make_list(now=now - 30 * DAY)
    return {
        "unreadable list": (crl(b"garbage"), "cannot be read"),
        "unreadable answer": (ocsp(b"garbage"), "cannot be read"),
        "empty": (ocsp(b""), "cannot be read"),
        "other certificate": (
            ocsp(middle.make_answer(neighbour, issuer=site.middle.certificate, now=now)),
            "for another certificate",
        ),
        "other issuer": (
            crl(site.issuer(site.workshop.root).make_list(now=now)),
            "of another authority",
        ),
        "stale": (crl(stale), "stale since"),
        "forged list": (crl(forger.make_list(now=now)), "not signed by who issued"),
        "forged answer": (
            ocsp(forger.make_answer(leaf, issuer=site.middle.certificate, now=now)),
            "not authorised by the issuer",
        ),
        "issuer's issuer": (
            ocsp(root.make_answer(leaf, issuer=site.middle.certificate, now=now)),
            "not authorised by the issuer",
        ),
        "from the future": (crl(middle.make_list(now=now + DAY)), "in the future"),
    }


CASES = (
    "unreadable list", "unreadable answer", "empty", "other certificate", "other issuer", "stale",
    "forged list", "forged answer", "issuer's issuer", "from the future",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_value_that_is_of_no_use_is_told_and_proves_nothing(site, case):
    useless, words = others(site)[case]
    beside = site.document(*site.evidence(), useless)
    alone = site.document(useless, *site.evidence(kinds=()))

    found = verify(beside, policy=site.policy, now=site.now)
    assert [one.code for one in found.notices] == ["values.unused"]
    assert words in found.notices[0].en
    refused = site.codes(alone)
    assert refused
    assert all(one.startswith("revocation.") for one in refused)


def test_a_forged_word_that_it_was_revoked_does_not_count(site):
    forger = site.issuer(site.workshop.issue("Cấp giữa", issuer=None, is_ca=True, usage=None))
    gone = [withdrawn(site.leaf.certificate, site.now - DAY)]
    document = site.document(*site.evidence(), crl(forger.make_list(gone, now=site.now)))

    assert site.notices(document) == ["values.unused"]


@pytest.mark.parametrize(
    ("at", "cause", "is_refused"),
    [
        (-2 * HOUR, SUPERSEDED, True),
        (HOUR, SUPERSEDED, False),
        (HOUR, KEY_COMPROMISE, True),
        (HOUR, None, True),
    ],
)
def test_a_time_stamp_authority_that_was_revoked_is_judged_by_the_cause(
    site, at, cause, is_refused
):
    """RFC 3161, section 4: with its key in other hands it could have stated any time."""
    gone = [withdrawn(site.stamping.key.certificate, site.now + at, cause)]
    good = site.evidence()[:-1]
    document = site.document(*good, crl(site.stamps.make_list(gone, now=site.now + 2 * HOUR)))
    now = site.now + 3 * HOUR

    if is_refused:
        assert site.codes(document, now=now) == ["timestamp.authority_revoked"]
    else:
        assert verify(document, policy=site.policy, now=now).timestamp is not None


@pytest.mark.parametrize("is_enclosed", [True, False])
def test_a_revoked_time_stamp_authority_is_known_from_the_policys_source_too(site, is_enclosed):
    """Whoever has stolen its key could state any time; values can be taken out, the source not."""
    gone = [withdrawn(site.stamping.key.certificate, site.now - DAY)]
    knows = site.asking(*site.evidence(), crl(site.stamps.make_list(gone, now=site.now)))
    document = site.document() if is_enclosed else site.stamped(signed=site.with_chain())

    assert site.codes(document, policy=knows) == ["timestamp.authority_revoked"]


def test_an_authority_of_which_nothing_is_known_is_told(site):
    document = site.document(*site.evidence()[:-1])

    assert set(site.notices(document)) == {"timestamp.authority_unchecked"}


def parts_of(root):
    return root.find(f".//{XADES}UnsignedSignatureProperties")


def certificates_alone(root):
    parts_of(root).remove(parts_of(root)[2])


def revocation_alone(root):
    parts_of(root).remove(parts_of(root)[1])


def without_time_stamp(root):
    parts_of(root).remove(parts_of(root)[0])


def other_order(root):
    parts_of(root).append(parts_of(root)[1])


def twice(root):
    parts_of(root).append(etree.fromstring(etree.tostring(parts_of(root)[2])))


def archive_time_stamp(root):
    etree.SubElement(parts_of(root), "{http://uri.etsi.org/01903/v1.4.1#}ArchiveTimeStamp")


def other_certificate(root):
    etree.SubElement(parts_of(root)[1], f"{XADES}OtherCertificate").text = "QQ=="


def other_values(root):
    etree.SubElement(parts_of(root)[2], f"{XADES}OtherValues")


def answers_before_lists(root):
    parts_of(root)[2].append(parts_of(root)[2][0])


def no_revocation_data(root):
    for one in list(parts_of(root)[2]):
        parts_of(root)[2].remove(one)


def empty_lists(root):
    for one in list(parts_of(root)[2]):
        for piece in list(one):
            one.remove(piece)


def other_encoding(root):
    parts_of(root)[1][0].set("Encoding", "http://uri.etsi.org/01903/v1.2.2#PER")


def an_id(root):
    parts_of(root)[2][0][0].set("Id", "bt-7f0d")


def elements_inside(root):
    etree.SubElement(parts_of(root)[2][0][0], f"{XADES}X")


def text_inside(root):
    parts_of(root)[2].text = "paid"


def not_base64(root):
    parts_of(root)[2][0][0].text = "%%%"


def too_many_certificates(root):
    one = parts_of(root)[1][0]
    for _ in range(MOST_CERTIFICATES):
        parts_of(root)[1].append(etree.fromstring(etree.tostring(one)))


def too_many_lists(root):
    holder = parts_of(root)[2][0]
    for _ in range(MOST_EVIDENCE):
        holder.append(etree.fromstring(etree.tostring(holder[0])))


def ten_thousand(root):
    for _ in range(10_000):
        etree.SubElement(parts_of(root)[1], f"{XADES}EncapsulatedX509Certificate").text = "QQ=="


def too_large_a_list(root):
    parts_of(root)[2][0][0].text = base64.b64encode(bytes(MOST_LIST_BYTES + 1)).decode()


def too_large_an_answer(root):
    parts_of(root)[2][1][0].text = base64.b64encode(bytes(MOST_ANSWER_BYTES + 1)).decode()


def too_large_a_certificate(root):
    parts_of(root)[1][0].text = base64.b64encode(bytes(70_000)).decode()


@pytest.mark.parametrize(
    "change",
    [
        certificates_alone, revocation_alone, without_time_stamp, other_order, twice,
        archive_time_stamp, other_certificate, other_values, answers_before_lists,
        no_revocation_data, empty_lists, other_encoding, an_id, elements_inside, text_inside,
        not_base64, too_many_certificates, too_many_lists, ten_thousand, too_large_a_list,
        too_large_an_answer, too_large_a_certificate,
    ],
    ids=lambda change: change.__name__,
)  # fmt: skip
def test_exactly_the_values_may_stand_behind_the_time_stamp(site, change):
    root = etree.fromstring(site.document(*site.evidence()))
    change(root)

    codes = site.codes(canonical_bytes(root))

    assert codes[0] == "signature.structure"


def test_a_certificate_that_cannot_be_read_is_refused(site):
    root = etree.fromstring(site.document())
    parts_of(root)[1][0].text = "QQ=="

    assert site.codes(canonical_bytes(root)) == ["certificate.unreadable"]


def test_values_taken_away_leave_the_stamped_document(site):
    stamped = site.stamped(signed=site.with_chain())
    root = etree.fromstring(site.collect(stamped))
    for one in parts_of(root)[1:]:
        parts_of(root).remove(one)

    assert canonical_bytes(root) == stamped


def test_a_list_in_pem_is_enclosed_in_der(site):
    evidence = site.evidence(kinds=("crl",))
    pem = [crl(x509.load_der_x509_crl(one.data).public_bytes(Encoding.PEM)) for one in evidence]

    document = site.collect(site.stamped(signed=site.with_chain()), *pem)

    values = etree.fromstring(document).iterfind(f".//{XADES}EncapsulatedCRLValue")
    assert [base64.b64decode(one.text) for one in values] == [one.data for one in evidence]


def test_an_answer_whose_responder_only_a_list_proves_gives_way_to_the_list(site):
    middle = site.issuer(site.middle)
    responder = middle.make_responder(term=(site.now - DAY, site.now + DAY), is_unchecked=False)
    answer = responder.make_answer(
        site.leaf.certificate, issuer=site.middle.certificate, now=site.now
    )
    evidence = [*site.evidence(kinds=("crl",)), ocsp(answer)]

    document = site.collect(site.stamped(signed=site.with_chain()), *evidence)

    assert b"OCSPValues" not in document
    assert verify(document, policy=site.policy, now=site.years_later)


def test_the_explanation_says_what_of_the_values_was_used(site):
    def step(document):
        found = inspect(document, policy=site.policy, now=site.now)
        (step,) = (one for one in explain(found, policy=site.policy) if one.name == "values")
        return step.result.value, [one.en for one in step.found]

    result, found = step(site.document())

    assert result == "passed"
    assert found[0] == ("1 certificates, 3 pieces of revocation data; in a chain stand: Cấp giữa")
    assert [one.partition(" (made")[0] for one in found[1:]] == [
        "Sở Y tế: not revoked, says OCSP EncapsulatedOCSPValue 1",
        "Cấp giữa: not revoked, says CRL EncapsulatedCRLValue 1",
        "Development time-stamps: not revoked, says CRL EncapsulatedCRLValue 2",
    ]
    assert step(site.document(*site.evidence(), crl(b"garbage")))[0] == "noted"
    assert step(site.stamped(signed=site.with_chain()))[0] == "skipped"


def test_many_look_alikes_among_the_certificates_are_given_up(site, workshop):
    """Each may have issued each, by name; only signatures tell them apart."""
    alike = [
        workshop.issue("Cấp giữa", issuer=None, is_ca=True, usage=None).certificate
        for _ in range(MOST_CERTIFICATES)
    ]
    stamped = site.stamped()
    document = add_values(stamped, site.values(*site.evidence(), certificates=alike))

    # The library gives up after a number of signatures, and would look for ever without.
    assert site.codes(document)[0] == "certificate.untrusted"


def padded(authority: DevelopmentAuthority, now: datetime, *, size: int) -> Evidence:
    """Return a good list that is large."""
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.9"), bytes(size))
    return crl(authority.make_list(now=now, extensions=[(padding, False)]))


def test_a_list_too_large_to_be_read_again_is_not_enclosed(site):
    large = padded(site.issuer(site.middle), site.now - HOUR, size=MOST_LIST_BYTES)
    stamped = site.stamped(signed=site.with_chain())

    with pytest.raises(DocumentUnsignable) as refused:
        site.collect(stamped, large, *site.evidence(kinds=()))

    assert "larger than 5 MB" in refused.value.en
    # Where an answer says the same, it takes the list's place.
    document = site.collect(stamped, large, *site.evidence(kinds=("ocsp",)))
    assert len(document) < 20_000


def test_a_document_that_would_become_too_large_is_not_made(site):
    large = padded(site.issuer(site.middle), site.now - HOUR, size=MOST_LIST_BYTES - 2000)

    with pytest.raises(DocumentUnsignable) as refused:
        site.document(large, large, large, *site.evidence())

    assert refused.value.code == "xml.too_large"


def test_a_large_list_is_read_again(site):
    large = padded(site.issuer(site.middle), site.now - HOUR, size=MOST_LIST_BYTES - 2000)

    assert site.notices(site.document(large, *site.evidence(kinds=()))) == []


def test_values_of_another_document_prove_nothing_of_this_one(site, workshop):
    neighbour = workshop.issue("Sở Xây dựng", issuer=site.middle)
    middle = site.issuer(site.middle)
    answer = middle.make_answer(neighbour.certificate, issuer=site.middle.certificate, now=site.now)
    moved = site.document(ocsp(answer), *site.evidence(kinds=()))

    assert site.codes(moved) == ["revocation.missing"]


def test_certificates_are_judged_at_the_time_stamp_where_the_policy_says_so(site, workshop):
    """And then the values prove a signer whose certificate has long run out."""
    strict = replace(site.policy, judges_at_timestamp=True)

    assert verify(site.document(), policy=strict, now=site.years_later).timestamp is not None


def test_enclosed_certificates_fill_the_chain_of_the_time_stamp_authority(site, workshop):
    root = workshop.issue("Gốc dấu thời gian", issuer=None, is_ca=True, usage=None)
    between = workshop.issue("Cấp dấu", issuer=root, is_ca=True, usage=None)
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    usage = x509.KeyUsage(**{**dict.fromkeys(USAGES, False), "digital_signature": True})
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Dấu thời gian")]))
        .issuer_name(between.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(site.now - DAY)
        .not_valid_after(site.now + DAY)
        .add_extension(purpose, critical=True)
        .add_extension(usage, critical=True)
        .sign(between.key, hashes.SHA256())
    )
    # The token does not carry the authority between.
    stamping = Authority(
        key=SigningKey(private_key=key, certificate=certificate), clock=lambda: site.now
    )
    signed = site.with_chain()
    answer = stamping.answer(make_request(stamped_bytes(signed)).body)
    token = asn1.encode_der(asn1.decode_der(Granted, answer).token)
    stamped = add_timestamp(signed, token)
    evidence = [
        *site.evidence()[:-1],
        crl(site.issuer(between).make_list(now=site.now)),
        crl(site.issuer(root).make_list(now=site.now)),
    ]
    document = add_values(stamped, site.values(*evidence, certificates=[between.certificate]))
    stamps = TimestampPolicy(trust_anchors=(root.certificate,))
    policy = replace(site.policy, timestamps=stamps)

    found = verify(document, policy=policy, now=site.years_later)

    assert (found.timestamp.at, found.notices) == (site.now, ())
    assert "timestamp.untrusted" in site.codes(stamped, policy=policy)
