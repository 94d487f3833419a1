"""Cell formats of a workbook with a coloured twin of each one that a marked cell has."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from lxml import etree

from lienthong.annotated.notes import MAIN

if TYPE_CHECKING:
    from lxml.etree import _Element

ERROR = "FFFFC7CE"
WARNING = "FFFFEB9C"
MENDED = "FFC6EFCE"
MOST_FORMATS = 60_000
"""Excel takes 64,000."""


class Styles:
    """The styles part of a workbook; raises KeyError for one without cell formats."""

    def __init__(self, root: _Element) -> None:
        formats = root.find(f"{{{MAIN}}}cellXfs")
        fills = root.find(f"{{{MAIN}}}fills")
        if formats is None or fills is None or not len(formats):
            raise KeyError("cellXfs")
        self._root = root
        self._formats = formats
        self._fills = fills
        self._own = len(formats)
        self._fill_ids: dict[str, str] = {}
        self._twins: dict[tuple[int, str], int] = {}

    def twin(self, index: int, color: str) -> int:
        """Return the format that is as `index` but for its colour; made when first wanted."""
        base = index if index < self._own else 0
        found = self._twins.get((base, color))
        if found is None and len(self._formats) < MOST_FORMATS:
            copy = deepcopy(self._formats[base])
            copy.set("fillId", self._fill(color))
            copy.set("applyFill", "1")
            self._formats.append(copy)
            found = self._twins[base, color] = len(self._formats) - 1
        return index if found is None else found

    def written(self) -> bytes:
        """Return the part."""
        for holder in (self._formats, self._fills):
            holder.set("count", str(len(holder)))
        return etree.tostring(self._root, encoding="UTF-8", xml_declaration=True, standalone=True)

    def _fill(self, color: str) -> str:
        if color not in self._fill_ids:
            fill = etree.SubElement(self._fills, f"{{{MAIN}}}fill")
            pattern = etree.SubElement(fill, f"{{{MAIN}}}patternFill", patternType="solid")
            etree.SubElement(pattern, f"{{{MAIN}}}fgColor", rgb=color)
            etree.SubElement(pattern, f"{{{MAIN}}}bgColor", indexed="64")
            self._fill_ids[color] = str(len(self._fills) - 1)
        return self._fill_ids[color]
