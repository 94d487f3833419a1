"""
What kind of file bytes are, by how they begin and end, and which kinds a name or MIME type allows.

A short table of our own for what agencies attach: libraries of thousands of signatures know neither
that a `.doc` may be RTF nor whether a file was cut off. A name that is not in the table is not
judged; an HTML page in place of a file always is, because it is what error pages are.
"""

from __future__ import annotations

import re

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 66 * 1024
"""Longer than the end of a ZIP with the longest comment."""

_OLE = frozenset({"ole"})
ZIPPED = frozenset({"zip", "docx", "xlsx", "pptx", "odf"})
ALLOWED: dict[str, frozenset[str]] = {
    "pdf": frozenset({"pdf"}),
    "jpg": frozenset({"jpg"}),
    "png": frozenset({"png"}),
    "gif": frozenset({"gif"}),
    "bmp": frozenset({"bmp"}),
    "tif": frozenset({"tif"}),
    # Word opens RTF whatever the file is called, and old systems write it so.
    "doc": frozenset({"ole", "rtf"}),
    "xls": _OLE,
    "ppt": _OLE,
    "docx": frozenset({"docx"}),
    "xlsx": frozenset({"xlsx"}),
    "pptx": frozenset({"pptx"}),
    "odt": frozenset({"odf"}),
    "ods": frozenset({"odf"}),
    "rtf": frozenset({"rtf"}),
    "zip": ZIPPED,
    "rar": frozenset({"rar"}),
    "7z": frozenset({"7z"}),
    "xml": frozenset({"xml"}),
    "html": frozenset({"html", "xml"}),
    "p7m": frozenset({"p7"}),
}
"""By the ending of a name, the kinds that may stand behind it."""
_SAME = {
    "jpeg": "jpg",
    "jpe": "jpg",
    "jfif": "jpg",
    "tiff": "tif",
    "htm": "html",
    "p7s": "p7m",
    "p7b": "p7m",
    "p7c": "p7m",
    "dib": "bmp",
}
_MIME = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/pjpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/zip": "zip",
    "application/x-zip-compressed": "zip",
    "application/vnd.rar": "rar",
    "application/x-rar-compressed": "rar",
    "application/x-7z-compressed": "7z",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/html": "html",
    "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7m",
}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tif"),
    (b"MM\x00*", "tif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"BM", "bmp"),
)
_OF_SIGNED = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
"""The object identifier that every PKCS #7 begins with (RFC 5652, 1.2.840.113549.1.7)."""
_OFFICE = ((b"word/", "docx"), (b"xl/", "xlsx"), (b"ppt/", "pptx"))
# By what a file begins with: further inside, elements of XML have the same names. Possessive, so
# that a hostile beginning cannot make the search go back.
_HTML = re.compile(
    rb"(?is)(?:\s|<\?.*?\?>|<!--.*?-->)*+"
    rb"<(?:!doctype\s+html|(?:html|head|body|title|script|meta|center|div|br|h[1-6])[\s/>])"
)
BLANK = b" \t\r\n\x00\xef\xbb\xbf"


def ending_of(text: str) -> str:
    """Return the ending that a name, an ending or a MIME type means; "" for one not known here."""
    said = text.partition(";")[0].strip().lower()
    if said in _MIME:
        return _MIME[said]
    ending = said.rpartition(".")[2]
    ending = _SAME.get(ending, ending)
    return ending if ending in ALLOWED else ""


def kind_of(head: bytes, tail: bytes) -> str:
    """Return what bytes are that begin with `head` and end with `tail`; "" when nobody knows."""
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(head, tail)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:1] == b"\x30" and _OF_SIGNED in head[:40]:
        return "p7"
    return _text_kind(head[:4096])


def _zipped(head: bytes, tail: bytes) -> str:
    names = head + tail
    if b"mimetypeapplication/vnd.oasis.opendocument" in head[:200]:
        return "odf"
    if b"[Content_Types].xml" in names:
        for folder, kind in _OFFICE:
            if folder in names:
                return kind
    return "zip"


def _text_kind(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[2:].replace(b"\x00", b"")
    begun = head.lstrip(BLANK)
    if _HTML.match(begun):
        return "html"
    if begun.startswith(b"<") and (begun[1:2].isalpha() or begun[1:2] in (b"?", b"!")):
        return "xml"
    if begun.startswith((b"-----BEGIN PKCS7", b"-----BEGIN CMS", b"MII")):
        return "p7"
    return ""
