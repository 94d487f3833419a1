"""
Find the one signature of a received text, and refuse texts that two readers may read differently.

A text must be its own exclusive canonical form: no comments, CDATA, encodings or declarations to
disagree about. Only a policy for the plain form may accept others; what is handed on then is the
canonical form of what was signed, and not the text that came.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lxml import etree

from schemas.parser import Limits, XmlRefused, parse_xml
from signing.canonical import canonical_bytes
from signing.errors import NoCanonicalForm
from signing.nodes import has_instructions, ids_in
from signing.profile import DS, Form

if TYPE_CHECKING:
    from lxml.etree import _Element

    from signing.findings import Findings
    from signing.policy import VerificationPolicy

_SIGNATURE = f"{{{DS}}}Signature"


def find_inside(
    document: bytes, *, form: Form, policy: VerificationPolicy, findings: Findings
) -> _Element | None:
    """Return the signature inside a document, whose root is kept in `findings`, or None."""
    root = _open(document, form=form, policy=policy, findings=findings)
    if root is None:
        return None
    _check_element(root, policy=policy, findings=findings)
    _check_nodes(root, findings=findings)
    holders = policy.holders if form is Form.PLAIN else frozenset()
    return _placed(root, holders=holders, findings=findings)


def find_beside(
    document: bytes, *, policy: VerificationPolicy, findings: Findings
) -> _Element | None:
    """Return the signature that is a document of its own, or None."""
    root = _open(document, form=Form.DETACHED, policy=policy, findings=findings)
    if root is None:
        return None
    _check_nodes(root, findings=findings)
    if root.tag != _SIGNATURE:
        findings.add(
            "signature.missing",
            vi="Tệp không phải là chữ ký rời (phần tử gốc phải là ds:Signature)",
            en="The file is no detached signature (its root must be ds:Signature)",
        )
        return None
    return root if _is_single(root, findings=findings) else None


def name_of(element: _Element) -> tuple[str, str]:
    """Return namespace and local name."""
    name = etree.QName(element)
    return name.namespace or "", name.localname


def limits_of(policy: VerificationPolicy) -> Limits:
    """Return how large a document may be."""
    return Limits(max_bytes=policy.max_bytes)


def _open(
    document: bytes, *, form: Form, policy: VerificationPolicy, findings: Findings
) -> _Element | None:
    if form not in policy.forms:
        accepted = ", ".join(sorted(one.value for one in policy.forms))
        findings.add(
            "signature.form_forbidden",
            vi=f"Chính sách không nhận chữ ký dạng {form.value}; chỉ nhận: {accepted}",
            en=f"The policy does not accept signatures of the form {form.value}; only: {accepted}",
        )
        return None
    try:
        root = parse_xml(document, limits=limits_of(policy))
    except XmlRefused as exc:
        findings.add(exc.code, vi=exc.vi, en=exc.en)
        return None
    findings.root = root
    try:
        is_canonical = canonical_bytes(root) == document
    except NoCanonicalForm as exc:
        findings.add(exc.code, vi=exc.vi, en=exc.en)
        return None
    if not is_canonical and (form is not Form.PLAIN or policy.canonical_only):
        findings.add(
            "document.not_canonical",
            vi="Văn bản nhận được không ở dạng chuẩn tắc riêng (exc-c14n); có thể đã bị một "
            "chương trình khác ghi lại",
            en="The received text is not in its exclusive canonical form; some program may have "
            "written it anew",
        )
    return root


def _check_element(root: _Element, *, policy: VerificationPolicy, findings: Findings) -> None:
    found = name_of(root)
    if policy.elements is not None and found not in policy.elements:
        namespace, name = (one[:80] for one in found)
        findings.add(
            "document.element_unexpected",
            vi=f"Phần tử gốc '{name}' (không gian tên '{namespace}') không phải loại cần nhận",
            en=f"Root element '{name}' (namespace '{namespace}') is not of an expected kind",
        )


def _check_nodes(root: _Element, *, findings: Findings) -> None:
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


def _placed(
    root: _Element,
    *,
    holders: frozenset[tuple[tuple[str, str], ...]],
    findings: Findings,
) -> _Element | None:
    if not _is_single(root, findings=findings):
        return None
    signature = next(root.iter(_SIGNATURE))
    holder = signature.getparent()
    if holder is not None and _path_of(holder) in holders:
        # Indented documents have spaces behind it, which were signed and stay.
        if not (signature.tail or "").strip():
            return signature
    elif len(root) > 0 and root[-1] is signature and not signature.tail:
        return signature
    findings.add(
        "signature.misplaced",
        vi="Chữ ký phải là phần tử con cuối cùng của phần tử gốc"
        + (", hoặc ở chỗ dành cho nó" if holders else ""),
        en="The signature must be the last child of the root"
        + (", or stand in the place that there is for it" if holders else ""),
    )
    return None


def _path_of(element: _Element) -> tuple[tuple[str, str], ...]:
    above = [name_of(one) for one in element.iterancestors()]
    return (*reversed(above), name_of(element))


def _is_single(root: _Element, *, findings: Findings) -> bool:
    number = sum(1 for _ in root.iter(_SIGNATURE))
    if number == 0:
        findings.add(
            "signature.missing",
            vi="Tài liệu không có chữ ký",
            en="The document has no signature",
        )
    elif number > 1:
        findings.add(
            "signature.not_single",
            vi=f"Tài liệu phải có đúng một chữ ký, thực tế là {number}",
            en=f"The document must have exactly one signature, found {number}",
        )
    return number == 1
