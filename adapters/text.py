"""Text as every adapter hands it out: NFC, without lone surrogates, without NUL."""

from __future__ import annotations

import re
import unicodedata

from schemas.problem import Remedy, Text

_MARKED = re.compile(r"[\ud800-\udfff]")

REMEDIES = {
    "undecodable": Remedy(
        Text(vi="sửa giá trị này tại nguồn", en="mend the value at the source"),
        Text(
            vi="nếu nhiều bản ghi cùng lỗi, kiểm tra khóa encoding",
            en="if many records have it, check the key encoding",
        ),
    ),
    "surrogate": Remedy(
        Text(vi="nhập lại giá trị này ở hệ thống nguồn", en="enter the value again at its source")
    ),
    "nul": Remedy(
        Text(vi="xóa ký tự NUL ở hệ thống nguồn", en="remove the NUL character at the source")
    ),
}
"""By the ends of codes that `fault` returns."""


def nfc(text: str) -> str:
    """Return `text` in NFC; what already is, is returned as it stands."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_clean(text: str) -> bool:
    """Whether `text` is NFC and holds neither NUL nor a lone surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    if not unicodedata.is_normalized("NFC", text):
        return False
    # Encoding is several times faster than searching for surrogates.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def fault(text: str, *, marks: bool = True) -> tuple[str, Text] | None:
    """
    Return (end of the code, sentence) for what makes `text` unreadable; None when nothing does.

    The ends are "undecodable" (a byte without a letter, marked by `charsets.UNDECODABLE`),
    "surrogate" (half a character, from a JSON escape) and "nul". With `marks` false no byte can
    have been marked, and every lone surrogate is what it seems.
    """
    marked = _MARKED.search(text)
    if marks and marked is not None and 0xDC00 <= ord(marked[0]) <= 0xDCFF:
        byte, at = ord(marked[0]) - 0xDC00, marked.start() + 1
        vi = f"byte {byte:02X} (ký tự thứ {at}) không có trong bảng mã đã khai báo"
        en = f"byte {byte:02X} (character {at}) has no letter in the declared encoding"
        return "undecodable", Text(vi=vi, en=en)
    if marked is not None:
        vi = f"nửa ký tự U+{ord(marked[0]):04X} đứng một mình"
        return "surrogate", Text(vi=vi, en=f"half a character, U+{ord(marked[0]):04X}, alone")
    if "\0" in text:
        return "nul", Text(vi="có ký tự NUL (U+0000)", en="contains a NUL character (U+0000)")
    return None
