"""
Vietnamese text that was read in the wrong encoding, and how to read it again.

Old programs hand out the bytes of TCVN3, VNI, VISCII, windows-1258 or UTF-8 as if they were
Western Windows, so that they stand in Unicode text as letters and signs up to U+00FF. Undoing it
gives the bytes back and reads them as what they are; it is refused wherever a byte has no letter.
VIQR is read in the text itself.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from adapters import charsets
from adapters.doctor.syllables import LETTERS, WORD, Spelling, spelling

if TYPE_CHECKING:
    from collections.abc import Mapping


class Misreading(Enum):
    """What the text really was; the values are those of reports and of `repair_encoding`."""

    TCVN3 = "tcvn3"
    VNI = "vni"
    VISCII = "viscii"
    WINDOWS_1258 = "windows-1258"
    UTF_8 = "utf-8"
    VIQR = "viqr"


_QUALITIES = {"": "", "^": "\u0302", "(": "\u0306", "+": "\u031b"}
_TONES = {
    "": "",
    "'": "\u0301",
    "`": "\u0300",
    "?": "\u0309",
    "~": "\u0303",
    ".": "\u0323",
}
_VIQR = re.compile(
    r"\\([\^(+'`?~.dD\\])|[dD][dD]"
    r"|(?:[aA][\^(]|[eE]\^|[oO][\^+]|[uU]\+)['`?~.]?|[aeiouyAEIOUY]['`?~.]"
)
_TYPED_WORD = re.compile(r"(?<![\w^+~`])[A-Za-z](?:[A-Za-z^(+'`?~.]|\\[\^(+'`?~.dD])*(?![\w^+~`])")
_ADDRESS = re.compile(r"@|://|www\.|\\[A-Za-ce-zA-CE-Z]")
_SPACES = re.compile(r"(\s+)")

WITHOUT_CAPITALS: Mapping[Misreading, frozenset[str]] = {
    Misreading.TCVN3: frozenset(LETTERS),
    Misreading.VISCII: frozenset("ẳẵẫõỷỹỵ"),
}
"""
Small letters whose bytes may stand for capitals: TCVN3 leaves capitals to the font, and UniKey
writes seven capitals of VISCII so.
"""


def undo(text: str, misreading: Misreading) -> str | None:
    """Return what `text` was before it was misread, in NFC; None when it cannot have been that."""
    if misreading is Misreading.VIQR:
        return _read_viqr(text)
    data = western_bytes(text)
    if data is None:
        return None
    try:
        if misreading is Misreading.UTF_8:
            read = data.decode()
        else:
            read = charsets.decode(data, misreading.value)
    except UnicodeDecodeError:
        return None
    if misreading is Misreading.WINDOWS_1258:
        return None if _has_loose_mark(read) else read
    return unicodedata.normalize("NFC", read)


def western_bytes(text: str) -> bytes | None:
    """
    Return the bytes that Western Windows shows as `text`; None when it cannot show it.

    Latin-1 and cp1252 differ in 80-9F only, and readers mix them: both readings are taken.
    """
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        pass
    table = _western_table()
    codes = [table.get(character, -1) for character in text]
    return None if -1 in codes else bytes(codes)


@cache
def _western_table() -> Mapping[str, int]:
    table = {chr(byte): byte for byte in range(0x100)}
    for byte in range(0x80, 0xA0):
        character = bytes([byte]).decode("cp1252", "ignore")
        if character:
            table[character] = byte
    return table


def _has_loose_mark(text: str) -> bool:
    return not text.isascii() and any(unicodedata.combining(c) for c in text)


def _read_viqr(text: str) -> str | None:
    """
    Read VIQR (RFC 1456, section 3.1); a backslash before a mark keeps it a sign.

    Word by word: one that becomes no Vietnamese word was none, and stays.
    """
    if not text.isascii():
        return None
    return "".join(
        part if _ADDRESS.search(part) else _TYPED_WORD.sub(_read_viqr_word, part)
        for part in _SPACES.split(text)
    )


def _read_viqr_word(match: re.Match[str]) -> str:
    read = _VIQR.sub(_viqr_letter, match[0])
    is_possible = all(spelling(part) is not Spelling.IMPOSSIBLE for part in WORD.findall(read))
    return read if is_possible else match[0]


def _viqr_letter(match: re.Match[str]) -> str:
    found = match[0]
    if found[0] == "\\":
        return match[1]
    if found[0] in "dD":
        return "Đ" if found[0] == "D" else "đ"
    base, marks = found[0], found[1:]
    quality = marks[0] if marks[0] in _QUALITIES else ""
    tone = marks[len(quality) :]
    return unicodedata.normalize("NFC", base + _QUALITIES[quality] + _TONES[tone])
