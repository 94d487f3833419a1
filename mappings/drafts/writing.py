"""
Writing a draft as a mapping file that a person finishes.

What nobody knows is left out or stands as "?", so that `mapping check` names it: a draft never
passes for a mapping by guessing. Doubts are comments beside their rules.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

from adapters.options import FORMATS
from schemas.problem import Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from adapters import SourceOptions
    from mappings.drafts.proposing import Draft, Proposal

UNKNOWN = "?"
MAX_UNUSED = 200
_CODE = r"\d\.\d{6}"
"""A procedure's code inside its local writing."""
_WORDS = {
    Language.VI: {
        "head": "Bản nháp từ {file}: {records} bản ghi đã xem, {unreadable} không đọc được.",
        "todo": "Sửa những chỗ có «?» và những dòng # NGHI, rồi chạy: lienthong mapping check",
        "doubt": "NGHI",
        "missing": "bắt buộc, chưa thấy cột nào: điền quy tắc, ví dụ {constant: ...}",
        "optional": "không thấy cột nào",
        "unused": "Cột chưa dùng",
        "lists": "Danh sách trong bản ghi (TaiLieuNop, DanhSachLePhi, progress có thể lấy ở đây)",
        "tests": "Thêm `tests:` với vài bản ghi bịa và kết quả mong đợi; không chép dữ liệu thật",
        "key": "event_key, order_by: khóa sự kiện và thứ tự các lần cập nhật, nếu đơn vị có",
        "repeated": "mã hồ sơ lặp lại trong mẫu: mỗi dòng là một lần cập nhật?",
    },
    Language.EN: {
        "head": "Draft from {file}: {records} records looked at, {unreadable} unreadable.",
        "todo": 'Mend what says "?" and the lines # DOUBT, then run: lienthong mapping check',
        "doubt": "DOUBT",
        "missing": "mandatory, no column was found: give it a rule, for example {constant: ...}",
        "optional": "no column was found",
        "unused": "Columns not used yet",
        "lists": "Lists in the records (TaiLieuNop, DanhSachLePhi, progress may come from here)",
        "tests": "Add `tests:` with one or two invented records and what must come of them; "
        "copy no real data",
        "key": "event_key, order_by: the agency's own key and order of events, if it has them",
        "repeated": "dossier codes come several times in the sample: is each row an update?",
    },
}


def write_draft(  # noqa: PLR0913 - the parts of a file's head
    draft: Draft,
    *,
    name: str,
    agency_code: str,
    agency_name: str,
    schema: str,
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
        f"schema: {schema}",
        "agency:",
        f"  code: {_scalar(agency_code or UNKNOWN)}",
        f"  name: {_scalar(agency_name or UNKNOWN)}",
        *_source(options),
        *(f"  # {words['doubt']}: {doubt}" for doubt in source_doubts),
    ]
    if not draft.one_row_per_dossier:
        lines += [f"# {words['doubt']}: {words['repeated']}", "one_row_per_dossier: false"]
    lines += [f"# {words['key']}", "dossier:"]
    for proposal in draft.proposals:
        lines += _rule(proposal, language)
    if draft.profile.lists:
        lines.append(f"# {words['lists']}:")
        lines += [
            f"#   {_comment(path)}: {_comment(', '.join(keys)) or '…'}"
            for path, keys in draft.profile.lists.items()
        ]
    if draft.unused:
        lines.append(f"# {words['unused']}:")
        lines += [f"#   {_comment(path)}" for path in draft.unused[:MAX_UNUSED]]
    lines.append(f"# {words['tests']}")
    return "\n".join(lines) + "\n"


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
    if proposal.column is None:
        if proposal.target.required:
            yield f"  # {words['doubt']}: {name}: {words['missing']}"
        else:
            yield f"  # {name}: {words['optional']}"
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
        yield f"  {name}: {{from: {path}, text: [{{extract: '{_CODE}'}}], {lookup}}}"
    elif proposal.codes:
        yield f"  {name}:"
        yield f"    from: {path}"
        yield "    codes:"
        for word, code in proposal.codes.items():
            meaning = proposal.target.codes.get(code)
            remark = f"  # {meaning.say(language)}" if meaning else ""
            yield f"      {_scalar(word)}: {_scalar(code or UNKNOWN)}{remark}"
    elif proposal.kind:
        yield f"  {name}: {{from: {path}, kind: {proposal.kind}}}"
    else:
        yield f"  {name}: {path}"


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
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join(text.split())
