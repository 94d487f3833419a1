"""
Read a signature that follows the profile of its form exactly; anything else is a reason to refuse.

Order, number and kind of the children are fixed, transforms are fixed, and nothing is fetched.
Reading decides nothing about digests, keys or trust: it only says what the signature claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from signing.canonical import canonical_bytes
from signing.parts import (
    Departure,
    Digest,
    bytes_of,
    check_name,
    check_uri,
    children_of,
    read_certificates,
    read_methods,
    read_reference,
)
from signing.profile import (
    DIGESTS,
    DS,
    ENVELOPED,
    EXCLUSIVE_C14N,
    LEGACY_DIGESTS,
    SIGNED_PROPERTIES_TYPE,
    Algorithm,
    LegacyAlgorithm,
)
from signing.properties import SignedProperties, read_properties
from signing.unsigned import TimestampClaim, read_unsigned

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography import x509
    from lxml.etree import _Element

    from signing.enclosed_values import EnclosedValues
    from signing.errors import Reason

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """A signature that follows its profile. Its parts still have to be proven."""

    signed_info: bytes
    """Its exclusive canonical form, whose value was made."""
    algorithm: Algorithm | LegacyAlgorithm
    content_digest: Digest
    """Of the document, or of the file beside the signature."""
    value: bytes
    certificates: tuple[x509.Certificate, ...]
    """The signer's first, then what was sent along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XadesClaims(Claims):
    """A signature with XAdES properties."""

    properties_digest: Digest
    properties: SignedProperties
    timestamp: TimestampClaim | None
    """Beside the signed properties, unsigned; None: there is none."""
    values: EnclosedValues | None
    """Behind the time-stamp; None: there are none."""


class _Reader:
    """Reads part after part, so that all departures of one signature are told at once."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []

    def attempt(self, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except Departure as departure:
            self.reasons.append(departure.reason)
            return None


def read_enveloped(signature: _Element, *, root_id: str | None) -> XadesClaims | list[Reason]:
    """
    Return what a XAdES signature inside its document claims, or how it leaves the profile.

    Args:
        signature: The `ds:Signature`, still in its document.
        root_id: The `Id` of the document's root, which the signature must refer to.
    """

    def read_content(reference: _Element) -> Digest:
        digest = read_reference(reference, number=1, transforms=[ENVELOPED, EXCLUSIVE_C14N])
        check_uri(reference, root_id, number=1)
        return digest

    return _read_xades(signature, read_content)


def read_detached(signature: _Element, *, name: str) -> XadesClaims | list[Reason]:
    """
    Return what a XAdES signature beside its file claims, or how it leaves the profile.

    Args:
        signature: The `ds:Signature`, root of its own document.
        name: The file's relative URI, which the signature must refer to.
    """

    def read_content(reference: _Element) -> Digest:
        digest = read_reference(reference, number=1, transforms=[])
        check_name(reference, name)
        return digest

    return _read_xades(signature, read_content)


def read_plain(
    signature: _Element, *, root_id: str | None, legacy: frozenset[LegacyAlgorithm] = frozenset()
) -> Claims | list[Reason]:
    """
    Return what a signature without XAdES inside its document claims, or how it leaves the profile.

    Args:
        signature: The `ds:Signature`, still in its document.
        root_id: The `Id` of the document's root. The signature refers to it, or by the empty URI
            to the whole document, which is the same.
        legacy: Read, too, and with any of them SHA-1 digests; no other form ever does.
    """
    digests = LEGACY_DIGESTS if legacy else DIGESTS

    def read_content(reference: _Element) -> Digest:
        transforms = [ENVELOPED, EXCLUSIVE_C14N]
        digest = read_reference(reference, number=1, transforms=transforms, digests=digests)
        if reference.get("URI") != "":
            check_uri(reference, root_id, number=1)
        return digest

    reader = _Reader()
    parts = reader.attempt(lambda: children_of(signature, "SignedInfo SignatureValue KeyInfo"))
    if parts is None:
        return reader.reasons
    signed_info, value, key_info = parts
    algorithm = reader.attempt(lambda: read_methods(signed_info, legacy=legacy))
    references = reader.attempt(lambda: _references(signed_info, 1))
    digest = None if references is None else reader.attempt(lambda: read_content(references[0]))
    value_bytes = reader.attempt(lambda: bytes_of(value))
    certificates = reader.attempt(lambda: read_certificates(key_info))
    if algorithm is None or digest is None or value_bytes is None or certificates is None:
        return reader.reasons
    return Claims(
        signed_info=canonical_bytes(signed_info),
        algorithm=algorithm,
        content_digest=digest,
        value=value_bytes,
        certificates=certificates,
    )


def _read_xades(
    signature: _Element, read_content: Callable[[_Element], Digest]
) -> XadesClaims | list[Reason]:
    reader = _Reader()
    attempt = reader.attempt
    parts = attempt(lambda: children_of(signature, "SignedInfo SignatureValue KeyInfo Object"))
    if parts is None:
        return reader.reasons
    signed_info, value, key_info, held = parts
    algorithm = attempt(lambda: read_methods(signed_info))
    properties = attempt(lambda: read_properties(held, signature.get("Id")))
    references = attempt(lambda: _references(signed_info, 2))
    content_digest = properties_digest = None
    if references is not None:
        content_digest = attempt(lambda: read_content(references[0]))
        # Of properties that could not be read, nothing can be said about who refers to them.
        if properties is not None:
            properties_id = properties.element.get("Id")
            properties_digest = attempt(
                lambda: _read_properties_reference(references[1], properties_id)
            )
    value_bytes = attempt(lambda: bytes_of(value))
    certificates = attempt(lambda: read_certificates(key_info))
    unsigned = None if properties is None else properties.unsigned
    added = None if unsigned is None else attempt(lambda: read_unsigned(unsigned, value))
    if (
        reader.reasons
        or algorithm is None
        or properties is None
        or content_digest is None
        or properties_digest is None
        or value_bytes is None
        or certificates is None
    ):
        return reader.reasons
    return XadesClaims(
        signed_info=canonical_bytes(signed_info),
        algorithm=algorithm,
        content_digest=content_digest,
        properties_digest=properties_digest,
        value=value_bytes,
        certificates=certificates,
        properties=properties,
        timestamp=None if added is None else added.timestamp,
        values=None if added is None else added.values,
    )


def _references(signed_info: _Element, number: int) -> list[_Element]:
    references = signed_info[2:]
    if len(references) == number and all(one.tag == f"{{{DS}}}Reference" for one in references):
        return references
    wanted_vi, wanted_en = (
        ("một tham chiếu (tài liệu)", "one reference (document)")
        if number == 1
        else (
            "hai tham chiếu (nội dung và thuộc tính ký)",
            "two references (content and signed properties)",
        )
    )
    raise Departure(
        "signature.reference_forbidden",
        vi=f"Chữ ký phải có đúng {wanted_vi}, thực tế là {len(references)}",
        en=f"The signature must have exactly {wanted_en}, found {len(references)}",
    )


def _read_properties_reference(reference: _Element, properties_id: str | None) -> Digest:
    digest = read_reference(reference, number=2, transforms=[EXCLUSIVE_C14N])
    if reference.get("Type") != SIGNED_PROPERTIES_TYPE:
        raise Departure(
            "signature.reference_forbidden",
            vi="Tham chiếu 2 phải có Type của SignedProperties",
            en="Reference 2 must have the Type of SignedProperties",
        )
    check_uri(reference, properties_id, number=2)
    return digest
