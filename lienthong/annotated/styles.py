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
        self._fonts = root.find(f"{{{MAIN}}}fonts")
        self._our_font: str | None = None
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

    def of_ours(self, color: str | None) -> int:
        """Return a new format for cells of our own text: in a Unicode font, in several lines."""
        if len(self._formats) >= MOST_FORMATS:
            return 0
        ours = deepcopy(self._formats[0])
        for child in list(ours):
            ours.remove(child)
        etree.SubElement(ours, f"{{{MAIN}}}alignment", vertical="top", wrapText="1")
        given = {"numFmtId": "0", "fontId": self._font(), "applyFont": "1", "applyAlignment": "1"}
        if color is not None:
            given |= {"fillId": self._fill(color), "applyFill": "1"}
        for name, value in given.items():
            ours.set(name, value)
        self._formats.append(ours)
        return len(self._formats) - 1

    def written(self) -> bytes:
        """Return the part."""
        for holder in (self._formats, self._fills, self._fonts):
            if holder is not None:
                holder.set("count", str(len(holder)))
        return etree.tostring(self._root, encoding="UTF-8", xml_declaration=True, standalone=True)

    def _font(self) -> str:
        # That of the workbook may be one in which our letters are others: .VnTime.
        if self._fonts is None:
            return "0"
        if self._our_font is None:
            font = etree.SubElement(self._fonts, f"{{{MAIN}}}font")
            etree.SubElement(font, f"{{{MAIN}}}sz", val="11")
            etree.SubElement(font, f"{{{MAIN}}}name", val="Calibri")
            self._our_font = str(len(self._fonts) - 1)
        return self._our_font

    def _fill(self, color: str) -> str:
        if color not in self._fill_ids:
            fill = etree.SubElement(self._fills, f"{{{MAIN}}}fill")
            pattern = etree.SubElement(fill, f"{{{MAIN}}}patternFill", patternType="solid")
            etree.SubElement(pattern, f"{{{MAIN}}}fgColor", rgb=color)
            etree.SubElement(pattern, f"{{{MAIN}}}bgColor", indexed="64")
            self._fill_ids[color] = str(len(self._fills) - 1)
        return self._fill_ids[color]
