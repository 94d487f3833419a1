"""Sheets whose rows belong to the records of the main one, told by a column that both have."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from mappings.drafts.naming import leaf_of
from mappings.drafts.proposals import ChildSource

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from mappings.drafts.profiles import ColumnProfile, SampleProfile
    from mappings.drafts.proposals import SheetSample

_MOST = 0.8
_ENOUGH = 2
"""So many values that stand in both are not there by chance."""
_TRIED = 20
"""Values that decide whether the others are looked at."""
MAX_COLUMNS = 100
"""That are tried as keys."""
_STEP = re.compile(r"[^\w ]+")


def find_children(profile: SampleProfile, sheets: Iterable[SheetSample]) -> list[ChildSource]:
    """Return the sheets that belong to the records of `profile`, all by the same key of it."""
    # A key is another in nearly every record.
    unique = [
        column
        for column in profile.columns.values()
        if column.filled >= _ENOUGH and len(column.words) >= _MOST * column.words.total()
    ]
    keys = unique[:MAX_COLUMNS]
    found: list[ChildSource] = []
    taken = set(profile.columns)
    for sheet in sheets:
        child = _best(keys, sheet)
        if child is not None:
            name = _name(sheet.name, taken=taken)
            taken.add(name)
            keys = [column for column in keys if column.path == child.key]
            found.append(replace(child, name=name))
    return found


def _best(keys: Iterable[ColumnProfile], sheet: SheetSample) -> ChildSource | None:
    """Return the sheet with its best key: of the same name, else with the most values in common."""
    best, most = None, (False, 0)
    for own in islice(sheet.profile.columns.values(), MAX_COLUMNS):
        filled = own.words.total()
        for column in keys:
            is_named = leaf_of(column.path) == leaf_of(own.path)
            if not is_named and column.words.keys().isdisjoint(islice(own.words, _TRIED)):
                continue
            matching = sum(count for word, count in own.words.items() if word in column.words)
            # What both call by one name may lie behind the records that were looked at.
            enough = _ENOUGH if is_named else max(_ENOUGH, _MOST * filled)
            if matching >= enough and (is_named, matching) > most:
                most = is_named, matching
                best = ChildSource(
                    name="",
                    sheet=sheet,
                    key=column.path,
                    own_key=own.path,
                    matching=matching,
                    filled=filled,
                    shared=sum(count > 1 for count in column.words.values()),
                )
    return best


def _name(sheet: str, *, taken: Container[str]) -> str:
    """Return a name for the list that a path can name and no column has."""
    name = " ".join(_STEP.sub(" ", sheet).split()) or "rows"
    while name in taken:
        name += "_"
    return name
