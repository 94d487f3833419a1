"""
What the portal's schema allows in one field, said before the document is built.

The XSD stays the judge; these checks name the agency's own cell, which the XSD cannot.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from mappings.dates import FIRST_YEAR, LAST_YEAR
from mappings.kinds.fees import fee_size
from mappings.mistakes import closest_word
from schemas.model import Kind
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.model import Field

# What XML 1.0 cannot carry at all, escaped or not (XML 1.0, section 2.2).
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What no reader sees, and what turns the order of the letters around: Unicode's format characters
# (general category Cf) and the controls that XML can carry. Each is what `str.isprintable` refuses.
_UNSEEN = (
    "\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000e0001-\U000e007f"
)
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_AMOUNTS = frozenset({"Gia"})
"""Fields of money, which the schema takes as any text."""
_MOMENT = re.compile(r"[0-9]{14}")
_INTEGER = re.compile(r"[+-]?[0-9]+")


class Refusal(NamedTuple):
    """Why a value may not stand in a field."""

    code: str
    text: Text
    suggestion: Text | None = None
    """What the agency can do about it."""
    for_integrator: Text | None = None
    """What whoever writes the mapping can."""

    @property
    def advice(self) -> Text | None:
        """What to do where the value stands in the mapping itself."""
        return self.for_integrator or self.suggestion


_BY_CODES = Text(
    vi="nếu đây là từ của đơn vị, đổi nó sang mã bằng `codes`",
    en="if this is a word of the agency's, turn it into the code by `codes`",
)
Judge: TypeAlias = "Callable[[str], Refusal | None]"


def make_judge(field: Field) -> Judge:
    """Return a function from a non-empty value to its refusal, or None when it may stand."""
    if field.codes:
        return _by_codes(field.codes)
    if field.kind is Kind.DATETIME:
        return _by_moment
    if field.kind is Kind.INTEGER:
        return _by_number
    judge = _by_text(field, pattern=_compiled(field.pattern))
    return _by_amount(judge) if field.name in _AMOUNTS else judge


def quoted(value: str) -> str:
    """Return a value as messages show it, cut after 80 characters."""
    return repr(value) if len(value) <= 80 else f"{value[:80]!r}… ({len(value)})"


def known_codes(codes: Mapping[str, Text]) -> Text:
    """Return the codes with their meanings, as one sentence each language."""
    return Text(
        vi="các mã: " + "; ".join(f"{code} = {text.vi}" for code, text in codes.items()),
        en="the codes: " + "; ".join(f"{code} = {text.en}" for code, text in codes.items()),
    )


def _by_codes(codes: Mapping[str, Text]) -> Judge:
    def judge(value: str) -> Refusal | None:
        if value in codes:
            return None
        near = closest_word(value, codes)
        known = known_codes(codes)
        return Refusal(
            "mapping.value_refused",
            Text(
                vi=f"Cổng không có mã {quoted(value)}; {known.vi}",
                en=f"the portal has no code {quoted(value)}; {known.en}",
            ),
            near,
            _BY_CODES if near is None else None,
        )

    return judge


def _by_moment(value: str) -> Refusal | None:
    if _MOMENT.fullmatch(value):
        try:
            datetime(  # noqa: DTZ001
                int(value[:4]),
                int(value[4:6]),
                int(value[6:8]),
                int(value[8:10]),
                int(value[10:12]),
                int(value[12:]),
            )
        except ValueError:
            pass
        else:
            if FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
                return None
    return Refusal(
        "mapping.value_refused",
        Text(
            vi=f"cần thời điểm yyyyMMddHHmmss trong {FIRST_YEAR}..{LAST_YEAR}, "
            f"nhận được {quoted(value)}",
            en=f"expected a time yyyyMMddHHmmss in {FIRST_YEAR}..{LAST_YEAR}, "
            f"found {quoted(value)}",
        ),
        for_integrator=Text(
            vi="thêm `date:` với định dạng của đơn vị vào quy tắc của trường này",
            en="add `date:` with the agency's format to the rule of this field",
        ),
    )


def _by_number(value: str) -> Refusal | None:
    if _INTEGER.fullmatch(value):
        return None
    return Refusal(
        "mapping.value_refused",
        Text(
            vi=f"cần một số nguyên, nhận được {quoted(value)}",
            en=f"expected a whole number, found {quoted(value)}",
        ),
    )


def _by_text(field: Field, *, pattern: re.Pattern[str] | None) -> Judge:
    limit = field.max_length if field.max_length is not None else 1 << 62
    form = field.form or Text(vi=field.pattern or "", en=field.pattern or "")

    def judge(value: str) -> Refusal | None:
        if len(value) > limit:
            return _too_long(value, limit)
        # Nearly all values are printable: this one look costs a tenth of a microsecond.
        if not value.isprintable():
            if _FORBIDDEN.search(value):
                return _forbidden(value)
            if _INVISIBLE.search(value):
                return _invisible(value)
        if pattern is not None and not pattern.fullmatch(value):
            return _mismatch(value, form)
        return None

    return judge


def _by_amount(judge: Judge) -> Judge:
    def judge_amount(value: str) -> Refusal | None:
        found = fee_size(value)
        return judge(value) if found is None else Refusal(*found)

    return judge_amount


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error:
        # XSD knows a few escapes that Python does not; the XSD itself will judge those.
        return None


def _too_long(value: str, limit: int) -> Refusal:
    return Refusal(
        "mapping.too_long",
        Text(
            vi=f"dài {len(value)} ký tự, Cổng nhận tối đa {limit}: {quoted(value)}",
            en=f"{len(value)} characters long, the portal takes {limit}: {quoted(value)}",
        ),
        Text(vi="rút gọn tại nguồn", en="shorten it at the source"),
        Text(
            vi=f"hoặc cho phép cắt: text: [{{truncate: {limit}}}]",
            en=f"or let it be cut: text: [{{truncate: {limit}}}]",
        ),
    )


def _forbidden(value: str) -> Refusal:
    found = _FORBIDDEN.search(value)
    point = ord(found[0]) if found else 0
    return Refusal(
        "mapping.value_refused",
        Text(
            vi=f"có ký tự điều khiển U+{point:04X} mà XML không chứa được: {quoted(value)}",
            en=f"holds the control character U+{point:04X}, which XML cannot: {quoted(value)}",
        ),
        Text(vi="xóa ký tự này tại nguồn", en="remove it at the source"),
        Text(
            vi="thường do chọn sai bảng mã trong `source`",
            en="often the encoding in `source` is wrong",
        ),
    )


def _invisible(value: str) -> Refusal:
    found = _INVISIBLE.search(value)
    assert found is not None
    named = f"U+{ord(found[0]):04X} {unicodedata.name(found[0], '')}".strip()
    at = found.start() + 1
    remove = r"""text: [{replace: ['[\p{Cf}\x7f-\x{9f}]', ""]}]"""
    return Refusal(
        "value.invisible_characters",
        Text(
            vi=f"ký tự thứ {at} không nhìn thấy được: {named}, trong {quoted(value)}",
            en=f"character {at} cannot be seen: {named}, in {quoted(value)}",
        ),
        Text(vi="xóa ký tự này tại nguồn", en="remove it at the source"),
        Text(
            vi=f"nếu hệ thống của đơn vị luôn thêm vào: {remove}",
            en=f"if the agency's system always adds it: {remove}",
        ),
    )


def _mismatch(value: str, form: Text) -> Refusal:
    return Refusal(
        "mapping.value_refused",
        Text(
            vi=f"không đúng dạng {quoted(value)}; cần: {form.vi}",
            en=f"{quoted(value)} does not have the form: {form.en}",
        ),
    )
