"""
Writing a draft as a mapping file that a person finishes.

What nobody knows is left out or stands as "?", so that `mapping check` names it: a draft never
passes for a mapping by guessing. Doubts are comments beside their rules.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from adapters.options import FORMATS
from mappings.drafts.recognising import WORDS as KIND_WORDS
from mappings.drafts.trying import PROCEDURE_CODE, with_counts
from mappings.language import UNFINISHED
from schemas.model import Kind
from schemas.problem import Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from adapters import SourceOptions
    from mappings.drafts.proposals import Draft, ItemSource, Proposal, Repeats

MAX_UNUSED = 200
_BREAKS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
"""What ends a line in YAML, or may not stand in it, and is let through by JSON."""
_EXTRACT = f"[{{extract: '{PROCEDURE_CODE}'}}]"
_WORDS = {
    Language.VI: {
        "head": "Bản nháp từ {file}: {records} bản ghi đã xem, {unreadable} không đọc được.",
        "todo": "Sửa những chỗ có «?» và những dòng # NGHI, rồi chạy: lienthong mapping check",
        "doubt": "NGHI",
        "missing": "bắt buộc, chưa thấy cột nào: điền quy tắc, ví dụ {constant: ...}",
        "optional": "không thấy cột nào",
        "unused": "Cột chưa dùng",
        "no_items": "nhóm, không thấy danh sách hay cột nào",
        "items": "có thể lấy ở đây; nếu đúng, bỏ dấu # và bổ sung các trường",
        "lists": "Danh sách trong bản ghi (nhóm và progress có thể lấy bằng `each`), với các khóa",
        "schema": "Theo --schema",
        "schema_default": "Mặc định, vì không có --schema",
        "elsewhere": "{version} có trường cho những cột mà ở đây không có; hỏi Cổng nhận bản nào",
        "tests": "Thêm `tests:` với vài bản ghi bịa và kết quả mong đợi; không chép dữ liệu thật",
        "key": "event_key, order_by: khóa sự kiện và thứ tự các lần cập nhật, nếu đơn vị có",
        "updates": "{codes} trong {of} mã hồ sơ lặp lại: mỗi dòng là một lần cập nhật? ({words})",
        "repeated": "{codes} trong {of} mã hồ sơ lặp lại ({words}): nếu là lỗi thì để như vầy, "
        "bản ghi sau sẽ bị báo; nếu mỗi dòng là một lần cập nhật: one_row_per_dossier: false",
        "sheets": "tệp còn các trang tính khác, bản nháp chưa dùng: {sheets}",
        "child": "{sheet}: {matching} trên {filled} dòng có {own_key} trùng với {key} của bản ghi; "
        "nếu đúng, bỏ dấu # ở key và children",
        "shared": "{shared} giá trị của {key} có ở nhiều bản ghi: mỗi bản ghi đều nhận các dòng đó",
        "looks": "giá trị trông như {kind}",
        "only_in": "{version} có {name}; {schema} không có trường cho cột này",
    },
    Language.EN: {
        "head": "Draft from {file}: {records} records looked at, {unreadable} unreadable.",
        "todo": 'Mend what says "?" and the lines # DOUBT, then run: lienthong mapping check',
        "doubt": "DOUBT",
        "missing": "mandatory, no column was found: give it a rule, for example {constant: ...}",
        "optional": "no column was found",
        "unused": "Columns not used yet",
        "no_items": "group, no list and no column was found",
        "items": "may be here; if so, take the # away and add the other fields",
        "lists": "Lists in the records (groups and progress may take them by `each`), with keys",
        "schema": "As --schema says",
        "schema_default": "By default, because --schema was not given",
        "elsewhere": "{version} has fields for columns that have none here; ask which one the "
        "portal takes",
        "tests": "Add `tests:` with one or two invented records and what must come of them; "
        "copy no real data",
        "key": "event_key, order_by: the agency's own key and order of events, if it has them",
        "updates": "{codes} of {of} dossier codes come several times: is each row an update? "
        "({words})",
        "repeated": "{codes} of {of} dossier codes come several times ({words}): where that is a "
        "mistake leave it so, and the later record is reported; where each row is an update: "
        "one_row_per_dossier: false",
        "sheets": "there are further sheets, which the draft does not use: {sheets}",
        "child": "{sheet}: in {matching} of {filled} rows {own_key} names the {key} of a record; "
        "if so, take the # of key and children away",
        "shared": "{shared} values of {key} stand at several records: each of these gets the rows",
        "looks": "its values look like {kind}",
        "only_in": "{version} has {name}; {schema} has no field for this column",
    },
}


def write_draft(  # noqa: PLR0913 - the parts of a file's head
    draft: Draft,
    *,
    name: str,
    agency_code: str,
    agency_name: str,
    schema: str,
    is_schema_given: bool,
    options: SourceOptions,
    file_name: str,
    source_doubts: Iterable[str],
    language: Language,
) -> str:
    """Return the text of a mapping file."""
    words = _WORDS[language]
    lines = [
        "# "
        + words["head"].format(
            file=_comment(file_name),
            records=draft.profile.records,
            unreadable=draft.profile.unreadable,
        ),
        f"# {words['todo']}",
        f"mapping: {_scalar(name)}",
        "version: 1",
        *_schema(draft, schema, is_given=is_schema_given, words=words),
        "agency:",
        f"  code: {_scalar(agency_code or UNFINISHED)}",
        f"  name: {_scalar(agency_name or UNFINISHED)}",
        *_source(options),
        *(f"  # {words['doubt']}: {_comment(doubt)}" for doubt in source_doubts),
        *_sheets(draft, words),
    ]
    if draft.repeats is not None:
        lines += _repeats(draft.repeats, words)
    lines += [f"# {words['key']}", "dossier:"]
    for proposal in draft.proposals:
        lines += _rule(proposal, language)
    if draft.profile.lists:
        lines.append(f"# {words['lists']}:")
        lines += [
            f"#   each: {_scalar(path)}  # {_comment(', '.join(keys)) or '…'}"
            for path, keys in draft.profile.lists.items()
        ]
    if draft.unused:
        lines.append(f"# {words['unused']}:")
        lines += [f"#   {line}" for line in _unused(draft, schema, language)]
    lines.append(f"# {words['tests']}")
    return "\n".join(lines) + "\n"


def count_doubts(text: str) -> int:
    """Return how many doubts a written draft has."""
    marks = tuple(f"# {words['doubt']}: " for words in _WORDS.values())
    return sum(line.lstrip().startswith(marks) for line in text.splitlines())


def _schema(
    draft: Draft, schema: str, *, is_given: bool, words: Mapping[str, str]
) -> Iterator[str]:
    yield f"# {words['schema' if is_given else 'schema_default']}"
    for version, columns in draft.elsewhere.items():
        yield f"# {words['doubt']}: {words['elsewhere'].format(version=version)}:"
        for path, name in columns.items():
            yield f"#   {_comment(path)}: {name}"
    yield f"schema: {schema}"


def _sheets(draft: Draft, words: Mapping[str, str]) -> Iterator[str]:
    if draft.sheets:
        listed = ", ".join(f"{each.name} ({each.profile.records})" for each in draft.sheets)
        yield f"  # {words['doubt']}: {_comment(words['sheets'].format(sheets=listed))}"
    for child in draft.children:
        said = words["child"].format(
            sheet=child.sheet.name,
            matching=child.matching,
            filled=child.filled,
            own_key=child.own_key,
            key=child.key,
        )
        yield f"  # {words['doubt']}: {_comment(said)}"
    if draft.children:
        first = draft.children[0]
        if first.shared:
            said = words["shared"].format(shared=first.shared, key=first.key)
            yield f"  # {words['doubt']}: {_comment(said)}"
        yield f"  # key: {_scalar(draft.children[0].key)}"
        yield "  # children:"
        for child in draft.children:
            written: dict[str, Any] = {"sheet": child.sheet.name}
            if child.own_key != child.key:
                written["key"] = child.own_key
            if child.sheet.header_row > 1:
                written["header_row"] = child.sheet.header_row
            yield f"  #   {_scalar(child.name)}: {_flow(written)}"


def _repeats(repeats: Repeats, words: Mapping[str, str]) -> list[str]:
    said = words["updates" if repeats.are_updates else "repeated"].format(
        codes=len(repeats.codes), of=repeats.different, words=_comment(with_counts(repeats.codes))
    )
    value = "false" if repeats.are_updates else "true"
    return [f"# {words['doubt']}: {said}", f"one_row_per_dossier: {value}"]


def _unused(draft: Draft, schema: str, language: Language) -> Iterator[str]:
    words = _WORDS[language]
    for path in draft.unused[:MAX_UNUSED]:
        remarks = [
            words["only_in"].format(version=version, name=columns[path], schema=schema)
            for version, columns in draft.elsewhere.items()
            if path in columns
        ]
        if path in draft.kinds:
            kind = KIND_WORDS[draft.kinds[path]].say(language)
            remarks.append(words["looks"].format(kind=kind))
        yield f"{_comment(path)}" + (f"  ({'; '.join(remarks)})" if remarks else "")


def _source(options: SourceOptions) -> Iterator[str]:
    name = next(key for key, kind in FORMATS.items() if kind is type(options))
    yield "source:"
    yield f"  format: {name}"
    for each in fields(options):
        value = getattr(options, each.name)
        default = each.default if each.default is not MISSING else None
        if value != default and not (each.default_factory is not MISSING and not value):
            yield f"  {each.name}: {_flow(value)}"


def _rule(proposal: Proposal, language: Language) -> Iterator[str]:
    words, name = _WORDS[language], proposal.target.name
    if proposal.target.kind is Kind.GROUP:
        yield from _items(name, proposal.items, words)
        return
    if proposal.column is None:
        yield from _nothing(proposal, language)
        return
    for doubt in proposal.doubts:
        yield f"  # {words['doubt']}: {_comment(doubt.say(language))}"
    path = _scalar(proposal.column.path)
    if proposal.formats:
        listed = f"[{', '.join(_scalar(each) for each in proposal.formats)}]"
        if proposal.empty:
            empty = ", ".join(_scalar(each) for each in proposal.empty)
            listed = f"{{formats: {listed}, empty: [{empty}]}}"
        yield f"  {name}: {{from: {path}, date: {listed}}}"
    elif proposal.table_column:
        lookup = f"lookup: {{table: procedures, column: {proposal.table_column}}}"
        yield f"  {name}: {{from: {path}, text: {_EXTRACT}, {lookup}}}"
    elif proposal.codes:
        yield f"  {name}:"
        yield f"    from: {path}"
        if proposal.is_extracted:
            yield f"    text: {_EXTRACT}"
        yield "    codes:"
        for word, code in proposal.codes.items():
            meaning = proposal.target.codes.get(code) or proposal.remarks.get(word)
            remark = f"  # {meaning.say(language)}" if meaning else ""
            yield f"      {_scalar(word)}: {_scalar(code or UNFINISHED)}{remark}"
    elif proposal.kind:
        yield f"  {name}: {{from: {path}, kind: {proposal.kind}}}"
    else:
        yield f"  {name}: {path}"


def _nothing(proposal: Proposal, language: Language) -> Iterator[str]:
    words, name = _WORDS[language], proposal.target.name
    if proposal.target.required:
        yield f"  # {words['doubt']}: {name}: {words['missing']}"
    elif not proposal.doubts:
        yield f"  # {name}: {words['optional']}"
    for doubt in proposal.doubts:
        yield f"  # {words['doubt']}: {name}: {_comment(doubt.say(language))}"


def _items(name: str, items: ItemSource | None, words: Mapping[str, str]) -> Iterator[str]:
    if items is None:
        yield f"  # {name}: {words['no_items']}"
        return
    yield f"  # {words['doubt']}: {name}: {words['items']}"
    yield f"  # {name}:"
    if items.path:
        yield f"  #   each: {_scalar(items.path)}"
        yield f"  #   fields: {_flow(items.fields)}"
    else:
        yield "  #   items:"
        yield f"  #     - fields: {_flow(items.fields)}"


def _flow(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _scalar(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(_flow(each) for each in value) + "]"


def _scalar(text: str) -> str:
    """Return a text as YAML reads it back, in double quotes."""
    written = json.dumps(text, ensure_ascii=False)
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def _comment(text: str) -> str:
    return " ".join(text.split())
