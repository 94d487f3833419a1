"""
Judging what a rule writes by itself: constants, defaults, code targets, and the form of dates.

Here a value that the portal would refuse of every record is found before there is a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mappings.codes import check_targets, folding, spans_of
from mappings.dates import DateImplausible, DateInvalid, make_date_reader
from mappings.judging import Refusal, known_codes, make_judge, quoted
from mappings.mistakes import closest, listed
from mappings.texts import (
    NumberInvalid,
    TextNoMatch,
    TextTooLong,
    make_number_reader,
    make_text_rule,
)
from mappings.values import as_text
from schemas.model import Kind
from schemas.problem import Text

if TYPE_CHECKING:
    from mappings.judging import Judge
    from mappings.language import FieldRule
    from mappings.mistakes import Section
    from schemas.model import Field

_SOME_DATE = "20210305000000"
_NEVER_NUMBERS = (Kind.DATETIME, Kind.BOOLEAN)


def judge_written(rule: FieldRule, *, section: Section, field: Field) -> None:
    """Complain about every value of `rule` that the portal's field does not take."""
    judge = _with_suggestion(make_judge(field), _taken_by(field))
    refusals = (
        ("constant", _refuse_constant(rule, judge) if rule.constant else None),
        ("default", judge(rule.default) if rule.default else None),
    )
    for key, refusal in refusals:
        if refusal is not None:
            section.complain(
                f"mapping.{key}_refused",
                Text(
                    vi=f"{key} của {field.name}: {refusal.text.vi}",
                    en=f"{key} of {field.name}: {refusal.text.en}",
                ),
                key=key,
                suggestion=refusal.advice,
            )
    if rule.codes is not None:
        check_targets(rule.codes, judge, section=section, field=field.name)
    _check_conversion(rule, judge, section=section, field=field)


def _with_suggestion(judge: Judge, suggestion: Text) -> Judge:
    """Return a judge whose refusals say what to do also where no word is near."""

    def judge_with_suggestion(value: str) -> Refusal | None:
        found = judge(value)
        if found is None or found.suggestion is not None:
            return found
        return found._replace(suggestion=suggestion, for_integrator=None)

    return judge_with_suggestion


def _taken_by(field: Field) -> Text:
    if field.codes:
        known = known_codes(field.codes)
        return Text(vi=f"viết một trong {known.vi}", en=f"write one of {known.en}")
    form = field.form or field.about
    return Text(vi=f"{field.name} nhận: {form.vi}", en=f"{field.name} takes: {form.en}")


def _check_conversion(rule: FieldRule, judge: Judge, *, section: Section, field: Field) -> None:
    if rule.date is not None and judge(_SOME_DATE) is not None:
        key, vi, en = "date", "thời điểm yyyyMMddHHmmss", "a time yyyyMMddHHmmss"
    elif rule.number is not None and field.kind in _NEVER_NUMBERS:
        key, vi, en = "number", "một số", "a number"
    else:
        return
    section.complain(
        "mapping.conversion_refused",
        Text(
            vi=f"`{key}` cho {vi}, mà {field.name} không nhận: {field.about.vi}",
            en=f"`{key}` makes {en}, which {field.name} does not take: {field.about.en}",
        ),
        key=key,
        suggestion=Text(
            vi=f"bỏ `{key}`, hoặc sửa tên trường", en=f"remove `{key}`, or correct the field"
        ),
    )


def _refuse_constant(rule: FieldRule, judge: Judge) -> Refusal | None:
    """Return why the constant cannot stand, after the text rules and the conversion."""
    text = rule.constant or ""
    try:
        for step in rule.text:
            text = as_text(make_text_rule(step)(text)) if text else ""
        if not text or rule.lookup is not None or rule.kind is not None:
            return None
        if rule.codes is not None:
            return _refuse_word(rule, text)
        if rule.date is not None:
            text = "" if text in rule.date.empty else make_date_reader(rule.date.formats)(text)
        elif rule.number is not None:
            text = make_number_reader(rule.number)(text)
    except (TextNoMatch, TextTooLong, DateInvalid, DateImplausible, NumberInvalid):
        return Refusal(
            "mapping.constant_refused",
            Text(
                vi=f"các quy tắc sau nó không nhận {quoted(text)}",
                en=f"the rules after it do not take {quoted(text)}",
            ),
            Text(
                vi="sửa hằng số, hoặc bỏ quy tắc không nhận nó",
                en="mend the constant, or take out the rule that does not take it",
            ),
        )
    return judge(text) if text else None


def _refuse_word(rule: FieldRule, text: str) -> Refusal | None:
    assert rule.codes is not None
    words = spans_of(rule.codes)
    if folding(rule.codes)(text) in words:
        return None
    return Refusal(
        "mapping.constant_refused",
        Text(
            vi=f"danh mục mã không có {quoted(text)}; có: {listed(words)}",
            en=f"the code list has no {quoted(text)}; there are {listed(words)}",
        ),
        closest(text, words)
        or Text(
            vi="viết một từ có trong danh mục mã, hoặc thêm từ này vào danh mục",
            en="write a word of the code list, or add this one to it",
        ),
    )
