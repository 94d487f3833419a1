"""
Judge a certificate by a list of revoked ones (CRL, RFC 5280 section 6.3.3).

Accepted is the complete list of the very authority that issued the certificate, signed with the
key that signed the certificate. Lists by somebody else (indirect), of changes only (delta), of
some reasons or for other distribution points are refused: what they leave out could be this one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID

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
    from datetime import datetime

    from signing.standing import Evidence, Question

EXPIRED_ON_LIST = x509.ObjectIdentifier("2.5.29.60")
"""expiredCertsOnCRL (X.509): since when expired certificates stay on the list."""
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class _List:
    """A list that its authority signed."""

    content: x509.CertificateRevocationList
    point: x509.IssuingDistributionPoint | None
    kept_since: datetime | None
    _found: dict[int, x509.RevokedCertificate | None] = field(default_factory=dict)

    def entry(self, serial: int) -> x509.RevokedCertificate | None:
        """Return the entry of one certificate; looking it up goes through the whole list."""
        if serial not in self._found:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[serial] = self.content.get_revoked_certificate_by_serial_number(serial)
        return self._found[serial]


def judge_list(question: Question, evidence: Evidence) -> Standing:
    """Return what the list says of the certificate, or why it says nothing."""
    found = _read(evidence.data, question.issuer)
    if isinstance(found, Fault):
        return undecided(question, found, evidence)
    fault = _left_out(found.point, question)
    if fault is not None:
        return undecided(question, fault, evidence)
    this_update, next_update = found.content.last_update_utc, found.content.next_update_utc
    late = lateness(question, this_update=this_update, next_update=next_update)
    entry = found.entry(question.certificate.serial_number)
    # What is revoked stays so, however old the list is; only a suspension can be lifted again.
    if entry is not None and (late is None or (late.code == "stale" and not _is_hold(entry))):
        return _revoked(question, evidence, entry, found)
    silence = silence_on_expired(question, this_update=this_update, kept_since=found.kept_since)
    fault = late or silence
    if fault is not None:
        return undecided(question, fault, evidence)
    return Standing(
        certificate=question.certificate,
        status=Status.GOOD,
        evidence=evidence,
        this_update=this_update,
        next_update=next_update,
    )


def der_of_list(data: bytes) -> bytes:
    """Return a list that may be PEM as DER; what is no list stays as it is."""
    try:
        return _parse(data).public_bytes(Encoding.DER)
    except UNREADABLE:
        return data


def times_of_list(data: bytes) -> tuple[x509.Name, datetime, datetime | None] | None:
    """Return who made a list, when, and when the next comes, unproven; None: it is no list."""
    try:
        content = _parse(data)
        found = content.issuer, content.last_update_utc, content.next_update_utc
    except UNREADABLE:
        return None
    return found


def is_authority(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate may issue others."""
    return any(
        one.value.ca
        for one in certificate.extensions
        if isinstance(one.value, x509.BasicConstraints)
    )


def cause_of(flag: x509.ReasonFlags | None) -> str | None:
    """Return a reason of revocation in the words of RFC 5280."""
    return None if flag is None else flag.value


# Fast path: a signature over 20 MB costs 20 ms, looking through its entries seconds. The source
# hands out the same bytes each time, so that comparing them costs nothing.
@lru_cache(maxsize=8)
def _read(data: bytes, issuer: x509.Certificate) -> _List | Fault:
    try:
        content = _parse(data)
        extensions = list(content.extensions)
        fault = _foreign(content, issuer) or _changes_only(extensions)
        fault = fault or critical_fault(extensions) or _strange_entries(content)
        _ = content.last_update_utc, content.next_update_utc
    except UNREADABLE:
        return Fault(
            "unreadable", "không đọc được danh sách thu hồi", "the list (CRL) cannot be read"
        )
    if fault is not None:
        return fault
    points = [
        one.value for one in extensions if isinstance(one.value, x509.IssuingDistributionPoint)
    ]
    return _List(
        content=content,
        point=points[0] if points else None,
        kept_since=time_in(extensions, EXPIRED_ON_LIST),
    )


