"""
The fonts of a workbook's cells, as far as they say what its letters are.

Only fonts made for TCVN3 and VNI are kept: in any other, text is what its characters say. A run
inside a text has a font of its own, which then counts and not the cell's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.doctor.diagnosis import font_encoding
from adapters.workbook_numbers import read_index

if TYPE_CHECKING:
    from lxml.etree import _Element


def load_fonts(styles: _Element | None, *, namespace: str) -> list[str]:
    """Return the legacy font of each cell style, "" for others; [] when no style has one."""
    if styles is None:
        return []
    tag = f"{{{namespace}}}"
    fonts = []
    for font in styles.iterfind(f"{tag}fonts/{tag}font"):
        name = font.find(f"{tag}name")
        fonts.append(legacy_font("" if name is None else name.get("val", "")))
    found = [
        _at(fonts, item.get("fontId", "0")) for item in styles.iterfind(f"{tag}cellXfs/{tag}xf")
    ]
    return found if any(found) else []


def font_of_runs(item: _Element, *, namespace: str) -> str | None:
    """
    Return the one legacy font of all runs of a string item.

    None: no run names a font, so the cell's counts. "": they name others, or do not agree.
    """
    tag = f"{{{namespace}}}"
    names: set[str] = set()
    is_named = False
    for run in item.iterfind(f"{tag}r"):
        font = run.find(f"{tag}rPr/{tag}rFont")
        if font is not None:
            is_named = True
        names.add("" if font is None else legacy_font(font.get("val", "")))
    if not is_named:
        return None
    return names.pop() if len(names) == 1 else ""


def legacy_font(name: str) -> str:
    """Return the name of a font made for TCVN3 or VNI, "" for others."""
    return name if font_encoding(name) is not None else ""


def _at(fonts: list[str], index: str) -> str:
    number = read_index(index)
    return fonts[number] if 0 <= number < len(fonts) else ""
