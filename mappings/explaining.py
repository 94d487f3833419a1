"""Taking notes while the rules of a mapping run: the explaining variant of a converter."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from mappings.converter import Converter
from mappings.language import DOSSIER, Path, Template
from mappings.leaving import make_grounds
from mappings.lineage import (
    Explanation,
    FieldLineage,
    GroupLineage,
    ItemLineage,
    PacketLineage,
    Step,
    StepKind,
    problems_in,
)
from mappings.scope import Scope, make_finder
from mappings.source_leaves import leaves_of
from mappings.source_paths import source_paths_of
from mappings.step_words import (
    CONSTANT,
    DATE_CELL,
    DEFAULT,
    NOT_MET,
    WORKING_DAYS,
    conversion_kind,
    describe_alternative,
    describe_path,
    describe_template,
    describe_text_rule,
    make_conversion_words,
)
from mappings.values import is_present
from mappings.watching import Watch
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from adapters import SourceRecord
    from mappings.language import FieldRule, GroupRule, MappingFile, TextRule
    from mappings.lineage import Lineage
    from mappings.watching import Convert, Read
    from schemas.model import Field, Group

T = TypeVar("T")
UNKNOWN = Text(vi="", en="")
"""Until the fields are put in order, which asks the schema."""


def explain_mapping(file: MappingFile) -> Explainer:
    """Return the explaining variant of a mapping's converter."""
    return Explainer(file)


class Explainer:
    """A mapping compiled a second time, with somebody looking on; its values are the same."""

    def __init__(self, file: MappingFile) -> None:
        self._converter = Converter(file, watch=Tracing())
        self._groups = file.schema.packets
        self._paths = source_paths_of(file)
        self._grounds = make_grounds(file.leave_out)

    def explain(self, record: SourceRecord) -> Explanation:
        """Convert one record and tell where each value comes from."""
        scope = TracedScope(record, find_day=self._converter.find_day)
        conversion = self._converter.convert_in(scope)
        packets = tuple(
            PacketLineage(
                name=packet.name,
                is_left_out=packet.is_left_out,
                fields=_in_order(packet.fields, self._groups[packet.name]),
            )
            # Rows are told after their dossier, also where it could not be built.
            for packet in sorted(scope.packets, key=lambda packet: packet.name != DOSSIER)
        )
        told = {id(problem) for packet in packets for problem in problems_in(packet.fields)}
        return Explanation(
            record=record,
            conversion=conversion,
            packets=packets,
            problems=tuple(p for p in conversion.problems if id(p) not in told),
            source=leaves_of(record, used=self._paths),
            left_out=self._grounds(scope) if conversion.is_left_out else (),
        )


@dataclass(slots=True, kw_only=True)
class _Noted:
    """A packet as it was noted."""

    name: str
    is_left_out: bool
    fields: list[Lineage]


class TracedScope(Scope):
    """A scope that things can be noted in."""

    __slots__ = ("children", "fields", "packets", "steps")

    def __init__(self, record: SourceRecord, *, find_day: Any) -> None:
        super().__init__(record, find_day=find_day)
        self.steps: list[Step] = []
        """Of the field that runs now."""
        self.fields: list[Lineage] = []
        self.children: list[TracedScope] = []
        """The items of the group that runs now."""
        self.packets: list[_Noted] = []
        """Of the record; noted in the outermost scope."""

    def inside(self, item: Any, *, base: str, field: str, is_leaf: bool = False) -> Scope:
        inner = super().inside(item, base=base, field=field, is_leaf=is_leaf)
        assert isinstance(inner, TracedScope)
        self.children.append(inner)
        return inner

    def note(self, step: Step) -> None:
        self.steps.append(step)

    def note_packet(self, packet: _Noted) -> None:
        outermost = self.outer or self
        assert isinstance(outermost, TracedScope)
        outermost.packets.append(packet)