def _parse(data: bytes) -> x509.CertificateRevocationList:
    if data.lstrip()[:11] == b"-----BEGIN ":
        return x509.load_pem_x509_crl(data)
    return x509.load_der_x509_crl(data)


def _foreign(content: x509.CertificateRevocationList, issuer: x509.Certificate) -> Fault | None:
    """Return why a list is not the issuer's, or None."""
    if content.issuer != issuer.subject:
        return Fault(
            "other_issuer",
            "danh sách thu hồi của tổ chức cấp khác",
            "the list is of another authority",
        )
    usages = [one.value for one in issuer.extensions if isinstance(one.value, x509.KeyUsage)]
    if any(not usage.crl_sign for usage in usages):
        return Fault(
            "issuer_may_not",
            "chứng thư của tổ chức cấp không cho phép ký danh sách thu hồi (cRLSign)",
            "the authority's certificate does not allow it to sign lists (cRLSign)",
        )
    if not isinstance(content.signature_hash_algorithm, STRONG):
        return Fault(
            "weak",
            "danh sách thu hồi ký bằng thuật toán không được phép",
            "the list is signed with an algorithm that is not allowed",
        )
    key = issuer.public_key()
    known = isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey)
    if not known or not content.is_signature_valid(key):  # type: ignore[arg-type]
        return Fault(
            "signed_by_other",
            "danh sách thu hồi không phải do tổ chức cấp chứng thư ký",
            "the list was not signed by who issued the certificate",
        )
    return None


def _changes_only(extensions: list[x509.Extension[x509.ExtensionType]]) -> Fault | None:
    return (
        _PARTIAL if any(isinstance(e.value, x509.DeltaCRLIndicator) for e in extensions) else None
    )


def _strange_entries(content: x509.CertificateRevocationList) -> Fault | None:
    # RFC 5280, section 5.3: one entry that is not understood makes the whole list useless.
    for entry in content:
        extensions = entry.extensions
        if any(one.oid == CRLEntryExtensionOID.CERTIFICATE_ISSUER for one in extensions):
            return _PARTIAL
        fault = critical_fault(extensions)
        if fault is not None:
            return fault
    return None


_PARTIAL = Fault(
    "partial",
    "danh sách thu hồi không đầy đủ cho chứng thư này (gián tiếp, bổ sung hoặc từng phần)",
    "the list is not complete for this certificate (indirect, delta or partial)",
)


def _left_out(point: x509.IssuingDistributionPoint | None, question: Question) -> Fault | None:
    """Return why the certificate need not be on the list although it was revoked, or None."""
    if point is None:
        return None
    is_ca = is_authority(question.certificate)
    left_out = (
        point.indirect_crl
        or point.only_contains_attribute_certs
        or point.only_some_reasons is not None
        or point.relative_name is not None
        or (is_ca and point.only_contains_user_certs)
        or (not is_ca and point.only_contains_ca_certs)
    )
    if left_out:
        return _PARTIAL
    if point.full_name is not None and not set(point.full_name) & _points_of(question.certificate):
        return _PARTIAL
    return None


def _points_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    return {
        name
        for extension in certificate.extensions
        if isinstance(extension.value, x509.CRLDistributionPoints)
        for point in extension.value
        for name in point.full_name or ()
    }


def _is_hold(entry: x509.RevokedCertificate) -> bool:
    return _flag_of(entry) is x509.ReasonFlags.certificate_hold


def _flag_of(entry: x509.RevokedCertificate) -> x509.ReasonFlags | None:
    for extension in entry.extensions:
        if isinstance(extension.value, x509.CRLReason):
            return extension.value.reason
    return None


def _revoked(
    question: Question, evidence: Evidence, entry: x509.RevokedCertificate, found: _List
) -> Standing:
    since = entry.revocation_date_utc
    for extension in entry.extensions:
        if isinstance(extension.value, x509.InvalidityDate):
            since = min(since, extension.value.invalidity_date_utc)
    return Standing(
        certificate=question.certificate,
        status=Status.REVOKED,
        evidence=evidence,
        this_update=found.content.last_update_utc,
        next_update=found.content.next_update_utc,
        revoked_at=since,
        cause=cause_of(_flag_of(entry)),
    )
