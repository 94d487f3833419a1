"""
What is wrong or suspicious in a file as a whole, once each of its parts has been read.

A mistake that would spoil every record is an error; what some records would trip over, or what
does nothing, is a warning.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from mappings.codes import folding
from mappings.inbound_linting import lint_inbound, words_in
from mappings.lengths import bounds_of
from mappings.mistakes import closest, listed
from mappings.walking import condition_paths, paths_of, rules_of
from schemas.model import Kind
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mappings.language import CodeEntry, CodeList, FieldRule, MappingFile
    from mappings.mistakes import Mistakes
    from mappings.walking import PlacedRule


def lint(file: MappingFile, mistakes: Mistakes) -> None:
    """Write down what is wrong with the whole of `file`."""
    _check_columns(file, mistakes)
    _check_leave_out(file, mistakes)
    _check_lists(file, mistakes)
    lint_inbound(file, mistakes)
    for placed in rules_of(file):
        _check_mandatory(placed, mistakes)
        _check_reached(placed, mistakes)
        for way in placed.ways:
            _check_date(way, mistakes)
            _check_deadline(way, mistakes)
            _check_length(way, mistakes)


def _check_columns(file: MappingFile, mistakes: Mistakes) -> None:
    """Compare the paths with the columns that the source names, all of them or some."""
    columns: tuple[str, ...] = getattr(file.source, "columns", ())
    required: tuple[str, ...] = getattr(file.source, "required", ())
    used = [placed for placed in paths_of(file) if placed.is_in_record]
    unread = [name for name in required if name not in {placed.path.text for placed in used}]
    seen: set[tuple[str, int]] = set()
    for placed in used:
        text = placed.path.text
        if text in columns or text in required or (text, placed.line) in seen:
            continue
        seen.add((text, placed.line))
        if columns:
            mistakes.add(
                "mapping.path_unknown",
                Text(
                    vi=f"nguồn không có cột {text!r}; các cột: {listed(columns)}",
                    en=f"the source has no column {text!r}; the columns are {listed(columns)}",
                ),
                line=placed.line,
                key=placed.key,
                suggestion=closest(text, columns),
            )
            continue
        near = _same_word(text, required) or closest(text, unread)
        if near is not None:
            mistakes.add(
                "mapping.path_misspelt",
                Text(
                    vi=f"{text!r} gần giống một cột mà `required` liệt kê",
                    en=f"{text!r} is nearly a column that `required` lists",
                ),
                line=placed.line,
                key=placed.key,
                suggestion=near,
                is_warning=True,
            )


def _check_leave_out(file: MappingFile, mistakes: Mistakes) -> None:
    """See to it that a table without the columns of `leave_out` is refused, not left out."""
    source = getattr(file.source, "source", file.source)
    if file.leave_out is None or not hasattr(source, "required"):
        return
    known = {*source.required, *getattr(source, "columns", ()), *getattr(source, "children", ())}
    paths = {path.text: None for path in condition_paths(file.leave_out.condition)}
    for text in paths:
        if text in known or re.split(r"[.\[]", text, maxsplit=1)[0] in known:
            continue
        mistakes.add(
            "mapping.leave_out_column",
            Text(
                vi=f"`leave_out` xét cột {text!r}, mà `source.required` không có cột đó: tệp thiếu "
                "cột sẽ bị bỏ qua hoặc gửi đi mà không ai biết",
                en=f"`leave_out` looks at the column {text!r}, which `source.required` does not "
                "list: a file without it would be left out, or sent, and nobody told",
            ),
            line=file.leave_out.line,
            key="leave_out",
            suggestion=Text(
                vi=f"thêm {text!r} vào `source.required`", en=f"add {text!r} to `source.required`"
            ),
        )


def _same_word(text: str, known: Sequence[str]) -> Text | None:
    """Return "did you mean" for a column that differs in case, accents or spaces only."""
    same = [word for word in known if _bare(word) == _bare(text)]
    return closest(same[0], same) if same else None


def _bare(word: str) -> str:
    letters = unicodedata.normalize("NFD", word.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if letter.isalnum())


def _check_lists(file: MappingFile, mistakes: Mistakes) -> None:
    used = {id(way.codes) for placed in rules_of(file) for way in placed.rule.ways}
    used |= {id(way.codes) for way in file.valid_at.ways}
    used |= {id(words.codes) for words in words_in(file)}
    for name, code_list in file.code_lists.items():
        key = f"code_lists.{name}"
        if id(code_list) not in used:
            mistakes.add(
                "mapping.codes_unused",
                Text(
                    vi=f"không trường nào dùng danh mục mã {name!r}: xóa nó, hoặc viết "
                    f"`codes: {name}` ở trường cần nó",
                    en=f"no field uses the code list {name!r}: remove it, or write "
                    f"`codes: {name}` in the field that needs it",
                ),
                line=code_list.line,
                key=key,
                is_warning=True,
            )
        _check_gaps(code_list, mistakes, key=f"{key}.entries")


def _check_gaps(code_list: CodeList, mistakes: Mistakes, *, key: str) -> None:
    compare = folding(code_list)
    by_word: dict[str, list[CodeEntry]] = {}
    for entry in code_list.entries:
        for source in entry.sources:
            by_word.setdefault(compare(source), []).append(entry)
    for word, entries in by_word.items():
        entries.sort(key=lambda entry: entry.valid_from or date.min)
        for earlier, later in pairwise(entries):
            if earlier.valid_to is None or later.valid_from is None:
                continue
            first, last = earlier.valid_to + timedelta(days=1), later.valid_from
            if first < last:
                _add_gap(word, first, last - timedelta(days=1), later, mistakes, key)


def _add_gap(
    word: str, first: date, last: date, later: CodeEntry, mistakes: Mistakes, key: str
) -> None:
    mistakes.add(
        "mapping.codes_gap",
        Text(
            vi=f"{word!r} không có mã từ {first} đến {last}; hồ sơ của những ngày đó bị từ chối",
            en=f"{word!r} has no code from {first} to {last}; dossiers of those days are refused",
        ),
        line=later.line,
        key=key,
        is_warning=True,
    )


def _check_mandatory(placed: PlacedRule, mistakes: Mistakes) -> None:
    if placed.field.required and placed.rule.when is not None:
        name = placed.field.name
        mistakes.add(
            "mapping.mandatory_conditional",
            Text(
                vi=f"trường bắt buộc {name} có `when`: bản ghi không thỏa điều kiện bị từ chối",
                en=f"the mandatory field {name} has a `when`: records that fail it are refused",
            ),
            line=placed.rule.line,
            key=placed.key,
            suggestion=Text(
                vi="bỏ `when`, hoặc lấy từ nhiều đường dẫn: from: [a, b]",
                en="remove `when`, or take it from several paths: from: [a, b]",
            ),
            is_warning=True,
        )


def _check_reached(placed: PlacedRule, mistakes: Mistakes) -> None:
    """Look for an alternative that has a value of every record: what follows it is never asked."""
    for number, way in enumerate(placed.ways[:-1], start=1):
        if not _always_has_value(way.rule):
            continue
        mistakes.add(
            "mapping.first_unreached",
            Text(
                vi=f"quy tắc thứ {number} của `first` luôn có giá trị: các quy tắc sau nó không "
                "bao giờ được dùng",
                en=f"alternative {number} of `first` always has a value: those after it are never "
                "used",
            ),
            line=way.rule.line,
            key=way.key,
            suggestion=Text(
                vi="đặt nó ở cuối, hoặc cho nó một `when`", en="put it last, or give it a `when`"
            ),
            is_warning=True,
        )
        return


def _always_has_value(rule: FieldRule) -> bool:
    if rule.when is not None:
        return False
    changes = rule.text or rule.date or rule.codes or rule.lookup
    return bool(rule.default) or (rule.constant is not None and not changes)


def _check_deadline(placed: PlacedRule, mistakes: Mistakes) -> None:
    rule = placed.rule
    if rule.date is None or rule.date.working_days is None or len(rule.sources) < 2:
        return
    names = listed(path.text for path in rule.sources)
    mistakes.add(
        "mapping.working_days_several",
        Text(
            vi=f"`working_days` được cộng vào bất kỳ ngày nào trong {names}, kể cả ngày đã là hạn",
            en=f"`working_days` is added to whichever of {names} has a value, also to one that is "
            "the deadline itself",
        ),
        line=rule.line,
        key=placed.key,
        suggestion=Text(
            vi="nếu một cột đã là hạn: first: [{from: cột hạn, date: …}, {from: cột nhận, "
            "date: {formats: …, working_days: …}}]",
            en="if one column is the deadline: first: [{from: deadline, date: …}, {from: received, "
            "date: {formats: …, working_days: …}}]",
        ),
        is_warning=True,
    )


def _check_date(placed: PlacedRule, mistakes: Mistakes) -> None:
    rule = placed.rule
    if placed.field.kind is Kind.DATETIME and rule.sources and not (rule.date or rule.text):
        mistakes.add(
            "mapping.date_unread",
            Text(
                vi=f"{placed.field.name} là thời điểm nhưng quy tắc không có `date`: chỉ giá trị "
                "viết sẵn yyyyMMddHHmmss được nhận",
                en=f"{placed.field.name} is a time but its rule has no `date`: only values "
                "written yyyyMMddHHmmss already are taken",
            ),
            line=rule.line,
            key=placed.key,
            suggestion=Text(
                vi="thêm `date: [định dạng của đơn vị]`", en="add `date: [the agency's format]`"
            ),
            is_warning=True,
        )


def _check_length(placed: PlacedRule, mistakes: Mistakes) -> None:
    """Compare what the text rules let through with what the portal takes."""
    rule, limit = placed.rule, placed.field.max_length
    if limit is None or rule.constant is not None:
        return
    if rule.date or rule.number or rule.kind or rule.codes or rule.lookup:
        return
    shortest, longest = bounds_of(rule)
    name = placed.field.name
    if shortest > limit:
        mistakes.add(
            "mapping.length_exceeded",
            Text(
                vi=f"{name} luôn dài ít nhất {shortest} ký tự, Cổng nhận tối đa {limit}",
                en=f"{name} always has {shortest} characters or more, the portal takes {limit}",
            ),
            line=rule.line,
            key=placed.key,
            suggestion=Text(
                vi=f"bỏ bớt chữ cố định, hoặc thêm {{truncate: {limit}}} ở cuối `text`",
                en=f"shorten what is fixed, or put {{truncate: {limit}}} at the end of `text`",
            ),
        )
    elif longest is not None and longest > limit:
        mistakes.add(
            "mapping.truncate_too_long",
            Text(
                vi=f"{name} vẫn có thể dài {longest} ký tự sau khi cắt, Cổng nhận tối đa {limit}",
                en=f"{name} may still have {longest} characters after the cut, the portal "
                f"takes {limit}",
            ),
            line=rule.line,
            key=placed.key,
            suggestion=Text(
                vi=f"đặt {{truncate: {limit}}} ở cuối `text`",
                en=f"put {{truncate: {limit}}} at the end of `text`",
            ),
            is_warning=True,
        )
