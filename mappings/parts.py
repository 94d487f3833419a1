"""Reading the small parts of the language: paths, templates, conditions, text rules, dates."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import time
from typing import TYPE_CHECKING, Any

from mappings import keys
from mappings.calendar import MAX_DAYS
from mappings.dates import AMBIGUOUS, DATE_FORMATS
from mappings.kinds import KINDS, OPTIONS, codes_of
from mappings.kinds.codes import WRITINGS
from mappings.language import (
    AnyOf,
    DateRule,
    Every,
    KindRule,
    Matches,
    Not,
    OneOf,
    Path,
    Present,
    Template,
    TextRule,
)
from mappings.mistakes import closest, listed
from mappings.regexes import Regex, RegexRefused
from mappings.severities import BOTH, read_severities
from mappings.texts import AFFIX_RULES, LENGTH_RULES, PLAIN_RULES, REGEX_RULES, TEXT_RULES
from mappings.yaml_nodes import Items, Scalar, Table
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.language import Condition
    from mappings.mistakes import Section
    from mappings.yaml_nodes import Node

_TEMPLATE_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|([^{}]+)|(.)", re.DOTALL)
MAX_TRUNCATE = 1_000_000


def parse_path(text: str) -> Path:
    """Return the path that `text` means; every text is one, because headers hold anything."""
    if text.startswith("/") and len(text) > 1:
        return Path(text=text[1:], is_rooted=True)
    return Path(text=text, is_rooted=False)


def read_paths(section: Section, key: str) -> tuple[Path, ...]:
    """Return one path or several under `key`."""
    texts = section.texts(key)
    if any(not text.strip() for text in texts):
        section.wrong_type(key, vi="đường dẫn không rỗng", en="a path that is not empty")
    return tuple(parse_path(text) for text in texts if text.strip())


def read_path(section: Section, key: str) -> Path | None:
    """Return the one path under `key`."""
    text = section.text(key)
    return parse_path(text) if text else None


def read_template(section: Section, key: str) -> Template | None:
    """Return the template under `key`, with `{{` and `}}` as literal braces."""
    text = section.text(key)
    if text is None:
        return None
    parts: list[str | Path] = []
    for found in _TEMPLATE_TOKEN.finditer(text):
        path, literal, stray = found.groups()
        if stray is not None or path == "":
            section.complain(
                "mapping.template_invalid",
                Text(
                    vi=f"mẫu {text!r} có dấu ngoặc nhọn lẻ hoặc rỗng; viết {{đường dẫn}}, "
                    "hoặc {{ và }} cho chính dấu ngoặc",
                    en=f"template {text!r} has a stray or empty brace; write {{path}}, "
                    "or {{ and }} for a brace itself",
                ),
                key=key,
            )
            return None
        parts.append(parse_path(path) if path is not None else literal or found[0][0])
    if not any(isinstance(part, Path) for part in parts):
        section.complain(
            "mapping.template_invalid",
            Text(
                vi=f"mẫu {text!r} không có {{đường dẫn}} nào; dùng `constant`",
                en=f"template {text!r} holds no {{path}}; use `constant`",
            ),
            key=key,
        )
    return Template(parts=tuple(parts), line=section.line_of(key))


def read_condition(section: Section, key: str = "when") -> Condition | None:
    """Return the condition under `key`; None when absent or wrong."""
    inner = section.section(key)
    return None if inner is None else _condition(inner)


def _condition(section: Section) -> Condition | None:
    joins = [name for name in keys.JOINS if name in section]
    tests = [name for name in keys.TESTS if name in section]
    if joins:
        section.allow(*joins)
    else:
        section.expect(keys.CONDITION)
    if len(joins) + len(tests) != 1:
        section.complain(
            "mapping.condition_invalid",
            Text(
                vi=f"một điều kiện cần đúng một trong: {listed((*keys.JOINS, *keys.TESTS))}",
                en=f"a condition needs exactly one of {listed((*keys.JOINS, *keys.TESTS))}",
            ),
        )
        return None
    return _joined(section, joins[0]) if joins else _tested(section, tests[0])


def _joined(section: Section, name: str) -> Condition | None:
    if name == "not":
        part = read_condition(section, "not")
        return None if part is None else Not(part=part)
    parts = tuple(
        part for inner in section.sections(name) if (part := _condition(inner)) is not None
    )
    if not parts:
        section.wrong_type(name, vi="ít nhất một điều kiện", en="at least one condition")
    return Every(parts=parts) if name == "all" else AnyOf(parts=parts)


def _tested(section: Section, name: str) -> Condition | None:
    path = read_path(section, "path")
    if path is None:
        return None
    if name == "present":
        return Present(path=path, wanted=section.flag("present", default=True))
    if name == "matches":
        pattern = read_regex(section, "matches")
        return None if pattern is None else Matches(path=path, pattern=pattern)
    return OneOf(path=path, values=frozenset(section.texts(name)))


def read_regex(section: Section, key: str) -> Regex | None:
    """Return the regular expression under `key`, compiled."""
    text = section.text(key)
    return None if text is None else _regex(text, section, key)


def _regex(text: str, section: Section, key: str) -> Regex | None:
    try:
        return Regex(text)
    except RegexRefused as exc:
        section.complain(
            "mapping.regex_invalid",
            Text(
                vi=f"biểu thức chính quy {text!r} không dùng được: {exc.reason}",
                en=f"{text!r} cannot be used as a regular expression: {exc.reason}",
            ),
            key=key,
            suggestion=exc.remedy,
        )
        return None


def read_text_rules(section: Section, key: str = "text") -> tuple[TextRule, ...]:
    """Return the text rules under `key`, in order."""
    node = section.node(key)
    if node is None:
        return ()
    nodes = node.nodes if isinstance(node, Items) else (node,)
    rules = (_text_rule(each, section, key) for each in nodes)
    return tuple(rule for rule in rules if rule is not None)


def _text_rule(node: Node, section: Section, key: str) -> TextRule | None:
    if isinstance(node, Scalar) and node.text in PLAIN_RULES:
        return TextRule(line=node.line, name=node.text)
    if isinstance(node, Table) and len(node.entries) == 1:
        inner = section.section_of(node, key)
        name = next(iter(node.entries))
        if inner is not None and name in TEXT_RULES and name not in PLAIN_RULES:
            return _argued(inner, name, line=node.line)
    else:
        name = node.text if isinstance(node, Scalar) else "?"
    section.mistakes.add(
        "mapping.text_rule_unknown",
        Text(
            vi=f"không có quy tắc văn bản {name!r}; viết {listed(PLAIN_RULES)}, hoặc "
            f"{{tên: giá trị}} với {listed(REGEX_RULES + LENGTH_RULES + AFFIX_RULES)}",
            en=f"there is no text rule {name!r}; write {listed(PLAIN_RULES)}, or "
            f"{{name: value}} with {listed(REGEX_RULES + LENGTH_RULES + AFFIX_RULES)}",
        ),
        line=node.line,
        key=section.inner(key),
        suggestion=closest(name, TEXT_RULES),
    )
    return None


def _argued(section: Section, name: str, *, line: int) -> TextRule | None:
    if name == "truncate":
        length = section.number(name)
        if length is not None and not 1 <= length <= MAX_TRUNCATE:
            section.wrong_type(name, vi="số ký tự từ 1", en="a number of characters from 1")
        return TextRule(line=line, name=name, length=length or 1)
    if name == "extract":
        return TextRule(line=line, name=name, pattern=read_regex(section, name))
    if name == "replace":
        return _replace(section, line=line)
    return TextRule(line=line, name=name, argument=section.text(name) or "")


def _replace(section: Section, *, line: int) -> TextRule | None:
    texts = section.texts("replace")
    if len(texts) != 2:
        section.wrong_type(
            "replace", vi="[biểu thức, thay bằng]", en="[regular expression, replacement]"
        )
        return None
    pattern = _regex(texts[0], section, "replace")
    if pattern is None:
        return None
    try:
        pattern.replacer(texts[1])
    except RegexRefused as exc:
        section.complain(
            "mapping.regex_invalid",
            Text(
                vi=f"chuỗi thay thế {texts[1]!r} không dùng được: {exc.reason}",
                en=f"{texts[1]!r} cannot be used as a replacement: {exc.reason}",
            ),
            key="replace",
            suggestion=exc.remedy,
        )
        return None
    return TextRule(line=line, name="replace", pattern=pattern, argument=texts[1])


def read_kind(section: Section, key: str = "kind") -> KindRule | None:
    """Return the kind under `key`, a name or `{name, …}`."""
    if not isinstance(section.node(key), Table):
        name = section.text(key)
        return _kind(section, key, name) if name is not None else None
    inner = section.section(key)
    assert inner is not None
    name = inner.text("name")
    rule = None if name is None else _kind(inner, "name", name)
    inner.expect(keys.kind(OPTIONS.get(name or "", ())))
    return None if rule is None else replace(rule, **_kind_options(inner, rule.name))


def _kind(section: Section, key: str, name: str) -> KindRule | None:
    if name in KINDS:
        return KindRule(name=name, writing=WRITINGS[0])
    section.complain(
        "mapping.kind_unknown",
        Text(
            vi=f"không có loại giá trị {name!r}; các loại: {listed(KINDS)}",
            en=f"there is no kind {name!r}; the kinds are {listed(KINDS)}",
        ),
        key=key,
        suggestion=closest(name, KINDS),
    )
    return None


def _kind_options(section: Section, kind: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        key: path for key in ("born", "sex") if (path := read_path(section, key)) is not None
    }
    words = {key: section.texts(key) for key in ("male", "female") if key in section}
    if "sex" in section:
        words = {"male": ("nam",), "female": ("nữ",)} | words
    options |= {key: frozenset(texts) for key, texts in words.items()}
    writing = _one_of(section, "writing", WRITINGS)
    if writing is not None:
        options["writing"] = writing
    return options | {"severities": _severities(section, kind)}


def _severities(section: Section, kind: str) -> dict[str, Severity]:
    """Return one severity for all rules of a kind, or those of single ones."""
    codes = codes_of(kind)
    if isinstance(section.node("severity"), Table):
        return read_severities(section, "severity", codes=codes)
    word = _one_of(section, "severity", BOTH)
    return {} if word is None else dict.fromkeys(codes, Severity(word))


def _one_of(section: Section, key: str, known: Sequence[str]) -> str | None:
    text = section.text(key)
    if text is None or text in known:
        return text
    section.wrong_type(key, vi=f"một trong {listed(known)}", en=f"one of {listed(known)}")
    return None


def read_date(section: Section, key: str = "date") -> DateRule | None:
    """Return the date formats under `key`, a list or `{formats, empty}`."""
    if not isinstance(section.node(key), Table):
        return None if key not in section else _date(section, key, empty=())
    inner = section.section(key)
    assert inner is not None
    inner.expect(keys.DATE)
    rule = _date(inner, "formats", empty=inner.texts("empty"))
    return replace(rule, working_days=_working_days(inner), at=_time_of_day(inner))


def _working_days(section: Section) -> Path | int | None:
    text = section.text("working_days")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit():
        return parse_path(text)
    if int(text) <= MAX_DAYS:
        return int(text)
    section.wrong_type("working_days", vi=f"tối đa {MAX_DAYS}", en=f"at most {MAX_DAYS}")
    return None


def _time_of_day(section: Section) -> time | None:
    text = section.text("at")
    if text is None:
        return None
    if "working_days" in section and re.fullmatch(r"\d\d:\d\d", text, re.ASCII):
        try:
            return time.fromisoformat(text)
        except ValueError:
            pass
    section.wrong_type(
        "at", vi="giờ HH:mm, cùng với working_days", en="a time HH:mm, together with working_days"
    )
    return None


def _date(section: Section, key: str, *, empty: tuple[str, ...]) -> DateRule:
    formats = section.texts(key)
    for name in formats:
        if name not in DATE_FORMATS:
            section.complain(
                "mapping.date_format_unknown",
                Text(
                    vi=f"không có định dạng ngày {name!r}; các định dạng: {listed(DATE_FORMATS)}",
                    en=f"there is no date format {name!r}; the formats are {listed(DATE_FORMATS)}",
                ),
                key=key,
                suggestion=closest(name, DATE_FORMATS),
            )
    for one, other in AMBIGUOUS:
        if one in formats and other in formats:
            section.complain(
                "mapping.date_formats_ambiguous",
                Text(
                    vi=f"{one!r} và {other!r} đọc cùng một giá trị thành hai ngày khác nhau; "
                    "chỉ giữ một",
                    en=f"{one!r} and {other!r} read one value as two different dates; keep one",
                ),
                key=key,
            )
    if len(set(formats)) != len(formats):
        twice = sorted({name for name in formats if formats.count(name) > 1})
        section.mistakes.add(
            "mapping.date_format_twice",
            Text(
                vi=f"định dạng được liệt kê hai lần: {listed(twice)}",
                en=f"listed twice: {listed(twice)}",
            ),
            line=section.line_of(key),
            key=section.inner(key),
            is_warning=True,
        )
    known = tuple(name for name in formats if name in DATE_FORMATS)
    return DateRule(formats=known, empty=frozenset(text.strip() for text in empty))
