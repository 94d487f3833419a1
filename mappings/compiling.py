"""
Making field rules run: each becomes one function from a scope to a text.

"" means nothing there; None means that a problem was reported, so that nobody reports the same
cell again as missing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from mappings.conditions import make_test
from mappings.conversions import make_conversion, make_lookup, report_implausible
from mappings.dates import DateImplausible, format_moment
from mappings.deadlines import with_deadline
from mappings.judging import make_judge, quoted
from mappings.language import FieldRule, Path
from mappings.scope import Site, make_finder, make_text_reader
from mappings.texts import TextNoMatch, TextTooLong, make_text_rule, too_long_for_regex
from mappings.values import as_text, is_present
from mappings.watching import UNWATCHED
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mappings.judging import Judge, Refusal
    from mappings.language import Template, TextRule
    from mappings.scope import Scope
    from mappings.watching import Watch
    from schemas.model import Field
    from schemas.problem import Place

    Read: TypeAlias = Callable[[Scope], str | None]
    Step: TypeAlias = Callable[[str, Scope], str | None]


def make_rule(rule: FieldRule, *, name: str, field: Field | None, watch: Watch = UNWATCHED) -> Read:
    """Return the function of one field; `field` None is neither judged nor missed."""
    site = Site(name, paths_of(rule), watch=watch)
    run = _first(rule, name, field, watch) if rule.first else _value(rule, site, field)
    is_joined = rule.template is not None or bool(rule.first)
    if field is not None and field.required:
        run = _mandatory(_with_condition(rule, run), name, site, is_joined=is_joined)
    elif rule.required:
        # Not of a record that its condition leaves out.
        run = _with_condition(rule, _mandatory(run, name, site, is_joined=is_joined))
    else:
        run = _with_condition(rule, run)
    return watch.field(run, name=name, rule=rule)


def _value(rule: FieldRule, site: Site, field: Field | None) -> Read:
    """Return the function of a rule with one source, whatever its condition says."""
    watch = site.watch
    run = _pipeline(rule, site)
    if rule.date is not None and rule.sources:
        run = watch.date_cells(_with_date_cells(rule, run, site), rule=rule)
    if rule.date is not None and rule.date.working_days is not None:
        run = watch.deadline(with_deadline(run, rule.date, site), rule=rule)
    if rule.default:
        run = _with_default(run, rule.default)
    # What a date rule or a code list yields was judged when the file was loaded.
    is_open = rule.date is None and rule.codes is None and (rule.constant is None or rule.text)
    return _judged(run, make_judge(field), site) if field is not None and is_open else run


def _first(rule: FieldRule, name: str, field: Field | None, watch: Watch) -> Read:
    """Return the function of alternatives; each has its own paths, so its problems name them."""
    runs = tuple(
        watch.alternative(
            _with_condition(way, _value(way, Site(name, paths_of(way), watch=watch), field)),
            rule=way,
            number=number,
        )
        for number, way in enumerate(rule.first, start=1)
    )
    run = _first_of(runs)
    return _with_default(run, rule.default) if rule.default else run


def _first_of(reads: Sequence[Read]) -> Read:
    def run(scope: Scope) -> str | None:
        for read in reads:
            text = read(scope)
            # What was refused is no reason to try the next one.
            if text is None or text:
                return text
        return ""

    return run


def paths_of(rule: FieldRule) -> tuple[Path, ...]:
    """Return the paths that a field is made of, the one to name first."""
    if rule.first:
        return tuple(dict.fromkeys(path for way in rule.first for path in paths_of(way)))
    paths = rule.sources or (rule.template.paths if rule.template is not None else ())
    if rule.lookup is not None and rule.lookup.key is not None:
        return (rule.lookup.key, *paths)
    return paths


def _pipeline(rule: FieldRule, site: Site) -> Read:
    read = _source(rule, site)
    steps = tuple(_text_step(text_rule, site) for text_rule in rule.text)
    convert = _conversion(rule, site)
    takes_nothing = rule.codes is not None and any(
        not source.strip() for entry in rule.codes.entries for source in entry.sources
    )
    if not steps and convert is None:
        return read

    def run(scope: Scope) -> str | None:
        text = read(scope)
        for step in steps:
            if not text:
                break
            text = step(text, scope)
        if text is None or convert is None or not (text or takes_nothing):
            return text
        return convert(text, scope)

    return run


def _conversion(rule: FieldRule, site: Site) -> Step | None:
    if rule.kind is not None and rule.lookup is not None:
        return _chained(
            _conversion(replace(rule, lookup=None), site),
            _conversion(replace(rule, kind=None), site),
        )
    convert = make_conversion(rule, site)
    return None if convert is None else site.watch.conversion(convert, rule=rule)


def _chained(one: Step | None, other: Step | None) -> Step:
    assert one is not None
    assert other is not None

    def convert(text: str, scope: Scope) -> str | None:
        before = len(scope.problems)
        between = one(text, scope)
        if not between:
            return between
        warned = len(scope.problems)
        found = other(between, scope)
        if found is None:
            # A warning of its kind says that the value goes on, which it does not.
            del scope.problems[before:warned]
        return found

    return convert


def _source(rule: FieldRule, site: Site) -> Read:
    if rule.constant is not None:
        constant = rule.constant
        return site.watch.source(lambda _: constant, origin=constant)
    if rule.template is not None:
        return make_template(rule.template, site)
    if not rule.sources:
        assert rule.lookup is not None
        assert rule.lookup.key is not None
        find = site.watch.conversion(make_lookup(rule.lookup, site), rule=rule)
        return _looked_up(make_text_reader(rule.lookup.key, site), find)
    is_alone = len(rule.sources) == 1
    readers = tuple(make_text_reader(path, site, is_alone=is_alone) for path in rule.sources)
    return readers[0] if is_alone else _first_of(readers)


def _looked_up(read: Read, find: Step) -> Read:
    def run(scope: Scope) -> str | None:
        key = read(scope)
        return find(key, scope) if key else key

    return run


def make_template(template: Template, site: Site) -> Read:
    """Return the function of a template; an empty part makes the whole empty."""
    parts: Sequence[str | Read] = tuple(
        make_text_reader(part, site) if isinstance(part, Path) else part for part in template.parts
    )

    def run(scope: Scope) -> str | None:
        texts = []
        for part in parts:
            text = part if isinstance(part, str) else part(scope)
            if not text:
                return text
            texts.append(text)
        return "".join(texts).strip()

    return site.watch.source(run, origin=template)


def _text_step(rule: TextRule, site: Site) -> Step:
    apply = make_text_rule(rule)

    def step(text: str, scope: Scope) -> str | None:
        try:
            # A rule may cut in the middle of a space or compose letters anew.
            return as_text(apply(text))
        except TextNoMatch:
            site.report(
                scope, "mapping.text_no_match", _no_match(text), for_integrator=_no_match_of(rule)
            )
        except TextTooLong:
            site.report(scope, "mapping.too_long", too_long_for_regex(text))
        return None

    return site.watch.text(step, rule=rule)


def _with_date_cells(rule: FieldRule, run: Read, site: Site) -> Read:
    """Take workbook date cells as they are; text goes the ordinary way."""
    finders = tuple((make_finder(path), path.is_rooted) for path in rule.sources)

    def convert(scope: Scope) -> str | None:
        for find, is_rooted in finders:
            value = find(scope.root if is_rooted else scope.item)
            if isinstance(value, datetime):
                try:
                    return format_moment(value)
                except DateImplausible:
                    report_implausible(site, scope, as_text(value))
                    return None
            if is_present(value):
                break
        return run(scope)

    return convert


def _with_default(run: Read, default: str) -> Read:
    def convert(scope: Scope) -> str | None:
        text = run(scope)
        return default if text == "" else text

    return convert


def _with_condition(rule: FieldRule, run: Read) -> Read:
    if rule.when is None:
        return run
    test = make_test(rule.when)
    return lambda scope: run(scope) if test(scope) else ""


def _judged(run: Read, judge: Judge, site: Site) -> Read:
    def convert(scope: Scope) -> str | None:
        before = len(scope.problems)
        text = run(scope)
        if text:
            refusal = judge(text)
            if refusal is not None:
                # A warning of its kind says that the value goes on, which it does not.
                del scope.problems[before:]
                _report(refusal, scope, site)
                return None
        return text

    return convert


def _report(refusal: Refusal, scope: Scope, site: Site) -> None:
    site.report(
        scope,
        refusal.code,
        refusal.text,
        suggestion=refusal.suggestion,
        for_integrator=refusal.for_integrator,
    )


def _mandatory(run: Read, name: str, site: Site, *, is_joined: bool) -> Read:
    def convert(scope: Scope) -> str | None:
        text = run(scope)
        if text == "":
            # Of several parts the empty one is meant, not the first that holds something.
            place = site.empty_place(scope) if is_joined else None
            report_missing(site, scope, name, place=place)
        return text

    return convert


def report_missing(site: Site, scope: Scope, name: str, *, place: Place | None = None) -> None:
    """Say that a mandatory field has nothing to stand in it, at `place` or where it comes from."""
    paths = site.names()
    site.report(
        scope,
        "mapping.field_missing",
        Text(
            vi=f"trường bắt buộc {name} trống" + (f"; lấy từ {paths}" if paths else ""),
            en=f"mandatory field {name} is empty" + (f"; it comes from {paths}" if paths else ""),
        ),
        suggestion=Text(vi="điền giá trị tại nguồn", en="fill it at the source"),
        for_integrator=Text(
            vi="hoặc đặt `default` nếu đơn vị cho phép",
            en="or give a `default` if the agency allows it",
        ),
        place=place,
    )


def _no_match(text: str) -> Text:
    return Text(
        vi=f"{quoted(text)} không có dạng mà trường này cần",
        en=f"{quoted(text)} does not have the form that this field needs",
    )


def _no_match_of(rule: TextRule) -> Text:
    pattern = rule.pattern.text if rule.pattern is not None else ""
    return Text(
        vi=f"`extract` {pattern!r} không tìm thấy gì: sửa biểu thức nếu giá trị đúng",
        en=f"`extract` {pattern!r} finds nothing: mend the expression if the value is right",
    )
