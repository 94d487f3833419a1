"""Trying what is proposed for a field on the values that were read, so that doubts are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mappings.drafts.naming import plain
from mappings.kinds import RULES, make_kind_reader
from mappings.mistakes import listed
from mappings.tables import load_column
from schemas.model import Kind
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mappings.drafts.profiles import ColumnProfile, SampleProfile
    from mappings.drafts.proposals import Proposal
    from mappings.kinds.readers import KindReader

PROCEDURE_CODE = r"\d\.\d{6}"
"""Inside its local writing."""
_NO_DATE = re.compile(
    r"[-0/.:T Z]+|/Date\(-62135596800000[^)]*\)/|0?1/0?1/0001.*|null|n/a|không có?"
)
"""What systems write for a date that is not there."""
_KINDS = {
    "MaHoSo": "dossier_code",
    "MaTTHC": "procedure_code",
    "MaLinhVuc": "field_code",
    "SoGiayToChuHoSo": "personal_id",
    "SoDienThoai": "phone",
    "Email": "email",
}
"""Fields whose values are of a kind."""
_ABOUT_PERSONS = frozenset({"personal_id", "phone", "email"})
"""Kinds whose values are not repeated in a draft."""
_OF_PERSONS = frozenset({"ChuHoSo", "SoGiayToChuHoSo"})
"""Optional fields that a dossier hardly goes without."""
_BY_PROCEDURE = {
    "title": Text(vi="tên thủ tục như trên Cổng", en="its title as the national portal has it"),
    "field": Text(
        vi="tên lĩnh vực của thủ tục (một `constant` nếu mọi thủ tục cùng lĩnh vực)",
        en="the name of its field (one `constant` if all are of one field)",
    ),
}
_MOST = 0.8
_MANY = 20
"""Among so many values a word that comes once is odd."""
MAX_CODES = 100


def try_column(made: Proposal, column: ColumnProfile, profile: SampleProfile) -> None:
    """Propose how `column` is read into a field, and say what of it does not fit."""
    _try_empty(made, empty=profile.records - column.filled, of=profile.records)
    if made.target.kind is Kind.DATETIME:
        _try_dates(made, column)
    elif made.target.codes:
        _try_codes(made, column)
    elif made.target.name in _KINDS:
        _try_kind(made, column, _KINDS[made.target.name])


def are_personal_ids(column: ColumnProfile) -> bool:
    """Return whether most values are numbers of persons."""
    wrong = _count(column, _faults(column, "personal_id"))
    return column.filled > 0 and wrong <= (1 - _MOST) * _total(column)


def try_procedures(made: Proposal, code: ColumnProfile, *, column: str) -> None:
    """Propose a column of the table of procedures by the codes at `code`, or a list to fill in."""
    known = load_column("procedures", column)
    codes: dict[str, int] = {}
    for word, count in code.words.most_common():
        found = re.search(PROCEDURE_CODE, word)
        if found is not None:
            codes[found[0]] = codes.get(found[0], 0) + count
            made.is_extracted |= found[0] != word
    unknown = {word: count for word, count in codes.items() if word not in known}
    share = f"{len(unknown)} of {len(codes)} codes {'is' if len(unknown) == 1 else 'are'}"
    share_vi = f"{len(unknown)} trên {len(codes)} mã"
    if len(unknown) == len(codes):
        made.codes = _cut(made, dict.fromkeys(codes, ""))
        what = _BY_PROCEDURE[column]
        made.doubts.append(
            Text(
                vi=f"{share_vi} không có trong bảng thủ tục đóng gói: điền {what.vi}; "
                "mã không có thật thì bỏ, bản ghi của nó sẽ bị báo lỗi",
                en=f"{share} not in the packaged procedures: give each {what.en}; take a code "
                "out that does not exist, its records are then reported",
            )
        )
        return
    made.table_column = column
    if unknown:
        words = with_counts(unknown)
        made.doubts.append(
            Text(
                vi=f"{share_vi} không có trong bảng thủ tục đóng gói: {words}: bản ghi sẽ bị báo "
                "lỗi; nếu mã đúng, dùng danh mục mã (`codes`) thay cho `lookup`",
                en=f"{share} not in the packaged procedures: {words}: their records will be "
                "reported; where a code is right, write a code list (`codes`) instead of `lookup`",
            )
        )


def _try_empty(made: Proposal, *, empty: int, of: int) -> None:
    are = f"{empty} of {of} {'is' if empty == 1 else 'are'} empty"
    if not empty:
        return
    if made.target.required:
        made.doubts.append(
            Text(
                vi=f"{empty} trên {of} trống mà Cổng bắt buộc: bản ghi như vậy sẽ bị báo lỗi; hỏi "
                "đơn vị, hoặc đặt default",
                en=f"{are}, and the portal insists on this field: such a record is reported; ask "
                "the agency, or give a default",
            )
        )
    elif made.target.name in _OF_PERSONS:
        made.doubts.append(
            Text(
                vi=f"{empty} trên {of} trống: `required: true` để bản ghi như vậy bị báo lỗi",
                en=f"{are}: with `required: true` such a record is reported",
            )
        )


def _try_dates(made: Proposal, column: ColumnProfile) -> None:
    made.formats, unread = column.date_formats()
    made.empty = tuple(word for word in unread if _NO_DATE.fullmatch(word))
    others = {word: column.words[word] for word in unread if word not in made.empty}
    if made.empty:
        made.doubts.append(
            Text(
                vi="xác nhận rằng những giá trị ở `empty` có nghĩa là không có ngày",
                en="make sure that what stands under `empty` means no date",
            )
        )
    if others:
        words, count = with_counts(others), sum(others.values())
        made.doubts.append(
            Text(
                vi=f"{count} trên {column.filled} không đọc được, bản ghi sẽ bị báo lỗi: {words}",
                en=f"{count} of {column.filled} cannot be read, their records will be reported: "
                f"{words}",
            )
        )
    other = column.other_reading(made.formats)
    if other is not None:
        made.doubts.append(
            Text(
                vi=f"mọi ngày trong mẫu cũng đọc được theo {other}: hỏi đơn vị",
                en=f"every date of the sample reads as {other} too: ask the agency",
            )
        )


def _try_codes(made: Proposal, column: ColumnProfile) -> None:
    if not column.has_few:
        made.doubts.append(
            Text(
                vi=f"có {len(column.words)} giá trị khác nhau: có đúng là cột này không?",
                en=f"it has {len(column.words)} different values: is it this column?",
            )
        )
    codes = made.target.codes
    strangers = {w: count for w, count in column.words.most_common() if w not in codes}
    # A list with many other codes in it is the agency's own: there 4 need not mean 4.
    if sum(strangers.values()) <= (1 - _MOST) * _total(column):
        _take_codes(made, column, strangers)
        return
    names = {plain(text.vi): code for code, text in codes.items()}
    ordered = (word for word, _ in column.words.most_common())
    made.codes = _cut(made, {word: names.get(plain(word), "") for word in ordered})
    if not all(made.codes.values()):
        made.doubts.append(_fill_in())
        made.remarks = {
            word: _perhaps_a_mistake(_total(column))
            for word in _rare(column)
            if made.codes.get(word) == ""
        }


def _rare(column: ColumnProfile) -> list[str]:
    """Return the words that come once where most others come again and again."""
    once = [word for word, count in column.words.items() if count == 1]
    is_list = _total(column) >= _MANY and len(once) * 2 <= len(column.words)
    return once if is_list else []


def _perhaps_a_mistake(total: int) -> Text:
    return Text(
        vi=f"chỉ 1 lần trong {total}: có thể là lỗi của đơn vị; đừng đoán, hãy hỏi hoặc bỏ dòng",
        en=f"once in {total}: it may be a mistake of the agency; do not guess, ask or take it out",
    )


def _take_codes(made: Proposal, column: ColumnProfile, strangers: Mapping[str, int]) -> None:
    """Say that the values go as they are."""
    meanings = {
        code: (text, column.words[code])
        for code, text in made.target.codes.items()
        if code in column.words
    }
    said = Text(
        vi=", ".join(f"{code} = {text.vi} ({n}x)" for code, (text, n) in meanings.items()),
        en=", ".join(f"{code} = {text.en} ({n}x)" for code, (text, n) in meanings.items()),
    )
    if meanings:
        made.doubts.append(
            Text(
                vi=f"trông như mã của Cổng, xác nhận rằng chúng có nghĩa đó: {said.vi}",
                en=f"they look like the portal's codes, make sure they mean that: {said.en}",
            )
        )
    if strangers:
        words = with_counts(strangers)
        made.doubts.append(
            Text(
                vi=f"{words}: không phải mã của Cổng, bản ghi sẽ bị báo lỗi",
                en=f"{words}: none of the portal's codes, their records will be reported",
            )
        )


def _try_kind(made: Proposal, column: ColumnProfile, kind: str) -> None:
    wrong = _faults(column, kind)
    count, total = _count(column, wrong), _total(column)
    if count <= (1 - _MOST) * total:
        made.kind = kind
        if wrong:
            made.doubts.append(_odd(column, kind, wrong))
        return
    if made.target.required and column.has_few:
        made.codes = _cut(made, dict.fromkeys(column.words, ""))
        made.doubts.append(_fill_in())
        return
    made.doubts.append(
        Text(
            vi=f"{count} trên {total} giá trị không phải {kind}: được lấy như đã ghi; có đúng là "
            "cột này không, có cần danh mục mã không?",
            en=f"{count} of {total} values are no {kind}: they are taken as they are; is it this "
            "column, does it need a code list?",
        )
    )


def _faults(column: ColumnProfile, kind: str) -> dict[str, bool]:
    """Return the values that break a rule of the kind's form, and whether that is an error."""
    read, wrong = make_kind_reader(kind), {}
    for word in column.words:
        codes = faults(read, kind, word)
        if codes:
            wrong[word] = any(RULES[code].severity is Severity.ERROR for code in codes)
    return wrong


