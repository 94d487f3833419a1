"""
Which words Vietnamese orthography allows: onset, rhyme and tone, by rule and not from a word list.

A word of the right shape proves nothing by itself; that a text read in some encoding has nothing
but such words does, the more the fewer letters would have done in their places (`surprise`).
Source: Quy định về chính tả tiếng Việt (Decision 240/QĐ of 1984-03-05) as schools teach it; both
places of the tone (hoà, hòa) and both spellings of a final i (kỷ, kỉ) are right.
"""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import cache, lru_cache
from itertools import product
from math import log

LETTERS = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"
"""The 67 small letters of Vietnamese beyond ASCII."""
WORD = re.compile(r"[^\W\d_]+")

_GRAVE, _HOOK, _TILDE, _ACUTE, _DOT = "\u0300", "\u0309", "\u0303", "\u0301", "\u0323"
_ALL_TONES = ("", _GRAVE, _HOOK, _TILDE, _ACUTE, _DOT)
_STOPPED_TONES = (_ACUTE, _DOT)
_ONSETS = (
    "", "b", "ch", "d", "đ", "gi", "h", "kh", "l", "m", "n", "nh", "p", "ph", "r", "s", "t", "th",
    "tr", "v", "x",
)  # fmt: skip
_HARD_ONSETS = (("c", "k"), ("g", "gh"), ("ng", "ngh"))
"""As written before other vowels, and before e, ê, i."""
_RHYME_TABLE = (
    "a ai ao au ay am an ang anh ap at ac ach "
    "ăm ăn ăng ăp ăt ăc âm ân âng âp ât âc âu ây "
    "e eo em en eng ep et ec ê êu êm ên ênh êp êt êch "
    "i ia iu im in inh ip it ich iêu iêm iên iêng iêp iêt iêc "
    "o oi om on ong op ot oc oong ooc ô ôi ôm ôn ông ôp ôt ôc ơ ơi ơm ơn ơp ơt "
    "u ua ui um un ung up ut uc uôi uôm uôn uông uôt uôc "
    "ư ưa ưi ưu ưm ưng ưt ưc ươi ươu ươm ươn ương ươp ươt ươc "
    "oa oai oao oay oam oan oang oanh oap oat oac oach oăm oăn oăng oăt oăc oe oeo oen oet "
    "uân uâng uât uây uê uên uêch uênh uêu uơ uy uya uyu uyn uynh uyt uych uyp uyên uyêt"
)
_RHYMES = tuple(_RHYME_TABLE.split())
_ALONE = ("y", "yêu", "yêm", "yên", "yêng", "yêt")
"""Rhymes that begin with y where nothing stands before them."""
_TABLE_AFTER_QU = (
    "a ai ao au ay am an ang anh ap at ac ach ăm ăn ăng ăp ăt ăc âm ân âng ât ây âu "
    "e en eng eo et ec ê ên ênh êt êch êu i in it ich inh y yn yt ynh ych yên yêt "
    "ơ ơi ơn ơt ôc ôn"
)
_AFTER_QU = tuple(_TABLE_AFTER_QU.split())
_BEFORE_Y = ("h", "k", "l", "m", "s", "t", "v", "th", "kh", "n", "d", "b", "ch", "nh", "tr", "x")

_FOREIGN_ONSETS = (
    "", "b", "bl", "br", "c", "ch", "d", "dr", "đ", "đr", "g", "gl", "gr", "h", "j", "k", "kh",
    "kl", "kr", "l", "m", "n", "nh", "ng", "p", "pl", "pr", "r", "s", "t", "th", "tr", "v", "w",
    "x", "z", "f",
)  # fmt: skip
"""Of names and loan words written in Vietnamese letters: Krông, Đrăng, Bình Phước's Bù Gia Mập."""
_FOREIGN_RHYMES = (
    "ăk", "ak", "êk", "ek", "ik", "ok", "ôk", "uk", "ưk", "âk", "ăl", "al", "ôl", "il", "êl",
    "ăr", "ar", "êr", "ôr", "ưng", "ơng", "ơk", "ôh", "êh", "ăh",
)  # fmt: skip
_VOWELS = re.compile("[aeiouyăâêôơư]+")
_MARKED = re.compile("[ăâêôơư]")
_EITHER_PLACE = ("oa", "oe", "uy")
_LONE_LETTERS = re.compile("[bcdđghklmnpqrstvxzfjw]{1,8}")


