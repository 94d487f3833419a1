"""
Decide whether a certificate may have signed a document at a given time.

The chain is built by cryptography's own path validation (signatures, dates, CA flag, path
length, name constraints, no SHA-1), freed from its rules for web servers. Once it is proven down
to a pinned root, and not before, the policy's source is asked which of its certificates were
withdrawn (`signing.revocation`); without a source nobody is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from signing.certificates import (
    is_for_other_purposes,
    is_for_signing,
    read_signer,
    subject_text,
    weakness_of,
)
from signing.errors import Reason
from signing.revocation import judge_chain

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography.x509.verification import Policy

    from signing.policy import VerificationPolicy
    from signing.revocation import Enclosed
    from signing.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFindings:
    """What there is to say about a certificate that signed something."""

    reasons: tuple[Reason, ...]
    """Everything that speaks against it; empty means it is trusted."""
    notices: tuple[Reason, ...] = ()
    """What is to be said all the same: revoked after signing, or not known whether."""
    path: tuple[x509.Certificate, ...] = ()
    """From the certificate to the pinned one, both included; empty: it leads to none."""
    standings: tuple[Standing, ...] = ()
    """What is known of revocation, in the order of `path`; empty: nobody was asked."""


def certificate_reasons(
    certificate: x509.Certificate,
    *,
    intermediates: tuple[x509.Certificate, ...],
    policy: VerificationPolicy,
    signed_at: datetime,
) -> list[Reason]:
    """
    Return everything that speaks against the certificate; empty means it is trusted.

    What is known of revocation must be fresh for `signed_at`.
    """
    found = examine_certificate(
        certificate, intermediates=intermediates, policy=policy, signed_at=signed_at, now=None
    )
    return list(found.reasons)


def examine_certificate(
    certificate: x509.Certificate,
    *,
    intermediates: tuple[x509.Certificate, ...],
    policy: VerificationPolicy,
    signed_at: datetime,
    now: datetime | None,
    enclosed: Enclosed | None = None,
) -> CertificateFindings:
    """
    Return what there is to say about the certificate.

    Args:
        certificate: The signer's.
        intermediates: What was sent along, in any order.
        policy: Whom to trust.
        signed_at: When it signed.
        now: When what is known of revocation must be fresh; None: when it signed.
        enclosed: What is known of revocation from the document itself.
    """
    reasons = []
    weakness = weakness_of(certificate, min_rsa_bits=policy.min_rsa_bits)
    if weakness is not None:
        reasons.append(weakness)
    if not is_for_signing(certificate) or is_for_other_purposes(certificate):
        reasons.append(_not_for_signing(certificate))
    reasons += _validity_reasons(certificate, signed_at)
    signer = read_signer(certificate, agency_attribute=policy.agency_attribute)
    if policy.needs_agency_code and not signer.agency_code:
        reasons.append(_not_agency(certificate))
    if policy.signers is not None and signer.fingerprint not in policy.signers:
        reasons.append(_not_named(certificate))
    # Judged within the certificate's own dates, so that one cause gives one reason.
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    path = _path(certificate, intermediates, policy, min(max(signed_at, begin), end))
    if isinstance(path, Reason):
        return CertificateFindings(reasons=(*reasons, path))
    reasons += _weak_authorities(path, policy)
    revocation = judge_chain(
        path,
        revocation=policy.revocation,
        signed_at=signed_at,
        now=now,
        clock_skew=policy.clock_skew,
        enclosed=enclosed,
    )
    return CertificateFindings(
        reasons=(*reasons, *revocation.reasons),
        notices=revocation.notices,
        path=path,
        standings=revocation.standings,
    )


def _validity_reasons(certificate: x509.Certificate, signed_at: datetime) -> list[Reason]:
    if signed_at > certificate.not_valid_after_utc:
        name = subject_text(certificate)
        day = certificate.not_valid_after_utc.date()
        return [
            Reason(
                code="certificate.expired_when_signed",
                vi=f"Chứng thư {name} đã hết hạn ngày {day}, trước khi ký",
                en=f"Certificate {name} expired {day}, before signing",
            )
        ]
    if signed_at < certificate.not_valid_before_utc:
        name = subject_text(certificate)
        day = certificate.not_valid_before_utc.date()
        return [
            Reason(
                code="certificate.not_yet_valid_when_signed",
                vi=f"Chứng thư {name} chỉ có hiệu lực từ {day}, sau khi ký",
                en=f"Certificate {name} is valid only from {day}, after signing",
            )
        ]
    return []


def find_path(
    certificate: x509.Certificate,
    intermediates: tuple[x509.Certificate, ...],
    policy: VerificationPolicy,
    at: datetime,
) -> tuple[tuple[x509.Certificate, ...], list[Reason]]:
    """Return the chain to a pinned root at `at`, empty if there is none, and what is wrong."""
    path = _path(certificate, intermediates, policy, at)
    if isinstance(path, Reason):
        return (), [path]
    return path, _weak_authorities(path, policy)


def _weak_authorities(
    path: tuple[x509.Certificate, ...], policy: VerificationPolicy
) -> list[Reason]:
    weak = (weakness_of(one, min_rsa_bits=policy.min_rsa_bits) for one in path[1:])
    return [weakness for weakness in weak if weakness is not None]


def _path(
    certificate: x509.Certificate,
    intermediates: tuple[x509.Certificate, ...],
    policy: VerificationPolicy,
    at: datetime,
) -> tuple[x509.Certificate, ...] | Reason:
    """Return the chain to a pinned certificate, or why there is none."""
    anchors = _valid_at(policy.trust_anchors, at)
    if not anchors:
        found = "every pinned root is out of its time" if policy.trust_anchors else "none is pinned"
        return _untrusted(certificate, found)
    links = _valid_at(intermediates, at)
    try:
        return _find_path(certificate, links, anchors, policy.max_intermediates)
    except VerificationError as exc:
        return _untrusted(certificate, _first_words(str(exc)))
    except ValueError as exc:
        # Raised for certificates whose inner structure cannot be read.
        return _untrusted(certificate, str(exc)[:300])


def _valid_at(
    certificates: tuple[x509.Certificate, ...], at: datetime
) -> tuple[x509.Certificate, ...]:
    return tuple(
        one for one in certificates if one.not_valid_before_utc <= at <= one.not_valid_after_utc
    )


# Fast path: a search costs 150 µs, a repeated one 5 µs. All certificates handed in are valid at
# one time, so the answer depends on no clock and may be kept.
@lru_cache(maxsize=256)
def _find_path(
    certificate: x509.Certificate,
    intermediates: tuple[x509.Certificate, ...],
    anchors: tuple[x509.Certificate, ...],
    max_intermediates: int,
) -> tuple[x509.Certificate, ...]:
    """Return the chain from `certificate` to a pinned one, both included."""
    at = max(one.not_valid_before_utc for one in (certificate, *intermediates, *anchors))
    verifier = (
        PolicyBuilder()
        .store(Store(list(anchors)))
        .time(at)
        .max_chain_depth(max_intermediates)
        .extension_policies(ca_policy=_authorities(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    return tuple(verifier.verify(certificate, list(intermediates)).chain)


@lru_cache(maxsize=1)
def _authorities() -> ExtensionPolicy:
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _check_may_issue)
    )


def _check_may_issue(
    policy: Policy,  # noqa: ARG001 (the library calls with three)
    certificate: x509.Certificate,
    usage: x509.KeyUsage | None,
) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError(f"{subject_text(certificate)} may not issue certificates")


def _first_words(text: str) -> str:
    """Return the library's words without its dump of the certificate."""
    return text.split(" (encountered", 1)[0].removeprefix("validation failed: ")[:300]


