"""
The ZIP container of a workbook, opened with suspicion.

Sizes are counted while unpacking, never believed. A part that unpacks beyond a limit or a ratio,
a directory larger than any workbook's, encrypted or doubled entries: each is refused by name.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, BinaryIO

from adapters.refusal import empty_input, refuse
from adapters.source import OLE_MAGIC, ZIP_MAGIC
from schemas.parser import Limits, XmlRefused, parse_xml
from schemas.problem import Place, Text

if TYPE_CHECKING:
    from types import TracebackType

    from lxml.etree import _Element

    from adapters.options import XlsxOptions
    from schemas.errors import InputError

# What zipfile raises on a damaged archive: a wrong version is a NotImplementedError (which is a
# RuntimeError), a cut header a struct.error. OSError is not here: a disk that fails is no damage
# of the file, so offsets are checked before anything is read at them.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_DIRECTORY_BYTES = 4 * 1024 * 1024
_MAX_ENTRIES = 10_000
_FREE_BYTES = 1024 * 1024
"""The ratio is not looked at before this much; small parts may pack very well."""
_SMALL_PART = Limits(max_bytes=8 * 1024 * 1024, max_elements=500_000)
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

_REMEDY_SAVE = Text(
    vi="mở bằng Excel và lưu lại dạng .xlsx không đặt mật khẩu",
    en="open it in Excel and save it as .xlsx without a password",
)


class Package:
    """The parts of one workbook, by their names; a context manager that leaves `source` open."""

    def __init__(self, source: BinaryIO, *, place: Place, options: XlsxOptions) -> None:
        self.place = place
        self._options = options
        self._size = source.seek(0, 2)
        source.seek(0)
        _check_magic(source.read(8), place)
        _check_directory(source, size=self._size, place=place)
        try:
            self._zip = zipfile.ZipFile(source)
        except (*_ZIP_ERRORS, OverflowError) as error:
            raise _truncated(place) from error
        self._parts = self._index()

    def __enter__(self) -> Package:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._parts

    def names(self) -> list[str]:
        """Return the names of the parts, as they are written, in their order; no folders."""
        return [info.filename for info in self._parts.values() if not info.is_dir()]

    def open(self, name: str) -> Part:
        """
        Return one part as a stream.

        Raises:
            InputError: The part is not there or is encrypted; while reading, it is damaged or
                unpacks beyond a limit.
        """
        info = self._parts.get(name.lower())
        if info is None:
            raise damaged(self.place, f"thiếu phần '{name}'", f"part '{name}' is missing")
        try:
            stream = self._zip.open(info)
        except _ZIP_ERRORS as error:
            vi, en = f"không mở được phần '{name}'", f"part '{name}' cannot be opened"
            raise damaged(self.place, vi, en) from error
        packed = min(info.compress_size, self._size)
        return Part(stream, name=name, packed=packed, place=self.place, options=self._options)

    def parse(self, name: str) -> _Element:
        """Return the root of a small part, such as the list of sheets."""
        with self.open(name) as stream:
            data = stream.read(_SMALL_PART.max_bytes + 1)
        try:
            return parse_xml(data, limits=_SMALL_PART)
        except XmlRefused as refused:
            raise xml_refused(refused, name=name, place=self.place) from refused

    def relationships(self, name: str) -> dict[str, tuple[str, str]]:
        """Return id -> (last step of the type, part name) for what part `name` refers to."""
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

    def _index(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        parts = {info.filename.lower(): info for info in entries}
        if len(entries) > _MAX_ENTRIES:
            raise _bomb(self.place, f"{len(entries)} entries", limit=f"{_MAX_ENTRIES} entries")
        if len(parts) != len(entries):
            vi, en = "có hai phần cùng tên", "two parts have the same name"
            raise damaged(self.place, vi, en)
        if not all(0 <= info.header_offset < self._size for info in entries):
            vi, en = "mục lục của tệp nén trỏ ra ngoài tệp", "the directory points outside the file"
            raise damaged(self.place, vi, en)
        if any(info.compress_type not in _METHODS for info in entries):
            vi, en = "nén bằng cách mà Excel không dùng", "packed in a way no workbook uses"
            raise damaged(self.place, vi, en)
        if any(info.flag_bits & 1 for info in entries):
            text = Text(vi="tệp nén có mật khẩu", en="the archive is encrypted")
            raise refuse("xlsx.encrypted", text, place=self.place, remedy=_REMEDY_SAVE)
        return parts


class Part:
    """One part while it unpacks; what comes out is counted against the limits."""

    def __init__(
        self,
        stream: IO[bytes],
        *,
        name: str,
        packed: int,
        place: Place,
        options: XlsxOptions,
    ) -> None:
        self._stream = stream
        self._name = name
        self._packed = max(packed, 1)
        self._place = place
        self._options = options
        self._unpacked = 0

    def __enter__(self) -> Part:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; raise InputError when damaged or too much comes out."""
        try:
            chunk = self._stream.read(size)
        except _ZIP_ERRORS as error:
            vi, en = f"phần '{self._name}' bị hỏng", f"part '{self._name}' is damaged"
            raise damaged(self._place, vi, en) from error
        self._unpacked += len(chunk)
        limit, ratio = self._options.max_unpacked_bytes, self._options.max_ratio
        if self._unpacked > limit:
            raise _bomb(self._place, f"part '{self._name}'", limit=f"{limit} bytes")
        if self._unpacked > max(_FREE_BYTES, ratio * self._packed):
            raise _bomb(self._place, f"part '{self._name}'", limit=f"1:{ratio}")
        return chunk


