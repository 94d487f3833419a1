"""
What is known of one certificate's revocation: the question, the evidence, the answer.

Evidence is bytes, so that it can be fetched by somebody else, kept beside a document, and judged
years later without a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from signing.certificates import subject_text
from signing.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

STRONG = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
"""With which authorities may sign what they say."""
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for bytes that somebody made up."""


class Kind(Enum):
    """In which form authorities tell what they have revoked."""

    CRL = "crl"
    """A list of everything revoked, RFC 5280."""
    OCSP = "ocsp"
    """An answer about one certificate, RFC 6960."""


class Status(Enum):
    """What the evidence comes to."""

    GOOD = "good"
    REVOKED = "revoked"
    """Whether that counts depends on when the signature was made."""
    UNDECIDED = "undecided"
    """Nothing that could be believed says either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A CRL or an OCSP answer as it came."""

    kind: Kind
    data: bytes
    """DER; a CRL may be PEM."""
    origin: str
    """Where it came from, for people: an address or a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """About which certificate an answer is wanted, and how fresh it must be."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    """Whose key signed `certificate`, already proven."""
    fresh_at: datetime
    """The time for which an answer must be fresh."""
    now: datetime | None
    """An answer from later is refused; None: any time after `fresh_at` will do."""
    max_age: timedelta
    """How old an answer may be, whatever it says itself."""
    clock_skew: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known about one certificate, and from where."""

    certificate: x509.Certificate
    status: Status
    evidence: Evidence | None = None
    """On which `status` rests; None: on nothing."""
    this_update: datetime | None = None
    next_update: datetime | None = None
    """When the authority says it speaks again; None: it does not say."""
    revoked_at: datetime | None = None
    """From when on the certificate does not count; the earlier invalidity date, where one is."""
    cause: str | None = None
    """The reason in the words of RFC 5280, such as keyCompromise."""
    reasons: tuple[Reason, ...] = ()
    """Why nothing could be decided, a line for each piece of evidence."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a piece of evidence says nothing."""

    code: str
    """The last part of the reason's code."""
    vi: str
    en: str


def undecided(question: Question, fault: Fault, evidence: Evidence | None = None) -> Standing:
    """Return that a piece of evidence decides nothing, and why."""
    name = subject_text(question.certificate)
    where_vi = where_en = ""
    if evidence is not None:
        where_vi, where_en = f" (từ {evidence.origin})", f" (from {evidence.origin})"
    reason = Reason(
        code=f"revocation.{fault.code}",
        vi=f"Chưa biết chứng thư {name} có bị thu hồi hay không: {fault.vi}{where_vi}",
        en=f"Whether certificate {name} was revoked cannot be told: {fault.en}{where_en}",
    )
    return Standing(
        certificate=question.certificate,
        status=Status.UNDECIDED,
        evidence=evidence,
        reasons=(reason,),
    )


def lateness(
    question: Question, *, this_update: datetime, next_update: datetime | None
) -> Fault | None:
    """
    Return why an answer of that time is of no use, or None.

    One from after `fresh_at` knows more, not less; one from before must not have run out by then,
    neither by its own word nor by the policy's.
    """
    if question.now is not None and this_update > question.now + question.clock_skew:
        return Fault(
            "from_future",
            f"câu trả lời ghi thời điểm {_minute(this_update)}, còn ở tương lai",
            f"the answer is of {_minute(this_update)}, which lies in the future",
        )
    if this_update >= question.fresh_at:
        return None
    end = this_update + question.max_age
    if next_update is not None:
        end = min(end, next_update)
    if question.fresh_at <= end + question.clock_skew:
        return None
    return Fault(
        "stale",
        f"câu trả lời đã cũ từ {_minute(end)} (lập lúc {_minute(this_update)})",
        f"the answer is stale since {_minute(end)} (made {_minute(this_update)})",
    )


def silence_on_expired(
    question: Question, *, this_update: datetime, kept_since: datetime | None
) -> Fault | None:
    """
    Return why an answer that does not name the certificate says nothing, or None.

    Authorities drop expired certificates from what they tell, unless they say that they keep them.

    Args:
        question: About which certificate.
        this_update: Of the answer.
        kept_since: Certificates that expired from then on are still told of; None: none are.
    """
    end = question.certificate.not_valid_after_utc
    if this_update <= end or (kept_since is not None and kept_since <= end):
        return None
    return Fault(
        "after_expiry",
        f"câu trả lời lập sau khi chứng thư hết hạn ({end:%Y-%m-%d}), khi tổ chức cấp có thể không "
        "còn giữ nó",
        f"the answer was made after the certificate expired ({end:%Y-%m-%d}), when the authority "
        "need no longer keep it",
    )


def critical_fault(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> Fault | None:
    """Return that a critical extension is not understood, or None."""
    for extension in extensions:
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            oid = extension.oid.dotted_string
            return Fault(
                "critical_extension",
                f"câu trả lời có phần mở rộng bắt buộc không hiểu được ({oid})",
                f"the answer has a critical extension that is not understood ({oid})",
            )
    return None


def time_in(
    extensions: Iterable[x509.Extension[x509.ExtensionType]], oid: x509.ObjectIdentifier
) -> datetime | None:
    """Return the time (GeneralizedTime, as RFC 5280 writes it) that an extension holds, if any."""
    for extension in extensions:
        value = extension.value
        if extension.oid == oid and isinstance(value, x509.UnrecognizedExtension):
            der = value.value
            if len(der) == 17 and der[:2] == b"\x18\x0f" and der[16:] == b"Z":
                try:
                    return datetime.strptime(der[2:].decode("ascii"), "%Y%m%d%H%M%S%z")
                except ValueError:
                    return None
    return None


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