def _untrusted(certificate: x509.Certificate, detail: str) -> Reason:
    name = subject_text(certificate)
    return Reason(
        code="certificate.untrusted",
        vi=f"Chứng thư {name} không dẫn tới chứng thư gốc tin cậy nào ({detail})",
        en=f"Certificate {name} leads to no trusted root ({detail})",
    )


def _not_for_signing(certificate: x509.Certificate) -> Reason:
    name = subject_text(certificate)
    return Reason(
        code="certificate.not_for_signing",
        vi=f"Chứng thư {name} không dùng để ký số (cần keyUsage digitalSignature hoặc "
        "nonRepudiation, và không phải chứng thư của tổ chức cấp chứng thư hay chỉ dành cho dấu "
        "thời gian, trả lời OCSP, máy chủ web hoặc phần mềm)",
        en=f"Certificate {name} is not meant for signing documents (expected keyUsage "
        "digitalSignature or nonRepudiation, and neither an authority's certificate nor one for "
        "time-stamps, OCSP answers, web servers or programs alone)",
    )


def _not_agency(certificate: x509.Certificate) -> Reason:
    name = subject_text(certificate)
    return Reason(
        code="certificate.not_agency",
        vi=f"Chứng thư {name} không ghi mã đơn vị, nên không phải chứng thư của cơ quan",
        en=f"Certificate {name} carries no agency code, so it is not an agency's",
    )


def _not_named(certificate: x509.Certificate) -> Reason:
    name = subject_text(certificate)
    return Reason(
        code="certificate.not_named",
        vi=f"Chứng thư {name} không phải của người được phép ký việc này",
        en=f"Certificate {name} is of somebody who may not sign this",
    )
