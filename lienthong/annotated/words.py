"""
A finding as it stands beside the agency's own data: one line, no formula, in its own encoding.

A spreadsheet takes what begins with = + - @ for a formula, and which delimiter it splits at depends
on the machine: so it is neutralised at the beginning and behind every delimiter there is.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from adapters import charsets
from schemas.problem import Language, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.problem import Problem

HEADER = Text(vi="Lỗi (Liên thông)", en="Errors (Lienthong)")
"""Name of the column of errors."""
SEVERITIES = {
    Severity.ERROR: Text(vi="Lỗi", en="Error"),
    Severity.WARNING: Text(vi="Cảnh báo", en="Warning"),
}
"""What a note begins with, for those who see no colours."""
LONGEST_NOTE = 2_000
"""Characters of what one row is told."""
_BEGINS = re.compile(r"(?<!\s)\s*+(?=[=+\-@＝＋－＠])")
"""What a formula begins with, and all space before it: each run of it is looked at once."""
_SPLITS = frozenset("\t\r\n")
_UNWRITABLE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\0-\x08\x0b-\x1f\ufffe\uffff]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")
_PLAINER = {"→": "->", "…": "...", "×": "x", "–": "-", "“": '"', "”": '"', "«": '"', "»": '"'}


def note_of(problems: Sequence[Problem], language: Language, *, with_column: bool = True) -> str:
    """Return what is wrong with one row or cell in one line, errors first, cut if too long."""
    notes = [
        _one(problem, language, with_column=with_column)
        for problem in sorted(problems, key=lambda each: each.severity.value)
    ]
    text = neutral(" | ".join(notes))
    return text if len(text) <= LONGEST_NOTE else text[: LONGEST_NOTE - 1] + "…"


def neutral(text: str) -> str:
    """Return a text in one line that no spreadsheet takes for a formula, wherever it splits it."""
    line = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)
    return _BEGINS.sub(_quoted, " ".join(line.split()))


def harmless(text: str) -> str:
    """Return a text of the agency's that no spreadsheet takes for a formula; numbers stay."""
    return text if _NUMBER.fullmatch(text) else _BEGINS.sub(_quoted, text)


def _quoted(found: re.Match[str]) -> str:
    """Return the space, with an apostrophe where a cell begins there or a text may be split."""
    space, start = found[0], found.start()
    is_split = start == 0 or found.string[start - 1] in ",;|" or not _SPLITS.isdisjoint(space)
    return f"{space}'" if is_split else space


def xml_text(text: str) -> str:
    """Return text as a workbook's part can hold it: ST_Xstring, ECMA-376, part 1, 22.9.2.19."""
    return escape(_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text))


def encode(text: str, encoding: str) -> bytes:
    """
    Return a text of ours in the agency's encoding.

    What it cannot write becomes a plainer sign: accented capitals small letters (TCVN3), then
    letters without their marks, then "?".
    """
    try:
        return _encode(text, encoding)
    except UnicodeEncodeError:
        return b"".join(_encode_letter(letter, encoding) for letter in text)


def _one(problem: Problem, language: Language, *, with_column: bool) -> str:
    column = problem.place.column
    text = SEVERITIES[problem.severity].say(language)
    if with_column and column is not None:
        text += f"{' ở ' if language is Language.VI else ' in '}{column}"
    # Neutral by itself as well: whoever cuts the note apart finds no formula either.
    text += f": {neutral(problem.message.say(language))}"
    if problem.suggestion is not None:
        text += f" → {problem.suggestion.say(language)}"
    return text


def _encode(text: str, encoding: str) -> bytes:
    if encoding in charsets.CHARSETS:
        return charsets.encode(text, encoding, fold_capitals=encoding == "tcvn3")
    return text.encode(encoding)


def _encode_letter(letter: str, encoding: str) -> bytes:
    bare = "".join(
        part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part)
    )
    plain = {"đ": "d", "Đ": "D"}.get(letter, bare)
    for written in (letter, letter.lower(), _PLAINER.get(letter, plain)):
        try:
            return _encode(written, encoding)
        except UnicodeEncodeError:
            continue
    return _encode("?", encoding)
