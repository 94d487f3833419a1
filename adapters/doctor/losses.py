"""
Letters that are gone: a program that could not write them left a question mark (Nguy?n, Ph??ng).

No reading brings them back, so such text is only ever reported. A question mark in right text ends
a word and rarely stands between two (a missing blank, an address); between letters that no syllable
allows apart, and one allows together with Vietnamese letters in its place, it stands for those.
"""

from __future__ import annotations

import re
from functools import cache

from adapters.doctor.misreading import Misreading, undo
from adapters.doctor.syllables import LETTERS, Spelling, legal_syllables, spelling

_BROKEN = re.compile("[^\\W\\d_]\ufffd|\ufffd[^\\W\\d_]")
"""A replacement character at a letter: nobody types one."""
_HOLED = re.compile(
    "(?:^|(?<=[\\s(\\[\"'“‘,;]))([^\\W\\d_]+(?:[?]+[^\\W\\d_]+)+)[?]*"
    "(?=$|[\\s)\\]\"'”’,;:!]|\\.(?:\\s|$))"
)
"""A word with question marks inside, and nothing at it that addresses and paths have."""
_MARKS = re.compile("[?]+")
_OURS = re.compile(f"[{LETTERS}]")


def has_lost_letters(text: str) -> bool:
    """Return whether letters of `text` were lost before it came here."""
    if "\ufffd" in text and _BROKEN.search(text):
        return True
    if "?" not in text:
        return False
    return any(_is_holed(found[1], is_ascii=text.isascii()) for found in _HOLED.finditer(text))


def _is_holed(word: str, *, is_ascii: bool) -> bool:
    if _OURS.sub("?", word.lower()) not in _skeletons():
        return False
    if all(spelling(part) is Spelling.LEGAL for part in _MARKS.split(word)):
        # Two words, and the blank after the question is missing.
        return False
    # In VIQR the sign is a tone: to?n is tỏn.
    read = undo(word, Misreading.VIQR) if is_ascii else None
    return read is None or spelling(read) is not Spelling.LEGAL


@cache
def _skeletons() -> frozenset[str]:
    """Return the legal syllables with a question mark for each letter that gets lost."""
    return frozenset(_OURS.sub("?", each) for each in legal_syllables() if not each.isascii())
