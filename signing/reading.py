"""
Read a signature that follows the profile exactly; anything else is a reason to refuse.

Order, number and kind of the children are fixed, transforms are fixed, and nothing is fetched.
Reading decides nothing about digests, keys or trust: it only says what the signature claims.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from lxml import etree

from signing.certificates import load_certificate
from signing.errors import Reason
from signing.profile import (
    DIGESTS,
    DS,
    ENVELOPED,
    EXCLUSIVE_C14N,
    SIGNED_PROPERTIES_TYPE,
    XADES,
    Algorithm,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from lxml.etree import _Element

_T = TypeVar("_T")
MAX_CERTIFICATES = 8
_ATTRIBUTES = frozenset({"Id", "Target", "URI", "Type", "Algorithm", "MimeType", "Encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest as the signature states it."""

    method: str
    """Name in hashlib."""
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedProperties:
    """What the signer states besides the document."""

    element: _Element
    signed_at: datetime
    certificate_digest: Digest
    issuer_serial: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """A signature that follows the profile. Its parts still have to be proven."""

    signed_info: _Element
    algorithm: Algorithm
    document_digest: Digest
    properties_digest: Digest
    value: bytes
    certificates: tuple[x509.Certificate, ...]
    """The signer's first, then what was sent along."""
    properties: SignedProperties


class _Departure(Exception):
    """The signature leaves the profile at one place."""

    def __init__(self, code: str, *, vi: str, en: str) -> None:
        super().__init__(en)
        self.reason = Reason(code=code, vi=vi, en=en)


