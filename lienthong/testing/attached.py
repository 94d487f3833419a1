"""Small files of the kinds that agencies attach, each whole."""

from __future__ import annotations

import io
import zipfile

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(64) + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
HTML = "<!DOCTYPE html>\n<html><head><title>Lỗi 500</title></head></html>".encode()
XML = b'<?xml version="1.0"?>\n<a>1</a>\n'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1600)
RTF = b"{\\rtf1 a}"
GIF = b"GIF89a" + bytes(20) + b";"
TIF = b"II*\x00\x08\x00\x00\x00" + bytes(40)
RAR = b"Rar!\x1a\x07\x01\x00" + bytes(20)
P7M = b"\x30\x82\x00\x40\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" + bytes(53)


def zipped(*names: str) -> bytes:
    """Return a ZIP archive with files of these names, the same bytes at any time."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"x")
    return target.getvalue()


ZIP = zipped("a.txt")
DOCX = zipped("[Content_Types].xml", "word/document.xml")
XLSX = zipped("[Content_Types].xml", "xl/workbook.xml")
