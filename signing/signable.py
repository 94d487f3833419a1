"""Say whether a document may be signed; what could mislead its readers later is refused now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.parser import XmlRefused, parse_xml
from signing.errors import DocumentUnsignable, Reason
from signing.file_names import is_relative_uri
from signing.nodes import has_instructions, has_signature_names, ids_in

if TYPE_CHECKING:
    from lxml.etree import _Element

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+_-]{1,127}/[A-Za-z0-9.+_-]{1,127}", re.ASCII)


def parse_unsigned(document: bytes) -> _Element:
    """Return the root of a document to sign. Raises DocumentUnsignable."""
    try:
        return parse_xml(document)
    except XmlRefused as exc:
        raise DocumentUnsignable(Reason(code=exc.code, vi=exc.vi, en=exc.en)) from exc


def identifier_of(root: _Element) -> str:
    """Return the `Id` that the signature will refer to. Raises DocumentUnsignable."""
    identifier = root.get("Id")
    if identifier is None or _IDENTIFIER.fullmatch(identifier) is None:
        raise _unsignable(
            "document.id_missing",
            vi="Phần tử gốc cần có thuộc tính Id (chữ cái, chữ số, dấu . _ -) để được ký",
            en="The root needs an Id attribute (letters, digits, . _ -) to be signed",
        )
    if len(ids_in(root)) != 1:
        raise _unsignable(
            "signature.duplicate_id",
            vi="Chỉ phần tử gốc được mang thuộc tính Id trong tài liệu chưa ký",
            en="Only the root may carry an Id in a document that is not signed yet",
        )
    if has_instructions(root):
        raise _unsignable(
            "document.instruction",
            vi="Tài liệu cần ký không được có chỉ thị xử lý (<?…?>)",
            en="A document to sign must not hold processing instructions (<?…?>)",
        )
    if has_signature_names(root):
        raise _unsignable(
            "document.signed_already",
            vi="Tài liệu đã có phần tử của chữ ký: hãy đưa vào tài liệu chưa ký",
            en="The document has elements of a signature already: hand in the unsigned document",
        )
    return identifier


def check_file(name: str, media_type: str) -> None:
    """Refuse a name or a media type that cannot stand in a signature. Raises DocumentUnsignable."""
    if not is_relative_uri(name):
        raise _unsignable(
            "content.name",
            vi=f"Tên tệp cần ký phải là URI tương đối, không có '..', thực tế là '{name[:80]}'",
            en=f"The name of a file to sign must be a relative URI without '..': '{name[:80]}'",
        )
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        raise _unsignable(
            "content.media_type",
            vi=f"Loại tệp phải có dạng application/pdf, thực tế là '{media_type[:80]}'",
            en=f"A media type looks like application/pdf, found '{media_type[:80]}'",
        )


def _unsignable(code: str, *, vi: str, en: str) -> DocumentUnsignable:
    return DocumentUnsignable(Reason(code=code, vi=vi, en=en))
