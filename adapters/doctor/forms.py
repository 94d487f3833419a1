"""
Repairs that ask for no encoding: references, tags, loose marks, look-alike letters, lost capitals.

Each is a function from text to text that returns its input when there is nothing to do, and stops
where what it sees may be meant.
"""

from __future__ import annotations

import html
import re
import unicodedata

from adapters.doctor.syllables import WORD, Spelling, spelling

_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,24});")
_TAG = re.compile(
    r"</?(br|p|div|li|ul|ol|tr|td|th|table|tbody|h[1-6]|b|i|u|s|em|strong|span|font|sub|sup|a)"
    r"(?:\s[^<>]{0,400})?/?>|<!--[^<>]{0,400}-->",
    re.IGNORECASE,
)
_INLINE = frozenset(["b", "i", "u", "s", "em", "strong", "span", "font", "sub", "sup", "a"])
_QUALITY_AFTER_TONE = re.compile(
    "([aeouAEOU])([\u0300\u0301\u0303\u0309\u0323]*)([\u0302\u0306\u031b])"
)
_STROKE = re.compile("([dD])[\u0335\u0336]")
_MARK = re.compile("[\u0300-\u036f]")

_LOOK_ALIKES = {
    **dict(zip("ÐƉðɖǎǍ", "ĐĐđđăĂ", strict=True)),
    # Cyrillic
    **dict(zip("аеорсухіјѕһԁАВЕКМНОРСТУХІЈЅ", "aeopcyxijshdABEKMHOPCTYXIJS", strict=True)),
    # Greek
    **dict(zip("οιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oiABEZHIKMNOPTYX", strict=True)),
}
_LOOK_ALIKE = re.compile(f"[{''.join(_LOOK_ALIKES)}]")
_TRANSLATION = str.maketrans(_LOOK_ALIKES)
_ETH = frozenset("ÐƉðɖǎǍ")


def resolve_references(text: str) -> str:
    """Replace character references, also doubly escaped ones; addresses keep theirs."""
    if "&" not in text or ";" not in text or "://" in text:
        return text
    for _ in range(2):
        text = _REFERENCE.sub(_referenced, text)
    return text


def _referenced(reference: re.Match[str]) -> str:
    character = html.unescape(reference[0])
    is_character = len(character) == 1 and (character.isprintable() or character in "\t\n\xa0\xad")
    return character if is_character and character != "\ufffd" else reference[0]


def drop_tags(text: str) -> str:
    """Take the tags of HTML out; those that break a line become a space."""
    if "<" not in text or not _TAG.search(text):
        return text
    bare = _TAG.sub(lambda tag: "" if (tag[1] or "").lower() in _INLINE else " ", text)
    return " ".join(bare.split())


def compose(text: str) -> str:
    """Return NFC, with marks in a wrong order and a stroke over d put right first."""
    if text.isascii():
        return text
    if _MARK.search(text):
        loose = unicodedata.normalize("NFD", text)
        loose = _QUALITY_AFTER_TONE.sub(r"\1\3\2", _STROKE.sub(_stroked, loose))
        text = loose
    return unicodedata.normalize("NFC", text)


def _stroked(match: re.Match[str]) -> str:
    return "Đ" if match[1] == "D" else "đ"


def replace_look_alikes(text: str) -> str:
    """Replace letters that only look Vietnamese, in words that then are, or that mix scripts."""
    if text.isascii() or not _LOOK_ALIKE.search(text):
        return text
    return WORD.sub(_genuine, text)


def _genuine(match: re.Match[str]) -> str:
    word = match[0]
    strange = _LOOK_ALIKE.findall(word)
    if not strange:
        return word
    genuine = word.translate(_TRANSLATION)
    judged = spelling(genuine)
    if judged is Spelling.IMPOSSIBLE or not _all_latin(genuine):
        return word
    # A whole word of another script may be meant; only one mixed with ours cannot be.
    is_mixed = len(strange) < len(word)
    if all(letter in _ETH for letter in strange):
        is_initials = judged is Spelling.POSSIBLE and word.isupper() and is_mixed
        return genuine if judged is Spelling.LEGAL or is_initials else word
    return genuine if is_mixed else word


def _all_latin(word: str) -> bool:
    return all(character <= "\u024f" or "\u1e00" <= character <= "\u1eff" for character in word)


def may_be_look_alike(text: str) -> str | None:
    """Return `text` with every look-alike replaced, where all of it then is Latin; else None."""
    if text.isascii() or not _LOOK_ALIKE.search(text):
        return None
    genuine = text.translate(_TRANSLATION)
    has_more = any(c.isascii() and c.isalnum() for c in text)
    return genuine if has_more and genuine.isascii() else None


def raise_capitals(text: str, small: frozenset[str]) -> str:
    """
    Give back their capitals to letters that had no byte for them, where the rest is in capitals.

    `small`: the letters that may be meant as capitals. A word shows that it is in capitals by two
    letters that have both forms; then the whole text is, unless it has small letters of its own.
    """
    words = WORD.findall(text)
    fixed = ["".join(c for c in word if c not in small) for word in words]
    has_small = any(c.islower() for letters in fixed for c in letters)
    shouts = [len(letters) >= 2 and letters.isupper() for letters in fixed]
    if not any(shouts) or text.isascii():
        return text
    if not has_small:
        return text.upper()
    return WORD.sub(
        lambda match: match[0].upper() if _shouts(match[0], small) else match[0],
        text,
    )


def _shouts(word: str, small: frozenset[str]) -> bool:
    fixed = "".join(c for c in word if c not in small)
    return len(fixed) >= 2 and fixed.isupper()
