"""
Verify signed documents under one strict profile, and say in words what is wrong.

Only the bytes that were proven are handed on: `Verified.content` is digested, and
`Verified.element` is parsed from it. The received text must be its own exclusive canonical form,
so there is one reading of it: no comments, CDATA, encodings or declarations to disagree about.

What stands in the signature is a claim until its digests and value are right, and the name in a
certificate until its chain ends in a pinned root; `inspect` tells these two apart.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from schemas.parser import Limits, XmlRefused, parse_xml
from signing.canonical import canonical_bytes
from signing.certificates import Signer, certificate_digest, issuer_serial, read_signer
from signing.errors import NoCanonicalForm, Reason, SignatureRefused
from signing.nodes import has_instructions, ids_in
from signing.profile import DS
from signing.reading import Claims, Digest, read_claims
from signing.trust import certificate_reasons

if TYPE_CHECKING:
    from datetime import datetime

    from lxml.etree import _Element

    from signing.policy import VerificationPolicy

_SIGNATURE = f"{{{DS}}}Signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A document whose signature is right and trusted. Use `content` or `element`, nothing else."""

    content: bytes
    """Exclusive canonical form of the signed element, without the signature."""
    element: _Element
    """Parsed from exactly `content`."""
    digest: str
    """SHA-256 of the received document, signature included; lower-case hexadecimal."""
    signer: Signer
    signed_at: datetime
    """As the signer states it, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a signed document says, and what is wrong with it; for people to read."""

    element: tuple[str, str] | None
    """(namespace, local name) of the root; None: no XML."""
    id: str | None
    """The root's `Id`, which the signature must cover."""
    signer: Signer | None
    """As its certificate says: a mere claim unless `intact` and `trusted`."""
    signed_at: datetime | None
    intact: bool
    """The document and the signature belong together: nothing was changed since signing."""
    trusted: bool
    """The certificate leads to a pinned root and was right for signing at that time."""
    reasons: tuple[Reason, ...]
    """Everything that speaks against the document; empty means `verify` accepts it."""


@dataclass(slots=True)
class _Findings:
    """What one examination has found so far."""

    reasons: list[Reason] = field(default_factory=list)
    root: _Element | None = None
    content: bytes | None = None
    claims: Claims | None = None
    intact: bool = False
    trusted: bool = False

    def add(self, code: str, *, vi: str, en: str) -> None:
        self.reasons.append(Reason(code=code, vi=vi, en=en))


def verify(document: bytes, *, policy: VerificationPolicy, now: datetime) -> Verified:
    """
    Return the proven content of a signed document.

    Args:
        document: The signed element in its exclusive canonical form; cut it out of a message
            with `canonical_bytes`.
        policy: Whom to trust and what to accept.
        now: Aware; bounds the stated signing time.

    Raises:
        SignatureRefused: with every reason; trying again does not help.
    """
    findings = _examine(document, policy=policy, now=now)
    if findings.reasons:
        raise SignatureRefused(tuple(findings.reasons))
    claims, content = findings.claims, findings.content
    assert claims is not None
    assert content is not None
    return Verified(
        content=content,
        element=parse_xml(content, limits=_limits(policy)),
        digest=hashlib.sha256(document).hexdigest(),
        signer=read_signer(claims.certificates[0], agency_attribute=policy.agency_attribute),
        signed_at=claims.properties.signed_at,
    )


def inspect(document: bytes, *, policy: VerificationPolicy, now: datetime) -> Inspection:
    """Say what is signed, by whom, whether it is intact and trusted, and why not; never raises."""
    findings = _examine(document, policy=policy, now=now)
    root, claims = findings.root, findings.claims
    signer = None
    if claims is not None:
        signer = read_signer(claims.certificates[0], agency_attribute=policy.agency_attribute)
    return Inspection(
        element=None if root is None else _name_of(root),
        id=None if root is None else root.get("Id"),
        signer=signer,
        signed_at=None if claims is None else claims.properties.signed_at,
        intact=findings.intact,
        trusted=findings.trusted,
        reasons=tuple(findings.reasons),
    )


def _examine(document: bytes, *, policy: VerificationPolicy, now: datetime) -> _Findings:
    findings = _Findings()
    try:
        root = parse_xml(document, limits=_limits(policy))
    except XmlRefused as exc:
        findings.add(exc.code, vi=exc.vi, en=exc.en)
        return findings
    findings.root = root
    try:
        is_canonical = canonical_bytes(root) == document
    except NoCanonicalForm as exc:
        findings.add(exc.code, vi=exc.vi, en=exc.en)
        return findings
    _check_root(root, is_canonical=is_canonical, policy=policy, findings=findings)
    _check_nodes(root, findings=findings)
    signature = _find_signature(root, findings=findings)
    if signature is None:
        return findings
    claims = read_claims(signature, root_id=root.get("Id"))
    if isinstance(claims, list):
        findings.reasons += claims
        return findings
    findings.claims = claims
    _check_integrity(root, signature, claims=claims, policy=policy, findings=findings)
    _check_certificate(claims, policy=policy, findings=findings, now=now)
    return findings


def _check_root(
    root: _Element, *, is_canonical: bool, policy: VerificationPolicy, findings: _Findings
) -> None:
    namespace, name = _name_of(root)
    if policy.elements is not None and (namespace, name) not in policy.elements:
        findings.add(
            "document.element_unexpected",
            vi=f"Phần tử gốc '{name}' (không gian tên '{namespace}') không phải loại cần nhận",
            en=f"Root element '{name}' (namespace '{namespace}') is not of an expected kind",
        )
    if not is_canonical:
        findings.add(
            "document.not_canonical",
            vi="Văn bản nhận được không ở dạng chuẩn tắc riêng (exc-c14n); có thể đã bị một "
            "chương trình khác ghi lại",
            en="The received text is not in its exclusive canonical form; some program may have "
            "written it anew",
        )


