"""Who was withdrawn sends no more messages, even one that it signs a moment later."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from signing import Demand, DevelopmentAuthority, Evidence, Kept, Kind, Revocation, Withdrawn
from signing.wss import SecurityRefused
from signing.wss.names import WSSE


@pytest.mark.parametrize("withdrawn", [False, True], ids=["good", "withdrawn"])
def test_a_withdrawn_certificate_is_refused(workshop, sender, receiver, withdrawn):
    root = workshop.issue("Gốc thu hồi", issuer=None, is_ca=True, usage=None)
    holder = workshop.issue("Sở Y tế", issuer=root)
    hour = timedelta(hours=1)
    gone = Withdrawn(serial=holder.certificate.serial_number, at=workshop.now - 2 * hour)
    authority = DevelopmentAuthority(key=root.key, certificate=root.certificate)
    data = authority.make_list([gone] if withdrawn else [], now=workshop.now - hour)
    source = Kept(evidence=(Evidence(kind=Kind.CRL, data=data, origin="ds.crl"),))
    certificates = replace(
        workshop.policy,
        trust_anchors=(root.certificate,),
        revocation=Revocation(demand=Demand.REQUIRED, source=source),
    )
    envelope = sender.write(by=holder)

    if not withdrawn:
        assert receiver.take(envelope, certificates=certificates).signer.common_name == "Sở Y tế"
        return
    with pytest.raises(SecurityRefused) as refused:
        receiver.take(envelope, certificates=certificates)
    assert refused.value.code == "certificate.revoked_when_signed"
    assert refused.value.fault == (WSSE, "FailedAuthentication")


def test_a_certificate_of_which_nothing_is_known_is_refused_where_that_is_demanded(
    workshop, sender, receiver
):
    demanded = Revocation(demand=Demand.REQUIRED, source=Kept(evidence=()))

    with pytest.raises(SecurityRefused) as refused:
        receiver.take(sender.write(), certificates=replace(workshop.policy, revocation=demanded))

    assert refused.value.fault == (WSSE, "FailedAuthentication")
