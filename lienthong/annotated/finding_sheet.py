"""
A sheet behind all others that lists what is wrong, errors first, each with a link to its cell.

It is the last one and has no name that is read, so the workbook reads back to the same records. A
defined name tells it from the agency's own sheets, also after another program has saved the
workbook: then it is written anew at its place.

Source: ECMA-376, part 1, sections 18.2.5 (definedName) and 18.3.1.47 (hyperlink).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from lxml import etree

from adapters.refusal import column_index, column_letter
from adapters.text import nfc
from lienthong.annotated.notes import AUTHOR, MAIN
from lienthong.annotated.parts import PACKAGE, RELATIONSHIPS, free_name, relate
from lienthong.annotated.styles import ERROR, WARNING
from lienthong.annotated.words import LONGEST_NOTE, SEVERITIES, neutral, xml_text
from schemas.problem import Severity, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import BinaryIO

    from lxml.etree import _Element

    from adapters.package import Package
    from lienthong.annotated.styles import Styles
    from schemas.problem import Language, Problem

MOST_LISTED = 20_000
MARK = "Lienthong_loi"
"""The defined name that points to it."""
_PART = "xl/worksheets/lienthong"
_WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_LETTER = re.compile(r"\(?([A-Z]{1,3})\)?(?: |\Z)")
_ID = re.compile(r"[1-9][0-9]{0,4}")
_COLORS = {Severity.ERROR: ERROR, Severity.WARNING: WARNING}
_HEADER = (
    Text(vi="Mức độ", en="Severity"),
    Text(vi="Trang tính", en="Sheet"),
    Text(vi="Ô", en="Cell"),
    Text(vi="Hồ sơ", en="Dossier"),
    Text(vi="Nội dung", en="What is wrong"),
    Text(vi="Cách sửa", en="What to do"),
)
_WIDTHS = (12, 18, 10, 26, 70, 70)
_BEFORE_NAMES = ("sheets", "functionGroups", "externalReferences")
"""Parts of a workbook that come before its defined names: section 18.2.27."""


def column_of(problem: Problem) -> int | None:
    """Return the column of a finding, 0-based; None for one about a row as a whole."""
    letter = _LETTER.match(problem.place.column or "")
    return column_index(letter[1]) if letter else None


class SheetNames:
    """The sheets of a workbook as its part and its relationships name them."""

    def __init__(self, root: _Element, related: Mapping[str, tuple[str, str]]) -> None:
        self.root = root
        self.parts: dict[str, str] = {}
        """Name without blanks around it -> part."""
        self.shown: dict[str, str] = {}
        """The same name -> as it is written."""
        self.is_any_seen = False
        for item in root.iter(f"{{{MAIN}}}sheet"):
            kind, part = related.get(item.get(f"{{{RELATIONSHIPS}}}id", ""), ("", ""))
            name = item.get("name", "")
            if kind == "worksheet":
                self.parts.setdefault(plain(name), part)
                self.shown.setdefault(plain(name), name)
                self.is_any_seen |= item.get("state", "visible") == "visible"

    def find_list(self, *, read: Collection[str]) -> str | None:
        """Return the part of a list from an earlier copy; never that of a sheet that is read."""
        for mark in self.root.iter(f"{{{MAIN}}}definedName"):
            if mark.get("name") == MARK:
                name = (mark.text or "").strip().rpartition("!")[0].lstrip("$")
                if name.startswith("'"):
                    name = name[1:-1].replace("''", "'")
                if plain(name) not in read:
                    return self.parts.get(plain(name))
        return None

    def add_list(
        self,
        package: Package,
        *,
        relations: _Element,
        types: _Element,
        read: Collection[str],
    ) -> str:
        """
        Put a new sheet behind the others; return the name of its part.

        Raises:
            KeyError: the workbook has no list of sheets.
        """
        sheets = self.root.find(f"{{{MAIN}}}sheets")
        if sheets is None:
            raise KeyError("sheets")
        taken = {plain(item.get("name", "")).lower() for item in sheets}
        taken |= {name.lower() for name in read}
        name = free_name(AUTHOR, lambda one: one.lower() not in taken, between=" ")
        part = free_name(_PART, lambda one: f"{one}.xml" not in package) + ".xml"
        ids = {item.get("Id") for item in relations}
        id_ = free_name("rIdLienthong", lambda one: one not in ids)
        numbers = [int(n) for item in sheets if _ID.fullmatch(n := item.get("sheetId", ""))]
        added = etree.SubElement(sheets, f"{{{MAIN}}}sheet", name=name)
        added.set("sheetId", str(max(numbers, default=0) + 1))
        if not self.is_any_seen:
            # The first sheet that can be seen is the one that is read.
            added.set("state", "hidden")
        added.set(f"{{{RELATIONSHIPS}}}id", id_)
        relate(relations, id_, "worksheet", part)
        etree.SubElement(
            types,
            f"{{{PACKAGE}/content-types}}Override",
            PartName=f"/{part}",
            ContentType=_WORKSHEET,
        )
        self._point_to(name)
        return part

    def _point_to(self, name: str) -> None:
        holder = self.root.find(f"{{{MAIN}}}definedNames")
        if holder is None:
            holder = etree.Element(f"{{{MAIN}}}definedNames")
            there = [self.root.find(f"{{{MAIN}}}{before}") for before in _BEFORE_NAMES]
            [*_, last] = [one for one in there if one is not None]
            last.addnext(holder)
        for old in [one for one in holder if one.get("name") == MARK]:
            holder.remove(old)
        etree.SubElement(holder, f"{{{MAIN}}}definedName", name=MARK).text = f"'{name}'!$A$1"


def write_findings(
    target: BinaryIO,
    problems: Iterable[Problem],
    *,
    left: int,
    sheets: Mapping[str, str],
    styles: Styles,
    language: Language,
) -> None:
    """
    Write the sheet.

    Args:
        target: Gets the XML.
        problems: In their order.
        left: How many more there are than are listed.
        sheets: Those that a link can lead to: plain name -> as it is written.
        styles: Gets the formats of its cells.
        language: Of the words.
    """
    plain_cell = styles.of_ours(None)
    marked = {severity: styles.of_ours(color) for severity, color in _COLORS.items()}
    widths = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(_WIDTHS, start=1)
    )
    target.write(
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{MAIN}">'
        f"<cols>{widths}</cols><sheetData>".encode()
    )
    target.write(_row(1, [one.say(language) for one in _HEADER], [plain_cell] * len(_HEADER)))
    links: list[str] = []
    number = 1
    for number, problem in enumerate(problems, start=2):
        cell, link = _where(problem, sheets, language)
        if link:
            links.append(f'<hyperlink ref="C{number}" location={quoteattr(link)}/>')
        texts = (
            SEVERITIES[problem.severity].say(language),
            problem.place.sheet or "",
            cell,
            problem.dossier or "",
            problem.message.say(language),
            problem.suggestion.say(language) if problem.suggestion else "",
        )
        formats = [marked[problem.severity], *[plain_cell] * (len(texts) - 1)]
        target.write(_row(number, texts, formats))
    if left:
        more = Text(vi=f"và {left} mục khác", en=f"and {left} more")
        target.write(_row(number + 1, [more.say(language)], [plain_cell]))
    target.write(b"</sheetData>")
    if links:
        target.write(f"<hyperlinks>{''.join(links)}</hyperlinks>".encode())
    target.write(b"</worksheet>")


def plain(name: str) -> str:
    """Return the name of a sheet as mappings and findings name it."""
    return nfc(name).strip()


def _where(problem: Problem, sheets: Mapping[str, str], language: Language) -> tuple[str, str]:
    """Return what a finding's cell is called, and where a link leads to; "" for none."""
    row = problem.place.row
    if row is None:
        return "", ""
    column = column_of(problem)
    reference = f"{column_letter(column or 0)}{row}"
    called = Text(vi=f"dòng {row}", en=f"row {row}").say(language) if column is None else reference
    name = sheets.get(plain(problem.place.sheet or ""))
    return called, "" if name is None else "'" + name.replace("'", "''") + f"'!{reference}"


def _row(number: int, texts: Iterable[str], formats: Iterable[int]) -> bytes:
    cells = "".join(
        f'<c r="{column_letter(column)}{number}" s="{style}" t="inlineStr"><is>'
        f'<t xml:space="preserve">{xml_text(neutral(text)[:LONGEST_NOTE])}</t></is></c>'
        for column, (text, style) in enumerate(zip(texts, formats, strict=True))
    )
    return f'<row r="{number}">{cells}</row>'.encode()
