"""
The packaged tables: procedures, administrative units, statuses. Read when first asked for.

`mappings/data/index.json` names each table's file, source, date and SHA-256. Rows that were in
force for some time only say so in `valid_from` and `valid_to`, both days included.
"""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from schemas.problem import Place, Problem, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

# Columns as mappings name them, and as the file does where the two differ.
_COLUMNS: dict[str, dict[str, str]] = {
    "procedures": {
        "code": "ma_tthc",
        "title": "ten_tthc",
        "field": "linh_vuc",
        "level": "cap",
    },
    "wards": {name: name for name in ("code", "name", "unit_type", "province_code")},
    "districts": {name: name for name in ("code", "name", "unit_type", "province_code")},
    "former_districts": {
        "code": "code",
        "name": "name",
        "province_code": "old_province_code",
        "successor_code": "now_in_province",
    },
    "provinces": {
        name: name
        for name in ("code", "name", "unit_type", "cccd_code", "successor_code", "legal_basis")
    },
    "statuses": {"code": "code", "name": "name_vi", "group": "reporting_group"},
}
TABLES = tuple(_COLUMNS)


class Span(NamedTuple):
    """What a key stands for between two days, both included; None is no bound."""

    valid_from: date | None
    valid_to: date | None
    target: str

    def covers(self, day: date) -> bool:
        """Return whether it is in force on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


def column_names(table: str) -> tuple[str, ...]:
    """Return the columns of a table of `TABLES`."""
    return tuple(_COLUMNS[table])


@cache
def load_column(table: str, column: str) -> Mapping[str, tuple[Span, ...]]:
    """Return one column by code; a code that changed its meaning has several spans."""
    source = _COLUMNS[table][column]
    key = _COLUMNS[table]["code"]
    spans: dict[str, tuple[Span, ...]] = {}
    for row in load_rows(table):
        span = Span(_day(row.get("valid_from")), _day(row.get("valid_to")), row[source])
        spans[row[key]] = (*spans.get(row[key], ()), span)
    return spans


@cache
def load_rows(table: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a packaged table as its file has them."""
    entry = next(entry for entry in read_index("data") if entry["name"] == table)
    text = packaged("data", str(entry["file"])).read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def packaged(folder: str, name: str) -> Path:
    """Return the path of a file that ships with the package."""
    return Path(__file__).parent / folder / name


def read_index(folder: str) -> list[dict[str, str | int]]:
    """Return the entries of `data` or `agencies`, each with name, version, file and sha256."""
    entries: list[dict[str, str | int]] = json.loads(
        packaged(folder, "index.json").read_text("utf-8")
    )
    return entries


def check_installed() -> tuple[Problem, ...]:
    """Return one problem for every packaged table or agency that is missing or was changed."""
    return tuple(
        problem
        for folder in ("data", "agencies")
        for entry in read_index(folder)
        for problem in _check_file(folder, str(entry["file"]), str(entry["sha256"]))
    )


def _check_file(folder: str, name: str, expected: str) -> tuple[Problem, ...]:
    file = f"mappings/{folder}/{name}"
    try:
        found = hashlib.sha256(packaged(folder, name).read_bytes()).hexdigest()
    except FileNotFoundError:
        message = Text(vi=f"thiếu tệp {file}", en=f"{file} is missing")
    else:
        if found == expected:
            return ()
        message = Text(
            vi=f"tệp {file} khác bản phát hành: cần SHA-256 {expected}, thấy {found}",
            en=f"{file} differs from the release: expected SHA-256 {expected}, found {found}",
        )
    return (
        Problem(
            code="mapping.installation_changed",
            message=message,
            place=Place(file=file),
            suggestion=Text(
                vi="cài đặt lại; sửa ánh xạ trong thư mục riêng của đơn vị, không sửa bản kèm theo",
                en="install again; keep changed mappings in your own folder, not in the package",
            ),
        ),
    )
