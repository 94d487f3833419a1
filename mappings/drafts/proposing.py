"""Which column is which portal field: by name first, by its values where those speak."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from mappings.kinds import make_kind_reader
from mappings.language import DOSSIER
from mappings.mistakes import listed
from mappings.tables import load_rows
from mappings.texts import fold_name
from schemas.model import Kind
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mappings.drafts.profiles import ColumnProfile, SampleProfile
    from schemas.model import Field, SchemaVersion

_NO_DATE = re.compile(
    r"[-0/.:T Z]+|/Date\(-62135596800000[^)]*\)/|0?1/0?1/0001.*|null|n/a|không có?"
)
"""What systems write for a date that is not there."""
_SHORTEST = 5
"""Letters of a name that may stand for another by being in it."""
_CHECKED = {
    "MaHoSo": "dossier_code",
    "MaTTHC": "procedure_code",
    "MaLinhVuc": "field_code",
    "SoDienThoai": "phone",
    "Email": "email",
}
"""Fields whose values are of a kind."""
_BY_PROCEDURE = {"TenTTHC": "title", "TenLinhVuc": "field"}
"""Columns of the table of procedures that give a field which no column of the sample gives."""


@dataclass(slots=True, kw_only=True)
class Proposal:
    """One portal field and the rule that is proposed for it."""

    target: Field
    column: ColumnProfile | None = None
    others: tuple[str, ...] = ()
    """Columns that may be meant as well."""
    formats: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict)
    """The agency's words with the portal's codes, "" where nobody knows."""
    kind: str = ""
    table_column: str = ""
    """Of the table of procedures, by the code in `column`."""
    doubts: list[Text] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A mapping as far as a sample tells it."""

    proposals: tuple[Proposal, ...]
    unused: tuple[str, ...]
    """Columns that no field takes."""
    one_row_per_dossier: bool
    profile: SampleProfile


def propose(profile: SampleProfile, version: SchemaVersion) -> Draft:
    """Return what a sample tells about the fields of a dossier."""
    fields = [
        each for each in version.packets[DOSSIER].fields.values() if each.kind is not Kind.GROUP
    ]
    chosen = _choose(fields, profile)
    proposals = tuple(_proposal(each, chosen.get(each.name), profile) for each in fields)
    _propose_lookups(proposals)
    used = {one.column.path for one in proposals if one.column is not None}
    code = next((one.column for one in proposals if one.target.name == "MaHoSo"), None)
    return Draft(
        proposals=proposals,
        unused=tuple(path for path in profile.columns if path not in used),
        one_row_per_dossier=code is None or code.is_unique or code.filled < 2,
        profile=profile,
    )


def is_known(column: str) -> bool:
    """Return whether some system calls a field so."""
    return plain(column) in _all_names()


@cache
def _all_names() -> frozenset[str]:
    return frozenset(name for names in _names().values() for name in names)


@cache
def _names() -> dict[str, tuple[str, ...]]:
    return {
        row["field"]: (plain(row["field"]), *(plain(name) for name in row["names"].split("|")))
        for row in load_rows("column_names")
    }


def plain(name: str) -> str:
    """Return a name without marks, case, blanks and signs, as names are compared."""
    return fold_name(name).replace(" ", "")


def _choose(fields: list[Field], profile: SampleProfile) -> dict[str, list[ColumnProfile]]:
    """Return the columns of each field, the best first; a column serves its best field only."""
    scored = sorted(
        (
            (score, -order, each.name, column)
            for each in fields
            for order, column in enumerate(profile.columns.values())
            if (score := _score(each, column)) > 0
        ),
        key=lambda one: one[:2],
        reverse=True,
    )
    chosen: dict[str, list[ColumnProfile]] = {}
    taken: set[str] = set()
    for _, _, name, column in scored:
        if name in chosen:
            chosen[name].append(column)
        elif column.path not in taken:
            chosen[name] = [column]
            taken.add(column.path)
    return chosen


def _score(each: Field, column: ColumnProfile) -> int:
    """Return how well a column fits a field: 0 not at all; a name counts more than values."""
    leaf = plain(re.split(r"[.@#]", column.path)[-1])
    names = _names().get(each.name, (plain(each.name),))
    if leaf in names:
        score = 10 - min(names.index(leaf), 5)
    elif any(len(name) >= _SHORTEST and name in leaf for name in names):
        score = 2
    else:
        return 0
    if each.kind is Kind.DATETIME and not column.date_formats()[0]:
        return 0
    return score + (2 if column.filled else 0)


