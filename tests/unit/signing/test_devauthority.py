"""The development authority withdraws what it issued, and others believe it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from signing import (
    Demand,
    Evidence,
    Kept,
    Kind,
    Revocation,
    Withdrawn,
    XadesSigner,
    inspect,
    load_development_authority,
    load_pem,
    load_policy,
    make_development_pki,
)


def test_a_development_key_can_be_withdrawn(tmp_path, workshop):
    pki = make_development_pki(tmp_path, agencies={"a": ("H29.5", "A")}, now=workshop.now)
    key = load_pem(pki.agencies["a"].key, pki.agencies["a"].certificate, passphrase=None)
    signed = XadesSigner(key).sign(workshop.document, signed_at=workshop.now)
    authority = load_development_authority(tmp_path)
    gone = Withdrawn(serial=key.certificate.serial_number, at=workshop.now - timedelta(hours=2))

    codes = []
    for withdrawn in ([], [gone]):
        made = authority.make_list(withdrawn, now=workshop.now)
        source = Kept(evidence=(Evidence(kind=Kind.CRL, data=made, origin="root.crl"),))
        policy = replace(
            load_policy([pki.root.certificate]),
            revocation=Revocation(demand=Demand.REQUIRED, source=source),
        )
        found = inspect(signed, policy=policy, now=workshop.now)
        codes.append([one.code for one in found.reasons])

    assert codes == [[], ["certificate.revoked_when_signed"]]
