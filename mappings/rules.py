"""
Reading field rules and groups of one packet, each checked against the portal's schema.

Constants, defaults and code targets are judged here, once; what depends on a record is judged
when it is converted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mappings import keys
from mappings.codes import read_codes
from mappings.language import (
    EachGroup,
    FieldRule,
    FixedGroup,
    ItemRule,
    Lookup,
    SplitGroup,
)
from mappings.mistakes import closest, complain_unknown_field, listed
from mappings.parts import (
    parse_path,
    read_condition,
    read_date,
    read_kind,
    read_path,
    read_paths,
    read_template,
    read_text_rules,
)
from mappings.tables import TABLES, column_names
from mappings.texts import NUMBER_FORMATS
from mappings.written import judge_written
from mappings.yaml_nodes import Items, Scalar
from schemas.model import Kind
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.language import CodeList, GroupRule
    from mappings.mistakes import Section
    from schemas.model import Field, Group


_TOO_FEW = Text(
    vi="`first` cần một danh sách ít nhất hai quy tắc",
    en="`first` needs a list of two rules or more",
)
_NESTED = Text(
    vi="không viết `first` trong `first`: thêm các quy tắc vào danh sách ngoài",
    en="`first` cannot stand inside `first`: put its rules into the outer list",
)


class RuleReader:
    """Reads the rules of one file."""

    rule_keys = keys.RULE
    way_keys = keys.ALTERNATIVE

    def __init__(self, code_lists: Mapping[str, CodeList]) -> None:
        self._code_lists = code_lists

    def fields(self, section: Section, group: Group) -> dict[str, FieldRule | GroupRule]:
        """
        Return the rules of a section whose keys are the fields of `group`.

        Complains about fields that the portal does not know and mandatory ones without a rule.
        """
        rules: dict[str, FieldRule | GroupRule] = {}
        for name in section:
            field = group.fields.get(name)
            if field is None:
                complain_unknown_field(section, name, group)
                continue
            rule = self._rule(section, name, field)
            if rule is not None:
                rules[name] = rule
        self._check_mandatory(section, group)
        return rules

    def _rule(self, section: Section, name: str, field: Field) -> FieldRule | GroupRule | None:
        if field.kind is Kind.GROUP and field.group is not None:
            inner = section.section(name)
            return None if inner is None else self.group(inner, field.group)
        return self.field(section, name, field)

    def field(self, section: Section, name: str, field: Field | None) -> FieldRule | None:
        """Return the rule of one field: a path, or a section; `field` None is not judged."""
        node = section.node(name)
        if isinstance(node, Scalar):
            text = section.text(name)
            if text is None:
                return None
            return FieldRule(line=section.line_of(name), sources=(parse_path(text),))
        inner = section.section(name)
        return None if inner is None else self.rule(inner, field)

    def rule(
        self, section: Section, field: Field | None, *, beside: tuple[str, ...] = ()
    ) -> FieldRule | None:
        """Return the rule that a section is; its keys `beside` the rule are the caller's."""
        if "first" in section:
            return self._first(section, field, beside=beside)
        section.allow(*self.rule_keys, *beside)
        return self._whole(section, field)

    def _first(
        self, section: Section, field: Field | None, *, beside: tuple[str, ...]
    ) -> FieldRule | None:
        misplaced = [
            key for key in (*keys.SOURCES, *keys.CONVERSIONS, *keys.TEXT) if key in section
        ]
        known = (*keys.FIRST.optional, *beside, *misplaced)
        section.allow(*known, required=tuple(keys.FIRST.required))
        if misplaced:
            section.complain("mapping.first_invalid", _misplaced(misplaced), key=misplaced[0])
        node = section.node("first")
        if not isinstance(node, Items) or len(node.nodes) < 2:
            section.complain("mapping.first_invalid", _TOO_FEW, key="first")
            return None
        read = [self._alternative(section, number, field) for number in range(len(node.nodes))]
        ways = tuple(way for way in read if way is not None)
        if misplaced or len(ways) != len(read):
            return None
        rule = FieldRule(
            line=section.line,
            first=ways,
            default=_default(section),
            required=section.flag("required", default=False),
            when=read_condition(section),
        )
        if field is not None:
            judge_written(rule, section=section, field=field)
        return rule

    def _alternative(self, section: Section, number: int, field: Field | None) -> FieldRule | None:
        node = section.node("first")
        assert isinstance(node, Items)
        way, key = node.nodes[number], f"first[{number}]"
        if isinstance(way, Scalar):
            text = section.text_of(way, key)
            return None if text is None else FieldRule(line=way.line, sources=(parse_path(text),))
        inner = section.section_of(way, key)
        if inner is None:
            return None
        if "first" in inner:
            inner.complain("mapping.first_invalid", _NESTED, key="first")
            return None
        inner.expect(self.way_keys)
        return self._whole(inner, field)

    def _whole(self, section: Section, field: Field | None) -> FieldRule | None:
        """Return the rule of a section whose keys are checked by the caller."""
        if not self._has_one_source(section):
            return None
        rule = FieldRule(
            line=section.line,
            sources=read_paths(section, "from"),
            constant=_constant(section),
            template=read_template(section, "template"),
            text=read_text_rules(section),
            kind=read_kind(section),
            lookup=_lookup(section),
            default=_default(section),
            required=section.flag("required", default=False),
            when=read_condition(section),
        )
        rule = self._with_conversion(rule, section)
        if field is not None:
            judge_written(rule, section=section, field=field)
        return rule

    def _with_conversion(self, rule: FieldRule, section: Section) -> FieldRule:
        """Return a rule with those of its conversions that have a direction."""
        return replace(
            rule,
            date=read_date(section),
            number=read_number(section),
            codes=read_codes(section, self._code_lists),
        )

    def _has_one_source(self, section: Section) -> bool:
        sources = [key for key in keys.SOURCES if key in section]
        conversions = [key for key in keys.CONVERSIONS if key in section]
        if not sources and conversions == ["lookup"]:
            return True
        if len(sources) != 1:
            section.complain(
                "mapping.rule_sources",
                Text(
                    vi="cần đúng một nguồn: from, constant, template, lookup hoặc first; có "
                    + (listed(sources) or "không nguồn nào"),
                    en="expected exactly one source, from, constant, template, lookup or first; "
                    "found " + (listed(sources) or "none"),
                ),
            )
        is_looked_up = conversions == ["kind", "lookup"]
        if len(conversions) > 1 and not is_looked_up:
            section.complain(
                "mapping.rule_conversions",
                Text(
                    vi="chỉ dùng được một phép chuyển đổi, hoặc kind rồi lookup; có "
                    + listed(conversions),
                    en="only one conversion can be used, or kind and then lookup; found "
                    + listed(conversions),
                ),
            )
        return len(sources) == 1 and (len(conversions) <= 1 or is_looked_up)

    def group(self, section: Section, group: Group) -> GroupRule | None:
        """Return the rule of a repeated group: `each`, `split` or `items`."""
        words = [word for word in keys.GROUPS if word in section]
        if len(words) != 1:
            section.complain(
                "mapping.group_invalid",
                Text(
                    vi=f"nhóm lặp cần đúng một trong: {listed(keys.GROUPS)}",
                    en=f"a repeated group needs exactly one of {listed(keys.GROUPS)}",
                ),
            )
            return None
        if words == ["items"]:
            section.expect(keys.ITEMS_GROUP)
            items = tuple(self._item(inner, group) for inner in section.sections("items"))
            return FixedGroup(line=section.line, items=items)
        section.expect(keys.EACH_GROUP if words == ["each"] else keys.SPLIT_GROUP)
        item = self.item_fields(section, group)
        if words == ["each"]:
            path = read_path(section, "each")
            return None if path is None else EachGroup(line=section.line, path=path, item=item)
        return _split(section, item)

    def _item(self, section: Section, group: Group) -> ItemRule:
        section.expect(keys.ITEM)
        return self.item_fields(section, group)

    def item_fields(self, section: Section, group: Group) -> ItemRule:
        """Return `fields` and `when` of a section; its keys are checked by the caller."""
        inner = section.section("fields")
        fields = {} if inner is None else self.fields(inner, group)
        return ItemRule(line=section.line, fields=fields, when=read_condition(section))

    def _check_mandatory(self, section: Section, group: Group) -> None:
        for name, field in group.fields.items():
            if field.required and name not in section:
                section.complain(
                    "mapping.field_unmapped",
                    Text(
                        vi=f"trường bắt buộc {name} của {group.name} chưa được ánh xạ",
                        en=f"the mandatory field {name} of {group.name} is not mapped",
                    ),
                )


