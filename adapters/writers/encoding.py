"""
Texts -> bytes in every character set that is read, and what is said of one that cannot be.

A text is written only if its bytes decode to the same text again: so a letter that a set lacks is
found, and also a control character that is a letter in the set (VISCII), or a mark that would join
the letter before it (VNI).
"""

from __future__ import annotations

import unicodedata

from adapters import charsets
from adapters.writers.cells import Fault, ValueRefused
from schemas.problem import Remedy, Text

_UNICODE = {
    "utf-8": ("utf-8", b""),
    "utf-8-sig": ("utf-8", b"\xef\xbb\xbf"),
    "utf-16": ("utf-16-le", b"\xff\xfe"),
    "utf-16-le": ("utf-16-le", b""),
    "utf-16-be": ("utf-16-be", b""),
}
"""Encoding -> codec and byte order mark."""
_MEND = Text(
    vi="sửa ký tự này tại nguồn; nếu nó đúng, báo cho người phụ trách kết nối",
    en="mend the character at the source; if it is right, tell whoever set up the connection",
)
_CHANGE = Text(
    vi="thay nó bằng `text: [{replace: [...]}]`, hoặc chọn encoding có ký tự này",
    en="change it by `text: [{replace: [...]}]`, or choose an encoding that has it",
)
_FOLD = Text(
    vi="TCVN3 không có chữ hoa mang dấu này: `fold_capitals: true` viết thành chữ thường (phông "
    ".VnTimeH hiển thị nó là chữ hoa)",
    en="TCVN3 has no such capital: `fold_capitals: true` writes the small letter (which a font "
    "like .VnTimeH shows as a capital)",
)


class Encoder:
    """Encodes the texts of one encoding."""

    def __init__(self, encoding: str, *, fold_capitals: bool = False) -> None:
        self.encoding = encoding
        self._codec, self.mark = _UNICODE.get(encoding, (encoding, b""))
        self._is_legacy = encoding in charsets.CHARSETS
        self._fold_capitals = fold_capitals

    def fault(self, text: str) -> Fault | None:
        """Return why `text` cannot be written; None: it can."""
        if text.isascii() and text.isprintable():
            return None
        text = unicodedata.normalize("NFC", text)
        if unicodedata.combining(text[0]):
            # It would join whatever the file has before it.
            return self._missing(text[0], at=0)
        try:
            encoded = self._encode(text)
        except UnicodeEncodeError as error:
            return self._missing(error.object[error.start], at=_position(text, error))
        decoded, wanted = self._decode(encoded), self.folded(text)
        if decoded == wanted:
            return None
        at = next(
            (i for i, (a, b) in enumerate(zip(decoded, wanted, strict=False)) if a != b),
            min(len(decoded), len(wanted) - 1),
        )
        return self._missing(wanted[at], at=at)

    def encode(self, text: str) -> bytes:
        """
        Return `text` in NFC, without a byte order mark.

        Raises:
            ValueRefused: it does not decode to itself.
        """
        found = self.fault(text)
        if found is not None:
            raise ValueRefused(found.text.en)
        return self._encode(text)

    def encode_document(self, text: str) -> bytes:
        """
        Return a whole text, put together of texts in NFC, with its byte order mark.

        Raises:
            ValueRefused: it does not decode to itself.
        """
        if self._is_legacy:
            return self.encode(text)
        # Not brought to NFC as a whole: two texts side by side are no third one.
        return self.mark + text.encode(self._codec)

    def folded(self, text: str) -> str:
        """Return what `text` reads back as."""
        text = unicodedata.normalize("NFC", text)
        if not self._fold_capitals:
            return text
        return "".join(c if _is_known(c, self.encoding) else c.lower() for c in text)

    def _encode(self, text: str) -> bytes:
        if self._is_legacy:
            return charsets.encode(text, self.encoding, fold_capitals=self._fold_capitals)
        return unicodedata.normalize("NFC", text).encode(self._codec)

    def _decode(self, data: bytes) -> str:
        if not self._is_legacy:
            return data.decode(self._codec)
        try:
            return charsets.decode(data, self.encoding)
        except UnicodeDecodeError as error:
            return charsets.decode(data[: error.start], self.encoding)

    def _missing(self, character: str, *, at: int) -> Fault:
        shown = f"{character!r} (U+{ord(character):04X})"
        name = self.encoding
        can_fold = (
            name == "tcvn3"
            and character.isupper()
            and not self._fold_capitals
            and _is_known(character.lower(), name)
        )
        return Fault(
            "target.unencodable",
            Text(
                vi=f"ký tự thứ {at + 1}, {shown}, không viết được bằng bảng mã {name}",
                en=f"character {at + 1}, {shown}, cannot be written in {name}",
            ),
            Remedy(_MEND, _FOLD if can_fold else _CHANGE),
        )


def _position(text: str, error: UnicodeEncodeError) -> int:
    """Return where the character stands in `text`; windows-1258 counts marks apart."""
    if error.object == text:
        return error.start
    return max(text.find(error.object[error.start]), 0)


def _is_known(character: str, encoding: str) -> bool:
    try:
        charsets.encode(character, encoding)
    except UnicodeEncodeError:
        return False
    return True
