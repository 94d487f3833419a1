"""
Reading JSON that a target answers with: strict and bounded, because anybody may have written it.

UTF-8 (a byte order mark is stepped over), one object, no key twice, no NaN, bounded depth. Numbers
are kept as they were written: a code of 0 and one of "0" are the same, and neither is 0.0.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from lienthong.channels.wire import one_line

MAX_DEPTH: Final = 32
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")
_MISSING: Final = object()


class NotJson(Exception):
    """The body is not an answer in JSON; the words quote nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one answer says."""

    code: str | None
    """None where it names none, or one that is no text or number."""
    message: str
    """The peer's words, one line."""
    results: tuple[Any, ...] | None
    """What stands in `result`; None where nothing or null does."""
    says_null: bool = False
    """Whether `result` is there, as null."""


def read_object(body: bytes) -> dict[str, Any]:
    """
    Return the only object of `body`; its numbers are texts.

    Raises:
        NotJson: in words.
    """
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotJson("UTF-16 and not UTF-8")
    try:
        text = body.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise NotJson("not UTF-8") from None
    if not text.strip():
        raise NotJson("empty")
    if _is_deep(body):
        raise NotJson(f"nested more than {MAX_DEPTH} deep")
    try:
        value = json.loads(
            text,
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError):
        raise NotJson("not JSON") from None
    if not isinstance(value, dict):
        raise NotJson("JSON, but no object")
    return value


def read_verdicts(body: bytes, *, may_wrap: bool) -> tuple[Verdict, ...]:
    """
    Return what an answer says; with what is wrapped in it, if that is so, as the last.

    Args:
        body: Of the answer.
        may_wrap: Whether it may be a façade's: `response_code` for `error_code`, and the national
            answer as a text inside `message` or `response_data`.

    Raises:
        NotJson: in words.
    """
    outer = read_object(body)
    if not may_wrap:
        return (read_verdict(outer, code="error_code", message="message"),)
    is_own = "error_code" not in outer and "response_code" in outer
    code, message = ("response_code", "response_data") if is_own else ("error_code", "message")
    inner = outer.get(message)
    first = read_verdict(outer, code=code, message=message)
    if isinstance(inner, str) and inner.lstrip().startswith("{"):
        # Half a surrogate pair is then no UTF-8, as it would be outside.
        inner = read_object(inner.encode(errors="surrogatepass"))
    if not isinstance(inner, dict):
        return (first,)
    code = "error_code" if "error_code" in inner else "response_code"
    return (first, read_verdict(inner, code=code, message="message"))


def plain_line(text: str) -> str:
    """
    Return a peer's text as one line of bounded length that every store takes.

    JSON can name what no text of ours may hold: half a surrogate pair, NUL, other controls.
    """
    line = one_line(text)
    return line if line.isprintable() else _replace_unprintable(line)


def codes_named(results: tuple[Any, ...], name: str) -> list[str]:
    """Return the texts that stand under `name`, whatever its case, in the items of a result."""
    return [
        str(value)
        for item in results
        if isinstance(item, dict)
        for key, value in item.items()
        if key.casefold() == name.casefold() and isinstance(value, str)
    ]


def _replace_unprintable(line: str) -> str:
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


def read_verdict(
    found: dict[str, Any], *, code: str, message: str, result: str = "result"
) -> Verdict:
    """Return what an object says under these names."""
    value, words, result_ = found.get(code), found.get(message), found.get(result, _MISSING)
    results = None
    if isinstance(result_, list):
        results = tuple(result_)
    elif result_ is not None and result_ is not _MISSING:
        results = (result_,)
    return Verdict(
        code=plain_line(value)[:64] if isinstance(value, str) else None,
        message=plain_line(words) if isinstance(words, str) else "",
        results=results,
        says_null=result_ is None,
    )


def _is_deep(body: bytes) -> bool:
    # Fast path: with few brackets nothing is deep.
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", body)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJson("JSON with a key that stands twice in one object")
    return found


def _refuse_constant(_: str) -> Any:
    raise NotJson("not JSON: NaN or Infinity")
