"""Which encoding a file is in, judged from the beginning of its bytes."""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass
from math import exp

from adapters import charsets
from adapters.doctor.syllables import WORD, Spelling, spelling, surprise

MAX_SAMPLE_BYTES = 256 * 1024
"""More of a file is not looked at."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WRONG_WORD = 4.0
_NO_LETTER = 8.0
_CERTAIN = 30.0
_MOST_NULS_ASTRAY = 0.02
_FEWEST_NULS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingGuess:
    """One encoding a file may be in."""

    encoding: str
    """A name that the key `encoding` of a source takes."""
    confidence: float
    """From 0 to 1; the guesses of one file sum up to 1."""


def judge_encoding(data: bytes) -> tuple[EncodingGuess, ...]:
    """
    Return the encodings that `data` may be in, the likeliest first; never empty.

    A byte order mark, and bytes that are UTF-8, settle it. The old charsets are weighed by the
    words that come out. VIQR is ASCII and comes out as utf-8, as does UTF-8 with misread text
    inside: both are told of per column. What is cut off at the end does no harm.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return (EncodingGuess(encoding=name, confidence=1.0),)
    sample = data[:MAX_SAMPLE_BYTES]
    wide = _wide(sample)
    if wide is not None:
        return (EncodingGuess(encoding=wide, confidence=0.98),)
    if _is_utf_8(sample):
        return (EncodingGuess(encoding="utf-8", confidence=1.0 if not sample.isascii() else 0.95),)
    weights = {name: _weigh(sample, name) for name in charsets.CHARSETS}
    best = max(weights.values())
    shares = {name: exp(max(weight - best, -_CERTAIN)) for name, weight in weights.items()}
    total = sum(shares.values())
    # Words that speak against even the best make all of it doubtful.
    trust = 1.0 if best > 0 else 0.5
    guesses = [
        EncodingGuess(encoding=name, confidence=round(trust * share / total, 4))
        for name, share in shares.items()
    ]
    return tuple(sorted(guesses, key=lambda guess: -guess.confidence))


def _wide(sample: bytes) -> str | None:
    """Return the kind of UTF-16 without a mark: every second byte of ASCII letters is NUL."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if odd >= _FEWEST_NULS * half and even <= _MOST_NULS_ASTRAY * half:
        return "utf-16-le"
    if even >= _FEWEST_NULS * half and odd <= _MOST_NULS_ASTRAY * half:
        return "utf-16-be"
    return None


def _is_utf_8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _weigh(sample: bytes, name: str) -> float:
    charsets.register()
    text = sample.decode(name, charsets.UNDECODABLE)
    if name == "windows-1258":
        text = unicodedata.normalize("NFC", text)
    missing = sum("\udc80" <= character <= "\udcff" for character in text)
    weight = -_NO_LETTER * missing
    for word in set(WORD.findall(text)):
        if word.isascii():
            continue
        wrong = spelling(word) is Spelling.IMPOSSIBLE
        weight += -_WRONG_WORD if wrong else surprise(word)
        weight -= 2.0 * (not word.isupper() and not word.istitle() and not word.islower())
    return weight