def _proposal(each: Field, columns: list[ColumnProfile] | None, profile: SampleProfile) -> Proposal:
    made = Proposal(target=each)
    if not columns:
        return made
    made.column = column = columns[0]
    made.others = tuple(other.path for other in columns[1:4])
    if column.filled < profile.records and each.required:
        empty = profile.records - column.filled
        made.doubts.append(
            Text(
                vi=f"{empty} bản ghi trống mà Cổng bắt buộc: hỏi đơn vị, hoặc đặt default",
                en=f"empty in {empty} records, and mandatory: ask the agency, or give a default",
            )
        )
    if made.others:
        made.doubts.append(
            Text(
                vi=f"cũng có thể là {', '.join(made.others)}",
                en=f"it may as well be {', '.join(made.others)}",
            )
        )
    if each.kind is Kind.DATETIME:
        _propose_dates(made, column)
    elif each.codes:
        _propose_codes(made, column)
    elif each.name in _CHECKED:
        _propose_kind(made, column, _CHECKED[each.name])
    return made


def _propose_dates(made: Proposal, column: ColumnProfile) -> None:
    made.formats, unread = column.date_formats()
    made.empty = tuple(word for word in unread if _NO_DATE.fullmatch(word))
    others = [word for word in unread if word not in made.empty]
    if made.empty:
        made.doubts.append(
            Text(
                vi="xác nhận rằng những giá trị ở `empty` có nghĩa là không có ngày",
                en="make sure that what stands under `empty` means no date",
            )
        )
    if others:
        made.doubts.append(
            Text(
                vi=f"{len(others)} giá trị không đọc được, ví dụ {listed(others, limit=3)}",
                en=f"{len(others)} values cannot be read, for example {listed(others, limit=3)}",
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


def _propose_codes(made: Proposal, column: ColumnProfile) -> None:
    if not column.has_few:
        made.doubts.append(
            Text(
                vi=f"có {len(column.words)} giá trị khác nhau: có đúng là cột này không?",
                en=f"it has {len(column.words)} different values: is it this column?",
            )
        )
    codes = made.target.codes
    # A list with other codes in it is the agency's own: there 4 need not mean 4.
    is_theirs = all(word in codes for word in column.words)
    names = {plain(text.vi): code for code, text in codes.items()}
    made.codes = {
        word: word if is_theirs else names.get(plain(word), "")
        for word in sorted(column.words, key=lambda word: -column.words[word])[:100]
    }
    if is_theirs:
        made.doubts.append(
            Text(
                vi="các mã trông như mã của Cổng: xác nhận rằng chúng có cùng nghĩa",
                en="they look like the portal's codes: make sure they mean the same",
            )
        )
    elif not all(made.codes.values()):
        made.doubts.append(
            Text(vi='điền mã vào những chỗ "?"', en='fill the codes in where "?" stands')
        )


def _propose_kind(made: Proposal, column: ColumnProfile, kind: str) -> None:
    read = make_kind_reader(kind)
    words = list(column.words)
    wrong = [
        word
        for word in words
        if any(
            not found.code.endswith("_unknown") for found in read(word, lambda: None, {}).findings
        )
    ]
    if len(wrong) * 5 <= len(words):
        made.kind = kind
    elif made.target.required and column.has_few:
        made.codes = dict.fromkeys(words, "")
        made.doubts.append(
            Text(vi='điền mã vào những chỗ "?"', en='fill the codes in where "?" stands')
        )
    else:
        made.doubts.append(
            Text(
                vi=f"{len(wrong)} trên {len(words)} giá trị không phải {kind}: cần danh mục mã?",
                en=f"{len(wrong)} of {len(words)} values are no {kind}: does it need a code list?",
            )
        )


def _propose_lookups(proposals: Sequence[Proposal]) -> None:
    code = next((one for one in proposals if one.target.name == "MaTTHC"), None)
    if code is None or code.kind != "procedure_code":
        return
    for one in proposals:
        if one.column is None and one.target.name in _BY_PROCEDURE:
            one.column, one.table_column = code.column, _BY_PROCEDURE[one.target.name]