def _check_nodes(root: _Element, *, findings: _Findings) -> None:
    """Refuse ids that occur twice, and processing instructions, which would cut values apart."""
    repeated = [one[:80] for one, times in Counter(ids_in(root)).items() if times > 1]
    if repeated:
        listed = ", ".join(repeated[:5])
        findings.add(
            "signature.duplicate_id",
            vi=f"Id xuất hiện nhiều lần trong tài liệu: {listed}",
            en=f"Ids that occur more than once in the document: {listed}",
        )
    if has_instructions(root):
        findings.add(
            "document.instruction",
            vi="Tài liệu có chỉ thị xử lý (<?…?>), không được phép",
            en="The document holds processing instructions (<?…?>), which are not allowed",
        )


def _find_signature(root: _Element, *, findings: _Findings) -> _Element | None:
    signatures = list(root.iter(_SIGNATURE))
    if not signatures:
        findings.add(
            "signature.missing",
            vi="Tài liệu không có chữ ký",
            en="The document has no signature",
        )
        return None
    if len(signatures) > 1:
        findings.add(
            "signature.not_single",
            vi=f"Tài liệu phải có đúng một chữ ký, thực tế là {len(signatures)}",
            en=f"The document must have exactly one signature, found {len(signatures)}",
        )
        return None
    signature = signatures[0]
    if len(root) == 0 or root[-1] is not signature or signature.tail:
        findings.add(
            "signature.misplaced",
            vi="Chữ ký phải là phần tử con cuối cùng của phần tử gốc",
            en="The signature must be the last child of the root",
        )
        return None
    return signature


def _check_integrity(
    root: _Element,
    signature: _Element,
    *,
    claims: Claims,
    policy: VerificationPolicy,
    findings: _Findings,
) -> None:
    before = len(findings.reasons)
    signed_info = canonical_bytes(claims.signed_info)
    properties = canonical_bytes(claims.properties.element)
    root.remove(signature)
    findings.content = canonical_bytes(root)
    _check_digest(findings.content, claims.document_digest, number=1, findings=findings)
    _check_digest(properties, claims.properties_digest, number=2, findings=findings)
    if claims.algorithm not in policy.algorithms:
        findings.add(
            "signature.algorithm_forbidden",
            vi=f"Chính sách không nhận thuật toán chữ ký {claims.algorithm.value}",
            en=f"The policy does not accept signature method {claims.algorithm.value}",
        )
    elif not _is_value_right(claims, signed_info):
        findings.add(
            "signature.value_wrong",
            vi="Giá trị chữ ký không khớp với khóa trong chứng thư kèm theo",
            en="The signature value does not fit the key of the enclosed certificate",
        )
    _check_certificate_named(claims, findings=findings)
    findings.intact = len(findings.reasons) == before


def _check_digest(data: bytes, digest: Digest, *, number: int, findings: _Findings) -> None:
    actual = hashlib.new(digest.method, data).digest()
    if hmac.compare_digest(actual, digest.value):
        return
    what_vi, what_en = (
        ("tài liệu", "the document") if number == 1 else ("thuộc tính ký", "the signed properties")
    )
    findings.add(
        "signature.digest_differs",
        vi=f"Giá trị băm của tham chiếu {number} ({what_vi}) không khớp: nội dung đã bị thay đổi "
        "sau khi ký",
        en=f"The digest of reference {number} ({what_en}) differs: it was changed after signing",
    )


def _is_value_right(claims: Claims, signed_info: bytes) -> bool:
    key = claims.certificates[0].public_key()
    algorithm = claims.algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm.padding is not None:
            key.verify(claims.value, signed_info, algorithm.padding, algorithm.hash)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and algorithm.padding is None:
            size = (key.curve.key_size + 7) // 8
            if len(claims.value) != 2 * size:
                return False
            r = int.from_bytes(claims.value[:size], "big")
            s = int.from_bytes(claims.value[size:], "big")
            key.verify(encode_dss_signature(r, s), signed_info, ec.ECDSA(algorithm.hash))
            return True
    except (InvalidSignature, ValueError):
        # ValueError: the key is too small for the hash; it is refused as weak, too.
        return False
    return False


def _check_certificate_named(claims: Claims, *, findings: _Findings) -> None:
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


def _check_certificate(
    claims: Claims, *, policy: VerificationPolicy, findings: _Findings, now: datetime
) -> None:
    signed_at = claims.properties.signed_at
    if signed_at > now + policy.clock_skew:
        findings.add(
            "signature.signed_in_future",
            vi=f"Thời điểm ký {signed_at:%Y-%m-%d %H:%M:%S} UTC nằm trong tương lai",
            en=f"The signing time {signed_at:%Y-%m-%d %H:%M:%S} UTC lies in the future",
        )
    reasons = certificate_reasons(
        claims.certificates[0],
        intermediates=claims.certificates[1:],
        policy=policy,
        signed_at=signed_at,
    )
    findings.reasons += reasons
    findings.trusted = not reasons


def _name_of(element: _Element) -> tuple[str, str]:
    name = etree.QName(element)
    return name.namespace or "", name.localname


def _limits(policy: VerificationPolicy) -> Limits:
    return Limits(max_bytes=policy.max_bytes)
