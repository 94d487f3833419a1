"""
Whether a certificate had been withdrawn by who issued it, as far as a policy wants to know.

Nothing is fetched here: a source hands over what it has. What is missing is the policy's matter;
traffic does not stop because an authority's server is down, unless the policy says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from signing.certificates import subject_text
from signing.crl import is_authority, judge_list
from signing.errors import Reason
from signing.ocsp import judge_answer
from signing.standing import Evidence, Fault, Kind, Question, Standing, Status, undecided

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography import x509

MAX_EVIDENCE_BYTES = 20 * 1024 * 1024
"""Of one piece; the largest lists of public authorities are of a few megabytes."""


class Demand(Enum):
    """What is made of revocation; the values stand in settings."""

    OFF = "off"
    """Nobody is asked."""
    WHEN_AVAILABLE = "when-available"
    """A revoked certificate is refused; where nothing is known that is said, and no more."""
    REQUIRED = "required"
    """What is not known to be good is not accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a source has about one certificate."""

    evidence: tuple[Evidence, ...] = ()
    reasons: tuple[Reason, ...] = ()
    """What could not be got, and why."""


class RevocationSource(Protocol):
    """Where evidence comes from. Asked only about certificates that lead to a pinned root."""

    def find(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> Found:
        """
        Return what there is about `certificate`; the same bytes object each time, where it can.

        Never raises for what is missing. Where documents are on their way it must not wait.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """How revocation is judged; part of a policy."""

    demand: Demand = Demand.OFF
    source: RevocationSource | None = field(default=None, compare=False)
    max_age: timedelta = timedelta(days=7)
    """The stated freshness: how old an answer about a signer may be, whatever it says itself."""
    authority_max_age: timedelta = timedelta(days=366)
    """The same for an authority; roots publish once or twice a year."""
    believes_stated_time: bool = True
    """A signature that states a time before the revocation counts; False: it must be proven
    otherwise, for who has stolen a key states any time."""
    is_kept: bool = False
    """The evidence was kept with the document: it must be fresh for when that was signed, not for
    now."""

    def longest_age(self, certificate: x509.Certificate) -> timedelta:
        """Return how old an answer about `certificate` may be."""
        return self.authority_max_age if is_authority(certificate) else self.max_age


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A source of evidence that is at hand, such as what lies beside a document."""

    evidence: tuple[Evidence, ...]

    def find(self, certificate: x509.Certificate, *, issuer: x509.Certificate) -> Found:  # noqa: ARG002
        """Return all of it; what is about others is told apart when it is judged."""
        return Found(evidence=self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosed:
    """Evidence that came inside a document. Anybody could have put it there."""

    evidence: tuple[Evidence, ...]
    """Empty: nothing but a time-stamp."""
    proven_at: datetime | None
    """By when it was signed for certain: for then it must be fresh, and a revocation before counts,
    whatever time is stated. None: nothing proves when, and it must be fresh like all other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationFindings:
    """What revocation comes to for one chain."""

    standings: tuple[Standing, ...]
    """One for each certificate below the pinned one, the signer's first."""
    reasons: tuple[Reason, ...]
    """What speaks against the chain."""
    notices: tuple[Reason, ...]
    """What is to be said and does not count against it."""


def judge_chain(
    path: Sequence[x509.Certificate],
    *,
    revocation: Revocation,
    signed_at: datetime,
    now: datetime | None,
    clock_skew: timedelta,
    enclosed: Enclosed | None = None,
) -> RevocationFindings:
    """
    Say which certificates of a proven chain were revoked.

    Args:
        path: The signer's first, the pinned one last; the pinned one is not asked about.
        revocation: What is wanted.
        signed_at: Revoked later than this does not count.
        now: When answers must be fresh; None: when signed.
        clock_skew: Between the authorities' clocks and ours.
        enclosed: Judged beside what the source has, and even where nobody is asked.
    """
    if revocation.demand is Demand.OFF and (enclosed is None or not enclosed.evidence):
        return RevocationFindings(standings=(), reasons=(), notices=())
    standings: list[Standing] = []
    reasons: list[Reason] = []
    notices: list[Reason] = []
    questions = questions_of(
        path,
        revocation=revocation,
        fresh_at=signed_at if revocation.is_kept or now is None else now,
        now=now,
        clock_skew=clock_skew,
    )
    for question in questions:
        standing = judge_certificate(question, source=revocation.source, enclosed=enclosed)
        standings.append(standing)
        if standing.status is Status.UNDECIDED:
            is_required = revocation.demand is Demand.REQUIRED
            (reasons if is_required else notices).extend(standing.reasons)
        elif standing.revoked_at is not None:
            if standing.revoked_at <= signed_at:
                reasons.append(_revoked_before(standing))
            elif _counts_in_time(standing.revoked_at, revocation, enclosed):
                notices.append(_revoked_since(standing))
            else:
                reasons.append(_revoked_unproven(standing))
    return RevocationFindings(
        standings=tuple(standings), reasons=tuple(reasons), notices=tuple(notices)
    )


