"""Procedures and wards that the samples are about, from the packaged tables."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """One row of the catalogue."""

    code: str
    title: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """One ward, commune or special zone of the city since 2025-07-01."""

    code: str
    name: str


@cache
def procedures(*fields: str) -> tuple[Procedure, ...]:
    """Return the procedures of these fields (lĩnh vực) in the order of the catalogue."""
    return tuple(
        Procedure(code=row["ma_tthc"], title=row["ten_tthc"], field=row["linh_vuc"])
        for row in _rows("procedures.csv")
        if row["linh_vuc"] in fields
    )


@cache
def wards() -> tuple[Ward, ...]:
    """Return every ward in the order of its code list."""
    return tuple(Ward(code=row["code"], name=row["name"]) for row in _rows("hcm_wards_2025.csv"))


def _rows(file: str) -> list[dict[str, str]]:
    with resources.files("mappings").joinpath("data", file).open(encoding="utf-8") as table:
        return list(csv.DictReader(table))
