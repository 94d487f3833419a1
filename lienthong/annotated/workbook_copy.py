"""
An agency's workbook with the bad cells coloured, each with a note that says what is wrong.

The package is copied part by part and only what must change is changed: formulas keep their cached
results, macros, links and pictures stay and nothing of them is run or followed. A library that
reads and writes workbooks anew would lose them (openpyxl: cached results, shapes), and a formula
without its result cannot be read back.
"""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from lxml import etree

from adapters.package import Package
from lienthong.annotated.finding_sheet import (
    MOST_LISTED,
    SheetNames,
    column_of,
    plain,
    write_findings,
)
from lienthong.annotated.notes import MAIN, read_notes, write_notes, write_shapes
from lienthong.annotated.parts import PACKAGE, free_name, listing_of, relate, written
from lienthong.annotated.sheet_copy import NotCopied, SheetCopy
from lienthong.annotated.styles import ERROR, MENDED, WARNING, Styles
from lienthong.annotated.words import note_of
from schemas.errors import InputError
from schemas.problem import Place, Severity, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from adapters import XlsxOptions
    from lienthong.annotated.marks import Marks
    from lienthong.annotated.notes import Cell, Notes
    from schemas.problem import Language, Problem

MOST_BYTES = 64 * 1024 * 1024
"""Of a workbook, packed."""
MOST_ROWS = 20_000
"""With findings: Excel is slow with more notes, and theirs are held in memory."""
LARGEST_PART = 32 * 1024 * 1024
"""Of a drawing, which is held in memory."""
_CONTENT_TYPES = "[Content_Types].xml"
_VML = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_COMMENTS = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"