def _split(section: Section, item: ItemRule) -> SplitGroup | None:
    inner = section.section("split")
    if inner is None:
        return None
    inner.expect(keys.SPLIT)
    path, separator = read_path(inner, "from"), inner.text("separator")
    if path is None or not separator:
        if separator == "":
            inner.wrong_type("separator", vi="văn bản không rỗng", en="text that is not empty")
        return None
    return SplitGroup(line=section.line, path=path, separator=separator, item=item)


def _misplaced(found: list[str]) -> Text:
    return Text(
        vi=f"{listed(found)} không đứng cạnh `first`: viết vào từng quy tắc trong danh sách",
        en=f"{listed(found)} cannot stand beside `first`: write it into each rule of the list",
    )


def _constant(section: Section) -> str | None:
    text = section.text("constant")
    if text is not None and not text.strip():
        section.wrong_type("constant", vi="văn bản không rỗng", en="text that is not empty")
    return text.strip() if text else None


def _default(section: Section) -> str | None:
    text = section.text("default")
    return text.strip() if text else None


def read_number(section: Section) -> str | None:
    """Return the number format under `number`."""
    name = section.text("number")
    if name is not None and name not in NUMBER_FORMATS:
        section.complain(
            "mapping.number_format_unknown",
            Text(
                vi=f"không có định dạng số {name!r}; các định dạng: {listed(NUMBER_FORMATS)}",
                en=f"there is no number format {name!r}; the formats are {listed(NUMBER_FORMATS)}",
            ),
            key="number",
            suggestion=closest(name, NUMBER_FORMATS),
        )
    return name


def _lookup(section: Section) -> Lookup | None:
    inner = section.section("lookup")
    if inner is None:
        return None
    is_source = not any(key in section for key in keys.SOURCES)
    if "kind" in section:
        inner.expect(keys.LOOKUP_OF_KIND)
    else:
        inner.expect(keys.LOOKUP_SOURCE if is_source else keys.LOOKUP)
    table, column = inner.text("table"), inner.text("column")
    if table is None or column is None:
        return None
    if table not in TABLES:
        inner.complain(
            "mapping.table_unknown",
            Text(
                vi=f"không có bảng {table!r}; các bảng: {listed(TABLES)}",
                en=f"there is no table {table!r}; the tables are {listed(TABLES)}",
            ),
            key="table",
            suggestion=closest(table, TABLES),
        )
        return None
    if column not in column_names(table):
        inner.complain(
            "mapping.column_unknown",
            Text(
                vi=f"bảng {table} không có cột {column!r}; các cột: {listed(column_names(table))}",
                en=f"table {table} has no column {column!r}; the columns are "
                f"{listed(column_names(table))}",
            ),
            key="column",
            suggestion=closest(column, column_names(table)),
        )
        return None
    return Lookup(table=table, column=column, key=read_path(inner, "key"))