def read_claims(signature: _Element, *, root_id: str | None) -> Claims | list[Reason]:
    """
    Return what the signature claims, or everything by which it leaves the profile.

    Args:
        signature: The `ds:Signature`, still in its document.
        root_id: The `Id` of the document's root, which the signature must refer to.
    """
    reasons: list[Reason] = []

    def attempt(read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except _Departure as departure:
            reasons.append(departure.reason)
            return None

    parts = attempt(lambda: _children(signature, "SignedInfo SignatureValue KeyInfo Object"))
    if parts is None:
        return reasons
    signed_info, value, key_info, held = parts
    algorithm = attempt(lambda: _read_methods(signed_info))
    properties = attempt(lambda: _read_object(held, signature.get("Id")))
    references = attempt(lambda: _references(signed_info))
    document_digest = properties_digest = None
    if references is not None:
        properties_id = None if properties is None else properties.element.get("Id")
        document_digest = attempt(lambda: _read_document_reference(references[0], root_id))
        properties_digest = attempt(
            lambda: _read_properties_reference(references[1], properties_id)
        )
    value_bytes = attempt(lambda: _bytes_of(value))
    certificates = attempt(lambda: _read_certificates(key_info))
    if (
        algorithm is None
        or properties is None
        or document_digest is None
        or properties_digest is None
        or value_bytes is None
        or certificates is None
    ):
        return reasons
    return Claims(
        signed_info=signed_info,
        algorithm=algorithm,
        document_digest=document_digest,
        properties_digest=properties_digest,
        value=value_bytes,
        certificates=certificates,
        properties=properties,
    )


def _children(parent: _Element, names: str, *, namespace: str = DS) -> list[_Element]:
    """Return the children of `parent`, which must be exactly `names`, in this order."""
    children = list(parent)
    expected = [f"{{{namespace}}}{name}" for name in names.split()]
    if [child.tag for child in children] != expected:
        parent_name = etree.QName(parent).localname
        found = " ".join(str(child.tag).rpartition("}")[2] for child in children)[:200]
        raise _Departure(
            "signature.structure",
            vi=f"Trong {parent_name} của chữ ký: cần {names}, thực tế là {found or 'rỗng'}",
            en=f"In {parent_name} of the signature: expected {names}, found {found or 'nothing'}",
        )
    _check_nothing_else(parent, children)
    return children


def _check_nothing_else(parent: _Element, children: list[_Element]) -> None:
    """Refuse text and attributes without meaning here, for which the unsigned parts have room."""
    texts = [parent.text, *(child.tail for child in children)]
    names = {str(name) for one in (parent, *children) for name in one.keys()}  # noqa: SIM118
    if any(text and not text.isspace() for text in texts) or not names <= _ATTRIBUTES:
        name = etree.QName(parent).localname
        raise _Departure(
            "signature.structure",
            vi=f"{name} của chữ ký chứa văn bản hoặc thuộc tính không được phép",
            en=f"{name} of the signature holds text or attributes that are not allowed",
        )


def _read_methods(signed_info: _Element) -> Algorithm:
    canonicalization, method = signed_info[:2] if len(signed_info) >= 2 else (None, None)
    if (
        canonicalization is None
        or method is None
        or canonicalization.tag != f"{{{DS}}}CanonicalizationMethod"
        or method.tag != f"{{{DS}}}SignatureMethod"
    ):
        raise _Departure(
            "signature.structure",
            vi="SignedInfo phải bắt đầu bằng CanonicalizationMethod và SignatureMethod",
            en="SignedInfo must begin with CanonicalizationMethod and SignatureMethod",
        )
    if canonicalization.get("Algorithm") != EXCLUSIVE_C14N or len(canonicalization):
        raise _forbidden_algorithm(canonicalization)
    names = {one.value: one for one in Algorithm}
    algorithm = names.get(method.get("Algorithm") or "")
    # A child could be HMACOutputLength or another parameter.
    if algorithm is None or len(method):
        raise _forbidden_algorithm(method)
    return algorithm


def _references(signed_info: _Element) -> list[_Element]:
    references = signed_info[2:]
    if len(references) != 2 or any(one.tag != f"{{{DS}}}Reference" for one in references):
        raise _Departure(
            "signature.reference_forbidden",
            vi="Chữ ký phải có đúng hai tham chiếu (tài liệu và thuộc tính ký), thực tế là "
            f"{len(references)}",
            en="The signature must have exactly two references (document and signed "
            f"properties), found {len(references)}",
        )
    return references


def _read_document_reference(reference: _Element, root_id: str | None) -> Digest:
    digest = _read_reference(reference, number=1, transforms=[ENVELOPED, EXCLUSIVE_C14N])
    _check_uri(reference, root_id, number=1)
    return digest


def _read_properties_reference(reference: _Element, properties_id: str | None) -> Digest:
    digest = _read_reference(reference, number=2, transforms=[EXCLUSIVE_C14N])
    if reference.get("Type") != SIGNED_PROPERTIES_TYPE:
        raise _Departure(
            "signature.reference_forbidden",
            vi="Tham chiếu 2 phải có Type của SignedProperties",
            en="Reference 2 must have the Type of SignedProperties",
        )
    _check_uri(reference, properties_id, number=2)
    return digest


def _check_uri(reference: _Element, target: str | None, *, number: int) -> None:
    uri = reference.get("URI")
    if uri is not None and target and uri == f"#{target}":
        return
    shown = "(không có)" if uri is None else f"'{uri[:80]}'"
    shown_en = "(absent)" if uri is None else f"'{uri[:80]}'"
    if uri and uri[0] == "#" and "(" not in uri:
        raise _Departure(
            "signature.not_covering",
            vi=f"Tham chiếu {number} trỏ tới {shown}, không phải tới phần tử cần được ký",
            en=f"Reference {number} points to {shown}, not to the element that must be signed",
        )
    raise _Departure(
        "signature.reference_forbidden",
        vi=f"Tham chiếu {number} có URI không được phép: {shown}; chỉ nhận '#' và Id",
        en=f"Reference {number} has a forbidden URI: {shown_en}; expected '#' and an Id",
    )


def _read_reference(reference: _Element, *, number: int, transforms: list[str]) -> Digest:
    chain, method, value = _children(reference, "Transforms DigestMethod DigestValue")
    found = [one.get("Algorithm") or "" for one in chain]
    is_plain = all(one.tag == f"{{{DS}}}Transform" and not len(one) for one in chain)
    if found != transforms or not is_plain:
        listed = ", ".join(found)[:300]
        raise _Departure(
            "signature.reference_forbidden",
            vi=f"Tham chiếu {number} có phép biến đổi không được phép: {listed}",
            en=f"Reference {number} has transforms that are not allowed: {listed}",
        )
    return _read_digest(method, value)


def _read_digest(method: _Element, value: _Element) -> Digest:
    name = DIGESTS.get(method.get("Algorithm") or "")
    if name is None or len(method):
        raise _forbidden_algorithm(method)
    return Digest(method=name, value=_bytes_of(value))


def _read_certificates(key_info: _Element) -> tuple[x509.Certificate, ...]:
    (data,) = _children(key_info, "X509Data")
    if not len(data) or len(data) > MAX_CERTIFICATES:
        raise _Departure(
            "signature.structure",
            vi=f"X509Data phải có từ 1 đến {MAX_CERTIFICATES} chứng thư, thực tế là {len(data)}",
            en=f"X509Data must hold 1 to {MAX_CERTIFICATES} certificates, found {len(data)}",
        )
    elements = _children(data, " ".join(["X509Certificate"] * len(data)))
    try:
        return tuple(_load_certificate(_bytes_of(one)) for one in elements)
    except ValueError as exc:
        raise _Departure(
            "certificate.unreadable",
            vi="Chứng thư trong KeyInfo không đọc được",
            en="A certificate in KeyInfo cannot be read",
        ) from exc


# Fast path: a peer sends the same few certificates with every document.
_load_certificate = lru_cache(maxsize=256)(load_certificate)


def _read_object(held: _Element, signature_id: str | None) -> SignedProperties:
    (qualifying,) = _children(held, "QualifyingProperties", namespace=XADES)
    if not signature_id or qualifying.get("Target") != f"#{signature_id}":
        raise _Departure(
            "signature.structure",
            vi="QualifyingProperties phải trỏ (Target) tới Id của chính chữ ký này",
            en="QualifyingProperties must point (Target) to the Id of this very signature",
        )
    (element,) = _children(qualifying, "SignedProperties", namespace=XADES)
    about_signature = element.find(f"{{{XADES}}}SignedSignatureProperties")
    if about_signature is None:
        raise _no_property("SignedSignatureProperties")
    certificate = _only(about_signature, "SigningCertificateV2/Cert")
    method, value = _children(_only(certificate, "CertDigest"), "DigestMethod DigestValue")
    issuer = certificate.find(f"{{{XADES}}}IssuerSerialV2")
    return SignedProperties(
        element=element,
        signed_at=_time_of(_only(about_signature, "SigningTime")),
        certificate_digest=_read_digest(method, value),
        issuer_serial=None if issuer is None else _bytes_of(issuer),
    )


def _only(parent: _Element, path: str) -> _Element:
    found = parent.findall("/".join(f"{{{XADES}}}{step}" for step in path.split("/")))
    if len(found) != 1:
        raise _no_property(path)
    return found[0]


def _time_of(element: _Element) -> datetime:
    try:
        stated = datetime.fromisoformat((element.text or "").strip())
        moment = None if stated.tzinfo is None else stated.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        raise _Departure(
            "signature.structure",
            vi="SigningTime phải là thời điểm có múi giờ, ví dụ 2026-11-24T08:00:00Z",
            en="SigningTime must be a time with a zone, for example 2026-11-24T08:00:00Z",
        )
    return moment


def _bytes_of(element: _Element) -> bytes:
    text = "<" if len(element) else "".join((element.text or "").split())
    try:
        return b64decode(text, validate=True)
    except ValueError as exc:
        name = etree.QName(element).localname
        raise _Departure(
            "signature.structure",
            vi=f"{name} của chữ ký phải là chuỗi base64",
            en=f"{name} of the signature must be base64",
        ) from exc


def _forbidden_algorithm(element: _Element) -> _Departure:
    name = etree.QName(element).localname
    found = (element.get("Algorithm") or "")[:120]
    return _Departure(
        "signature.algorithm_forbidden",
        vi=f"{name} dùng thuật toán không được phép: '{found}'",
        en=f"{name} uses an algorithm that is not allowed: '{found}'",
    )


def _no_property(name: str) -> _Departure:
    return _Departure(
        "signature.structure",
        vi=f"Thuộc tính ký phải có đúng một {name}",
        en=f"The signed properties must have exactly one {name}",
    )