def faults(read: KindReader, kind: str, word: str) -> list[str]:
    """Return the codes of what is wrong with a value's form; what tables say does not count."""
    codes = [found.code for found in read(word, lambda: None, {}).findings]
    if kind == "personal_id":
        return [code for code in codes if code == "value.personal_id_form"]
    return [code for code in codes if not code.endswith("_unknown")]


def _odd(column: ColumnProfile, kind: str, wrong: Mapping[str, bool]) -> Text:
    count, total = _count(column, wrong), _total(column)
    counted = {word: column.words[word] for word in wrong}
    words = "" if kind in _ABOUT_PERSONS else f" ({with_counts(counted)})"
    is_error = any(wrong.values())
    are = "is" if count == 1 else "are"
    return Text(
        vi=f"{count} trên {total} không phải {kind}{words}: "
        + ("bản ghi sẽ bị báo lỗi" if is_error else "sẽ có cảnh báo"),
        en=f"{count} of {total} {are} no {kind}{words}: "
        + ("their records will be reported" if is_error else "a warning will say so"),
    )


def _cut(made: Proposal, codes: dict[str, str]) -> dict[str, str]:
    if len(codes) > MAX_CODES:
        made.doubts.append(
            Text(
                vi=f"chỉ {MAX_CODES} trong {len(codes)} giá trị được liệt kê",
                en=f"only {MAX_CODES} of {len(codes)} values stand here",
            )
        )
    return dict(list(codes.items())[:MAX_CODES])


def _fill_in() -> Text:
    return Text(
        vi='điền mã vào những chỗ "?"; giá trị là lỗi của đơn vị thì bỏ dòng của nó, bản ghi sẽ '
        "bị báo lỗi",
        en='fill the codes in where "?" stands; take the line of a mistake out, its record is '
        "then reported",
    )


def _count(column: ColumnProfile, words: Iterable[str]) -> int:
    return sum(column.words[word] for word in words)


def _total(column: ColumnProfile) -> int:
    return sum(column.words.values())


def with_counts(words: Mapping[str, int], *, limit: int = 5) -> str:
    """Return words with how often each comes, the first `limit` of them."""
    shown = [f"{listed([word])} ({count}x)" for word, count in list(words.items())[:limit]]
    return ", ".join(shown) + (f", … ({len(words)})" if len(words) > limit else "")
