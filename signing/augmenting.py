"""
Add to a signed document what proves its signature later, without touching what was signed.

A document is signed and delivered as XAdES baseline B. A time-stamp over its signature makes it
baseline T. The certificates and revocation data of baseline LT would stand beside the time-stamp.

The added elements take the prefixes of the signature they stand in, so the augmented document is
its own exclusive canonical form as the signed one was.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from lxml import etree

from schemas.parser import XmlRefused, parse_xml
from signing.canonical import canonical_bytes
from signing.errors import DocumentUnsignable, Reason
from signing.profile import DS, EXCLUSIVE_C14N, XADES

if TYPE_CHECKING:
    from lxml.etree import _Element


def stamped_bytes(document: bytes) -> bytes:
    """
    Return what a signature time-stamp of a signed document must be over.

    Args:
        document: With a XAdES signature inside, or such a signature beside a file.

    Raises:
        DocumentUnsignable: it has no such signature, or a time-stamp already.
    """
    return canonical_bytes(_value_of(_signature_of(_parse(document))))


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
    root = _parse(document)
    if canonical_bytes(root) != document:
        raise _unfit(
            "document.not_canonical",
            vi="Tài liệu không ở dạng chuẩn tắc riêng (exc-c14n): thêm dấu thời gian sẽ làm nó bị "
            "ghi lại; hãy đưa vào tài liệu đúng như lúc ký",
            en="The document is not in its exclusive canonical form, and a time-stamp would have "
            "it written anew: hand it in as it was signed",
        )
    qualifying = _qualifying_of(_signature_of(root))
    unsigned = etree.SubElement(qualifying, f"{{{XADES}}}UnsignedProperties")
    about_signature = etree.SubElement(unsigned, f"{{{XADES}}}UnsignedSignatureProperties")
    stamp = etree.SubElement(about_signature, f"{{{XADES}}}SignatureTimeStamp")
    etree.SubElement(stamp, f"{{{DS}}}CanonicalizationMethod", Algorithm=EXCLUSIVE_C14N)
    encapsulated = etree.SubElement(stamp, f"{{{XADES}}}EncapsulatedTimeStamp")
    encapsulated.text = b64encode(token).decode()
    return canonical_bytes(root)


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
    if found[0].find(f"{{{XADES}}}UnsignedProperties") is not None:
        raise _unfit(
            "document.stamped_already",
            vi="Chữ ký của tài liệu đã có dấu thời gian: xem bằng lệnh verify",
            en="The document's signature has a time-stamp already: see it with verify",
        )
    return found[0]


def _unfit(code: str, *, vi: str, en: str) -> DocumentUnsignable:
    return DocumentUnsignable(Reason(code=code, vi=vi, en=en))


def _not_signed() -> DocumentUnsignable:
    return _unfit(
        "document.not_signed",
        vi="Tài liệu không có đúng một chữ ký XAdES để thêm dấu thời gian: hãy ký trước",
        en="The document has not exactly one XAdES signature that could get a time-stamp: sign it "
        "first",
    )
