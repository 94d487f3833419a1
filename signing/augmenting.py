"""
Add to a signed document what proves its signature later, without touching what was signed.

A document is signed and delivered as XAdES baseline B. A time-stamp over its signature makes it
baseline T, certificates and revocation data behind the time-stamp make it baseline LT.

The added elements take the prefixes of the signature they stand in, so the augmented document is
its own exclusive canonical form as the signed one was.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from lxml import etree

from schemas.parser import XmlRefused, parse_xml
from signing.canonical import canonical_bytes
from signing.enclosed_values import append_values
from signing.errors import DocumentUnsignable, Reason
from signing.profile import DS, EXCLUSIVE_C14N, XADES
from signing.reading import read_detached, read_enveloped

if TYPE_CHECKING:
    from lxml.etree import _Element

    from signing.enclosed_values import EnclosedValues
    from signing.reading import XadesClaims


def stamped_bytes(document: bytes) -> bytes:
    """
    Return what a signature time-stamp of a signed document must be over.

    Args:
        document: With a XAdES signature inside, or such a signature beside a file.

    Raises:
        DocumentUnsignable: it has no such signature, or a time-stamp already.
    """
    signature = _signature_of(_parse(document))
    _check_unstamped(signature)
    return canonical_bytes(_value_of(signature))


def is_stamped(document: bytes) -> bool:
    """
    Tell whether a signed document has a time-stamp.

    Raises:
        DocumentUnsignable: it has no XAdES signature.
    """
    return _unsigned_of(_signature_of(_parse(document))) is not None


def stamped_claims(document: bytes) -> XadesClaims:
    """
    Return what the signature of a document with a time-stamp claims; nothing of it is proven.

    Raises:
        DocumentUnsignable: it has no such signature, no time-stamp, or values already, or leaves
            the profile.
    """
    root = _parse(document)
    signature = _signature_of(root)
    if signature is root:
        reference = root.find(f"{{{DS}}}SignedInfo/{{{DS}}}Reference")
        name = "" if reference is None else reference.get("URI", "")
        claims = read_detached(signature, name=name)
    else:
        claims = read_enveloped(signature, root_id=root.get("Id"))
    if isinstance(claims, list):
        raise _unfit(
            claims[0].code,
            vi="; ".join(one.vi for one in claims),
            en="; ".join(one.en for one in claims),
        )
    if claims.timestamp is None:
        raise _unfit(
            "document.not_stamped",
            vi="Chữ ký của tài liệu chưa có dấu thời gian: phải thêm dấu trước dữ liệu mức LT",
            en="The document's signature has no time-stamp, which must come before the data of "
            "baseline LT",
        )
    if claims.values is not None:
        raise _unfit(
            "document.values_already",
            vi="Tài liệu đã ở mức LT: xem bằng lệnh verify --explain",
            en="The document is baseline LT already: see it with verify --explain",
        )
    return claims


def add_timestamp(document: bytes, token: bytes) -> bytes:
    """
    Return the document with a time-stamp beside its signature; nothing else of it changes.

    Args:
        document: As of `stamped_bytes`.
        token: Over `stamped_bytes(document)`; judged by whoever got it.

    Raises:
        DocumentUnsignable: it has no such signature, or a time-stamp already, or it is not in
            its exclusive canonical form and would be written anew.
    """
    root = _parse_canonical(document)
    signature = _signature_of(root)
    _check_unstamped(signature)
    qualifying = _qualifying_of(signature)
    unsigned = etree.SubElement(qualifying, f"{{{XADES}}}UnsignedProperties")
    about_signature = etree.SubElement(unsigned, f"{{{XADES}}}UnsignedSignatureProperties")
    stamp = etree.SubElement(about_signature, f"{{{XADES}}}SignatureTimeStamp")
    etree.SubElement(stamp, f"{{{DS}}}CanonicalizationMethod", Algorithm=EXCLUSIVE_C14N)
    encapsulated = etree.SubElement(stamp, f"{{{XADES}}}EncapsulatedTimeStamp")
    encapsulated.text = b64encode(token).decode()
    return canonical_bytes(root)


def add_values(document: bytes, values: EnclosedValues) -> bytes:
    """
    Return the document with values behind its time-stamp; nothing else of it changes.

    Args:
        document: As of `stamped_claims`.
        values: Collected for these claims.

    Raises:
        DocumentUnsignable: as of `stamped_claims`; or it is not in its exclusive canonical form,
            or would become too large.
    """
    stamped_claims(document)
    root = _parse_canonical(document)
    unsigned = _unsigned_of(_signature_of(root))
    assert unsigned is not None
    append_values(unsigned[0], values)
    augmented = canonical_bytes(root)
    _parse(augmented)
    return augmented


def _parse_canonical(document: bytes) -> _Element:
    root = _parse(document)
    if canonical_bytes(root) != document:
        raise _unfit(
            "document.not_canonical",
            vi="Tài liệu không ở dạng chuẩn tắc riêng (exc-c14n): thêm vào sẽ làm nó bị ghi lại; "
            "hãy đưa vào tài liệu đúng như lúc ký",
            en="The document is not in its exclusive canonical form, and adding to it would have "
            "it written anew: hand it in as it was signed",
        )
    return root


def _parse(document: bytes) -> _Element:
    try:
        return parse_xml(document)
    except XmlRefused as exc:
        raise DocumentUnsignable(Reason(code=exc.code, vi=exc.vi, en=exc.en)) from exc


def _signature_of(root: _Element) -> _Element:
    """Return the only signature, where verifying will look for it."""
    signatures = list(root.iter(f"{{{DS}}}Signature"))
    is_right = len(signatures) == 1 and signatures[0] in (root, root[-1] if len(root) else root)
    if not is_right:
        raise _not_signed()
    _qualifying_of(signatures[0])
    return signatures[0]


def _value_of(signature: _Element) -> _Element:
    value = signature.find(f"{{{DS}}}SignatureValue")
    if value is None:
        raise _not_signed()
    return value


def _qualifying_of(signature: _Element) -> _Element:
    found = signature.findall(f"{{{DS}}}Object/{{{XADES}}}QualifyingProperties")
    if len(found) != 1:
        raise _not_signed()
    return found[0]


def _unsigned_of(signature: _Element) -> _Element | None:
    return _qualifying_of(signature).find(f"{{{XADES}}}UnsignedProperties")


def _check_unstamped(signature: _Element) -> None:
    if _unsigned_of(signature) is not None:
        raise _unfit(
            "document.stamped_already",
            vi="Chữ ký của tài liệu đã có dấu thời gian: xem bằng lệnh verify",
            en="The document's signature has a time-stamp already: see it with verify",
        )


def _unfit(code: str, *, vi: str, en: str) -> DocumentUnsignable:
    return DocumentUnsignable(Reason(code=code, vi=vi, en=en))


def _not_signed() -> DocumentUnsignable:
    return _unfit(
        "document.not_signed",
        vi="Tài liệu không có đúng một chữ ký XAdES để thêm dấu thời gian: hãy ký trước",
        en="The document has not exactly one XAdES signature that could get a time-stamp: sign it "
        "first",
    )
