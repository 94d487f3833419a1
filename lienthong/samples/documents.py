"""Writing JSON samples: a page of records as services answer it, an array, or lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from schemas.problem import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lienthong.samples.shapes import Entry


def write_page(
    path: Path, entries: Sequence[Entry], *, records: str, around: dict[str, object]
) -> list[Place]:
    """
    Write one JSON object with the entries in the list named `records`.

    The page's other members, `around`, come before the list. Returns the place of each entry,
    for example path "data[3]"; counted from 0 as JSON does.
    """
    page = around | {records: [entry.content for entry in entries]}
    path.write_text(json.dumps(page, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return [Place(file=path.name, path=f"{records}[{index}]") for index in range(len(entries))]


def write_array(path: Path, entries: Sequence[Entry]) -> list[Place]:
    """Write the entries as an array that is the whole document; places are "[3]", from 0."""
    content = [entry.content for entry in entries]
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return [Place(file=path.name, path=f"[{index}]") for index in range(len(entries))]


def write_lines(path: Path, entries: Sequence[Entry]) -> list[Place]:
    """Write one JSON value a line; a content that is text is written as it is, for broken lines."""
    lines = (
        entry.content
        if isinstance(entry.content, str)
        else json.dumps(entry.content, ensure_ascii=False)
        for entry in entries
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return [Place(file=path.name, line=number) for number in range(1, len(entries) + 1)]
