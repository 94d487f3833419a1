"""
Judge with the values that a document encloses (XAdES baseline LT), and say what was used of them.

They are evidence that happens to be at hand: certificates may fill a chain down to a pinned root,
lists and answers are judged like any other, as of the time-stamp. What is of no use is said, and
never counts for the document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing.certificates import subject_text
from signing.enclosed_values import ValuesFindings
from signing.errors import Reason
from signing.revocation import (
    Demand,
    Enclosed,
    is_about_others,
    judge_certificate,
    judge_enclosed,
    questions_of,
)
from signing.standing import Status

if TYPE_CHECKING:
    from datetime import datetime

    from signing.enclosed_values import EnclosedValues
    from signing.findings import Findings
    from signing.policy import VerificationPolicy
    from signing.standing import Question, Standing
    from signing.timestamps import Timestamp

_KEY_STAYS_SAFE = ("affiliationChanged", "superseded", "cessationOfOperation", "unspecified")
"""RFC 3161, section 4: after these, and only if one is stated, older time-stamps stay good."""


def as_evidence(values: EnclosedValues | None, stamp: Timestamp | None) -> Enclosed | None:
    """Return the lists and answers, if any, with the time for which they must be fresh."""
    if values is None and stamp is None:
        return None
    proven_at = None if stamp is None else stamp.latest
    return Enclosed(evidence=() if values is None else values.evidence, proven_at=proven_at)


def check_authority(
    stamp: Timestamp,
    *,
    values: EnclosedValues | None,
    policy: VerificationPolicy,
    findings: Findings,
    now: datetime,
) -> tuple[Standing, ...]:
    """Judge who issued the time-stamp by the values, and by the policy's source if it asks one."""
    revocation = policy.revocation
    source = None if revocation.demand is Demand.OFF else revocation.source
    if source is None and values is None:
        return ()
    enclosed = as_evidence(values, stamp)
    questions = questions_of(
        stamp.path,
        revocation=revocation,
        fresh_at=stamp.latest if revocation.is_kept else now,
        now=now,
        clock_skew=policy.clock_skew,
    )
    found = [judge_certificate(one, source=source, enclosed=enclosed) for one in questions]
    for one in found:
        _note_authority(one, stamp, findings)
    return tuple(found)


def check_values(
    values: EnclosedValues,
    *,
    of_authority: tuple[Standing, ...],
    policy: VerificationPolicy,
    findings: Findings,
    now: datetime,
) -> None:
    """Note what of the values was used and what was not; `of_authority` is known already."""
    stamp, signer = findings.timestamp, findings.certificate
    enclosed = as_evidence(values, stamp)
    assert enclosed is not None
    path = () if signer is None else signer.path
    questions = [
        question
        for one in (path, () if stamp is None else stamp.path)
        for question in questions_of(
            one,
            revocation=policy.revocation,
            fresh_at=enclosed.proven_at or now,
            now=now,
            clock_skew=policy.clock_skew,
        )
    ]
    standings = (*(() if signer is None else signer.standings), *of_authority)
    links = {*path, *(() if stamp is None else stamp.path)}
    findings.of_values += _unused(enclosed, questions)
    findings.values = ValuesFindings(
        values=values,
        certificates=tuple(one for one in values.certificates if one in links),
        standings=tuple(
            one for one in standings if any(one.evidence is piece for piece in values.evidence)
        ),
    )


def authority_reason(standing: Standing, stamp: Timestamp) -> Reason | None:
    """Return why a time-stamp is not believed whose authority was revoked, or None."""
    if standing.revoked_at is None:
        return None
    if standing.revoked_at > stamp.latest and standing.cause in _KEY_STAYS_SAFE:
        return None
    name, day = subject_text(standing.certificate), f"{standing.revoked_at:%Y-%m-%d}"
    cause = standing.cause or "-"
    return Reason(
        code="timestamp.authority_revoked",
        vi=f"Chứng thư {name} của tổ chức cấp dấu thời gian bị thu hồi ngày {day} ({cause}): dấu "
        "thời gian không còn giá trị",
        en=f"Certificate {name} of the time-stamp authority was revoked {day} ({cause}): the "
        "time-stamp is worth nothing",
    )


def _note_authority(standing: Standing, stamp: Timestamp, findings: Findings) -> None:
    against = authority_reason(standing, stamp)
    if against is not None:
        findings.reasons.append(against)
    elif standing.status is Status.UNDECIDED:
        findings.of_timestamp += [
            Reason(code="timestamp.authority_unchecked", vi=one.vi, en=one.en)
            for one in standing.reasons
        ]


def _unused(enclosed: Enclosed, questions: list[Question]) -> list[Reason]:
    """Return, for each piece that says nothing about anybody here, why."""
    if not questions:
        return []
    columns = zip(*(judge_enclosed(one, enclosed) for one in questions), strict=True)
    return [
        _useless(column)
        for column in columns
        if all(one.status is Status.UNDECIDED for one in column)
    ]


def _useless(standings: tuple[Standing, ...]) -> Reason:
    # What is about one of these certificates and wrong says more than that it is not about others.
    telling = [one for one in standings if not is_about_others(one)]
    why = (telling or standings)[0].reasons[0]
    return Reason(
        code="values.unused",
        vi=f"Dữ liệu thu hồi kèm trong tài liệu không dùng được. {why.vi}",
        en=f"Revocation data in the document is of no use. {why.en}",
    )
