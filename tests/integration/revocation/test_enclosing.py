"""What an authority's server said is enclosed in a document, and proves it when nobody is there."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from lienthong.revocation.sources import JoinedSource
from lienthong.testing.authority import Authority
from lienthong.testing.responder import Mood
from signing import (
    Demand,
    DocumentUnsignable,
    Evidence,
    Kept,
    Kind,
    Revocation,
    VerificationPolicy,
    XadesSigner,
    load_certificates,
    load_development_authority,
    load_pem,
    make_development_pki,
    verify,
)
from signing.augmenting import add_timestamp, add_values, stamped_bytes, stamped_claims
from signing.collecting import collect_values
from signing.timestamps import TimestampPolicy, judge_answer, make_request
from tests.integration.revocation.conftest import DAY, NOW

if TYPE_CHECKING:
    from tests.integration.revocation.conftest import World

YEARS_LATER = datetime(2060, 1, 1, tzinfo=NOW.tzinfo)


class Bench:
    """Signs with certificates of the world's authority; time-stamps come from another."""

    def __init__(self, world: World, folder) -> None:
        self.world = world
        pki = make_development_pki(folder, agencies={}, now=NOW - DAY)
        self.stamping = load_pem(pki.timestamps.key, pki.timestamps.certificate, passphrase=None)
        self.policy = VerificationPolicy(
            trust_anchors=(world.responder.authority.certificate,),
            timestamps=TimestampPolicy(
                trust_anchors=tuple(load_certificates(pki.root.certificate.read_bytes()))
            ),
            revocation=Revocation(demand=Demand.REQUIRED),
        )
        said = load_development_authority(folder).make_list(now=NOW)
        self.of_stamps = Evidence(kind=Kind.CRL, data=said, origin="root.crl")

    def make(self, key) -> bytes:
        signed = XadesSigner(key).sign(b'<BanTin Id="bt-1"></BanTin>', signed_at=NOW)
        request = make_request(stamped_bytes(signed))
        answer = Authority(key=self.stamping, clock=lambda: NOW).answer(request.body)
        stamp = judge_answer(answer, request, policy=self.policy.timestamps, now=NOW)
        stamped = add_timestamp(signed, stamp.token)
        source = JoinedSource((self.world.source(waits=True), Kept(evidence=(self.of_stamps,))))
        asking = VerificationPolicy(
            trust_anchors=self.policy.trust_anchors,
            timestamps=self.policy.timestamps,
            revocation=Revocation(demand=Demand.REQUIRED, source=source),
        )
        values = collect_values(stamped_claims(stamped), policy=asking, now=NOW)
        return add_values(stamped, values)


@pytest.fixture
def bench(world, tmp_path) -> Bench:
    return Bench(world, tmp_path / "keys")


@pytest.mark.parametrize(("kind", "name"), [("by_list", b"CRLValue"), ("by_answer", b"OCSPValue")])
def test_what_the_server_said_proves_the_document_when_the_server_is_gone(world, bench, kind, name):
    document = bench.make(getattr(world, kind)())
    world.responder.close()

    assert b"<xades:Encapsulated%b>" % name in document
    assert verify(document, policy=bench.policy, now=YEARS_LATER).notices == ()


@pytest.mark.parametrize("mood", [Mood.STALE, Mood.BROKEN, Mood.GARBAGE, Mood.HUGE])
@pytest.mark.parametrize("kind", ["by_list", "by_answer"])
def test_a_server_that_says_nothing_usable_leaves_the_document_as_it_is(world, bench, mood, kind):
    key = getattr(world, kind)()
    world.responder.mood = mood

    with pytest.raises(DocumentUnsignable) as refused:
        bench.make(key)

    assert refused.value.code == "document.evidence_lacking"
    assert "Sở Y tế" in refused.value.vi
