"""What a target's dictionary says, as a fingerprint: its columns, its codes and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lienthong.channels.dictionaries import Dictionary
from lienthong.channels.json_replies import plain_line
from lienthong.drift.shapes import OTHER, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lienthong.drifts import Fingerprint

WATCHED: Final = {
    Dictionary.PROCEDURES: ("MATTHC", "TENTTHC"),
    Dictionary.FIELDS: ("MALINHVUC", "TENLINHVUC"),
    Dictionary.AGENCIES: ("MADONVI", "TENDONVI"),
}
"""Dictionaries that are looked at, with the columns of code and name."""
MOST_ENTRIES: Final = 100_000
LONGEST_CODE, LONGEST_NAME = 64, 300
ENTRY, COLUMN = "entry", "column"


def read_entries(dictionary: Dictionary, rows: Iterable[Any]) -> Fingerprint:
    """Return the fingerprint of a dictionary; what is no row of it is passed over."""
    code_column, name_column = WATCHED[dictionary]
    found: dict[str, str] = {}
    for row in rows:
        if not isinstance(row, dict):
            continue
        values = {str(key).upper(): value for key, value in row.items()}
        for key in row:
            name = plain_name(str(key))
            if name != OTHER:
                found[f"{COLUMN} {name}"] = ""
        code, title = values.get(code_column), values.get(name_column)
        if isinstance(code, str) and code.strip():
            key = plain_line(code.strip())[:LONGEST_CODE]
            text = plain_line(title) if isinstance(title, str) else ""
            found[f"{ENTRY} {key}"] = text[:LONGEST_NAME]
        if len(found) >= MOST_ENTRIES:
            break
    return found