def questions_of(
    path: Sequence[x509.Certificate],
    *,
    revocation: Revocation,
    fresh_at: datetime,
    now: datetime | None,
    clock_skew: timedelta,
) -> list[Question]:
    """Return what to ask about a proven chain: one question for each certificate below its root."""
    return [
        Question(
            certificate=certificate,
            issuer=issuer,
            fresh_at=fresh_at,
            now=now,
            max_age=revocation.longest_age(certificate),
            clock_skew=clock_skew,
        )
        for certificate, issuer in pairwise(path)
    ]


def _counts_in_time(
    revoked_at: datetime, revocation: Revocation, enclosed: Enclosed | None
) -> bool:
    """Tell whether a signature that states a time before the revocation counts."""
    if enclosed is None or enclosed.proven_at is None:
        return revocation.believes_stated_time
    if enclosed.proven_at < revoked_at:
        return True
    # A time-stamp alone may be of long after a delivery as baseline B: it proves nothing against.
    return revocation.believes_stated_time and not enclosed.evidence


def judge_certificate(
    question: Question, *, source: RevocationSource | None, enclosed: Enclosed | None = None
) -> Standing:
    """
    Return what is known about one certificate.

    Any believable word that it was revoked counts, the earliest date first; otherwise any that it
    is good; otherwise nothing is decided, with a reason for each piece.
    """
    issuer = question.issuer
    found = Found() if source is None else source.find(question.certificate, issuer=issuer)
    lists = [one for one in found.evidence if one.kind is Kind.CRL]
    standings = [judge_evidence(question, one, lists=lists) for one in found.evidence]
    if enclosed is not None:
        standings += [one for one in judge_enclosed(question, enclosed) if not is_about_others(one)]
    revoked = [one for one in standings if one.status is Status.REVOKED]
    if revoked:
        return min(revoked, key=lambda one: one.revoked_at or question.fresh_at)
    good = [one for one in standings if one.status is Status.GOOD]
    if good:
        return max(good, key=lambda one: one.this_update or question.fresh_at)
    reasons = [*(reason for one in standings for reason in one.reasons), *found.reasons]
    nothing = undecided(question, _MISSING)
    return Standing(
        certificate=question.certificate,
        status=Status.UNDECIDED,
        reasons=tuple(dict.fromkeys(reasons)) or nothing.reasons,
    )


def is_about_others(standing: Standing) -> bool:
    """Tell whether a piece of evidence is about another certificate, or by another authority."""
    return any(
        one.code.endswith((".other_issuer", ".other_certificate")) for one in standing.reasons
    )


def judge_enclosed(question: Question, enclosed: Enclosed) -> list[Standing]:
    """Return what each piece says that came inside the document."""
    lists = [one for one in enclosed.evidence if one.kind is Kind.CRL]
    if enclosed.proven_at is not None:
        question = replace(question, fresh_at=enclosed.proven_at)
    return [judge_evidence(question, one, lists=lists) for one in enclosed.evidence]


def judge_evidence(
    question: Question, evidence: Evidence, *, lists: Sequence[Evidence]
) -> Standing:
    """Return what one piece says; `lists` are CRLs, for an OCSP responder's own certificate."""
    if len(evidence.data) > MAX_EVIDENCE_BYTES:
        return undecided(question, _TOO_LARGE, evidence)
    if evidence.kind is Kind.CRL:
        return judge_list(question, evidence)
    return judge_answer(question, evidence, lists=lists)


_MISSING = Fault(
    "missing",
    "không có danh sách thu hồi (CRL) hay câu trả lời OCSP nào",
    "there is no revocation list (CRL) and no OCSP answer",
)
_TOO_LARGE = Fault(
    "too_large",
    f"dữ liệu thu hồi lớn hơn {MAX_EVIDENCE_BYTES // 1024**2} MB",
    f"the answer is larger than {MAX_EVIDENCE_BYTES // 1024**2} MB",
)


def revocation_reason(standing: Standing, *, proven_at: datetime) -> Reason | None:
    """Return that a certificate was revoked before the time that is proven, or None."""
    if standing.revoked_at is None or standing.revoked_at > proven_at:
        return None
    return _revoked_unproven(standing)


def _revoked_before(standing: Standing) -> Reason:
    name, day = _name_and_day(standing)
    return Reason(
        code="certificate.revoked_when_signed",
        vi=f"Chứng thư {name} đã bị thu hồi ngày {day}, trước khi ký",
        en=f"Certificate {name} was revoked {day}, before signing",
    )


def _revoked_since(standing: Standing) -> Reason:
    name, day = _name_and_day(standing)
    return Reason(
        code="certificate.revoked_since",
        vi=f"Chứng thư {name} bị thu hồi ngày {day}, sau thời điểm ký ghi trong chữ ký",
        en=f"Certificate {name} was revoked {day}, after the signing time that is stated",
    )


def _revoked_unproven(standing: Standing) -> Reason:
    name, day = _name_and_day(standing)
    return Reason(
        code="certificate.revoked_time_unproven",
        vi=f"Chứng thư {name} bị thu hồi ngày {day}, và không có gì chứng minh là đã ký trước đó",
        en=f"Certificate {name} was revoked {day}, and nothing proves that it signed before",
    )


def _name_and_day(standing: Standing) -> tuple[str, str]:
    cause = f" ({standing.cause})" if standing.cause else ""
    return subject_text(standing.certificate), f"{standing.revoked_at:%Y-%m-%d}{cause}"
