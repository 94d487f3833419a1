"""
Records that are not for the portal: which they are, and which condition says so.

A record that is left out leaves no other trace than that it is counted. So here, unlike in `when`,
what a condition cannot read is an error of the record, and never takes either side in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mappings.conditions import make_test
from mappings.language import AnyOf, Every, Matches, Not, OneOf, Present
from mappings.regexes import MAX_REGEX_INPUT
from mappings.scope import (
    Site,
    make_finder,
    report_not_a_value,
    report_obstacle,
    shown,
)
from mappings.texts import too_long_for_regex
from mappings.values import NotAValue, as_text, make_obstacle_finder
from mappings.walking import condition_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mappings.conditions import Test
    from mappings.language import Condition, LeaveOut, Path
    from mappings.scope import Scope
    from schemas.problem import Place

    Check = Callable[[Scope], None]

_KEY = "leave_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a condition found at one of its paths."""

    path: str
    place: Place
    value: str | None
    """None: a list or an object; "" nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One condition for which a record was left out."""

    line: int
    """Of `leave_out` in the mapping file."""
    condition: str
    """As the language writes it."""
    seen: tuple[Seen, ...]


def make_leaver(rule: LeaveOut | None) -> Test:
    """
    Return a function that says whether a record is left out.

    What the condition cannot read is reported, and the record is not left out then.
    """
    if rule is None:
        return lambda _: False
    test = make_test(rule.condition)
    checks = tuple(_checks(rule.condition))

    def leaves_out(scope: Scope) -> bool:
        count = len(scope.problems)
        for check in checks:
            check(scope)
        return len(scope.problems) == count and test(scope)

    return leaves_out


def make_grounds(rule: LeaveOut | None) -> Callable[[Scope], tuple[Ground, ...]]:
    """Return a function to the conditions that hold; of `any`, those parts that do."""
    if rule is None:
        return lambda _: ()
    told = [(part, make_test(part)) for part in _alternatives(rule.condition)]

    def grounds(scope: Scope) -> tuple[Ground, ...]:
        return tuple(
            Ground(
                line=rule.line,
                condition=written(part),
                seen=tuple(_seen(path, scope) for path in condition_paths(part)),
            )
            for part, holds in told
            if holds(scope)
        )

    return grounds


def written(condition: Condition) -> str:
    """Return a condition as the language writes it, in one line."""
    match condition:
        case Present(path=path, wanted=wanted):
            return f"{{path: {_path(path)}, present: {'true' if wanted else 'false'}}}"
        case OneOf(path=path, values=values) if len(values) == 1:
            return f"{{path: {_path(path)}, equals: {next(iter(values))}}}"
        case OneOf(path=path, values=values):
            return f"{{path: {_path(path)}, in: [{', '.join(sorted(values))}]}}"
        case Matches(path=path, pattern=pattern):
            return f"{{path: {_path(path)}, matches: '{pattern.text}'}}"
        case Every(parts=parts):
            return f"{{all: [{', '.join(map(written, parts))}]}}"
        case AnyOf(parts=parts):
            return f"{{any: [{', '.join(map(written, parts))}]}}"
        case Not(part=part):
            return f"{{not: {written(part)}}}"


def _path(path: Path) -> str:
    return f"/{path.text}" if path.is_rooted else path.text


def _alternatives(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, AnyOf):
        for part in condition.parts:
            yield from _alternatives(part)
    else:
        yield condition


def _seen(path: Path, scope: Scope) -> Seen:
    value = make_finder(path)(scope.item)
    return Seen(path=path.text, place=scope.place_of(path), value=shown(value))


def _checks(condition: Condition) -> Iterator[Check]:
    """Yield one check for each path, however often it is looked at."""
    tests = list(_tests(condition))
    for path in dict.fromkeys(test.path for test in tests):
        of_path = [test for test in tests if test.path == path]
        if all(isinstance(test, Present) for test in of_path):
            yield _check_way(path)
        else:
            yield _check_text(path, is_searched=any(isinstance(t, Matches) for t in of_path))


def _tests(condition: Condition) -> Iterator[Present | OneOf | Matches]:
    match condition:
        case Every(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from _tests(part)
        case Not(part=part):
            yield from _tests(part)
        case _:
            yield condition


def _check_way(path: Path) -> Check:
    find = make_obstacle_finder(path.text)

    def check(scope: Scope) -> None:
        obstacle = find(scope.item)
        if obstacle is not None:
            report_obstacle(scope, path, *obstacle, name=_KEY)

    return check


def _check_text(path: Path, *, is_searched: bool) -> Check:
    check_way, find, site = _check_way(path), make_finder(path), Site(_KEY, (path,))

    def check(scope: Scope) -> None:
        value = find(scope.item)
        if value is None:
            check_way(scope)
            return
        try:
            text = as_text(value)
        except NotAValue:
            report_not_a_value(site, scope, path)
            return
        if is_searched and len(text) > MAX_REGEX_INPUT:
            site.report(scope, "mapping.too_long", too_long_for_regex(text))

    return check