def xml_refused(refused: XmlRefused, *, name: str, place: Place) -> InputError:
    """Return the error for a part that is no XML, or none we are willing to read."""
    line = f" (dòng {refused.line})" if refused.line else ""
    vi = f"phần '{name}' của tệp Excel không đọc được: {refused.vi}{line}"
    return damaged(place, vi, f"part '{name}' cannot be read: {refused}", code=refused.code)


def damaged(place: Place, vi: str, en: str, *, code: str = "xlsx.damaged") -> InputError:
    """Return the error for a workbook whose inside is not as it should be."""
    return refuse(code, Text(vi=vi, en=en), place=place, remedy=_REMEDY_SAVE)


def _check_magic(head: bytes, place: Place) -> None:
    if not head:
        raise empty_input(place)
    if head.startswith(OLE_MAGIC):
        vi = "đây là tệp .xls kiểu cũ, hoặc tệp .xlsx có mật khẩu"
        en = "this is an old .xls file, or a password-protected .xlsx"
        raise refuse("xlsx.old_or_encrypted", Text(vi=vi, en=en), place=place, remedy=_REMEDY_SAVE)
    if not head.startswith(ZIP_MAGIC):
        raise refuse(
            "xlsx.not_workbook",
            Text(vi="đây không phải tệp Excel (.xlsx)", en="this is not a workbook (.xlsx)"),
            place=place,
            remedy=Text(
                vi="kiểm tra khóa format; tệp văn bản dùng csv, json, jsonl hoặc xml",
                en="check the key format; text files are csv, json, jsonl or xml",
            ),
        )


def _check_directory(source: BinaryIO, *, size: int, place: Place) -> None:
    """Refuse a directory too large for a workbook before zipfile reads it as a whole."""
    source.seek(max(size - 66_000, 0))
    tail = source.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise _truncated(place)
    (directory,) = struct.unpack_from("<L", tail, end + 12)
    wide = tail.rfind(b"PK\x06\x06")
    if 0 <= wide <= len(tail) - 48:
        (directory,) = struct.unpack_from("<Q", tail, wide + 40)
    if directory > size - len(tail) + (wide if wide >= 0 else end):
        raise _truncated(place)
    if directory > _MAX_DIRECTORY_BYTES:
        limit = f"{_MAX_DIRECTORY_BYTES} bytes"
        raise _bomb(place, f"directory of {directory} bytes", limit=limit)


def _truncated(place: Place) -> InputError:
    return refuse(
        "xlsx.truncated",
        Text(vi="tệp Excel bị cắt cụt hoặc bị hỏng", en="the workbook is cut short or damaged"),
        place=place,
        remedy=Text(vi="gửi lại cả tệp", en="send the whole file again"),
    )


def _bomb(place: Place, what: str, *, limit: str) -> InputError:
    return refuse(
        "xlsx.too_large",
        Text(
            vi=f"giải nén vượt giới hạn {limit}: {what}",
            en=f"unpacks beyond the limit of {limit}: {what}",
        ),
        place=place,
        remedy=Text(
            vi="chia nhỏ tệp; nếu tệp đúng là lớn như vậy, tăng max_unpacked_bytes hoặc max_ratio",
            en="split the file; if it really is that large, raise max_unpacked_bytes or max_ratio",
        ),
    )
