"""
Read the parts that signatures of every form are made of, each exactly as the profile has it.

A part that is anything else raises `Departure`, with the reason; nothing is fetched, and nothing
is decided about digests, keys or trust.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lxml import etree

from signing.certificates import load_certificate
from signing.errors import Reason
from signing.file_names import is_relative_uri
from signing.profile import DIGESTS, DS, EXCLUSIVE_C14N, Algorithm, LegacyAlgorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography import x509
    from lxml.etree import _Element

MAX_CERTIFICATES = 8
MOST_CERTIFICATE_BYTES = 16 * 1024
"""What has been read is kept for a while, so it must be small; real ones have 1 to 3 KB."""
_ATTRIBUTES = frozenset({"Id", "Target", "URI", "Type", "Algorithm", "MimeType", "Encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A digest as the signature states it."""

    method: str
    """Name in hashlib."""
    value: bytes


class Departure(Exception):
    """The signature leaves the profile at one place."""

    def __init__(self, code: str, *, vi: str, en: str) -> None:
        super().__init__(en)
        self.reason = Reason(code=code, vi=vi, en=en)


def children_of(parent: _Element, names: str, *, namespace: str = DS) -> list[_Element]:
    """Return the children of `parent`, which must be exactly `names`, in this order."""
    children = list(parent)
    expected = [f"{{{namespace}}}{name}" for name in names.split()]
    if [child.tag for child in children] != expected:
        parent_name = etree.QName(parent).localname
        found = " ".join(str(child.tag).rpartition("}")[2] for child in children)[:200]
        raise Departure(
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
        raise Departure(
            "signature.structure",
            vi=f"{name} của chữ ký chứa văn bản hoặc thuộc tính không được phép",
            en=f"{name} of the signature holds text or attributes that are not allowed",
        )


def read_methods(
    signed_info: _Element, *, legacy: Iterable[LegacyAlgorithm] = ()
) -> Algorithm | LegacyAlgorithm:
    """Return the signature method; the canonicalisation of SignedInfo is always the same."""
    canonicalization, method = signed_info[:2] if len(signed_info) >= 2 else (None, None)
    if (
        canonicalization is None
        or method is None
        or canonicalization.tag != f"{{{DS}}}CanonicalizationMethod"
        or method.tag != f"{{{DS}}}SignatureMethod"
    ):
        raise Departure(
            "signature.structure",
            vi="SignedInfo phải bắt đầu bằng CanonicalizationMethod và SignatureMethod",
            en="SignedInfo must begin with CanonicalizationMethod and SignatureMethod",
        )
    if canonicalization.get("Algorithm") != EXCLUSIVE_C14N or len(canonicalization):
        raise forbidden_algorithm(canonicalization)
    names: dict[str, Algorithm | LegacyAlgorithm] = {
        one.value: one for one in (*Algorithm, *legacy)
    }
    algorithm = names.get(method.get("Algorithm") or "")
    # A child could be HMACOutputLength or another parameter.
    if algorithm is None or len(method):
        raise forbidden_algorithm(method)
    return algorithm


def check_uri(reference: _Element, target: str | None, *, number: int) -> None:
    """Refuse a reference to anything but the element with the `Id` `target`."""
    uri = reference.get("URI")
    if uri is not None and target and uri == f"#{target}":
        return
    shown = "(không có)" if uri is None else f"'{uri[:80]}'"
    shown_en = "(absent)" if uri is None else f"'{uri[:80]}'"
    if uri and uri[0] == "#" and "(" not in uri:
        raise Departure(
            "signature.not_covering",
            vi=f"Tham chiếu {number} trỏ tới {shown}, không phải tới phần tử cần được ký",
            en=f"Reference {number} points to {shown}, not to the element that must be signed",
        )
    raise Departure(
        "signature.reference_forbidden",
        vi=f"Tham chiếu {number} có URI không được phép: {shown}; chỉ nhận '#' và Id",
        en=f"Reference {number} has a forbidden URI: {shown_en}; expected '#' and an Id",
    )


def check_name(reference: _Element, name: str) -> None:
    """Refuse a reference to anything but the file that the caller holds under this name."""
    uri = reference.get("URI")
    if uri is not None and uri == name and is_relative_uri(name):
        return
    shown_vi = "(không có)" if uri is None else f"'{uri[:80]}'"
    shown_en = "(absent)" if uri is None else f"'{uri[:80]}'"
    if uri is None or not is_relative_uri(uri):
        raise Departure(
            "signature.reference_forbidden",
            vi=f"Tham chiếu 1 có URI không được phép: {shown_vi}; chỉ nhận tên tệp tương đối",
            en=f"Reference 1 has a forbidden URI: {shown_en}; expected a file's relative name",
        )
    raise Departure(
        "signature.not_covering",
        vi=f"Chữ ký là của tệp {shown_vi}, không phải của '{name[:80]}'",
        en=f"The signature is of file {shown_en}, not of '{name[:80]}'",
    )


def read_reference(
    reference: _Element,
    *,
    number: int,
    transforms: list[str],
    digests: Mapping[str, str] = DIGESTS,
) -> Digest:
    """Return the digest of a reference, which must have exactly these transforms, or none."""
    if not transforms and reference.find(f"{{{DS}}}Transforms") is None:
        method, value = children_of(reference, "DigestMethod DigestValue")
        return read_digest(method, value, digests=digests)
    chain, method, value = children_of(reference, "Transforms DigestMethod DigestValue")
    found = [one.get("Algorithm") or "" for one in chain]
    is_plain = all(one.tag == f"{{{DS}}}Transform" and not len(one) for one in chain)
    if found != transforms or not is_plain:
        listed = ", ".join(found)[:300]
        raise Departure(
            "signature.reference_forbidden",
            vi=f"Tham chiếu {number} có phép biến đổi không được phép: {listed}",
            en=f"Reference {number} has transforms that are not allowed: {listed}",
        )
    return read_digest(method, value, digests=digests)


def read_digest(
    method: _Element, value: _Element, *, digests: Mapping[str, str] = DIGESTS
) -> Digest:
    """Return the digest that a DigestMethod and a DigestValue state."""
    name = digests.get(method.get("Algorithm") or "")
    if name is None or len(method):
        raise forbidden_algorithm(method)
    return Digest(method=name, value=bytes_of(value))


def read_certificates(key_info: _Element) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a KeyInfo, which may hold nothing else."""
    (data,) = children_of(key_info, "X509Data")
    if not len(data) or len(data) > MAX_CERTIFICATES:
        raise Departure(
            "signature.structure",
            vi=f"X509Data phải có từ 1 đến {MAX_CERTIFICATES} chứng thư, thực tế là {len(data)}",
            en=f"X509Data must hold 1 to {MAX_CERTIFICATES} certificates, found {len(data)}",
        )
    elements = children_of(data, " ".join(["X509Certificate"] * len(data)))
    try:
        return tuple(_load_certificate(bytes_of(one)) for one in elements)
    except ValueError as exc:
        raise Departure(
            "certificate.unreadable",
            vi="Chứng thư trong KeyInfo không đọc được, hoặc dài hơn "
            f"{MOST_CERTIFICATE_BYTES} byte",
            en="A certificate in KeyInfo cannot be read, or is longer than "
            f"{MOST_CERTIFICATE_BYTES} bytes",
        ) from exc


def load_enclosed(der: bytes) -> x509.Certificate:
    """Return a certificate that stands beside the time-stamp."""
    try:
        return _load_certificate(der)
    except ValueError as exc:
        raise Departure(
            "certificate.unreadable",
            vi="Chứng thư trong CertificateValues không đọc được",
            en="A certificate in CertificateValues cannot be read",
        ) from exc


# Fast path: a peer sends the same few certificates with every document.
@lru_cache(maxsize=256)
def _load_certificate(der: bytes) -> x509.Certificate:
    if len(der) > MOST_CERTIFICATE_BYTES:
        raise ValueError(f"{len(der)} bytes")
    return load_certificate(der)


def bytes_of(element: _Element) -> bytes:
    """Return what the base64 text of an element means."""
    text = "<" if len(element) else "".join((element.text or "").split())
    try:
        return b64decode(text, validate=True)
    except ValueError as exc:
        name = etree.QName(element).localname
        raise Departure(
            "signature.structure",
            vi=f"{name} của chữ ký phải là chuỗi base64",
            en=f"{name} of the signature must be base64",
        ) from exc


def forbidden_algorithm(element: _Element) -> Departure:
    """Return the departure to raise for an element with an algorithm that is not allowed."""
    name = etree.QName(element).localname
    found = (element.get("Algorithm") or "")[:120]
    return Departure(
        "signature.algorithm_forbidden",
        vi=f"{name} dùng thuật toán không được phép: '{found}'",
        en=f"{name} uses an algorithm that is not allowed: '{found}'",
    )
