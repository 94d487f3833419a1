"""Making groups run: several fields at once, and repeated groups from lists, items or parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from mappings.compiling import make_rule, report_missing
from mappings.conditions import make_test
from mappings.language import EachGroup, FieldRule, FixedGroup, Path
from mappings.scope import Site, make_finder, make_text_reader, report_obstacle, shown
from mappings.values import as_items, is_present, make_obstacle_finder
from mappings.walking import item_paths
from mappings.watching import UNWATCHED
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.record import Value
    from mappings.language import Condition, GroupRule, ItemRule, SplitGroup
    from mappings.scope import Scope
    from mappings.watching import Watch
    from schemas.model import Field, Group

    Built: TypeAlias = dict[str, "str | list[Built]"]
    BuildFields: TypeAlias = Callable[[Scope], Built]
    BuildItems: TypeAlias = Callable[[Scope], list[Built]]


def make_fields(
    rules: Mapping[str, FieldRule | GroupRule], *, group: Group, watch: Watch = UNWATCHED
) -> BuildFields:
    """Return the function of several fields; what has no value is left out."""
    constants: dict[str, str] = {}
    plain: dict[str, FieldRule] = {}
    others: list[tuple[str, Callable[[Scope], str | list[Built] | None]]] = []
    for name, rule in rules.items():
        field = group.fields[name]
        if isinstance(rule, FieldRule):
            constant = _plain_constant(rule)
            if constant is not None:
                constants[name] = constant
                plain[name] = rule
            else:
                others.append((name, make_rule(rule, name=name, field=field, watch=watch)))
        else:
            build_items = _make_group(rule, name=name, field=field, watch=watch)
            others.append((name, watch.group(build_items, name=name, rule=rule)))
    functions = tuple(others)

    def build(scope: Scope) -> Built:
        values: Built = dict(constants)
        for name, function in functions:
            value = function(scope)
            if value:
                values[name] = value
        return values

    return watch.constants(build, rules=plain)


def _plain_constant(rule: FieldRule) -> str | None:
    is_plain = not (rule.text or rule.date or rule.number or rule.kind or rule.codes or rule.lookup)
    return rule.constant if is_plain and rule.when is None else None


def _make_group(rule: GroupRule, *, name: str, field: Field, watch: Watch) -> BuildItems:
    assert field.group is not None
    build = _make_items(rule, name=name, group=field.group, watch=watch)
    if not field.required:
        return build
    site = Site(name, () if isinstance(rule, FixedGroup) else (rule.path,))

    def build_some(scope: Scope) -> list[Built]:
        count = len(scope.problems)
        items = build(scope)
        if not items and len(scope.problems) == count:
            report_missing(site, scope, name)
        return items

    return build_some


def _make_items(rule: GroupRule, *, name: str, group: Group, watch: Watch) -> BuildItems:
    if isinstance(rule, FixedGroup):
        return _fixed(rule, name=name, group=group, watch=watch)
    build = make_item(rule.item, group=group, watch=watch)
    scopes = _scopes(rule, name)

    def build_all(scope: Scope) -> list[Built]:
        return [item for inner in scopes(scope) if (item := build(inner))]

    return build_all


def _scopes(rule: EachGroup | SplitGroup, name: str) -> Callable[[Scope], Iterator[Scope]]:
    if isinstance(rule, EachGroup):
        return each_scope(rule.path, name, rule.item)
    return _parts(rule, name)


def make_item(
    rule: ItemRule, *, group: Group, watch: Watch = UNWATCHED
) -> Callable[[Scope], Built | None]:
    """Return the function of one item; None when its condition says so."""
    build = make_fields(rule.fields, group=group, watch=watch)
    return _conditional(build, rule.when)


def _conditional(build: BuildFields, when: Condition | None) -> Callable[[Scope], Built | None]:
    if when is None:
        return build
    test = make_test(when)
    return lambda scope: build(scope) if test(scope) else None


def each_scope(path: Path, name: str, item: ItemRule) -> Callable[[Scope], Iterator[Scope]]:
    """
    Return a function to the scopes of a list's entries; a single object is a list of one.

    An entry that is no object, where `item` reads keys of one, is a problem: all of it would be
    left out.
    """
    find = make_finder(path)
    find_obstacle = make_obstacle_finder(path.text)
    keys = {inner.text for inner in item_paths(item)}
    needs_object = bool(keys) and "value" not in keys

    def scopes(scope: Scope) -> Iterator[Scope]:
        start = scope.root if path.is_rooted else scope.item
        value = find(start)
        outer = "" if path.is_rooted or not scope.base else f"{scope.base}."
        if value is None and (obstacle := find_obstacle(start)) is not None:
            report_obstacle(scope, path, *obstacle, name=name)
            return
        entries = as_items(value)
        is_list = entries is value
        for number, entry in enumerate(entries):
            if not is_present(entry):
                continue
            base = f"{outer}{path.text}[{number}]" if is_list else f"{outer}{path.text}"
            field = f"{scope.field}{name}[{number + 1}]." if name else scope.field
            if isinstance(entry, Mapping):
                yield scope.inside(entry, base=base, field=field)
            elif needs_object:
                _report_no_object(scope, entry, base=base, field=field.rstrip("."))
            else:
                yield scope.inside({"value": entry}, base=base, field=field, is_leaf=True)

    return scopes


def _report_no_object(scope: Scope, entry: Value, *, base: str, field: str) -> None:
    scope.problems.append(
        Problem(
            code="mapping.not_an_object",
            message=Text(
                vi="phần tử của danh sách là một giá trị đơn, trong khi ánh xạ đọc các khóa của nó",
                en="the entry of the list is a single value, and the mapping reads keys of it",
            ),
            place=scope.record.place_of(base),
            field=field or None,
            value=shown(entry),
            suggestion=Text(vi="sửa tại nguồn", en="mend it at the source"),
            for_integrator=Text(
                vi="nếu đơn vị gửi giá trị đơn, ánh xạ đọc nó bằng `value`",
                en="if plain values are right, read them as `value`",
            ),
        )
    )


def _parts(rule: SplitGroup, name: str) -> Callable[[Scope], Iterator[Scope]]:
    read = make_text_reader(rule.path, Site(name, (rule.path,)))

    def scopes(scope: Scope) -> Iterator[Scope]:
        text = read(scope)
        if not text:
            return
        outer = "" if rule.path.is_rooted or not scope.base else f"{scope.base}."
        parts = (part.strip() for part in text.split(rule.separator))
        for number, part in enumerate((part for part in parts if part), start=1):
            yield scope.inside(
                {"value": part},
                base=f"{outer}{rule.path.text}",
                field=f"{scope.field}{name}[{number}].",
                is_leaf=True,
            )

    return scopes


def _fixed(rule: FixedGroup, *, name: str, group: Group, watch: Watch) -> BuildItems:
    builders = tuple(make_item(item, group=group, watch=watch) for item in rule.items)

    def build_all(scope: Scope) -> list[Built]:
        items: list[Built] = []
        for number, build in enumerate(builders, start=1):
            item = build(_fixed_scope(scope, name, number))
            if item:
                items.append(item)
        return items

    return build_all


def _fixed_scope(scope: Scope, name: str, number: int) -> Scope:
    return scope.inside(
        scope.item,
        base=scope.base,
        field=f"{scope.field}{name}[{number}].",
        is_leaf=scope.is_leaf,
    )


def make_item_scopes(
    rule: GroupRule, *, name: str
) -> tuple[Callable[[Scope], Iterator[Scope]], ...]:
    """Return, for each item rule of a group, a function to the scopes of its items."""
    if isinstance(rule, FixedGroup):
        return tuple(
            partial(_one_scope, name=name, number=number)
            for number, _ in enumerate(rule.items, start=1)
        )
    return (_scopes(rule, name),)


def _one_scope(scope: Scope, *, name: str, number: int) -> Iterator[Scope]:
    yield _fixed_scope(scope, name, number)


def item_scopes(rule: GroupRule, scope: Scope, *, name: str) -> Iterator[tuple[ItemRule, Scope]]:
    """Yield the rule and the scope of every item that a group may have, built or not."""
    if isinstance(rule, FixedGroup):
        for number, item in enumerate(rule.items, start=1):
            yield item, _fixed_scope(scope, name, number)
        return
    scopes = _scopes(rule, name)
    for inner in scopes(scope):
        yield rule.item, inner
