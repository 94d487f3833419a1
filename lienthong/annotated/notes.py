"""
Notes on the cells of a sheet: the comments part and the shapes without which Excel shows none.

Notes of others stay. A note of ours from an earlier copy gets its new words, or says that the
error is gone. Source: ECMA-376, part 1, section 18.7, and part 4 (VML).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxml import etree

from adapters.refusal import column_index, column_letter
from adapters.workbook_numbers import read_index
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml.etree import _Element

    from schemas.problem import Language

    Cell = tuple[int, int]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
AUTHOR = "Liên thông"
_OURS = f"{AUTHOR}: "
MENDED = Text(vi="Ô này không còn lỗi", en="Nothing is wrong with this cell any more")
_END = re.compile(rb"</xml>\s*\Z")
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_SPACES = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_SHAPE_TYPE = (
    f'<v:shapetype {_SPACES} id="lienthong_t202" coordsize="21600,21600" o:spt="202" '
    'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_SHAPE = (
    f'<v:shape {_SPACES} id="lienthong_s{{number}}" type="#lienthong_t202" '
    'style="position:absolute;margin-left:60pt;margin-top:2pt;'
    'width:260pt;height:90pt;z-index:1;visibility:hidden" '
    'fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/>'
    '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
    '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
    '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
    "<x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row><x:Column>{column}</x:Column>"
    "</x:ClientData></v:shape>"
)


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes that a sheet has, and those of ours among them."""

    root: _Element
    by_reference: Mapping[str, _Element]
    ours: frozenset[Cell]
    """Cells with a note of ours from an earlier copy, as 1-based row and 0-based column."""


def read_notes(root: _Element | None) -> Notes:
    """Return the notes of a comments part; None for a sheet without."""
    if root is None:
        root = etree.Element(_tag("comments"), nsmap={None: MAIN})
        etree.SubElement(root, _tag("authors"))
        etree.SubElement(root, _tag("commentList"))
    authors = [author.text for author in root.iterfind(f"{_tag('authors')}/{_tag('author')}")]
    notes = {note.get("ref", ""): note for note in root.iter(_tag("comment"))}
    ours = {
        cell
        for reference, note in notes.items()
        # LibreOffice keeps no authors.
        if (_author(note, authors) == AUTHOR or _words(note).startswith(_OURS))
        and (cell := _cell(reference))
    }
    return Notes(root, notes, frozenset(ours))


def write_notes(
    notes: Notes, texts: Mapping[Cell, str], *, language: Language
) -> tuple[bytes, list[Cell]]:
    """Return the comments part with what the cells are told, and the cells that need a shape."""
    number = str(_our_author(notes.root))
    holder = notes.root.find(_tag("commentList"))
    if holder is None:
        holder = etree.SubElement(notes.root, _tag("commentList"))
    for row, column in notes.ours - set(texts):
        _say(notes.by_reference[f"{column_letter(column)}{row}"], MENDED.say(language))
    new = []
    for cell, text in texts.items():
        reference = f"{column_letter(cell[1])}{cell[0]}"
        note = notes.by_reference.get(reference)
        if note is None:
            note = etree.SubElement(holder, _tag("comment"), ref=reference, authorId=number)
            new.append(cell)
            _say(note, text)
        elif cell in notes.ours:
            _say(note, text)
        else:
            theirs, found, _ = _words(note).partition("\n" + _OURS)
            if found:
                _clear(note)
                _add(note, theirs)
            _add(note, f"\n{_OURS}{text}")
    body = etree.tostring(notes.root, encoding="UTF-8", xml_declaration=True, standalone=True)
    return body, new


def write_shapes(existing: bytes | None, cells: list[Cell]) -> bytes | None:
    """Return the drawing part with a shape for each cell; None where it cannot be added to."""
    shapes = "".join(
        _SHAPE.format(number=f"{row}_{column}", row=row - 1, column=column) for row, column in cells
    )
    if existing is None:
        return f"<xml {_SPACES}>{_SHAPE_TYPE}{shapes}</xml>".encode()
    if not cells:
        return existing
    kind = "" if b'id="lienthong_t202"' in existing else _SHAPE_TYPE
    end = _END.search(existing)
    return None if end is None else existing[: end.start()] + f"{kind}{shapes}</xml>".encode()


def _our_author(root: _Element) -> int:
    authors = root.find(_tag("authors"))
    if authors is None:
        authors = etree.Element(_tag("authors"))
        root.insert(0, authors)
    names = [author.text for author in authors]
    if AUTHOR not in names:
        etree.SubElement(authors, _tag("author")).text = AUTHOR
        names.append(AUTHOR)
    return names.index(AUTHOR)


def _author(note: _Element, authors: list[str | None]) -> str | None:
    number = read_index(note.get("authorId", ""))
    return authors[number] if 0 <= number < len(authors) else None


def _say(note: _Element, text: str) -> None:
    _clear(note)
    _add(note, _OURS + text)


def _clear(note: _Element) -> None:
    for child in list(note):
        note.remove(child)


def _words(note: _Element) -> str:
    return "".join(part.text or "" for part in note.iter(_tag("t")))


def _add(note: _Element, text: str) -> None:
    holder = note.find(_tag("text"))
    if holder is None:
        holder = etree.SubElement(note, _tag("text"))
    plain = holder.find(_tag("t"))
    if plain is not None:
        # Text without runs takes none beside it.
        holder.remove(plain)
        etree.SubElement(etree.SubElement(holder, _tag("r")), _tag("t")).text = plain.text
    run = etree.SubElement(etree.SubElement(holder, _tag("r")), _tag("t"))
    run.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    run.text = text


def _cell(reference: str) -> Cell | None:
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return None
    return int(found[2]), column_index(found[1])


def _tag(name: str) -> str:
    return f"{{{MAIN}}}{name}"
