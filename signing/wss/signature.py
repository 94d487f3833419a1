"""
Read and prove the one signature of a message: over parts that stand where they must.

A reference is followed only to a part that was found by its position, and only while its id stands
nowhere else in the message; so a part that was moved, wrapped or doubled is covered by nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from signing.methods import is_value_of
from signing.nodes import ids_in
from signing.parts import Departure
from signing.profile import DIGESTS, DS, EXCLUSIVE_C14N, Algorithm
from signing.wss.names import WSSE, WSU_ID
from signing.wss.reading import read_base64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509
    from lxml.etree import _Element

MAX_REFERENCES = 40
MAX_PREFIXES = 32
_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}", re.ASCII)
_ALGORITHMS = {one.value: one for one in Algorithm}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a signature that is right covers. Whether to trust its key is another question."""

    value: bytes
    info_digest: bytes
    """SHA-256 of what was signed: unlike the value, nobody else can write it in two ways."""
    covered: Mapping[_Element, bytes]
    """The canonical form that was digested, by element."""


def prove(
    signature: _Element,
    *,
    token: _Element,
    certificate: x509.Certificate,
    algorithms: frozenset[Algorithm],
    parts: tuple[_Element, ...],
) -> Proof:
    """
    Return what the signature covers.

    Args:
        signature: The `ds:Signature` of the security header.
        token: The BinarySecurityToken, which its KeyInfo must name.
        certificate: Of that token.
        algorithms: Those that are accepted.
        parts: Everything that it may cover, found by position.

    Raises:
        Departure: it is not of the accepted form, or not right.
    """
    info, value_element, key_info = _children(signature, "SignedInfo SignatureValue KeyInfo")
    _check_key_info(key_info, token=token)
    if len(info) < 3:
        raise _wrong_shape(info)
    canonicalization, method, *references = info
    prefixes = _read_exclusive(canonicalization, "CanonicalizationMethod")
    algorithm = _ALGORITHMS.get(method.get("Algorithm") or "")
    if method.tag != f"{{{DS}}}SignatureMethod":
        raise _wrong_shape(info)
    if algorithm is None or algorithm not in algorithms or len(method):
        raise _forbidden_algorithm(method)
    covered = _check_references(references, parts=parts, root_ids=_ids_around(signature))
    canonical = _canonical(info, prefixes)
    value = read_base64(value_element, value_element.text)
    if not is_value_of(certificate, canonical, value, algorithm=algorithm):
        raise Departure(
            "wss.value_wrong",
            vi="Giá trị chữ ký không khớp với khóa trong BinarySecurityToken",
            en="The signature value does not fit the key of the BinarySecurityToken",
        )
    return Proof(value=value, info_digest=hashlib.sha256(canonical).digest(), covered=covered)


def _ids_around(signature: _Element) -> Counter[str]:
    return Counter(ids_in(signature.getroottree().getroot()))


def _check_key_info(key_info: _Element, *, token: _Element) -> None:
    """A key counts only as that of the token in this message: no other way to a key is followed."""
    reference = None
    if len(key_info) == 1 and key_info[0].tag == f"{{{WSSE}}}SecurityTokenReference":
        inside = key_info[0]
        if len(inside) == 1 and inside[0].tag == f"{{{WSSE}}}Reference" and not len(inside[0]):
            reference = inside[0]
    identifier = token.get(WSU_ID)
    if reference is None:
        raise Departure(
            "wss.unsupported",
            vi="KeyInfo phải chỉ tới BinarySecurityToken bằng SecurityTokenReference/Reference",
            en="KeyInfo must name the BinarySecurityToken by SecurityTokenReference/Reference",
        )
    kind = reference.get("ValueType")
    if not identifier or reference.get("URI") != f"#{identifier}":
        raise Departure(
            "wss.token_missing",
            vi="KeyInfo chỉ tới một token không có trong wsse:Security",
            en="KeyInfo names a token that is not in wsse:Security",
        )
    if kind is not None and kind != token.get("ValueType"):
        raise _wrong_shape(key_info)


def _check_references(
    references: list[_Element], *, parts: tuple[_Element, ...], root_ids: Counter[str]
) -> dict[_Element, bytes]:
    if len(references) > MAX_REFERENCES:
        raise Departure(
            "wss.reference_forbidden",
            vi=f"Chữ ký có {len(references)} tham chiếu, nhiều nhất là {MAX_REFERENCES}",
            en=f"The signature has {len(references)} references, at most {MAX_REFERENCES}",
        )
    by_id = {one.get(WSU_ID): one for one in parts if one.get(WSU_ID)}
    covered: dict[_Element, bytes] = {}
    for number, reference in enumerate(references, start=1):
        part = _follow(reference, by_id, root_ids=root_ids, number=number)
        if part in covered:
            raise Departure(
                "wss.reference_forbidden",
                vi=f"Tham chiếu {number} lặp lại một phần đã được ký",
                en=f"Reference {number} repeats a part that is covered already",
            )
        covered[part] = _check_digest(reference, part, number=number)
    return covered


