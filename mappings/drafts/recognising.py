"""
Columns that are known by their values, where their names are unknown or say something else.

Only forms that hardly anything else has: codes of procedures and dossiers, numbers of persons and
telephones, addresses of mail, dates. What is found so is never more than a proposal with a doubt.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mappings.drafts.naming import SURE, choose_columns, score_of
from mappings.drafts.profiles import ColumnProfile
from mappings.drafts.trying import faults
from mappings.kinds import make_kind_reader
from mappings.kinds.persons import birth_places
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.model import Field

DATES = "date"
_KINDS = ("procedure_code", "dossier_code", "phone", "email", "personal_id", "agency_code")
_FIELDS = {
    "MaTTHC": "procedure_code",
    "MaHoSo": "dossier_code",
    "SoGiayToChuHoSo": "personal_id",
    "SoDienThoai": "phone",
    "Email": "email",
}
_UNMISTAKABLE = frozenset({"procedure_code", "dossier_code"})
"""Kinds whose form outweighs a name."""
_TRIED = 20
"""Words of a column that decide whether the others are looked at."""
_MOST = 0.8
WORDS = {
    "procedure_code": Text(vi="mã thủ tục", en="codes of procedures"),
    "dossier_code": Text(vi="mã hồ sơ", en="codes of dossiers"),
    "personal_id": Text(vi="số giấy tờ tùy thân", en="numbers of persons"),
    "phone": Text(vi="số điện thoại", en="telephone numbers"),
    "email": Text(vi="thư điện tử", en="addresses of mail"),
    "agency_code": Text(vi="mã cơ quan", en="codes of agencies"),
    DATES: Text(vi="ngày", en="dates"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A column that is a field's by its values."""

    column: ColumnProfile
    others: tuple[str, ...]
    """Columns with values of the same kind."""
    doubt: Text


def recognise(columns: Mapping[str, ColumnProfile]) -> dict[str, str]:
    """Return what the values of each column are, by path; of most columns nothing is known."""
    found = {path: _kind_of(column) for path, column in columns.items()}
    return {path: kind for path, kind in found.items() if kind}


def choose_by_values(
    fields: Sequence[Field], columns: Mapping[str, ColumnProfile], kinds: Mapping[str, str]
) -> dict[str, Recognised]:
    """
    Return the columns that fields have by their values, by the name of the field.

    A field whose column by name holds values of its kind is left out; one whose column does not
    is given another only where the form cannot be mistaken.
    """
    named = choose_columns(fields, columns.values())
    chosen: dict[str, Recognised] = {}
    for each in fields:
        kind = _FIELDS.get(each.name)
        own = named.get(each.name, [])[:1]
        if kind is None or (own and (kinds.get(own[0].path) == kind or kind not in _UNMISTAKABLE)):
            continue
        fitting = [columns[path] for path, is_kind in kinds.items() if is_kind == kind]
        claims = {column.path: _claim(column, fields) for column in fitting}
        if kind not in _UNMISTAKABLE:
            fitting = [column for column in fitting if not claims[column.path]]
        if fitting:
            best = min(fitting, key=lambda column: bool(claims[column.path]))
            chosen[each.name] = Recognised(
                column=best,
                others=tuple(one.path for one in fitting if one is not best)[:3],
                doubt=_doubt(kind, claims[best.path], own[0].path if own else ""),
            )
    return chosen


def _claim(column: ColumnProfile, fields: Sequence[Field]) -> str:
    """Return the field that a column's name says, "" where it says none."""
    scores = {each.name: score_of(each, column) for each in fields}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= SURE else ""


def _doubt(kind: str, claim: str, named: str) -> Text:
    vi = f"theo giá trị, không theo tên: trông như {WORDS[kind].vi}"
    en = f"by its values, not by its name: they look like {WORDS[kind].en}"
    if claim:
        vi, en = f"{vi}, dù tên cột nói {claim}", f"{en}, though the name says {claim}"
    if named and named != claim:
        vi = f"{vi}; cột {named} có tên của trường này nhưng giá trị không phải vậy"
        en = f"{en}; the column {named} has this field's name, and other values"
    return Text(vi=vi, en=en)


def _kind_of(column: ColumnProfile) -> str:
    words = [word for word, _ in column.words.most_common(_TRIED)]
    if not words:
        return ""
    for kind in _KINDS:
        read = make_kind_reader(kind)
        likely = sum(not faults(read, kind, word) for word in words)
        if likely < _MOST * len(words) or not _is_telling(column, kind):
            continue
        fits = sum(n for word, n in column.words.items() if not faults(read, kind, word))
        if fits >= _MOST * column.words.total():
            return kind
    # Every date has a sign or is a cell of dates; digits alone read as too many things.
    is_date = column.date_cells > 0 or any(sign in words[0] for sign in "/-.")
    tried = ColumnProfile(path=column.path, filled=len(words), words=Counter(words))
    return DATES if is_date and tried.date_formats()[0] else ""


def _is_telling(column: ColumnProfile, kind: str) -> bool:
    """Return whether the form says enough: nine digits alone may be anything."""
    if kind == "personal_id":
        return any(len(word) == 12 and word[:3] in birth_places() for word in column.words)
    if kind == "agency_code":
        return all("." in word for word in column.words)
    return True
