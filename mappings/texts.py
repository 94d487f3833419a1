"""Text rules and numbers: small functions from text to text, chosen by name when a file loads."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING

from mappings.regexes import MAX_REGEX_INPUT
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mappings.language import TextRule
    from mappings.regexes import Regex

PLAIN_RULES = ("collapse_spaces", "upper", "lower", "unescape_html", "strip_tags", "digits")
REGEX_RULES = ("replace", "extract")
LENGTH_RULES = ("truncate",)
AFFIX_RULES = ("prefix", "suffix")
TEXT_RULES = PLAIN_RULES + REGEX_RULES + LENGTH_RULES + AFFIX_RULES
NUMBER_FORMATS = ("vietnamese", "plain", "integer")

_TAG = re.compile(r"<[^<>]*>")
_REFERENCE = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]*);?")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_NUMBER_SHAPES = {
    "vietnamese": re.compile(r"(-?)([0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]+))?"),
    "plain": re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?"),
    "integer": re.compile(r"(-?)([0-9]+)()"),
}


class TextNoMatch(ValueError):
    """An `extract` rule found nothing."""


class TextTooLong(ValueError):
    """A text is too long for a regular expression of a mapping."""


class NumberInvalid(ValueError):
    """The text is not a number in the format the mapping names."""


def fold_name(text: str) -> str:
    """Return a name as names of columns and offices are compared: no marks, case or signs."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^0-9a-z&]+", " ", letters.casefold()).split())


def make_text_rule(rule: TextRule) -> Callable[[str], str]:
    """
    Return the function of one rule, from non-empty text to text.

    The function of `extract` raises TextNoMatch; those with a regular expression raise
    TextTooLong.
    """
    if rule.name in REGEX_RULES:
        assert rule.pattern is not None
        is_replacing = rule.name == "replace"
        return _guarded(
            rule.pattern.replacer(rule.argument) if is_replacing else _extract(rule.pattern)
        )
    if rule.name == "truncate":
        return _truncate(rule.length)
    if rule.name == "prefix":
        return lambda text: rule.argument + text
    if rule.name == "suffix":
        return lambda text: text + rule.argument
    return _PLAIN[rule.name]


def make_number_reader(name: str) -> Callable[[str], str]:
    """
    Return a function from a number as written to plain text: 1234567.5, without exponent.

    The function raises NumberInvalid.
    """
    shape = _NUMBER_SHAPES[name].fullmatch

    def read(text: str) -> str:
        found = shape(text)
        if found is None:
            raise NumberInvalid
        sign, whole, fraction = found.groups()
        digits = whole.replace(".", "").lstrip("0") or "0"
        decimals = (fraction or "").rstrip("0")
        number = f"{digits}.{decimals}" if decimals else digits
        return number if number == "0" else sign + number

    return read


def too_long_for_regex(text: str) -> Text:
    """Return the words for a text that no regular expression is shown."""
    length = len(text)
    return Text(
        vi=f"dài {length} ký tự, quá dài cho biểu thức chính quy của ánh xạ "
        f"(tối đa {MAX_REGEX_INPUT})",
        en=f"{length} characters long, too long for a regular expression of the mapping "
        f"(at most {MAX_REGEX_INPUT})",
    )


def collapse_spaces(text: str) -> str:
    """Return `text` trimmed, with every run of white space as one space."""
    return " ".join(text.split())


def _unescape(text: str) -> str:
    """
    Replace character references.

    One that names no character stays as it is written: the library would drop it without a word.
    """
    return _REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    character = html.unescape(reference[0])
    return reference[0] if character in ("", "\ufffd") else character


def _strip_tags(text: str) -> str:
    if "<" not in text:
        return text
    return collapse_spaces(_TAG.sub(" ", text))


def _truncate(length: int) -> Callable[[str], str]:
    # Implementers mark a cut with three full stops inside the limit.
    def cut(text: str) -> str:
        if len(text) <= length:
            return text
        return text[: length - 3] + "..." if length > 3 else text[:length]

    return cut


def _extract(pattern: Regex) -> Callable[[str], str]:
    def extract(text: str) -> str:
        found = pattern.extract(text)
        if found is None:
            raise TextNoMatch
        return found

    return extract


def _guarded(rule: Callable[[str], str]) -> Callable[[str], str]:
    def run(text: str) -> str:
        if len(text) > MAX_REGEX_INPUT:
            raise TextTooLong
        return rule(text)

    return run


_PLAIN: dict[str, Callable[[str], str]] = {
    "collapse_spaces": collapse_spaces,
    "upper": str.upper,
    "lower": str.lower,
    "unescape_html": _unescape,
    "strip_tags": _strip_tags,
    "digits": lambda text: _NOT_DIGITS.sub("", text),
}
