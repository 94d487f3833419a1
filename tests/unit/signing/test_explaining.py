"""The explanation: every step says what came out, and no reason gets lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from signing import (
    Demand,
    DevelopmentAuthority,
    Evidence,
    Kept,
    Kind,
    Revocation,
    VerificationPolicy,
    Withdrawn,
    explain,
    inspect,
    load_policy,
)

XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALL_STEPS = [
    "form",
    "cover",
    "digests",
    "algorithm",
    "value",
    "signer",
    "key_usage",
    "time",
    "chain",
    "revocation",
    "time_stamp",
    "values",
    "policy",
]


def steps_of(document, *, policy, now):
    inspection = inspect(document, policy=policy, now=now)
    steps = explain(inspection, policy=policy)
    assert [step.name for step in steps] == ALL_STEPS
    told = [reason for step in steps for reason in step.reasons]
    assert sorted(one.code for one in told) == sorted(
        one.code for one in (*inspection.reasons, *inspection.notices)
    )
    return {step.name: step for step in steps}


def results(steps):
    return {name: step.result.value for name, step in steps.items()}


def english(step):
    return [one.en for one in (*step.found, *step.reasons)]


def test_a_good_document_passes_every_step_that_is_wanted(workshop, tmp_path):
    file = tmp_path / "goc.pem"
    file.write_bytes(workshop.root.certificate.public_bytes(Encoding.PEM))

    steps = steps_of(workshop.sign(), policy=load_policy([file]), now=workshop.now)

    skipped = {"revocation": "skipped", "time_stamp": "skipped", "values": "skipped"}
    assert results(steps) == {**dict.fromkeys(ALL_STEPS, "passed"), **skipped}
    assert english(steps["cover"])[0] == (
        "#bt-7f0c: the whole element BanTin, save the signature itself"
    )
    assert english(steps["time"]) == [
        "signed 2026-11-24 08:00:00 UTC; the certificate is valid 2026-10-25 – 2027-09-20"
    ]
    serial = f"{workshop.root.certificate.serial_number:x}"
    assert english(steps["chain"])[1:] == [
        f"issued by Gốc thử, {serial}, 2026-10-25 – 2027-09-20",
        f"pinned as a trusted root in {file}",
    ]


def test_the_words_are_those_of_a_person(workshop):
    leaf = workshop.issue("Sở Y tế", issuer=workshop.root, end=workshop.now + DAY)

    def sign_later(root):
        root.find(f".//{XADES}SigningTime").text = "2026-11-26T08:00:00Z"

    late = workshop.rework(workshop.sign(by=leaf), sign_later, by=leaf)

    steps = steps_of(late, policy=workshop.policy, now=workshop.now + 3 * DAY)

    assert results(steps)["time"] == "failed"
    assert steps["time"].reasons[0].en == "Certificate Sở Y tế expired 2026-11-25, before signing"
    assert results(steps)["digests"] == "passed"
    assert english(steps["signer"])[-1] == "this is what the certificate claims, and is not proven"


def test_what_was_changed_fails_at_the_digests_and_nowhere_else(workshop):
    changed = workshop.sign().replace(b"H29.5-261124-0001", b"H29.5-261124-0009")

    steps = steps_of(changed, policy=workshop.policy, now=workshop.now)

    failed = [name for name, result in results(steps).items() if result == "failed"]
    assert failed == ["digests"]
    assert english(steps["digests"]) == [
        "The digest of reference 1 (the document) differs: it was changed after signing"
    ]


@pytest.mark.parametrize(
    "document", [b"", b"no xml", b"<a/>", b"<a>&b;</a>", b'<a Id="x"><b/></a>', b"\xff" * 100]
)
def test_what_was_not_reached_does_not_look_passed(workshop, document):
    steps = steps_of(document, policy=workshop.policy, now=workshop.now)

    found = results(steps)
    assert found["form"] == "failed"
    passed = [name for name, result in found.items() if result == "passed"]
    assert passed == ["policy"]
    assert english(steps["digests"]) == ["not reached, because of an earlier step"]


def test_no_forged_document_is_explained_as_if_it_were_good(workshop):
    signed = workshop.sign()

    for place in range(0, len(signed), 7):
        changed = signed[:place] + bytes((signed[place] ^ 1,)) + signed[place + 1 :]
        steps = steps_of(changed, policy=workshop.policy, now=workshop.now)
        assert "failed" in results(steps).values()


def revoking(workshop, root, demand, *pieces):
    return VerificationPolicy(
        trust_anchors=(root.certificate,),
        revocation=Revocation(demand=demand, source=Kept(evidence=pieces)),
    )


@pytest.fixture(scope="module")
def root(workshop):
    return workshop.issue("Gốc thu hồi", issuer=None, is_ca=True, usage=None)


@pytest.fixture(scope="module")
def leaf(workshop, root):
    return workshop.issue("Sở Y tế", issuer=root)


def list_of(root, withdrawn=(), *, now):
    authority = DevelopmentAuthority(key=root.key, certificate=root.certificate)
    made = authority.make_list(withdrawn, now=now)
    return Evidence(kind=Kind.CRL, data=made, origin="http://ca.example/ca.crl")


def test_revocation_is_told_with_source_and_freshness(workshop, root, leaf):
    policy = revoking(workshop, root, Demand.REQUIRED, list_of(root, now=workshop.now - HOUR))

    steps = steps_of(workshop.sign(by=leaf), policy=policy, now=workshop.now)

    assert results(steps)["revocation"] == "passed"
    (line,) = english(steps["revocation"])
    assert line == (
        "Sở Y tế: not revoked, says CRL http://ca.example/ca.crl "
        "(made 2026-11-24 07:00, next 2026-11-25 07:00 UTC)"
    )
    assert english(steps["policy"])[-1] == "revocation: required, no older than 7 days"


def test_a_revoked_certificate_fails_with_its_date(workshop, root, leaf):
    gone = Withdrawn(serial=leaf.certificate.serial_number, at=workshop.now - 2 * DAY)
    policy = revoking(
        workshop, root, Demand.WHEN_AVAILABLE, list_of(root, [gone], now=workshop.now - HOUR)
    )

    steps = steps_of(workshop.sign(by=leaf), policy=policy, now=workshop.now)

    assert results(steps)["revocation"] == "failed"
    assert english(steps["revocation"])[-1] == (
        "Certificate Sở Y tế was revoked 2026-11-22, before signing"
    )


def test_silence_is_noted_where_the_policy_can_live_with_it(workshop, root, leaf):
    for demand, result in ((Demand.WHEN_AVAILABLE, "noted"), (Demand.REQUIRED, "failed")):
        policy = revoking(workshop, root, demand, list_of(root, now=workshop.now - 30 * DAY))

        steps = steps_of(workshop.sign(by=leaf), policy=policy, now=workshop.now)

        assert results(steps)["revocation"] == result
        assert "stale since 2026-10-26 08:00 UTC" in steps["revocation"].reasons[0].en


def test_a_pinned_signer_has_no_issuer_to_ask(workshop):
    lonely = workshop.issue("Cổng", issuer=None)
    policy = revoking(workshop, lonely, Demand.REQUIRED)

    steps = steps_of(workshop.sign(by=lonely), policy=policy, now=workshop.now)

    assert results(steps)["revocation"] == "skipped"


def test_an_untrusted_chain_is_told_and_revocation_is_not_reached(workshop, root, leaf):
    policy = replace(revoking(workshop, root, Demand.REQUIRED), trust_anchors=())

    steps = steps_of(workshop.sign(by=leaf), policy=policy, now=workshop.now)

    assert results(steps)["chain"] == "failed"
    assert results(steps)["revocation"] == "skipped"
