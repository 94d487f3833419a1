"""
Findings as they are shown to who may see states and codes: every value by its form alone.

A finding's sentence may quote the agency's value, or another one beside it, so whatever is quoted
in it is masked, unless it is a name of the portal's or of the agency's table.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lienthong.differences import shape_of
from lienthong.operations.views import Finding, WherePlace, Words
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from schemas.problem import Place, Problem

_QUOTED = re.compile(r"'([^'\n]*)'|«([^»\n]*)»|\"([^\"\n]*)\"|“([^”\n]*)”")
_ESCAPED = re.compile(r"(\\x[0-9a-f]{2}|\\u[0-9a-f]{4})")
"""A character that is not shown as itself."""
_PATTERN = re.compile(r"[dMyHms/.: -]+")
"""Of a date, as sentences say what was expected."""
_LIST_NAME = re.compile(r"(?:danh mục mã|code list) '\w+'")
"""At the beginning of a sentence: the mapping's word."""
_KNOWN = re.compile(r".*; (?:(?:các mã )?đã biết: |known are )", re.DOTALL)
"""Up to where a sentence lists, as its end, what the mapping knows: the last time it says so."""


def words_of(text: Text) -> Words:
    """Return a sentence as it is."""
    return Words(vi=text.vi, en=text.en)


def place_of(place: Place) -> WherePlace:
    """Return a place."""
    return WherePlace(
        file=place.file,
        sheet=place.sheet,
        row=place.row,
        column=place.column,
        line=place.line,
        path=place.path,
    )


def masked(problem: Problem) -> Problem:
    """Return a problem whose sentences quote nothing."""
    mask = _masker(problem)
    suggestion = problem.suggestion
    return replace(
        problem,
        message=Text(**mask(problem.message).model_dump()),
        suggestion=None if suggestion is None else Text(**mask(suggestion).model_dump()),
        value=None if problem.value is None else shape_of(problem.value),
    )


def finding_of(problem: Problem, *, is_revealed: bool = False) -> Finding:
    """Return a finding, its values masked unless they are revealed."""
    say = words_of if is_revealed else _masker(problem)
    value = problem.value
    return Finding(
        code=problem.code,
        severity=problem.severity,
        message=say(problem.message),
        suggestion=None if problem.suggestion is None else say(problem.suggestion),
        field=problem.field,
        value=value if value is None or is_revealed else shape_of(value),
        place=place_of(problem.place),
    )


def _masker(problem: Problem) -> Callable[[Text], Words]:
    names = {problem.field, problem.place.column, problem.place.sheet, problem.place.path}
    value = problem.value

    def say(text: Text) -> Words:
        is_proposal = text is problem.suggestion
        if value:
            text = Text(*(said.replace(value, shape_of(value)) for said in text))
        if problem.code == "mapping.code_unknown":
            # What is proposed is a word of the mapping's list.
            return words_of(text) if is_proposal else _hide_but_list(text, names)
        return hide_quoted(text, but=names)

    return say


def _hide_but_list(text: Text, names: Collection[str | None]) -> Words:
    """Return the sentence with the name of the mapping's list and what it knows left readable."""

    def ends(said: str) -> tuple[int, int]:
        name, known = _LIST_NAME.match(said), _KNOWN.match(said)
        first = 0 if name is None else name.end()
        return first, len(said) if known is None else max(known.end(), first)

    (vi_from, vi_to), (en_from, en_to) = map(ends, text)
    hidden = hide_quoted(Text(vi=text.vi[vi_from:vi_to], en=text.en[en_from:en_to]), but=names)
    return Words(
        vi=text.vi[:vi_from] + hidden.vi + text.vi[vi_to:],
        en=text.en[:en_from] + hidden.en + text.en[en_to:],
    )


def hide_quoted(text: Text, *, but: Collection[str | None] = ()) -> Words:
    """Return a sentence in which what is quoted is masked, except what is in `but`."""

    def hide(found: re.Match[str]) -> str:
        quoted = next(part for part in found.groups() if part is not None)
        if quoted in but or _PATTERN.fullmatch(quoted):
            return found[0]
        shape = "".join(
            part if _ESCAPED.fullmatch(part) else shape_of(part) for part in _ESCAPED.split(quoted)
        )
        return found[0][0] + shape + found[0][-1]

    return Words(vi=_QUOTED.sub(hide, text.vi), en=_QUOTED.sub(hide, text.en))
