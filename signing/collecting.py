"""
Collect what proves a time-stamped signature without any authority: the values of baseline LT.

For each certificate below a pinned root, of the signer and of the time-stamp authority, one piece
that suffices by itself, judged as whoever verifies will judge it. What is lacking is a reason to
stop: a document that looks like LT and is not would be found out when it is too late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from signing.crl import der_of_list
from signing.enclosed import authority_reason
from signing.enclosed_values import (
    MOST_CERTIFICATES,
    MOST_LIST_BYTES,
    EnclosedValues,
    is_enclosable,
)
from signing.errors import DocumentUnsignable, Reason
from signing.revocation import (
    Demand,
    Found,
    Revocation,
    judge_certificate,
    judge_evidence,
    questions_of,
    revocation_reason,
)
from signing.standing import Fault, Kind, Status, undecided
from signing.timestamps import judge_token
from signing.trust import examine_certificate

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from signing.policy import VerificationPolicy
    from signing.reading import XadesClaims
    from signing.standing import Evidence, Question, Standing
    from signing.timestamps import Timestamp


def collect_values(
    claims: XadesClaims, *, policy: VerificationPolicy, now: datetime
) -> EnclosedValues:
    """
    Return the values for a signature with a time-stamp.

    Args:
        claims: Of the signature; whether it is right is for verifying to say.
        policy: Whom to trust, for signatures and for time-stamps, and its source of revocation.
        now: Aware.

    Raises:
        DocumentUnsignable: something is lacking, or speaks against it; says everything.
        TimestampRefused: the time-stamp is not believed.
    """
    claim = claims.timestamp
    assert claim is not None
    stamp = judge_token(claim.token, claim.stamped, policy=policy.timestamps, now=now)
    at = stamp.at if policy.judges_at_timestamp else claims.properties.signed_at
    signer = examine_certificate(
        claims.certificates[0],
        intermediates=claims.certificates[1:],
        policy=replace(policy, revocation=Revocation(demand=Demand.OFF)),
        signed_at=at,
        now=now,
    )
    if signer.reasons:
        raise _lacking(list(signer.reasons))
    collection = _Collection(policy=policy, stamp=stamp, now=now)
    evidence, reasons = collection.evidence_of((signer.path, stamp.path))
    if reasons:
        raise _lacking(reasons)
    links = dict.fromkeys((*signer.path[1:], *stamp.path[1:]))
    certificates = tuple(one for one in links if one not in claims.certificates)
    if len(certificates) > MOST_CERTIFICATES:
        raise _lacking([_TOO_MANY])
    return EnclosedValues(certificates=certificates, evidence=evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collection:
    policy: VerificationPolicy
    stamp: Timestamp
    now: datetime

    def evidence_of(
        self, paths: tuple[tuple[x509.Certificate, ...], ...]
    ) -> tuple[tuple[Evidence, ...], list[Reason]]:
        """Return a piece for each certificate, none twice, and what is lacking."""
        pieces: dict[bytes, Evidence] = {}
        reasons: list[Reason] = []
        for number, path in enumerate(paths):
            questions = questions_of(
                path,
                revocation=self.policy.revocation,
                fresh_at=self.stamp.latest,
                now=self.now,
                clock_skew=self.policy.clock_skew,
            )
            for question in questions:
                standing = self._best(question)
                against = self._against(standing, is_signer=number == 0)
                if standing.evidence is not None and not against:
                    pieces.setdefault(standing.evidence.data, standing.evidence)
                reasons += against
        return tuple(pieces.values()), reasons

    def _against(self, standing: Standing, *, is_signer: bool) -> list[Reason]:
        if standing.status is Status.UNDECIDED:
            return list(standing.reasons)
        found = (
            revocation_reason(standing, proven_at=self.stamp.latest)
            if is_signer
            else authority_reason(standing, self.stamp)
        )
        return [] if found is None else [found]

    def _best(self, question: Question) -> Standing:
        """Return what is known, from one piece that suffices and fits."""
        source = self.policy.revocation.source
        found = (
            Found() if source is None else source.find(question.certificate, issuer=question.issuer)
        )
        whole = judge_certificate(question, source=_Once(found))
        if whole.status is Status.UNDECIDED:
            return whole
        # Alone: an answer whose signer only a list can prove would need that beside it.
        alone = [judge_evidence(question, _as_der(one), lists=()) for one in found.evidence]
        suffices = [one for one in alone if one.status is whole.status]
        fits = [one for one in suffices if one.evidence and is_enclosable(one.evidence)]
        if not fits:
            return undecided(question, _TOO_LARGE if suffices else _NOT_ALONE)
        if whole.status is Status.REVOKED:
            return min(fits, key=lambda one: one.revoked_at or question.fresh_at)
        return max(fits, key=lambda one: one.this_update or question.fresh_at)


@dataclass(frozen=True, slots=True)
class _Once:
    """What a source has said, so that it need not be asked again."""

    found: Found

    def find(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> Found:  # noqa: ARG002
        return self.found


def _as_der(evidence: Evidence) -> Evidence:
    if evidence.kind is not Kind.CRL:
        return evidence
    return replace(evidence, data=der_of_list(evidence.data))


_TOO_LARGE = Fault(
    "too_large",
    f"dữ liệu thu hồi lớn hơn {MOST_LIST_BYTES // 1024**2} MB, không kèm vào tài liệu được",
    f"the revocation data is larger than {MOST_LIST_BYTES // 1024**2} MB and cannot be "
    "enclosed in a document",
)
_NOT_ALONE = Fault(
    "signer_unchecked",
    "không có một dữ liệu thu hồi nào tự nó đủ chứng minh",
    "no single piece of revocation data proves it by itself",
)
_TOO_MANY = Reason(
    code="certificate.too_many",
    vi=f"Cần kèm hơn {MOST_CERTIFICATES} chứng thư",
    en=f"More than {MOST_CERTIFICATES} certificates would have to be enclosed",
)


def _lacking(reasons: list[Reason]) -> DocumentUnsignable:
    told = list(dict.fromkeys(reasons))
    return DocumentUnsignable(
        Reason(
            code="document.evidence_lacking",
            vi="Không nâng lên mức LT được: " + "; ".join(one.vi for one in told),
            en="The document cannot become baseline LT: " + "; ".join(one.en for one in told),
        )
    )
