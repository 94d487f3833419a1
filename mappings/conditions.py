"""Making conditions run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.language import AnyOf, Every, Matches, Not, OneOf, Present
from mappings.regexes import MAX_REGEX_INPUT
from mappings.scope import Site, make_finder
from mappings.texts import too_long_for_regex
from mappings.values import NotAValue, as_text, is_present

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from mappings.language import Condition, Path
    from mappings.regexes import Regex
    from mappings.scope import Scope

    Test: TypeAlias = Callable[[Scope], bool]


def make_test(condition: Condition) -> Test:
    """Return the function of a condition; a list or object has no text and equals nothing."""
    match condition:
        case Present(path=path, wanted=wanted):
            find, is_rooted = make_finder(path), path.is_rooted
            return lambda scope: is_present(find(scope.root if is_rooted else scope.item)) is wanted
        case OneOf(path=path, values=values):
            read_one = _reader(path)
            wanted_texts = frozenset(as_text(value) for value in values)
            return lambda scope: read_one(scope) in wanted_texts
        case Matches(path=path, pattern=pattern):
            return _matching(path, pattern)
        case Every(parts=parts):
            every = tuple(make_test(part) for part in parts)
            return lambda scope: all(test(scope) for test in every)
        case AnyOf(parts=parts):
            some = tuple(make_test(part) for part in parts)
            return lambda scope: any(test(scope) for test in some)
        case Not(part=part):
            test = make_test(part)
            return lambda scope: not test(scope)


def _matching(path: Path, pattern: Regex) -> Test:
    read, is_in, site = _reader(path), pattern.is_in, Site("", (path,))

    def test(scope: Scope) -> bool:
        text = read(scope) or ""
        if len(text) > MAX_REGEX_INPUT:
            # What stands behind the limit might decide otherwise: nobody knows what is true.
            site.report(scope, "mapping.too_long", too_long_for_regex(text))
            return False
        return is_in(text)

    return test


def _reader(path: Path) -> Callable[[Scope], str | None]:
    find, is_rooted = make_finder(path), path.is_rooted

    def read(scope: Scope) -> str | None:
        try:
            return as_text(find(scope.root if is_rooted else scope.item))
        except NotAValue:
            return None

    return read
