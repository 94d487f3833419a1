r"""
Regular expressions of mappings, on an engine that cannot run for ever.

Python's own engine tries one way after another, so that an innocent `(a+)+$` needs years for one
hostile value, and nothing can stop it. RE2 needs time in proportion to the text whatever the
expression; what it cannot do that way (look-around, back-references) it refuses when the file is
read. Rejected: finding dangerous expressions by their form, which refuses common harmless ones; a
time limit, by which the same record would pass on one day and not on another.

RE2 takes `\w`, `\s` and `\b` for ASCII only. Here `\w` and `\s` are rewritten to know the letters
and spaces of every language; `\b` cannot be, and is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import re2

from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_REGEX_INPUT = 20_000
"""Longer texts never meet a regular expression: replacing all may still be quadratic."""

MAX_MEMORY_BYTES = 2 * 1024 * 1024
"""Of one expression, for what the engine remembers; with less it is slower, never wrong."""

_WORD = r"\pL\pN_"
_SPACE = r"\s\p{Z}"
_ALONE = {
    r"\w": f"[{_WORD}]",
    r"\W": f"[^{_WORD}]",
    r"\s": f"[{_SPACE}]",
    r"\S": f"[^{_SPACE}]",
    r"\Z": r"\z",
}
_IN_CLASS = {r"\w": _WORD, r"\s": _SPACE}
_PART = re.compile(r"\\.|\[\^?\]?|.", re.DOTALL)
_PART_OF_CLASS = re.compile(r"\\.|\[:\^?[a-z]+:\]|.", re.DOTALL)
_TEMPLATE = re.compile(r"\\(?:([1-9][0-9]?)|g<(\w+)>|(\\)|(.?))|[^\\]+", re.DOTALL)

_BOUNDARY = Text(
    vi=r"\b chỉ biết chữ không dấu; viết (^|[^\pL\pN]) ở trước hoặc ($|[^\pL\pN]) ở sau",
    en=r"\b knows unaccented letters only; write (^|[^\pL\pN]) before or ($|[^\pL\pN]) after",
)
_NO_LOOKING = Text(
    vi="không có (?=…), (?!…), (?<…); ghi phần cần lấy trong ngoặc: nhóm 1 là kết quả",
    en="there is no (?=…), (?!…), (?<…); put what you want into parentheses: group 1 is taken",
)
_NO_REFERENCE = Text(
    vi=r"không có tham chiếu ngược \1 trong biểu thức; chỉ dùng được trong chuỗi thay thế",
    en=r"there is no \1 inside an expression; only the replacement may hold it",
)
_NO_POSSESSION = Text(
    vi="viết một dấu lặp: biểu thức ở đây không bao giờ chạy mãi, nên không cần a++ hay a*+",
    en="write one repeat sign: expressions here never run for ever, nobody needs a++ or a*+",
)
_ESCAPE = Text(
    vi=r"chỉ thêm \ trước dấu câu; một ký tự theo mã viết là \x{1EA1}",
    en=r"put \ only before punctuation; a character by its number is written \x{1EA1}",
)
_TOO_LARGE = Text(vi="số lần lặp tối đa là 1000", en="repeat at most 1000 times")
_BACKSLASH = Text(
    vi=r"viết \1, \g<tên>, hoặc \\ cho chính dấu \\",
    en=r"write \1, \g<name>, or \\ for a backslash",
)
_GROUPS = Text(
    vi="đặt phần cần giữ trong ngoặc; nhóm đầu tiên là 1",
    en="put what is to be kept into parentheses; the first group is 1",
)
_REMEDIES = (
    ("invalid perl operator", _NO_LOOKING),
    ("invalid named capture", Text(vi="viết (?P<ten>…)", en="write (?P<name>…)")),
    ("bad repetition operator", _NO_POSSESSION),
    ("invalid repetition size", _TOO_LARGE),
    ("pattern too large", _TOO_LARGE),
)


class RegexRefused(ValueError):
    """Not a regular expression of this language."""

    def __init__(self, reason: str, remedy: Text | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Regex:
    """One regular expression, compiled; safe for several threads."""

    __slots__ = ("_compiled", "text")

    def __init__(self, text: str) -> None:
        """
        Compile `text`.

        Raises:
            RegexRefused: it is not one, or uses what only an engine without bound can do.
        """
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MAX_MEMORY_BYTES
        self.text = text
        try:
            # Of bytes: the wrapper's way from bytes back to letters costs more than matching.
            self._compiled = re2.compile("".join(_translated(text)).encode(), options)
        except UnicodeEncodeError as exc:
            raise RegexRefused(exc.reason) from exc
        except re2.error as exc:
            reason = _reason(exc)
            raise RegexRefused(reason, _remedy(reason)) from exc

    def is_in(self, text: str) -> bool:
        """Return whether the expression is found in `text`."""
        return self._compiled.search(_bytes(text)) is not None

    def extract(self, text: str) -> str | None:
        """Return group 1, or the whole match where there are no groups; None for no match."""
        found = self._compiled.search(_bytes(text))
        if found is None:
            return None
        return _letters(found[1 if self._compiled.groups else 0] or b"")

    def replacer(self, template: str) -> Callable[[str], str]:
        r"""
        Return the function that puts `template` in the place of every match in a text.

        The template holds groups as `\1` and `\g<name>`, and `\\` for a backslash.

        Raises:
            RegexRefused: the expression has no such group, or a backslash stands alone.
        """
        parts = tuple(self._parts(template))
        find_all = self._compiled.finditer

        def replace(text: str) -> str:
            data = _bytes(text)
            pieces: list[bytes] = []
            position = 0
            for found in find_all(data):
                start, end = found.span()
                if start == end and _is_inside_letter(data, start):
                    continue
                pieces.append(data[position:start])
                pieces.extend(
                    part if isinstance(part, bytes) else found[part] or b"" for part in parts
                )
                position = end
            return _letters(b"".join((*pieces, data[position:]))) if pieces else text

        return replace

    def _parts(self, template: str) -> Iterator[bytes | int]:
        groups = self._compiled.groupindex
        for token in _TEMPLATE.finditer(template):
            number, name, backslash, stray = token.groups()
            if stray is not None:
                raise RegexRefused(f"bad escape {token[0]}", _BACKSLASH)
            if number or name:
                word = number or name
                found = int(word) if word.isdecimal() else groups.get(word.encode(), -1)
                if not 0 <= found <= self._compiled.groups:
                    raise RegexRefused(f"no such group {token[0]}", _GROUPS)
                yield found
            else:
                yield b"\\" if backslash else token[0].encode()


def _bytes(text: str) -> bytes:
    # Half a surrogate pair goes through as it is: judging the field refuses it.
    return text.encode(errors="surrogatepass")


def _letters(data: bytes) -> str:
    return data.decode(errors="surrogatepass")


def _is_inside_letter(data: bytes, position: int) -> bool:
    """Nothing is found between the bytes of one letter, too."""
    return position < len(data) and data[position] & 0xC0 == 0x80


def _translated(text: str) -> Iterator[str]:
    """Yield the parts of the expression as the engine reads them."""
    position, is_in_class = 0, False
    while found := (_PART_OF_CLASS if is_in_class else _PART).match(text, position):
        part, position = found[0], found.end()
        if not is_in_class and part in (r"\b", r"\B"):
            raise RegexRefused(part, _BOUNDARY)
        if part in (r"\Q", r"\C") or (is_in_class and part in (r"\W", r"\S")):
            raise RegexRefused(f"invalid escape sequence: {part}", _ESCAPE)
        yield (_IN_CLASS if is_in_class else _ALONE).get(part, part)
        is_in_class = part != "]" if is_in_class else part.startswith("[")


def _reason(error: Exception) -> str:
    (reason,) = error.args
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)


def _remedy(reason: str) -> Text | None:
    if re.search(r"invalid escape sequence: \\[0-9]", reason):
        return _NO_REFERENCE
    if "invalid escape sequence" in reason:
        return _ESCAPE
    return next((remedy for start, remedy in _REMEDIES if reason.startswith(start)), None)
