"""Why a time-stamp is not believed, each finding in words of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing.certificates import subject_text
from signing.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography import x509

_LONGEST_WORDS = 300


def _words(texts: Sequence[str]) -> str:
    joined = "; ".join(texts)[:_LONGEST_WORDS]
    return "".join(one if one.isprintable() else " " for one in joined)


OTHER_DATA = Reason(
    code="timestamp.other_data",
    vi="Dấu thời gian được cấp cho dữ liệu khác: giá trị băm không khớp",
    en="The time-stamp is over other data: its digest differs",
)
OTHER_NONCE = Reason(
    code="timestamp.nonce_differs",
    vi="Dấu thời gian trả lời một yêu cầu khác (nonce không khớp): có thể là dấu cũ bị phát lại",
    en="The time-stamp answers another request (its nonce differs): it may be an old one, replayed",
)
SIGNATURE_WRONG = Reason(
    code="timestamp.signature_wrong",
    vi="Chữ ký của dấu thời gian không đúng: dấu đã bị sửa",
    en="The signature of the time-stamp is wrong: it was changed",
)


def unreadable(detail: str) -> Reason:
    """Say that it is no time-stamp, and where reading ended."""
    shown = _words([detail])
    return Reason(
        code="timestamp.unreadable",
        vi=f"Không đọc được dấu thời gian theo RFC 3161 ({shown})",
        en=f"The time-stamp cannot be read as RFC 3161 has it ({shown})",
    )


def too_large(size: int, most: int) -> Reason:
    """Say that nothing so long is read."""
    return Reason(
        code="timestamp.too_large",
        vi=f"Dấu thời gian dài {size} byte, tối đa là {most}",
        en=f"The time-stamp has {size} bytes, expected at most {most}",
    )


def refused(status: int, words: Sequence[str]) -> Reason:
    """Say the authority's own words."""
    said = _words(words) or f"PKIStatus {status}"
    return Reason(
        code="timestamp.refused",
        vi=f"Tổ chức cấp dấu thời gian từ chối: {said}",
        en=f"The time-stamp authority refused: {said}",
    )


def forbidden(method: x509.ObjectIdentifier) -> Reason:
    """Name the method that is not accepted."""
    return Reason(
        code="timestamp.algorithm_forbidden",
        vi=f"Dấu thời gian dùng thuật toán băm không được nhận: {method.dotted_string}",
        en=f"The time-stamp uses a hash that is not accepted: {method.dotted_string}",
    )


def in_future(at: datetime) -> Reason:
    """Say which time it states."""
    return Reason(
        code="timestamp.in_future",
        vi=f"Dấu thời gian ghi {at:%Y-%m-%d %H:%M:%S} UTC, là thời điểm trong tương lai",
        en=f"The time-stamp states {at:%Y-%m-%d %H:%M:%S} UTC, which lies in the future",
    )


def not_for_timestamps(certificate: x509.Certificate) -> Reason:
    """Name the certificate and what it lacks."""
    name = subject_text(certificate)
    return Reason(
        code="timestamp.not_for_timestamps",
        vi=f"Chứng thư {name} không phải của tổ chức cấp dấu thời gian (cần extendedKeyUsage chỉ "
        "có timeStamping, đánh dấu critical)",
        en=f"Certificate {name} is not for time-stamps (expected extendedKeyUsage timeStamping "
        "alone, critical)",
    )


def out_of_time(certificate: x509.Certificate, at: datetime) -> Reason:
    """Name the certificate, its term and the time stated."""
    name = subject_text(certificate)
    begin = certificate.not_valid_before_utc.date()
    end = certificate.not_valid_after_utc.date()
    return Reason(
        code="timestamp.expired",
        vi=f"Chứng thư {name} (có hiệu lực {begin} – {end}) không có hiệu lực lúc cấp dấu thời "
        f"gian, {at:%Y-%m-%d %H:%M:%S} UTC",
        en=f"Certificate {name} (valid {begin} to {end}) was not valid when the time-stamp was "
        f"issued, {at:%Y-%m-%d %H:%M:%S} UTC",
    )


def untrusted(certificate: x509.Certificate, detail: str) -> Reason:
    """Name the stranger."""
    name = subject_text(certificate)
    return Reason(
        code="timestamp.untrusted",
        vi=f"Tổ chức cấp dấu thời gian {name} không dẫn tới chứng thư gốc nào được tin cậy "
        f"cho dấu thời gian ({detail})",
        en=f"The time-stamp authority {name} leads to no root that is pinned for time-stamps"
        f" ({detail})",
    )
