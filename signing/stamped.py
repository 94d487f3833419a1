"""
Judge the signature time-stamp of a document (XAdES baseline T), if it has one.

A time-stamp proves that the signature was there by its time. It says nothing against a document
that it is old; a document is refused when it is wrong, or when the signer states a later time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing.errors import Reason
from signing.timestamps import TimestampRefused, judge_token

if TYPE_CHECKING:
    from datetime import datetime

    from signing.findings import Findings
    from signing.policy import VerificationPolicy
    from signing.reading import XadesClaims
    from signing.timestamps import Timestamp


def check_timestamp(
    claims: XadesClaims, *, policy: VerificationPolicy, findings: Findings, now: datetime
) -> datetime:
    """Note what the time-stamp proves; return when the certificate must have been valid."""
    signed_at = claims.properties.signed_at
    claim = claims.timestamp
    if claim is None:
        return signed_at
    if not policy.timestamps.trust_anchors:
        findings.of_timestamp.append(_NOT_JUDGED)
        return signed_at
    further = () if claims.values is None else claims.values.certificates
    try:
        stamp = judge_token(
            claim.token, claim.stamped, policy=policy.timestamps, now=now, further=further
        )
    except TimestampRefused as refused:
        findings.reasons += refused.reasons
        return signed_at
    findings.timestamp = stamp
    _compare(stamp, signed_at, policy=policy, findings=findings)
    return stamp.at if policy.judges_at_timestamp else signed_at


def _compare(
    stamp: Timestamp, signed_at: datetime, *, policy: VerificationPolicy, findings: Findings
) -> None:
    if signed_at > stamp.latest + policy.clock_skew:
        findings.add(
            "signature.signed_after_timestamp",
            vi=f"Thời điểm ký {signed_at:%Y-%m-%d %H:%M:%S} UTC sau dấu thời gian của chữ ký, "
            f"{stamp.at:%Y-%m-%d %H:%M:%S} UTC: người ký ghi sai thời điểm",
            en=f"The signing time {signed_at:%Y-%m-%d %H:%M:%S} UTC is after the signature's "
            f"time-stamp, {stamp.at:%Y-%m-%d %H:%M:%S} UTC: the signer states a wrong time",
        )
    elif stamp.at - signed_at > policy.timestamp_delay:
        findings.of_timestamp.append(_late(stamp, signed_at))


_NOT_JUDGED = Reason(
    code="timestamp.not_judged",
    vi="Chữ ký có dấu thời gian, nhưng chưa tin cậy chứng thư gốc nào cho dấu thời gian: dấu này "
    "không được xét",
    en="The signature has a time-stamp, but no root is pinned for time-stamps: it was not judged",
)


def _late(stamp: Timestamp, signed_at: datetime) -> Reason:
    hours = (stamp.at - signed_at).total_seconds() / 3600
    return Reason(
        code="timestamp.late",
        vi=f"Dấu thời gian có sau thời điểm ký mà người ký ghi {hours:.0f} giờ: chỉ chứng minh chữ "
        f"ký đã có lúc {stamp.at:%Y-%m-%d %H:%M:%S} UTC",
        en=f"The time-stamp is {hours:.0f} hours after the time that the signer states: it proves "
        f"only that the signature was there at {stamp.at:%Y-%m-%d %H:%M:%S} UTC",
    )