def _follow(
    reference: _Element,
    by_id: Mapping[str | None, _Element],
    *,
    root_ids: Counter[str],
    number: int,
) -> _Element:
    uri = reference.get("URI") or ""
    if reference.tag != f"{{{DS}}}Reference" or not uri.startswith("#") or "(" in uri:
        raise Departure(
            "wss.reference_forbidden",
            vi=f"Tham chiếu {number} có URI không được phép: '{uri[:80]}'; chỉ nhận '#' và Id",
            en=f"Reference {number} has a forbidden URI: '{uri[:80]}'; expected '#' and an Id",
        )
    identifier = uri[1:]
    if root_ids[identifier] > 1:
        raise Departure(
            "wss.duplicate_id",
            vi=f"Id '{identifier[:80]}' xuất hiện {root_ids[identifier]} lần trong bản tin",
            en=f"Id '{identifier[:80]}' occurs {root_ids[identifier]} times in the message",
        )
    part = by_id.get(identifier)
    if part is None:
        raise Departure(
            "wss.not_covering",
            vi=f"Tham chiếu {number} trỏ tới '{uri[:80]}', không phải một phần đúng vị trí của "
            "bản tin (Body, phần đầu, Timestamp, token)",
            en=f"Reference {number} points to '{uri[:80]}', which is no part of the message in its "
            "place (Body, header block, Timestamp, token)",
        )
    return part


def _check_digest(reference: _Element, part: _Element, *, number: int) -> bytes:
    transforms, method, value = _children(reference, "Transforms DigestMethod DigestValue")
    if len(transforms) != 1:
        raise Departure(
            "wss.reference_forbidden",
            vi=f"Tham chiếu {number} phải có đúng một phép biến đổi (exc-c14n)",
            en=f"Reference {number} must have exactly one transform (exc-c14n)",
        )
    canonical = _canonical(part, _read_exclusive(transforms[0], "Transform"))
    name = DIGESTS.get(method.get("Algorithm") or "")
    if name is None or len(method):
        raise _forbidden_algorithm(method)
    stated = read_base64(value, value.text)
    if not hmac.compare_digest(hashlib.new(name, canonical).digest(), stated):
        where = etree.QName(part).localname
        raise Departure(
            "wss.digest_differs",
            vi=f"Giá trị băm của tham chiếu {number} ({where}) không khớp: nội dung đã bị thay đổi "
            "sau khi ký",
            en=f"The digest of reference {number} ({where}) differs: it was changed after signing",
        )
    return canonical


def _read_exclusive(element: _Element, name: str) -> list[str]:
    """Return the prefixes that are declared besides those in use; most senders name some."""
    if element.tag != f"{{{DS}}}{name}" or element.get("Algorithm") != EXCLUSIVE_C14N:
        raise _forbidden_algorithm(element)
    if not len(element):
        return []
    (inclusive, *others) = element
    prefixes = (inclusive.get("PrefixList") or "").split()
    is_plain = (
        not others
        and inclusive.tag == f"{{{EXCLUSIVE_C14N}}}InclusiveNamespaces"
        and not len(inclusive)
        and len(prefixes) <= MAX_PREFIXES
        # "#default" is the namespace without a prefix; libxml2 through lxml cannot be told so.
        and all(_PREFIX.fullmatch(one) for one in prefixes)
    )
    if not is_plain:
        raise _forbidden_algorithm(element)
    return prefixes


def _canonical(element: _Element, prefixes: list[str]) -> bytes:
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=prefixes or None,
        )
    except etree.C14NError as exc:
        raise Departure(
            "document.no_canonical_form",
            vi="Bản tin không có dạng chuẩn tắc: không gian tên phải là URI tuyệt đối",
            en="The message has no canonical form: namespaces must be absolute URIs",
        ) from exc


def _children(parent: _Element, names: str) -> list[_Element]:
    children = list(parent)
    if [child.tag for child in children] != [f"{{{DS}}}{name}" for name in names.split()]:
        raise _wrong_shape(parent)
    return children


def _wrong_shape(element: _Element) -> Departure:
    name = etree.QName(element).localname
    return Departure(
        "wss.structure",
        vi=f"{name} của chữ ký không đúng cấu trúc",
        en=f"{name} of the signature has not the expected structure",
    )


def _forbidden_algorithm(element: _Element) -> Departure:
    name = etree.QName(element).localname
    found = (element.get("Algorithm") or "")[:120]
    return Departure(
        "wss.algorithm_forbidden",
        vi=f"{name} dùng thuật toán hoặc tham số không được phép: '{found}'",
        en=f"{name} uses an algorithm or parameter that is not allowed: '{found}'",
    )