class Spelling(Enum):
    """What orthography says of one word."""

    LEGAL = "legal"
    POSSIBLE = "possible"
    """Not by rule, but written: a tone on the wrong vowel, names of other peoples, initials."""
    IMPOSSIBLE = "impossible"


@cache
def legal_syllables() -> frozenset[str]:
    """Return every syllable that the rules allow, in small letters and NFC."""
    found: set[str] = set()
    for onset, rhyme in _toneless():
        found.update(_toned(onset, rhyme))
    return frozenset(found)


@cache
def possible_syllables() -> frozenset[str]:
    """Return what is met in writing beside `legal_syllables`."""
    found: set[str] = set()
    for onset, rhyme in _toneless():
        found.update(_toned(onset, rhyme, anywhere=True))
    rhymes = [*_FOREIGN_RHYMES, *_RHYMES]
    for onset, rhyme in product(_FOREIGN_ONSETS, rhymes):
        found.update(_toned(onset, rhyme))
    return frozenset(found) - legal_syllables()


@lru_cache(maxsize=65_536)
def spelling(word: str) -> Spelling:
    """Judge one word, a run of letters in NFC; what is ASCII is at least possible."""
    small = word.lower()
    if small in legal_syllables():
        return Spelling.LEGAL
    if small.isascii() or small in possible_syllables():
        return Spelling.POSSIBLE
    # QĐ, HĐND, "100.000 đ": initials and units.
    is_initials = (word.isupper() or len(word) == 1) and _LONE_LETTERS.fullmatch(small)
    return Spelling.POSSIBLE if is_initials else Spelling.IMPOSSIBLE


@lru_cache(maxsize=65_536)
def surprise(word: str) -> float:
    """
    Return how much it says that `word` is legal, in nats; 0.0 when it says nothing.

    For each letter beyond ASCII: the share of all such letters that would be as legal there. In
    "nguyễn" few would; in "gồ" nearly every one.
    """
    small = word.lower()
    if small not in legal_syllables():
        return 0.0
    total = 0.0
    for at, letter in enumerate(small):
        if letter.isascii():
            continue
        head, tail = small[:at], small[at + 1 :]
        fitting = sum(head + other + tail in legal_syllables() for other in LETTERS)
        total += log(len(LETTERS) / fitting)
    return total


def _toneless() -> set[tuple[str, str]]:
    pairs = {(onset, rhyme) for onset, rhyme in product(_ONSETS, _RHYMES)}
    # What begins with i is written with g alone: gì, giêng.
    pairs -= {(onset, rhyme) for onset, rhyme in pairs if onset == "gi" and rhyme[0] == "i"}
    pairs |= {("g", rhyme) for rhyme in _RHYMES if rhyme[0] == "i"}
    for (hard, soft), rhyme in product(_HARD_ONSETS, _RHYMES):
        pairs.add((soft if rhyme[0] in "eêi" else hard, rhyme))
    pairs |= {("", rhyme) for rhyme in _ALONE}
    pairs |= {(onset, "y") for onset in _BEFORE_Y}
    pairs |= {("qu", rhyme) for rhyme in _AFTER_QU}
    return pairs - {("", rhyme) for rhyme in _RHYMES if rhyme.startswith("iê")}


def _toned(onset: str, rhyme: str, *, anywhere: bool = False) -> set[str]:
    match = _VOWELS.match(rhyme)
    assert match is not None
    vowels, coda = match[0], rhyme[match.end() :]
    tones = _STOPPED_TONES if coda in ("p", "t", "c", "ch", "k") else _ALL_TONES
    places = range(len(vowels)) if anywhere else _tone_places(vowels, coda)
    found = {
        unicodedata.normalize("NFC", onset + vowels[: at + 1] + tone + vowels[at + 1 :] + coda)
        for at, tone in product(places, tones)
    }
    if anywhere and onset == "qu":
        found |= {unicodedata.normalize("NFC", f"qu{tone}{vowels}{coda}") for tone in tones}
    if anywhere and onset == "gi":
        found |= {unicodedata.normalize("NFC", f"gi{tone}{vowels}{coda}") for tone in tones}
    return found


def _tone_places(vowels: str, coda: str) -> tuple[int, ...]:
    marked = [match.start() for match in _MARKED.finditer(vowels)]
    if marked:
        return (marked[-1],)
    if len(vowels) == 1:
        return (0,)
    if len(vowels) == 3 or coda:
        return (1,)
    return (0, 1) if vowels in _EITHER_PLACE else (0,)
