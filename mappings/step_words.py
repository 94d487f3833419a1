"""What a step of a rule did, in words for the reader of a preview."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from mappings.codes import folding
from mappings.dates import VIETNAM, DateImplausible, DateInvalid, make_date_reader
from mappings.judging import quoted
from mappings.language import DateWriting, NumberWriting, Path
from mappings.language import Words as CodeWords
from mappings.lineage import StepKind
from mappings.mistakes import listed
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mappings.language import (
        CodeEntry,
        CodeList,
        DateRule,
        FieldRule,
        Lookup,
        Template,
        TextRule,
        Writing,
    )
    from mappings.scope import Scope

    Words: TypeAlias = Callable[[str, "str | None", Scope], tuple[int, Text]]
    """From what went in, what came out and where, to the line in the mapping and the words."""

CONSTANT = Text(vi="giá trị cố định của ánh xạ", en="constant of the mapping")
DEFAULT = Text(vi="trống, nên lấy giá trị mặc định", en="empty, so the default was taken")
DATE_CELL = Text(vi="ô ngày tháng của bảng tính", en="date cell of a workbook")
WORKING_DAYS = Text(vi="cộng số ngày làm việc", en="working days counted")
NOT_MET = Text(vi="điều kiện `when` không thỏa", en="the condition `when` is not met")

_TEXT_RULES = {
    "collapse_spaces": "gộp khoảng trắng",
    "upper": "chữ hoa",
    "lower": "chữ thường",
    "unescape_html": "giải mã ký tự HTML",
    "strip_tags": "bỏ thẻ HTML",
    "digits": "chỉ giữ chữ số",
    "replace": "thay thế",
    "extract": "trích ra",
    "truncate": "cắt bớt",
    "prefix": "thêm vào đầu",
    "suffix": "thêm vào cuối",
}
_NUMBERS = {
    "vietnamese": "kiểu Việt Nam 1.234,5 (vietnamese)",
    "plain": "kiểu 1234.5 (plain)",
    "integer": "số nguyên (integer)",
}


def describe_alternative(number: int) -> Text:
    """Say which alternative of `first` is tried."""
    return Text(vi=f"quy tắc thứ {number} của `first`", en=f"alternative {number} of `first`")


def describe_path(path: Path) -> Text:
    """Say what is read."""
    return Text(vi=f"đọc {path.text!r}", en=f"read {path.text!r}")


def describe_template(template: Template) -> Text:
    """Say which template was filled."""
    text = "".join(
        f"{{{part.text}}}" if isinstance(part, Path) else part for part in template.parts
    )
    return Text(vi=f"mẫu ghép {text!r}", en=f"template {text!r}")


def describe_text_rule(rule: TextRule) -> Text:
    """Say which text rule it was, as the mapping writes it."""
    if rule.name == "replace" and rule.pattern is not None:
        written = f"replace '{rule.pattern.text}' → '{rule.argument}'"
    elif rule.pattern is not None:
        written = f"{rule.name} '{rule.pattern.text}'"
    elif rule.length:
        written = f"{rule.name} {rule.length}"
    elif rule.argument:
        written = f"{rule.name} '{rule.argument}'"
    else:
        written = rule.name
    return Text(vi=f"{_TEXT_RULES[rule.name]}: {written}", en=written)


def conversion_kind(rule: FieldRule) -> StepKind:
    """Return which conversion a rule has."""
    if rule.write is not None:
        return _WRITTEN[type(rule.write)]
    if rule.date is not None:
        return StepKind.DATE
    if rule.number is not None:
        return StepKind.NUMBER
    if rule.kind is not None:
        return StepKind.KIND
    if rule.codes is not None:
        return StepKind.CODES
    return StepKind.LOOKUP if rule.lookup is not None else StepKind.OTHER


def make_conversion_words(rule: FieldRule) -> Words:
    """Return the function that says what the conversion of a rule made of a text."""
    if rule.date is not None:
        return _date(rule.date, rule.line)
    if rule.write is not None:
        written = _describe_writing(rule.write)
        return lambda _before, _after, _scope: (rule.line, written)
    if rule.codes is not None:
        return _codes(rule.codes)
    if rule.number is not None:
        words = Text(vi=f"đọc số, {_NUMBERS[rule.number]}", en=f"number {rule.number}")
    elif rule.kind is not None:
        words = Text(vi=f"loại giá trị {rule.kind.name}", en=f"kind {rule.kind.name}")
    elif rule.lookup is not None:
        words = _lookup(rule.lookup)
    else:
        words = Text(vi="chuyển đổi", en="conversion")
    return lambda _before, _after, _scope: (rule.line, words)


_WRITTEN = {
    DateWriting: StepKind.DATE,
    NumberWriting: StepKind.NUMBER,
    CodeWords: StepKind.CODES,
}


def _describe_writing(write: Writing) -> Text:
    """Say how a value was written for an agency."""
    if isinstance(write, CodeWords):
        name = f" {write.codes.name}" if write.codes.name else ""
        return Text(vi=f"từ của danh mục mã{name}", en=f"word of the code list{name}")
    if isinstance(write, NumberWriting):
        return Text(vi=f"viết số, {_NUMBERS[write.name]}", en=f"number written {write.name}")
    zone = f" {write.zone}" if write.zone != VIETNAM else ""
    return Text(vi=f"viết ngày dạng {write.write}{zone}", en=f"date written {write.write}{zone}")


def _lookup(lookup: Lookup) -> Text:
    key = f", {lookup.key.text!r}" if lookup.key is not None else ""
    return Text(
        vi=f"tra bảng {lookup.table}, cột {lookup.column}{key}",
        en=f"looked up in table {lookup.table}, column {lookup.column}{key}",
    )


def _date(rule: DateRule, line: int) -> Words:
    readers = tuple(
        (name, make_date_reader((name,))) for name in rule.formats if name != "workbook"
    )
    formats = listed(rule.formats)

    def describe(before: str, after: str | None, _: Scope) -> tuple[int, Text]:
        if before in rule.empty:
            return line, Text(vi='có nghĩa là "chưa có ngày"', en='means "no date"')
        for name, read in readers:
            try:
                if read(before) == after:
                    return line, Text(vi=f"ngày dạng {name}", en=f"date {name}")
            except (DateInvalid, DateImplausible):
                continue
        return line, Text(vi=f"ngày, các dạng {formats}", en=f"date, of the formats {formats}")

    return describe


def _codes(code_list: CodeList) -> Words:
    compare = folding(code_list)
    entries: dict[str, list[CodeEntry]] = {}
    for entry in code_list.entries:
        for source in entry.sources:
            entries.setdefault(compare(source), []).append(entry)
    origin = ", ".join(filter(None, (code_list.source, code_list.version)))
    name = f" {code_list.name}" if code_list.name else ""
    name += f" ({origin})" if origin else ""

    def describe(before: str, after: str | None, scope: Scope) -> tuple[int, Text]:
        found = entries.get(compare(before), [])
        taken = None if after is None else _taken(found, after, scope)
        if taken is None:
            words = Text(vi=f"danh mục mã{name}", en=f"code list{name}")
            return found[0].line if found else code_list.line, words
        target = repr(taken.target) if taken.target else "∅"
        said = f": {quoted(before)} → {target}{_validity(taken)}"
        return taken.line, Text(vi=f"danh mục mã{name}{said}", en=f"code list{name}{said}")

    return describe


def _taken(found: list[CodeEntry], target: str, scope: Scope) -> CodeEntry | None:
    """Return the entry that gave `target`; the day is asked for only where that was necessary."""
    same = [entry for entry in found if entry.target == target]
    if len(found) < 2:
        return same[0] if same else None
    day = scope.day()
    for entry in same:
        starts, ends = entry.valid_from, entry.valid_to
        if day is None or ((starts is None or starts <= day) and (ends is None or day <= ends)):
            return entry
    return None


def _validity(entry: CodeEntry) -> str:
    if entry.valid_from is None and entry.valid_to is None:
        return ""
    return f" ({entry.valid_from or '…'} – {entry.valid_to or '…'})"
