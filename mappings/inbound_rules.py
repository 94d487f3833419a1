"""
Reading the rules of what goes to an agency: the same rules, with its formats on the other side.

`date` and `number` name what is written, `codes` is looked up backwards. Text rules, kinds,
look-ups, conditions and alternatives are those of every other rule.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mappings import keys
from mappings.codes import read_codes
from mappings.dates import DATE_FORMATS, VIETNAM
from mappings.language import CodeList, DateWriting, NumberWriting, Words
from mappings.mistakes import closest, listed
from mappings.parts import read_date
from mappings.rules import RuleReader, read_number
from mappings.words import words_of
from mappings.writings import PORTAL, WRITTEN_FORMATS, parse_zone
from mappings.yaml_nodes import Table
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mappings.language import FieldRule, Writing
    from mappings.mistakes import Section


class InboundRuleReader(RuleReader):
    """Reads the rules of values that go to an agency."""

    rule_keys = keys.INBOUND_RULE
    way_keys = keys.INBOUND_ALTERNATIVE

    def _with_conversion(self, rule: FieldRule, section: Section) -> FieldRule:
        return replace(rule, write=self._writing(section))

    def _writing(self, section: Section) -> Writing | None:
        if "prefer" in section and not _names_a_list(section):
            section.complain("mapping.prefer_alone", _PREFER_ALONE, key="prefer")
        if "date" in section:
            return _date(section)
        if "number" in section:
            name = read_number(section)
            return None if name is None else NumberWriting(name=name)
        return self._words(section) if "codes" in section else None

    def _words(self, section: Section) -> Words | None:
        if isinstance(section.node("codes"), Table):
            return _inline(section)
        code_list = read_codes(section, self._code_lists)
        if code_list is None:
            return None
        return Words(codes=code_list, prefer=_prefer(section, code_list))


def _names_a_list(section: Section) -> bool:
    """Return whether `codes` names a list, which `prefer` is about."""
    return "codes" in section and not isinstance(section.node("codes"), Table)


_PREFER_ALONE = Text(
    vi="`prefer` chỉ đứng cạnh `codes: tên danh mục mã`",
    en="`prefer` stands only beside `codes: name of a code list`",
)


def _inline(section: Section) -> Words | None:
    """Return codes written here: left stands what comes, right what is written."""
    inner = section.section("codes")
    if inner is None:
        return None
    return Words(
        codes=CodeList(name="", entries=(), line=inner.line),
        prefer={
            code.strip(): word.strip() for code in inner if (word := inner.text(code)) is not None
        },
    )


def _prefer(section: Section, code_list: CodeList) -> Mapping[str, str]:
    inner = section.section("prefer")
    if inner is None:
        return {}
    known = words_of(code_list)
    prefer = {code: word.strip() for code in inner if (word := inner.text(code)) is not None}
    for code, word in prefer.items():
        words = [span.target for span in known.get(code, ())]
        if words and word not in words:
            inner.complain(
                "mapping.prefer_unknown",
                Text(
                    vi=f"danh mục mã {code_list.name!r} không có từ {word!r} cho mã {code!r}; "
                    f"có: {listed(words)}",
                    en=f"code list {code_list.name!r} has no word {word!r} for code {code!r}; "
                    f"there are {listed(words)}",
                ),
                key=code,
                suggestion=closest(word, words),
            )
    return prefer


def _date(section: Section) -> DateWriting | None:
    """Return how a date is written: a format, or `{write, read, zone, empty}`."""
    if not isinstance(section.node("date"), Table):
        name = _format(section, "date")
        return None if name is None else DateWriting(read=(PORTAL,), write=name, zone=VIETNAM)
    inner = section.section("date")
    assert inner is not None
    inner.expect(keys.DATE_WRITING)
    name = _format(inner, "write")
    read = read_date(inner, "read")
    zone = inner.text("zone")
    parsed = VIETNAM if zone is None else parse_zone(zone)
    if parsed is None:
        inner.wrong_type("zone", vi='"Z" hoặc "+07:00"', en='"Z" or "+07:00"')
    if name is None or parsed is None:
        return None
    return DateWriting(
        read=read.formats if read is not None else (PORTAL,),
        write=name,
        zone=parsed,
        empty=frozenset(text.strip() for text in inner.texts("empty")),
    )


def _format(section: Section, key: str) -> str | None:
    name = section.text(key)
    if name is None or name in WRITTEN_FORMATS:
        return name
    only_read = name in DATE_FORMATS
    section.complain(
        "mapping.date_format_unknown",
        Text(
            vi=f"dạng ngày {name!r} {'mất ngày, chỉ đọc được' if only_read else 'không có'}; "
            f"viết được: {listed(WRITTEN_FORMATS)}",
            en=f"the date format {name!r} {'has no day' if only_read else 'does not exist'}; those "
            f"that can be written are {listed(WRITTEN_FORMATS)}",
        ),
        key=key,
        suggestion=closest(name, WRITTEN_FORMATS),
    )
    return None
