"""The parts of an Office Open XML workbook, by name and by what refers to them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, BinaryIO

from adapters.archive import Archive, Wording
from adapters.refusal import AGREED, empty_input, refuse
from adapters.source import OLE_MAGIC, ZIP_MAGIC, is_encrypted_office
from schemas.parser import Limits, XmlRefused, parse_xml
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from lxml.etree import _Element

    from adapters.options import XlsxOptions
    from schemas.errors import InputError

_SMALL_PART = Limits(max_bytes=8 * 1024 * 1024, max_elements=500_000)
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

_REMEDY_SAVE = Text(
    vi="mở bằng Excel và lưu lại dạng .xlsx không đặt mật khẩu",
    en="open it in Excel and save it as .xlsx without a password",
)
_WORDING = Wording(code="xlsx", name=Text(vi="tệp Excel", en="workbook"), remedy=_REMEDY_SAVE)


class Package(Archive):
    """The parts of one workbook; a context manager that leaves `source` open."""

    def __init__(self, source: BinaryIO, *, place: Place, options: XlsxOptions) -> None:
        _check_magic(source, place)
        super().__init__(source, place=place, limits=options, wording=_WORDING)

    def __enter__(self) -> Package:
        return self

    def parse(self, name: str) -> _Element:
        """Return the root of a small part, such as the list of sheets."""
        with self.open(name) as stream:
            data = stream.read(_SMALL_PART.max_bytes + 1)
        try:
            return parse_xml(data, limits=_SMALL_PART)
        except XmlRefused as refused:
            raise xml_refused(refused, name=name, place=self.place) from refused

    def relationships(self, name: str) -> dict[str, tuple[str, str]]:
        """
        Return id -> (last step of the type, part name) for what part `name` refers to.

        What lies outside of the package (linked workbooks) is never followed.
        """
        folder, base = posixpath.split(name)
        listing = posixpath.join(folder, "_rels", f"{base}.rels")
        if listing not in self:
            return {}
        found = {}
        for item in self.parse(listing).iter(_RELATIONSHIPS):
            if item.get("TargetMode") == "External":
                continue
            target = posixpath.normpath(posixpath.join("/", folder, item.get("Target", "")))
            kind = item.get("Type", "").rpartition("/")[2]
            found[item.get("Id", "")] = (kind, target.lstrip("/"))
        return found


def xml_refused(refused: XmlRefused, *, name: str, place: Place) -> InputError:
    """Return the error for a part that is no XML, or none we are willing to read."""
    line = f" (dòng {refused.line})" if refused.line else ""
    vi = f"phần '{name}' của tệp Excel không đọc được: {refused.vi}{line}"
    return damaged(place, vi, f"part '{name}' cannot be read: {refused}", code=refused.code)


def damaged(place: Place, vi: str, en: str, *, code: str = "xlsx.damaged") -> InputError:
    """Return the error for a workbook whose inside is not as it should be."""
    return refuse(code, Text(vi=vi, en=en), place=place, remedy=_REMEDY_SAVE)


def _check_magic(source: BinaryIO, place: Place) -> None:
    source.seek(0)
    head = source.read(8)
    if not head:
        raise empty_input(place)
    if head.startswith(OLE_MAGIC) and is_encrypted_office(source):
        text = Text(vi="tệp Excel có mật khẩu", en="the workbook has a password")
        raise refuse("xlsx.encrypted", text, place=place, remedy=_REMEDY_SAVE)
    if head.startswith(OLE_MAGIC):
        text = Text(vi="đây là tệp .xls kiểu cũ", en="this is an old .xls file")
        remedy = Remedy(
            Text(
                vi="mở bằng Excel và lưu lại dạng .xlsx", en="open it in Excel and save it as .xlsx"
            ),
            Text(vi="hoặc khai báo format: xls", en="or declare format: xls"),
        )
        raise refuse("xlsx.old", text, place=place, remedy=remedy)
    if not head.startswith(ZIP_MAGIC):
        raise refuse(
            "xlsx.not_workbook",
            Text(vi="đây không phải tệp Excel (.xlsx)", en="this is not a workbook (.xlsx)"),
            place=place,
            remedy=Remedy(
                AGREED,
                Text(
                    vi="kiểm tra khóa format; tệp văn bản dùng csv, json, jsonl hoặc xml",
                    en="check the key format; text files are csv, json, jsonl or xml",
                ),
            ),
        )
