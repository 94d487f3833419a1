"""
Judge a certificate by an answer of its authority's responder (OCSP, RFC 6960 section 3.2).

The answer must be about this certificate, and signed by the authority itself or by a responder to
whom the same authority gave a certificate for that purpose (id-kp-OCSPSigning). No nonce is asked
for: an answer that is kept and shown again is caught by its age.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, SignatureAlgorithmOID

from signing.certificates import load_certificate, weakness_of
from signing.crl import cause_of, judge_list
from signing.standing import (
    STRONG,
    UNREADABLE,
    Fault,
    Standing,
    Status,
    critical_fault,
    lateness,
    silence_on_expired,
    time_in,
    undecided,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.x509.ocsp import OCSPResponse, OCSPSingleResponse

    from signing.standing import Evidence, Question

ARCHIVE_CUTOFF = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.6")
"""Until when expired certificates are still answered for (RFC 6960, section 4.4.4)."""
_METHODS: dict[x509.ObjectIdentifier, hashes.HashAlgorithm] = {
    SignatureAlgorithmOID.RSA_WITH_SHA256: hashes.SHA256(),
    SignatureAlgorithmOID.RSA_WITH_SHA384: hashes.SHA384(),
    SignatureAlgorithmOID.RSA_WITH_SHA512: hashes.SHA512(),
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: hashes.SHA256(),
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: hashes.SHA384(),
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: hashes.SHA512(),
}
_MOST_CERTIFICATES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """An answer that its authority, or who may speak for it, signed."""

    content: OCSPResponse
    single: OCSPSingleResponse
    responder: x509.Certificate | None
    """The delegated one; None: the authority itself."""
    revoked_at: datetime | None
    kept_since: datetime | None


def build_request(certificate: x509.Certificate, issuer: x509.Certificate) -> bytes:
    """
    Return the question to a responder, DER.

    SHA-1 names the issuer here because every responder knows it (RFC 5019, section 2.1.1); nothing
    is proven by it.
    """
    return _request(certificate, issuer, hashes.SHA1()).public_bytes(Encoding.DER)  # noqa: S303


def judge_answer(question: Question, evidence: Evidence, *, lists: Sequence[Evidence]) -> Standing:
    """
    Return what the answer says of the certificate, or why it says nothing.

    Args:
        question: About which certificate.
        evidence: The answer.
        lists: CRLs of the same issuer, for a responder that may itself have been revoked.
    """
    found = _read(evidence.data, question.issuer)
    if isinstance(found, Fault):
        return undecided(question, _elsewhere(evidence.data, question) or found, evidence)
    single = found.single
    fault = _wrong_subject(single, question) or _unproven(found, question, lists)
    if fault is not None:
        return undecided(question, fault, evidence)
    late = lateness(
        question, this_update=single.this_update_utc, next_update=single.next_update_utc
    )
    standing = Standing(
        certificate=question.certificate,
        status=Status.GOOD,
        evidence=evidence,
        this_update=single.this_update_utc,
        next_update=single.next_update_utc,
    )
    is_revoked = single.certificate_status is ocsp.OCSPCertStatus.REVOKED
    is_hold = single.revocation_reason is x509.ReasonFlags.certificate_hold
    # As on a list: what is revoked stays so, however old the answer is.
    if is_revoked and (late is None or (late.code == "stale" and not is_hold)):
        return replace(
            standing,
            status=Status.REVOKED,
            revoked_at=found.revoked_at,
            cause=cause_of(single.revocation_reason),
        )
    silence = silence_on_expired(
        question, this_update=single.this_update_utc, kept_since=found.kept_since
    )
    fault = late or _unknown(single) or silence
    return standing if fault is None else undecided(question, fault, evidence)


def _unknown(single: OCSPSingleResponse) -> Fault | None:
    if single.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN:
        return None
    return Fault(
        "unknown",
        "tổ chức cấp trả lời rằng không biết chứng thư này",
        "the authority answers that it does not know this certificate",
    )


def _request(
    certificate: x509.Certificate, issuer: x509.Certificate, algorithm: hashes.HashAlgorithm
) -> ocsp.OCSPRequest:
    return ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm).build()


# Fast path: an answer in the cache is proven once, not for every message.
@lru_cache(maxsize=256)
def _read(data: bytes, issuer: x509.Certificate) -> _Answer | Fault:
    try:
        return _read_answer(ocsp.load_der_ocsp_response(data), issuer)
    except UNREADABLE:
        return Fault(
            "unreadable", "không đọc được câu trả lời OCSP", "the OCSP answer cannot be read"
        )


def _read_answer(content: OCSPResponse, issuer: x509.Certificate) -> _Answer | Fault:
    if content.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        status = content.response_status.name.lower()
        return Fault(
            "refused",
            f"máy trả lời OCSP từ chối ({status})",
            f"the OCSP responder gave no answer ({status})",
        )
    singles = list(content.responses)
    if len(singles) != 1:
        return Fault(
            "several",
            f"câu trả lời OCSP phải về đúng một chứng thư, thực tế là {len(singles)}",
            f"the OCSP answer must be about one certificate, it is about {len(singles)}",
        )
    fault = critical_fault((*content.extensions, *content.single_extensions))
    if fault is not None:
        return fault
    responder = _responder(content, issuer)
    if isinstance(responder, Fault):
        return responder
    (single,) = singles
    # Read lazily by the library: a broken part shall surface here.
    _ = single.this_update_utc, single.next_update_utc, single.revocation_time_utc
    _ = single.certificate_status, single.revocation_reason
    since = single.revocation_time_utc
    for extension in content.single_extensions:
        if since is not None and isinstance(extension.value, x509.InvalidityDate):
            since = min(since, extension.value.invalidity_date_utc)
    return _Answer(
        content=content,
        single=single,
        responder=responder,
        revoked_at=since,
        kept_since=time_in(content.single_extensions, ARCHIVE_CUTOFF),
    )


def _responder(content: OCSPResponse, issuer: x509.Certificate) -> x509.Certificate | Fault | None:
    """Return the delegated certificate that signed, None for the issuer itself, or the fault."""
    if content.signature_algorithm_oid not in _METHODS:
        return Fault(
            "weak",
            "câu trả lời OCSP ký bằng thuật toán không được phép",
            "the OCSP answer is signed with an algorithm that is not allowed",
        )
    if _has_signed(issuer, content):
        return None
    sent = [
        load_certificate(one.public_bytes(Encoding.DER))
        for one in content.certificates[:_MOST_CERTIFICATES]
    ]
    signer = next((one for one in sent if _has_signed(one, content)), None)
    if signer is None:
        return Fault(
            "signed_by_other",
            "câu trả lời OCSP không phải do tổ chức cấp chứng thư ký",
            "the OCSP answer was not signed by who issued the certificate",
        )
    return _undelegated(signer, issuer, content) or signer


def _has_signed(certificate: x509.Certificate, content: OCSPResponse) -> bool:
    key, method = certificate.public_key(), _METHODS[content.signature_algorithm_oid]
    data = content.tbs_response_bytes
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(content.signature, data, padding.PKCS1v15(), method)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(content.signature, data, ec.ECDSA(method))
            return True
    except (InvalidSignature, ValueError):
        return False
    return False


def _undelegated(
    signer: x509.Certificate, issuer: x509.Certificate, content: OCSPResponse
) -> Fault | None:
    """Return why `signer` may not speak for `issuer`, or None (RFC 6960, section 4.2.2.2)."""
    try:
        signer.verify_directly_issued_by(issuer)
        is_issued = isinstance(signer.signature_hash_algorithm, STRONG)
    except (InvalidSignature, *UNREADABLE):
        is_issued = False
    if not is_issued:
        return Fault(
            "signer_of_other_issuer",
            "người ký câu trả lời OCSP không do tổ chức cấp chứng thư này ủy quyền",
            "who signed the OCSP answer was not authorised by the issuer of this certificate",
        )
    values = [extension.value for extension in signer.extensions]
    purposes = [one for one in values if isinstance(one, x509.ExtendedKeyUsage)]
    usages = [one for one in values if isinstance(one, x509.KeyUsage)]
    strange = any(
        one.critical and isinstance(one.value, x509.UnrecognizedExtension)
        for one in signer.extensions
    )
    may_answer = any(ExtendedKeyUsageOID.OCSP_SIGNING in one for one in purposes)
    if not may_answer or strange or any(not one.digital_signature for one in usages):
        return Fault(
            "signer_may_not",
            "chứng thư ký câu trả lời OCSP không dùng cho việc đó (id-kp-OCSPSigning)",
            "the certificate that signed the OCSP answer is not for that (id-kp-OCSPSigning)",
        )
    if weakness_of(signer) is not None:
        return Fault(
            "weak",
            "khóa ký câu trả lời OCSP không đủ mạnh",
            "the key that signed the OCSP answer is not strong enough",
        )
    # Both times: who got hold of an old key may write either.
    times = (content.produced_at_utc, content.this_update_utc)
    if not all(signer.not_valid_before_utc <= t <= signer.not_valid_after_utc for t in times):
        return Fault(
            "signer_expired",
            "chứng thư ký câu trả lời OCSP không có hiệu lực lúc ký "
            f"(đến {signer.not_valid_after_utc:%Y-%m-%d})",
            "the certificate that signed the OCSP answer was not valid when it did "
            f"(until {signer.not_valid_after_utc:%Y-%m-%d})",
        )
    return None


def _elsewhere(data: bytes, question: Question) -> Fault | None:
    """Return that an answer which is not believed is about somebody else anyway, or None."""
    try:
        singles = list(ocsp.load_der_ocsp_response(data).responses)
        return _wrong_subject(singles[0], question) if len(singles) == 1 else None
    except UNREADABLE:
        return None


def _wrong_subject(single: OCSPSingleResponse, question: Question) -> Fault | None:
    try:
        asked = _request(question.certificate, question.issuer, single.hash_algorithm)
    except UNREADABLE:
        return Fault(
            "weak",
            "câu trả lời OCSP chỉ chứng thư bằng thuật toán băm không được phép",
            "the OCSP answer names its certificate by a hash that is not allowed",
        )
    ours = (asked.issuer_name_hash, asked.issuer_key_hash, asked.serial_number)
    if ours == (single.issuer_name_hash, single.issuer_key_hash, single.serial_number):
        return None
    return Fault(
        "other_certificate",
        "câu trả lời OCSP là về chứng thư khác",
        "the OCSP answer is for another certificate",
    )


def _unproven(found: _Answer, question: Question, lists: Sequence[Evidence]) -> Fault | None:
    """Return why the delegated responder cannot be relied on, or None."""
    responder = found.responder
    if responder is None or any(
        isinstance(one.value, x509.OCSPNoCheck) for one in responder.extensions
    ):
        return None
    about = replace(question, certificate=responder)
    standings = [judge_list(about, one) for one in lists]
    if any(one.status is Status.REVOKED for one in standings):
        return Fault(
            "signer_revoked",
            "chứng thư ký câu trả lời OCSP đã bị thu hồi",
            "the certificate that signed the OCSP answer was revoked",
        )
    if any(one.status is Status.GOOD for one in standings):
        return None
    return Fault(
        "signer_unchecked",
        "chứng thư ký câu trả lời OCSP có thể đã bị thu hồi (không có ocsp-nocheck, không có CRL)",
        "the certificate that signed the OCSP answer may have been revoked itself "
        "(no ocsp-nocheck, no CRL)",
    )
