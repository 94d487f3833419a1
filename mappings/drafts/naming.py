"""Which column is which portal field, by their names."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from mappings.tables import load_rows
from mappings.texts import fold_name
from schemas.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mappings.drafts.profiles import ColumnProfile
    from schemas.model import Field

SURE = 5
"""The score of a name that some system calls the field by; less is only like one."""
_SHORTEST = 5
"""Letters of a name that may stand for another by being in it."""
_STEP = re.compile(r"[.@#]")


def plain(name: str) -> str:
    """Return a name without marks, case, blanks and signs, as names are compared."""
    return fold_name(name).replace(" ", "")


def leaf_of(path: str) -> str:
    """Return the last step of a path, as names are compared."""
    return plain(_STEP.split(path)[-1])


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


def item_names(group: Field, name: str) -> tuple[str, ...]:
    """Return what the field `name` of the items of `group` is called, the portal's name first."""
    return (plain(name), *_names().get(f"{group.name}.{name}", ())[1:])


def choose_columns(
    fields: Iterable[Field], columns: Iterable[ColumnProfile]
) -> dict[str, list[ColumnProfile]]:
    """Return the columns of each field, the best first; a column serves its best field only."""
    ordered = list(columns)
    scored = sorted(
        (
            (score, -order, each.name, column)
            for each in fields
            for order, column in enumerate(ordered)
            if (score := score_of(each, column)) > 0
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


def score_of(each: Field, column: ColumnProfile) -> int:
    """Return how well a column fits a field: 0 not at all; a name counts more than values."""
    leaf = leaf_of(column.path)
    names = _names().get(each.name, (plain(each.name),))
    if leaf in names:
        score = 10 - min(names.index(leaf), 5)
    elif any(len(name) >= _SHORTEST and name in leaf for name in names):
        score = 2
    else:
        return 0
    # The day a paper was issued is called by the paper's name too.
    is_day = each.kind is Kind.DATETIME
    if (is_day or each.name == "SoGiayToChuHoSo") and is_day != bool(column.date_formats()[0]):
        return 0
    return score + (2 if column.filled else 0)
