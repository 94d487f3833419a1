"""An authority with a server, and certificates that name its addresses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from lienthong.revocation.fetching import FetchLimits
from lienthong.revocation.online import OnlineRules, OnlineSource
from lienthong.revocation.shelf import Shelf
from lienthong.testing.responder import Responder
from signing import Demand, DevelopmentAuthority, Revocation, SigningKey
from signing.revocation import judge_certificate
from signing.standing import Question

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from signing import Standing

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TWO_MB = 2 * 1024 * 1024


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.set_by = timedelta(0)

    def __call__(self) -> datetime:
        return self.now

    def jump(self, by: timedelta) -> None:
        """Be set, while no time passes."""
        self.now += by
        self.set_by += by

    def steady(self) -> float:
        return (self.now - self.set_by).timestamp()


@dataclass
class World:
    """One authority, its server, and a source that asks it."""

    clock: Clock
    responder: Responder
    folder: Path

    def source(self, **more) -> OnlineSource:
        rules = OnlineRules(
            limits=FetchLimits(timeout=more.pop("timeout", timedelta(seconds=5)), max_bytes=TWO_MB),
            freshness=Revocation(demand=Demand.REQUIRED),
            **more,
        )
        shelf = Shelf(self.folder, max_bytes=TWO_MB)
        return OnlineSource(shelf, rules=rules, clock=self.clock, steady=self.clock.steady)

    def issue(
        self, *, lists: Sequence[str] = (), answers: Sequence[str] = (), name: str = "Sở Y tế"
    ) -> SigningKey:
        """Return a key whose certificate names these addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        authority = self.responder.authority
        flags = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "key_cert_sign",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(authority.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 30 * DAY)
            .not_valid_after(NOW + 300 * DAY)
            .add_extension(x509.KeyUsage(digital_signature=True, **flags), critical=True)
        )
        if lists:
            points = [
                x509.DistributionPoint(
                    full_name=[x509.UniformResourceIdentifier(url)],
                    relative_name=None,
                    reasons=None,
                    crl_issuer=None,
                )
                for url in lists
            ]
            builder = builder.add_extension(x509.CRLDistributionPoints(points), critical=False)
        if answers:
            access = [
                x509.AccessDescription(
                    AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url)
                )
                for url in answers
            ]
            builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
        certificate = builder.sign(authority.key, hashes.SHA256())
        self.responder.known.append(certificate)
        return SigningKey(private_key=key, certificate=certificate)

    def by_list(self) -> SigningKey:
        return self.issue(lists=[self.responder.list_url])

    def by_answer(self) -> SigningKey:
        return self.issue(answers=[self.responder.ocsp_url])

    def judge(self, source, key: SigningKey) -> Standing:
        question = Question(
            certificate=key.certificate,
            issuer=self.responder.authority.certificate,
            fresh_at=self.clock.now,
            now=self.clock.now,
            max_age=7 * DAY,
            clock_skew=timedelta(minutes=5),
        )
        return judge_certificate(question, source=source)


def make_authority() -> DevelopmentAuthority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA thử")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 300 * DAY)
        .not_valid_after(NOW + 3000 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return DevelopmentAuthority(key=key, certificate=certificate)


@pytest.fixture
def world(tmp_path):
    clock = Clock()
    with Responder(make_authority(), clock=clock) as responder:
        yield World(clock=clock, responder=responder, folder=tmp_path / "revocation")
