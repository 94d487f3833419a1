"""Writing JSON samples: one page of records as the services answer it."""

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
