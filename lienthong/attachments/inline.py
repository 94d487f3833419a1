"""Files that stand in the record itself, as base64: checked when it is converted."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from lienthong.attachments.inspecting import Inspector
from lienthong.attachments.words import wrong
from schemas.problem import Text

if TYPE_CHECKING:
    from lienthong.attachments.inspecting import FoundFile
    from mappings.attachments import DeclaredFile

_PREFIX = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
_BLANK = re.compile(r"\s+")


def inspect_inline(declared: DeclaredFile, *, limit: int) -> FoundFile:
    """
    Return what the file in a record is.

    Raises:
        FileWrong: it is no base64, or not what is declared.
    """
    inspector = Inspector(declared, limit=limit)
    inspector.feed(_decode(declared))
    return inspector.finish()


def _decode(declared: DeclaredFile) -> bytes:
    text = declared.source
    begun = _PREFIX.match(text)
    if begun is not None:
        text = text[begun.end() :]
    text = _BLANK.sub("", text)
    if "-" in text or "_" in text:
        text = text.translate(_URL_SAFE)
    text = text.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise wrong("not_base64", declared, _NOT_BASE64) from None


_URL_SAFE = str.maketrans("-_", "+/")
_NOT_BASE64 = Text(
    vi="không phải base64 hợp lệ, có thể bị cắt cụt", en="is no base64, or was cut off"
)
