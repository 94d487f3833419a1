"""
Prove the claims of a signature: its digests, its value, its certificate.

What stands in the signature is a claim until its digests and value are right, and the name in a
certificate until its chain ends in a pinned root.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from signing.certificates import certificate_digest, issuer_serial
from signing.enclosed import as_evidence
from signing.methods import is_value_of
from signing.trust import examine_certificate

if TYPE_CHECKING:
    from datetime import datetime

    from signing.enclosed_values import EnclosedValues
    from signing.findings import Findings
    from signing.parts import Digest
    from signing.policy import VerificationPolicy
    from signing.reading import Claims, XadesClaims

DOCUMENT = ("tài liệu", "the document")
FILE = ("tệp", "the file")
_PROPERTIES = ("thuộc tính ký", "the signed properties")


def prove_xades(
    claims: XadesClaims,
    content: bytes,
    *,
    what: tuple[str, str],
    policy: VerificationPolicy,
    findings: Findings,
) -> None:
    """Note whether `content`, `DOCUMENT` or `FILE`, is what was signed, with which certificate."""
    before = len(findings.reasons)
    _check_digest(content, claims.content_digest, number=1, what=what, findings=findings)
    _check_digest(
        claims.properties.canonical,
        claims.properties_digest,
        number=2,
        what=_PROPERTIES,
        findings=findings,
    )
    _check_value(claims, policy=policy, findings=findings)
    _check_certificate_named(claims, findings=findings)
    findings.intact = len(findings.reasons) == before


def prove_plain(
    claims: Claims, content: bytes, *, policy: VerificationPolicy, findings: Findings
) -> None:
    """Note whether `content` is what was signed; nothing says with which certificate."""
    before = len(findings.reasons)
    _check_digest(content, claims.content_digest, number=1, what=DOCUMENT, findings=findings)
    _check_value(claims, policy=policy, findings=findings)
    findings.intact = len(findings.reasons) == before


def check_signing_time(
    signed_at: datetime, *, policy: VerificationPolicy, findings: Findings, now: datetime
) -> None:
    """Refuse a stated time of signing that has not come yet."""
    if signed_at > now + policy.clock_skew:
        findings.add(
            "signature.signed_in_future",
            vi=f"Thời điểm ký {signed_at:%Y-%m-%d %H:%M:%S} UTC nằm trong tương lai",
            en=f"The signing time {signed_at:%Y-%m-%d %H:%M:%S} UTC lies in the future",
        )


def check_certificate(
    claims: Claims,
    *,
    policy: VerificationPolicy,
    findings: Findings,
    at: datetime,
    now: datetime | None,
    values: EnclosedValues | None = None,
) -> None:
    """Note whether the certificate could be trusted at a time, as far as is known `now`."""
    further = () if values is None else values.certificates
    found = examine_certificate(
        claims.certificates[0],
        intermediates=(*claims.certificates[1:], *further),
        policy=policy,
        signed_at=at,
        now=now,
        enclosed=as_evidence(values, findings.timestamp),
    )
    findings.certificate = found
    findings.reasons += found.reasons
    findings.trusted = not found.reasons


def _check_digest(
    data: bytes, digest: Digest, *, number: int, what: tuple[str, str], findings: Findings
) -> None:
    actual = hashlib.new(digest.method, data).digest()
    if hmac.compare_digest(actual, digest.value):
        return
    what_vi, what_en = what
    findings.add(
        "signature.digest_differs",
        vi=f"Giá trị băm của tham chiếu {number} ({what_vi}) không khớp: nội dung đã bị thay đổi "
        "sau khi ký",
        en=f"The digest of reference {number} ({what_en}) differs: it was changed after signing",
    )


def _check_value(claims: Claims, *, policy: VerificationPolicy, findings: Findings) -> None:
    if claims.algorithm not in policy.algorithms and claims.algorithm not in policy.legacy:
        findings.add(
            "signature.algorithm_forbidden",
            vi=f"Chính sách không nhận thuật toán chữ ký {claims.algorithm.value}",
            en=f"The policy does not accept signature method {claims.algorithm.value}",
        )
    elif not is_value_of(
        claims.certificates[0], claims.signed_info, claims.value, algorithm=claims.algorithm
    ):
        findings.add(
            "signature.value_wrong",
            vi="Giá trị chữ ký không khớp với khóa trong chứng thư kèm theo",
            en="The signature value does not fit the key of the enclosed certificate",
        )


def _check_certificate_named(claims: XadesClaims, *, findings: Findings) -> None:
    """The certificate whose key is used must be the one the signer signed along."""
    certificate = claims.certificates[0]
    named = claims.properties.certificate_digest
    digest = certificate_digest(certificate, method=named.method)
    serial = claims.properties.issuer_serial
    if digest == named.value and serial in (None, issuer_serial(certificate)):
        return
    findings.add(
        "signature.certificate_swapped",
        vi="Chứng thư trong KeyInfo không phải chứng thư mà người ký đã ghi trong thuộc tính ký",
        en="The certificate in KeyInfo is not the one that the signed properties name",
    )
