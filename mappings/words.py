"""
Code lists looked up backwards: the agency's own word for a code of the portal's.

A code for which the list has no word, or several that are in force, is a problem; the mapping says
which word is meant (`prefer`), nobody guesses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mappings.judging import quoted
from mappings.language import UNFINISHED
from mappings.mistakes import listed
from mappings.tables import Span
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from mappings.language import CodeList, Words
    from mappings.scope import Scope, Site


class _Refusal(NamedTuple):
    code: str
    text: Text
    for_integrator: Text


def make_words(rule: Words, site: Site) -> Callable[[str, Scope], str | None]:
    """Return the function from a code to the agency's word; None after a reported problem."""
    spans, prefer, name = words_of(rule.codes), rule.prefer, rule.codes.name
    # Most lists have no dates: those need no day.
    timeless = {
        code: found[0].target
        for code, found in spans.items()
        if len(found) == 1 and found[0].valid_from is None and found[0].valid_to is None
    } | dict(prefer)

    def convert(text: str, scope: Scope) -> str | None:
        word = timeless.get(text)
        if word is not None:
            return word
        found = spans.get(text, ())
        words = words_on(found, scope.day()) if found else ()
        if len(words) == 1:
            return words[0]
        refusal = _ambiguous(name, text, words) if words else _unknown(text, found, rule)
        site.report(scope, refusal.code, refusal.text, for_integrator=refusal.for_integrator)
        return None

    return convert


def words_of(code_list: CodeList) -> Mapping[str, tuple[Span, ...]]:
    """Return the words of each code, and when they are in force; an empty word is none."""
    spans: dict[str, tuple[Span, ...]] = {}
    for entry in code_list.entries:
        if entry.target in ("", UNFINISHED):
            continue
        for word in filter(None, map(str.strip, entry.sources)):
            span = Span(entry.valid_from, entry.valid_to, word)
            spans[entry.target] = (*spans.get(entry.target, ()), span)
    return spans


def words_on(spans: Sequence[Span], day: date | None) -> tuple[str, ...]:
    """Return the words that are in force on `day`; None: on any day."""
    return tuple(dict.fromkeys(span.target for span in spans if day is None or span.covers(day)))


def _ambiguous(name: str, text: str, words: Sequence[str]) -> _Refusal:
    return _Refusal(
        "mapping.code_ambiguous",
        Text(
            vi=f"danh mục mã {name!r} có nhiều từ cho mã {quoted(text)}: {listed(words)}",
            en=f"code list {name!r} has several words for code {quoted(text)}: {listed(words)}",
        ),
        Text(
            vi=f'chọn một từ bằng `prefer: {{"{text[:20]}": {words[0]!r}}}`',
            en=f'choose one by `prefer: {{"{text[:20]}": {words[0]!r}}}`',
        ),
    )


def _unknown(text: str, spans: Sequence[Span], rule: Words) -> _Refusal:
    name = rule.codes.name
    vi = f"danh mục mã {name!r}" if name else "danh mục mã của cột này"
    en = f"code list {name!r}" if name else "the code list of this column"
    if spans:
        return _Refusal(
            "mapping.code_not_valid",
            Text(
                vi=f"{vi} không có từ nào đang có hiệu lực cho mã {quoted(text)}",
                en=f"{en} has no word in force for code {quoted(text)}",
            ),
            _ADD,
        )
    known = listed(dict.fromkeys((*words_of(rule.codes), *rule.prefer)))
    return _Refusal(
        "mapping.code_unknown",
        Text(
            vi=f"{vi} không có từ nào cho mã {quoted(text)}; các mã đã biết: {known}",
            en=f"{en} has no word for code {quoted(text)}; known are {known}",
        ),
        _ADD,
    )


_ADD = Text(
    vi="thêm từ của đơn vị vào danh mục mã, hoặc vào `prefer` của cột này",
    en="add the agency's word to the code list, or to `prefer` of this column",
)