class NoCopy(Exception):
    """No annotated copy can be made of this workbook; says why."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(vi=vi, en=en)


def copy_workbook(
    source: BinaryIO,
    *,
    target: BinaryIO,
    options: XlsxOptions,
    marks: Marks,
    language: Language,
) -> None:
    """
    Write the annotated copy of a workbook.

    Args:
        source: May be read from any place.
        target: Gets the bytes; what stands in it when this raises is worth nothing.
        options: By which the workbook was read.
        marks: What is wrong with it.
        language: Of the notes.

    Raises:
        NoCopy: it is too large, or of a kind whose notes cannot be written.
    """
    check_room(source, marks)
    try:
        with (
            Package(source, place=Place(), options=options) as package,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out,
        ):
            read = {options.sheet, *(child.sheet for child in options.children.values())}
            _Copy(package, out, language=language).run(marks, read={plain(name) for name in read})
    except (InputError, NotCopied, KeyError) as error:
        raise NoCopy("cấu trúc tệp không cho ghi chú", "notes cannot be put into it") from error


def check_room(source: BinaryIO, marks: Marks) -> None:
    """
    Return if a workbook and its findings are few enough for notes.

    Raises:
        NoCopy: they are not.
    """
    if source.seek(0, 2) > MOST_BYTES:
        limit = MOST_BYTES // 1024 // 1024
        raise NoCopy(f"tệp lớn hơn {limit} MiB", f"the workbook is larger than {limit} MiB")
    if marks.count_rows() > MOST_ROWS:
        raise NoCopy(f"hơn {MOST_ROWS} dòng có lỗi", f"more than {MOST_ROWS} rows have errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """A sheet that gets notes, and the names of its parts."""

    number: int
    part: str
    listing: str
    """Name of the part with its relationships, which may not be there yet."""
    comments: str | None
    shapes: str | None


class _Copy:
    def __init__(self, package: Package, out: zipfile.ZipFile, *, language: Language) -> None:
        self._package = package
        self._out = out
        self._language = language
        self._written: set[str] = set()
        """Names in small letters: parts are found so."""
        self._types = package.parse(_CONTENT_TYPES)
        self._workbook = dict(package.relationships("").values())["officeDocument"]
        root = package.parse(self._workbook)
        if root.tag != f"{{{MAIN}}}workbook":
            raise KeyError("workbook")
        related = package.relationships(self._workbook)
        self._names = SheetNames(root, related)
        self._styles_part = dict(related.values())["styles"]
        self._styles = Styles(package.parse(self._styles_part))

    def run(self, marks: Marks, *, read: Collection[str]) -> None:
        """Write all parts; `read` has the names of sheets that are read by their names."""
        names = {self._names.parts.get(plain(name or "")): name for name in marks.sheets()}
        for number, part in enumerate(dict.fromkeys(self._names.parts.values()), start=1):
            rows = dict(marks.rows(names[part])) if part in names else {}
            try:
                sheet = self._sheet(part, number)
                notes = read_notes(self._package.parse(sheet.comments) if sheet.comments else None)
            except (InputError, KeyError):
                if rows:
                    raise
                # Notes of the agency's that nobody needs to read.
                continue
            if rows or notes.ours:
                self._copy_sheet(sheet, notes, rows)
        self._list_findings(marks, read=read)
        self._write(self._styles_part, self._styles.written())
        self._write(_CONTENT_TYPES, written(self._types))
        for name in self._package.names():
            if name.lower() not in self._written:
                with self._package.open(name) as body, self._out.open(name, "w") as copy:
                    shutil.copyfileobj(cast("BinaryIO", body), copy)

    def _list_findings(self, marks: Marks, *, read: Collection[str]) -> None:
        part = self._names.find_list(read=read)
        if part is None and not marks.count:
            return
        if part is None or part.lower() in self._written:
            listing = listing_of(self._workbook)
            relations = self._package.parse(listing)
            part = self._names.add_list(
                self._package, relations=relations, types=self._types, read=read
            )
            self._write(self._workbook, written(self._names.root))
            self._write(listing, written(relations))
        with self._open(part) as out:
            write_findings(
                cast("BinaryIO", out),
                marks.worst(MOST_LISTED),
                left=max(0, marks.count - MOST_LISTED),
                sheets=self._names.shown,
                styles=self._styles,
                language=self._language,
            )

    def _sheet(self, part: str, number: int) -> _Sheet:
        related = dict(self._package.relationships(part).values())
        return _Sheet(
            number=number,
            part=part,
            listing=listing_of(part),
            comments=related.get("comments"),
            shapes=related.get("vmlDrawing"),
        )

    def _copy_sheet(self, sheet: _Sheet, notes: Notes, rows: dict[int, list[Problem]]) -> None:
        by_cell = _by_cell(rows)
        wanted: dict[int, set[int | None]] = {}
        for row, column in by_cell:
            wanted.setdefault(row, set()).add(column)
        for row, column in notes.ours:
            wanted.setdefault(row, set()).add(column)

        def style(base: int, cell: Cell) -> int:
            problems = [*by_cell.get(cell, ())]
            if copy.first_cells.get(cell[0]) == cell[1]:
                problems += by_cell.get((cell[0], None), ())
            return self._styles.twin(base, _color(problems))

        shapes_id = f"rIdLienthongV{sheet.number}"
        with self._package.open(sheet.part) as part, self._open(sheet.part) as out:
            copy = SheetCopy(cast("BinaryIO", out), wanted=wanted, style=style, notes_id=shapes_id)
            copy.run(part)
        texts: dict[Cell, list[Problem]] = {}
        for (row, column), problems in by_cell.items():
            there = copy.first_cells.get(row, 0) if column is None else column
            texts.setdefault((row, there), []).extend(problems)
        self._write_notes(
            sheet,
            notes,
            {
                cell: note_of(problems, self._language, with_column=False)
                for cell, problems in texts.items()
            },
            shapes_id=shapes_id,
        )

    def _write_notes(
        self, sheet: _Sheet, notes: Notes, texts: dict[Cell, str], *, shapes_id: str
    ) -> None:
        body, cells = write_notes(notes, texts, language=self._language)
        existing = self._read(sheet.shapes) if sheet.shapes else None
        shapes = write_shapes(existing, cells)
        if shapes is None:
            raise KeyError("vmlDrawing")
        comments = sheet.comments or self._free(f"xl/lienthongComments{sheet.number}", ".xml")
        drawing = sheet.shapes or self._free(f"xl/drawings/lienthongDrawing{sheet.number}", ".vml")
        self._write(comments, body)
        self._write(drawing, shapes)
        if sheet.comments and sheet.shapes:
            return
        listing = (
            self._package.parse(sheet.listing)
            if sheet.listing in self._package
            else etree.Element(
                f"{{{PACKAGE}/relationships}}Relationships",
                nsmap={None: f"{PACKAGE}/relationships"},
            )
        )
        if not sheet.comments:
            relate(listing, f"rIdLienthongC{sheet.number}", "comments", comments)
            self._declare(comments)
        if not sheet.shapes:
            relate(listing, shapes_id, "vmlDrawing", drawing)
        self._write(sheet.listing, written(listing))

    def _declare(self, comments: str) -> None:
        space = f"{{{PACKAGE}/content-types}}"
        known = {item.get("Extension", "").lower() for item in self._types}
        if "vml" not in known:
            default = etree.Element(f"{space}Default", Extension="vml", ContentType=_VML)
            self._types.insert(0, default)
        etree.SubElement(
            self._types, f"{space}Override", PartName=f"/{comments}", ContentType=_COMMENTS
        )

    def _free(self, base: str, ending: str) -> str:
        """Return the name of a new part; an earlier copy may have taken the same for another."""
        package = self._package
        return free_name(base, lambda one: f"{one}{ending}" not in package, between="_") + ending

    def _read(self, name: str) -> bytes:
        with self._package.open(name) as part:
            body = part.read(LARGEST_PART + 1)
        if len(body) > LARGEST_PART:
            raise KeyError(name)
        return body

    def _open(self, name: str) -> zipfile.ZipExtFile:
        self._begin(name)
        return cast("zipfile.ZipExtFile", self._out.open(name, "w", force_zip64=True))

    def _write(self, name: str, body: bytes) -> None:
        self._begin(name)
        self._out.writestr(name, body)

    def _begin(self, name: str) -> None:
        if name.lower() in self._written:
            # Two sheets that say they have the same notes.
            raise KeyError(name)
        self._written.add(name.lower())


def _by_cell(rows: dict[int, list[Problem]]) -> dict[tuple[int, int | None], list[Problem]]:
    """Return what is wrong by row and column; None stands for a row as a whole."""
    found: dict[tuple[int, int | None], list[Problem]] = {}
    for row, problems in rows.items():
        for problem in problems:
            found.setdefault((row, column_of(problem)), []).append(problem)
    return found


def _color(problems: Sequence[Problem]) -> str:
    """Return the colour of a cell by the worst that is wrong with it."""
    severities = {problem.severity for problem in problems}
    if Severity.ERROR in severities:
        return ERROR
    return WARNING if severities else MENDED
