"""Findings of the readers in both languages, and the names of table columns."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING

from schemas.errors import InputError
from schemas.problem import Place, Problem, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NO_PLACE = Place()
_MOST_SHOWN = 40
"""Names of columns in one sentence."""

MAX_PROBLEMS = 100
"""Of one record; nobody learns from more, and a hostile one may have a million."""

AGREED = Text(
    vi="gửi tệp theo đúng dạng đã thống nhất; nếu dạng của tệp đã đổi, báo cho người phụ trách "
    "kết nối",
    en="send the file in the form that was agreed; if its form has changed, tell whoever set up "
    "the connection",
)
"""What an agency can do where the file and what the mapping says of it do not fit."""
TOO_LARGE = Remedy(
    Text(
        vi="chia nhỏ bản ghi; nếu bản ghi đúng là lớn như vậy, báo cho người phụ trách kết nối",
        en="split the record; if it really is that large, tell whoever set up the connection",
    ),
    Text(
        vi="nếu bản ghi đúng là lớn như vậy, tăng max_record_bytes",
        en="if it really is that large, raise max_record_bytes",
    ),
)
"""What to do about a record above its limit."""


def problem(
    code: str, text: Text, *, place: Place = _NO_PLACE, remedy: Text | Remedy | None = None
) -> Problem:
    """Return one finding; `remedy` says what the agency can do, and perhaps the integrator."""
    told = remedy if isinstance(remedy, Remedy) else Remedy(remedy) if remedy else None
    return Problem(
        code=code,
        message=text,
        place=place,
        suggestion=told.agency if told else None,
        for_integrator=told.integrator if told else None,
    )


def refuse(
    code: str, text: Text, *, place: Place = _NO_PLACE, remedy: Text | Remedy | None = None
) -> InputError:
    """Return the error for an input that cannot be read any further."""
    return InputError(problem(code, text, place=place, remedy=remedy))


def empty_input(place: Place) -> InputError:
    """Return the error for a source without a single byte."""
    return refuse(
        "input.empty",
        Text(vi="tệp rỗng, không có byte nào", en="the file is empty, it has no bytes"),
        place=place,
        remedy=Text(
            vi="kiểm tra việc xuất hoặc truyền tệp, rồi gửi lại",
            en="check how the file was exported or transferred, then send it again",
        ),
    )


@lru_cache(maxsize=1024)
def column_letter(index: int) -> str:
    """Return the letter above a column as spreadsheets show it; `index` is 0-based."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the 0-based index of a column by its letters, A to XFD or beyond."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1


def column_names(
    cells: Mapping[int, str], *, code: str, place: Place
) -> tuple[dict[int, str], dict[str, str]]:
    """
    Return column index -> name, and name -> what the agency sees ("D (Ngày nhận)").

    Line breaks and runs of spaces in a name become one space. A column without a name goes by
    its letter, so that a value below it is never lost.

    Raises:
        InputError: Two columns have the same name; `code` is the error's.
    """
    names: dict[int, str] = {}
    seen: dict[str, str] = {}
    repeated: list[str] = []
    for index, cell in cells.items():
        letter = column_letter(index)
        name = " ".join(cell.split()) or letter
        if name in seen:
            repeated.append(f"{seen[name]}, {letter}: '{name[:60]}'")
            continue
        names[index] = name
        seen[name] = letter
    if repeated:
        found = "; ".join(repeated[:_MOST_SHOWN])
        found += "; …" if len(repeated) > _MOST_SHOWN else ""
        raise refuse(
            code,
            Text(vi=f"tên cột bị lặp: {found}", en=f"columns have the same name: {found}"),
            place=place,
            remedy=Text(
                vi="đặt cho mỗi cột một tên riêng", en="give every column a name of its own"
            ),
        )
    labels = {n: letter if n == letter else f"{letter} ({n})" for n, letter in seen.items()}
    return names, labels


def missing_columns(required: Sequence[str], *, found: Iterable[str]) -> Text | None:
    """Return what is missing, what was found and what may be meant; None when all are there."""
    names = list(found)
    missing = [name for name in required if name not in names]
    if not missing:
        return None
    shown = ", ".join(f"'{name}'" for name in missing)
    near = [
        f"'{name}' ~ '{close[0]}'"
        for name in missing
        if (close := difflib.get_close_matches(name, names, n=1))
    ]
    listed = ", ".join(f"'{name[:60]}'" for name in names[:_MOST_SHOWN]) or "-"
    vi = f"thiếu cột {shown}; các cột tìm thấy: {listed}"
    en = f"columns missing: {shown}; found: {listed}"
    if near:
        vi += f"; gần giống: {', '.join(near)}"
        en += f"; similar: {', '.join(near)}"
    return Text(vi=vi, en=en)
