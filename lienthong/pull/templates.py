"""
Requests as the settings write them: texts with holes, {since} or {page}, that each call fills.

A value that is nothing but one hole keeps the type of what fills it; a value one of whose holes
has nothing to be filled with is left out altogether, as a first page's {cursor} is.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from lienthong.pull.marked import WrongPull

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_HOLE: Final = re.compile(r"\{(\w+)\}")
MISSING: Final = object()
"""A value that is left out."""


def holes_in(template: Any) -> set[str]:
    """Return the names of all holes of a template, however deep they are."""
    return {name for text in _texts(template) for name in _HOLE.findall(text)}


def _texts(template: Any) -> Iterator[str]:
    match template:
        case str():
            yield template
        case dict():
            for value in template.values():
                yield from _texts(value)
        case list() | tuple():
            for value in template:
                yield from _texts(value)
        case _:
            pass


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """Return a template with its holes filled, or MISSING."""
    match template:
        case str():
            return _fill_text(template, values)
        case dict():
            filled = {name: fill(value, values) for name, value in template.items()}
            return {name: value for name, value in filled.items() if value is not MISSING}
        case list() | tuple():
            items = [fill(value, values) for value in template]
            return [item for item in items if item is not MISSING]
        case _:
            return template


def fill_address(template: str, values: Mapping[str, Any]) -> str:
    """Return an address with its holes filled; what fills them cannot change its structure."""
    return _HOLE.sub(lambda hole: quote(str(values.get(hole[1], "")), safe=""), template)


def _fill_text(template: str, values: Mapping[str, Any]) -> Any:
    names = _HOLE.findall(template)
    if any(values.get(name) is None for name in names):
        return MISSING
    if len(names) == 1 and template == f"{{{names[0]}}}":
        return values[names[0]]
    return _HOLE.sub(lambda hole: str(values[hole[1]]), template)


def check_holes(template: Any, *, where: str, known: Collection[str]) -> None:
    """Refuse holes that nothing fills. Raises WrongPull."""
    for name in sorted(holes_in(template) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"{{{near[0]}}}" if near else ", ".join(f"{{{each}}}" for each in sorted(known))
        raise WrongPull(
            vi=f"{where} có {{{name}}} mà không có gì để điền; có phải {meant}?",
            en=f"{where} has {{{name}}}, which nothing fills; did you mean {meant}?",
        )