class Tracing(Watch):
    """Puts a note-taker around every part; what a part returns is returned as it is."""

    def field(self, run: Read, *, name: str, rule: FieldRule) -> Read:
        def traced(scope: TracedScope) -> str | None:
            scope.steps = []
            count = len(scope.problems)
            value = run(scope)
            scope.fields.append(
                FieldLineage(
                    name=name,
                    about=UNKNOWN,
                    field=f"{scope.field}{name}",
                    line=rule.line,
                    value=value or None,
                    steps=_completed(scope.steps, rule, value),
                    problems=tuple(scope.problems[count:]),
                )
            )
            return value

        return traced

    def constants(
        self, build: Callable[[Any], T], *, rules: Mapping[str, FieldRule]
    ) -> Callable[[Any], T]:
        if not rules:
            return build

        def traced(scope: TracedScope) -> T:
            scope.fields.extend(_constant(scope, name, rule) for name, rule in rules.items())
            return build(scope)

        return traced

    def group(self, build: Callable[[Any], T], *, name: str, rule: GroupRule) -> Callable[[Any], T]:
        def traced(scope: TracedScope) -> T:
            scope.children = []
            count = len(scope.problems)
            built = build(scope)
            items = tuple(_item(child) for child in scope.children)
            told = {id(p) for item in items for p in problems_in(item.fields)}
            scope.fields.append(
                GroupLineage(
                    name=name,
                    about=UNKNOWN,
                    field=f"{scope.field}{name}",
                    line=rule.line,
                    items=items,
                    problems=tuple(p for p in scope.problems[count:] if id(p) not in told),
                )
            )
            return built

        return traced

    def packet(self, build: Callable[[Any], T], *, name: str) -> Callable[[Any], T]:
        def traced(scope: TracedScope) -> T:
            # A record that is its own progress row is built twice in the same scope.
            before, scope.fields = scope.fields, []
            built = build(scope)
            noted = _Noted(name=name, is_left_out=built is None, fields=scope.fields)
            scope.fields = before
            scope.note_packet(noted)
            return built

        return traced

    def source(self, read: Read, *, origin: Path | Template | str) -> Read:
        def traced(scope: TracedScope) -> str | None:
            text = read(scope)
            scope.note(_origin(scope, origin, text))
            return text

        return traced

    def alternative(self, run: Read, *, rule: FieldRule, number: int) -> Read:
        words = describe_alternative(number)

        def traced(scope: TracedScope) -> str | None:
            before, scope.steps = scope.steps, []
            value = run(scope)
            tried = _last(StepKind.ALTERNATIVE, rule, value, words)
            scope.steps = [*before, tried, *_completed(scope.steps, rule, value)]
            return value

        return traced

    def date_cells(self, run: Read, *, rule: FieldRule) -> Read:
        finders = tuple((path, make_finder(path)) for path in rule.sources)

        def traced(scope: TracedScope) -> str | None:
            value = run(scope)
            if not scope.steps:
                # No text was read, so the first path that holds something is a date cell.
                found = next(
                    path
                    for path, find in finders
                    if is_present(find(scope.root if path.is_rooted else scope.item))
                )
                scope.note(
                    Step(
                        kind=StepKind.DATE_CELL,
                        line=rule.line,
                        before=None,
                        after=value,
                        words=DATE_CELL,
                        path=found.text,
                        whole_path=scope.whole(found),
                        place=scope.place_of(found),
                    )
                )
            return value

        return traced

    def deadline(self, run: Read, *, rule: FieldRule) -> Read:
        def traced(scope: TracedScope) -> str | None:
            value = run(scope)
            # Without a date nothing was counted.
            if value != "" and scope.steps[-1].after is not None:
                scope.note(_last(StepKind.WORKING_DAYS, rule, value, WORKING_DAYS))
            return value

        return traced

    def text(self, step: Convert, *, rule: TextRule) -> Convert:
        words = describe_text_rule(rule)

        def traced(text: str, scope: TracedScope) -> str | None:
            after = step(text, scope)
            scope.note(
                Step(kind=StepKind.TEXT, line=rule.line, before=text, after=after, words=words)
            )
            return after

        return traced

    def conversion(self, convert: Convert, *, rule: FieldRule) -> Convert:
        kind, describe = conversion_kind(rule), make_conversion_words(rule)

        def traced(text: str, scope: TracedScope) -> str | None:
            after = convert(text, scope)
            line, words = describe(text, after, scope)
            scope.note(Step(kind=kind, line=line, before=text, after=after, words=words))
            return after

        return traced


def _origin(scope: TracedScope, origin: Path | Template | str, text: str | None) -> Step:
    if isinstance(origin, Path):
        return Step(
            kind=StepKind.SOURCE,
            line=0,
            before=None,
            after=text,
            words=describe_path(origin),
            path=origin.text,
            whole_path=scope.whole(origin),
            place=scope.place_of(origin),
        )
    if isinstance(origin, Template):
        words = describe_template(origin)
        return Step(kind=StepKind.TEMPLATE, line=0, before=None, after=text, words=words)
    return Step(kind=StepKind.CONSTANT, line=0, before=None, after=text, words=CONSTANT)


def _completed(steps: list[Step], rule: FieldRule, value: str | None) -> tuple[Step, ...]:
    """Return the steps with what is known only when the rule has run."""
    if not steps:
        return (_last(StepKind.CONDITION, rule, value, NOT_MET),)
    # What a source is read for is known to the rule and not to the source.
    known = tuple(step if step.line else replace(step, line=rule.line) for step in steps)
    if rule.default and steps[-1].after == "":
        return (*known, _last(StepKind.DEFAULT, rule, rule.default, DEFAULT))
    return known


def _last(kind: StepKind, rule: FieldRule, value: str | None, words: Text) -> Step:
    return Step(kind=kind, line=rule.line, before=None, after=value, words=words)


def _constant(scope: TracedScope, name: str, rule: FieldRule) -> FieldLineage:
    return FieldLineage(
        name=name,
        about=UNKNOWN,
        field=f"{scope.field}{name}",
        line=rule.line,
        value=rule.constant,
        steps=(_last(StepKind.CONSTANT, rule, rule.constant, CONSTANT),),
        problems=(),
    )


def _item(scope: TracedScope) -> ItemLineage:
    number = re.search(r"\[(\d+)\]\.$", scope.field)
    assert number is not None
    return ItemLineage(
        number=int(number[1]),
        is_left_out=not any(_holds_something(each) for each in scope.fields),
        fields=tuple(scope.fields),
    )


def _holds_something(lineage: Lineage) -> bool:
    if isinstance(lineage, FieldLineage):
        return lineage.value is not None
    return any(not item.is_left_out for item in lineage.items)


def _in_order(fields: Iterable[Lineage], group: Group) -> tuple[Lineage, ...]:
    """Return fields as the schema orders and describes them; they ran in the mapping's order."""
    places = {name: number for number, name in enumerate(group.fields)}
    return tuple(
        _described(each, group.fields[each.name])
        for each in sorted(fields, key=lambda each: places[each.name])
    )


def _described(lineage: Lineage, field: Field) -> Lineage:
    if isinstance(lineage, FieldLineage) or field.group is None:
        return replace(lineage, about=field.about)
    group = field.group
    items = (replace(item, fields=_in_order(item.fields, group)) for item in lineage.items)
    return replace(lineage, about=field.about, items=tuple(items))
