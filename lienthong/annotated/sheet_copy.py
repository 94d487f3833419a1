"""
The XML of one sheet, copied as it stands but for the cells that are marked.

Nothing of it is held but one tag: values, formulas with their cached results, formats and whatever
Excel may have added since go through as they are. Expat is used because it hands on names and
prefixes as written; the hardened parser has read the same part before, and a DOCTYPE ends it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO
from xml.parsers import expat

from adapters.refusal import column_index, column_letter
from adapters.workbook_numbers import read_index
from lienthong.annotated.parts import RELATIONSHIPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.archive import Part

CHUNK_BYTES = 64 * 1024
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_VALUE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}
)
_REFERENCE = re.compile(r"([A-Z]{1,3})\d+")
# Parts of a worksheet that come after its notes: ECMA-376, part 1, section 18.3.1.99.
_AFTER_NOTES = frozenset(
    {
        "legacyDrawingHF",
        "drawingHF",
        "picture",
        "oleObjects",
        "controls",
        "webPublishItems",
        "tableParts",
        "extLst",
    }
)


class NotCopied(Exception):
    """The XML is not as a sheet's should be."""


class SheetCopy:
    """
    Copies one sheet and marks cells in it.

    Args:
        target: Gets the XML, in UTF-8.
        wanted: Row to the columns that are marked in it, 0-based; None stands for the first cell.
        style: From the style of a cell to that of a marked one; told the cell as (row, column).
        notes_id: Id of the relationship to the notes' shapes, for a sheet that had none.
    """

    def __init__(
        self,
        target: BinaryIO,
        *,
        wanted: Mapping[int, set[int | None]],
        style: Callable[[int, tuple[int, int]], int],
        notes_id: str,
    ) -> None:
        self._target = target
        self._wanted = wanted
        self._style = style
        self._notes_id = notes_id
        self.first_cells: dict[int, int] = {}
        """Row to the column that stands for it as a whole, of rows that are so marked."""
        self._path: list[str] = []
        self._row = 0
        self._column = -1
        self._left: set[int | None] = set()
        """Columns of the present row that are still to be marked."""
        self._prefix = ""
        self._has_notes = False
        self._is_open = False
        self._parts: list[str] = ['<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n']

    def run(self, part: Part) -> None:
        """
        Copy the sheet.

        Raises:
            NotCopied: its XML is damaged.
            InputError: it cannot be unpacked.
        """
        parser = expat.ParserCreate()
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        try:
            while chunk := part.read(CHUNK_BYTES):
                parser.Parse(chunk)
                self._flush()
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise NotCopied(str(error)) from error
        self._flush()

    def _flush(self) -> None:
        self._target.write("".join(self._parts).encode(errors="replace"))
        self._parts.clear()

    def _doctype(self, *_: object) -> None:
        raise NotCopied("a DOCTYPE")

    def _start(self, name: str, pairs: list[str]) -> None:
        prefix, _, local = name.rpartition(":")
        depth = len(self._path)
        attributes = dict(zip(pairs[::2], pairs[1::2], strict=True))
        if depth == 0:
            self._prefix = f"{prefix}:" if prefix else ""
        elif depth == 1:
            self._before(local)
        elif depth == 2 and local == "row" and self._path[1] == "sheetData":
            self._begin_row(attributes)
        elif depth == 3 and local == "c" and self._path[2] == "row":
            self._mark(attributes)
        self._path.append(local)
        self._close_tag()
        written = "".join(
            f' {key}="{value.translate(_VALUE)}"' for key, value in attributes.items()
        )
        self._parts.append(f"<{name}{written}")
        self._is_open = True

    def _end(self, name: str) -> None:
        local = self._path.pop()
        depth = len(self._path)
        if depth == 2 and local == "row" and self._path[1] == "sheetData":
            self._fill(before=None)
        elif depth == 0:
            self._before("")
        if self._is_open:
            self._parts.append("/>")
            self._is_open = False
        else:
            self._parts.append(f"</{name}>")

    def _text(self, text: str) -> None:
        self._close_tag()
        self._parts.append(text.translate(_TEXT))

    def _close_tag(self) -> None:
        if self._is_open:
            self._parts.append(">")
            self._is_open = False

    def _before(self, local: str) -> None:
        """Put the reference to the notes where it belongs, unless there is one."""
        if local == "legacyDrawing":
            self._has_notes = True
        elif (not local or local in _AFTER_NOTES) and not self._has_notes:
            self._has_notes = True
            self._close_tag()
            self._parts.append(
                f'<{self._prefix}legacyDrawing xmlns:r="{RELATIONSHIPS}" r:id="{self._notes_id}"/>'
            )

    def _begin_row(self, attributes: dict[str, str]) -> None:
        given = read_index(attributes.get("r", ""))
        self._row = given if given >= 0 else self._row + 1
        self._column = -1
        self._left = set(self._wanted.get(self._row, ()))
        if self._left:
            # A hint of where the cells are, which need not be there and may be wrong now.
            attributes.pop("spans", None)

    def _mark(self, attributes: dict[str, str]) -> None:
        found = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._column = column_index(found[1]) if found else self._column + 1
        if not self._left:
            return
        if None in self._left:
            self._left.discard(None)
            self._left.add(self._column)
            self.first_cells[self._row] = self._column
        self._fill(before=self._column)
        if self._column in self._left:
            self._left.discard(self._column)
            base = max(0, read_index(attributes.get("s", "")))
            attributes["s"] = str(self._style(base, (self._row, self._column)))

    def _fill(self, *, before: int | None) -> None:
        """Write marked cells that are blank and that the sheet therefore does not have."""
        if None in self._left:
            # A row without any cell.
            self._left.discard(None)
            self._left.add(0)
            self.first_cells[self._row] = 0
        columns = sorted(
            column
            for column in self._left
            if column is not None and (before is None or column < before)
        )
        for column in columns:
            self._left.discard(column)
            self._close_tag()
            reference = f"{column_letter(column)}{self._row}"
            style = self._style(0, (self._row, column))
            self._parts.append(f'<{self._prefix}c r="{reference}" s="{style}"/>')
