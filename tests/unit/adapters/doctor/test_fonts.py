"""Fonts in a workbook say what its letters are."""

from __future__ import annotations

import io

import openpyxl
import pytest
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font

from adapters import make_options, read_records


def workbook(*cells):
    """Return a workbook with a header and one row of (value, font name)."""
    book = openpyxl.Workbook()
    sheet = book.active
    for column, (value, font) in enumerate(cells, 1):
        sheet.cell(1, column, f"c{column}")
        cell = sheet.cell(2, column, value)
        if font:
            cell.font = Font(name=font)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read(data, **settings):
    options = make_options({"format": "xlsx", **settings})
    (record,) = read_records(io.BytesIO(data), file_name="f.xlsx", options=options)
    return record


CELLS = [
    ("nguyÔn v¨n an", ".VnTimeH", "NGUYỄN VĂN AN"),
    ("lan anh", ".VnArialH", "LAN ANH"),
    ("Vò", ".VnTime", "Vũ"),
    ("Thò", "VNI-Times", "Thị"),
    ("Vò", "Times New Roman", "Vò"),
    ("Vò", None, "Vò"),
    ("Nguyễn Thị", ".VnTime", "Nguyễn Thị"),
    ("mau@example.vn", ".VnTimeH", "mau@example.vn"),
    (12, ".VnTimeH", 12),
]


@pytest.mark.parametrize(("stored", "font", "meant"), CELLS)
def test_a_cell_is_read_by_its_font(stored, font, meant):
    assert read(workbook((stored, font)), repair="on").values == {"c1": meant}


def test_by_default_the_text_stays_and_the_font_is_reported():
    record = read(workbook(("Vò", ".VnTime"), ("An", None)))

    assert record.values == {"c1": "Vò", "c2": "An"}
    assert record.fonts == {"c1": ".VnTime"}
    assert [(p.code, str(p.place)) for p in record.warnings] == [
        ("text.misread", "f.xlsx, sheet Sheet, row 2, column A (c1)")
    ]


def rich(*runs):
    return CellRichText(*(TextBlock(InlineFont(rFont=font), text) for text, font in runs))


def test_the_font_of_the_runs_counts_before_that_of_the_cell():
    data = workbook(
        (rich(("nguyÔn ", ".VnTimeH"), ("v¨n", ".VnTimeH")), "Arial"),
        (rich(("Vò", "Arial"), (" An", "Arial")), ".VnTime"),
    )

    assert read(data, repair="on").values == {"c1": "NGUYỄN VĂN", "c2": "Vò An"}


def test_runs_in_different_fonts_are_looked_at_without_any():
    record = read(workbook((rich(("Vò", ".VnTime"), (" Cô", "Arial")), ".VnTime")), repair="on")

    assert record.values == {"c1": "Vò Cô"}
    assert record.fonts == {}
