"""
A ZIP archive, or a workbook that is one, opened with suspicion.

Sizes are counted while unpacking, never believed. A part that unpacks beyond a limit or a ratio,
a directory larger than any honest one, encrypted or doubled entries: each is refused by name.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO, Protocol

from adapters.refusal import refuse
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from types import TracebackType

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
_REMEDY_SEND = Text(vi="gửi lại cả tệp", en="send the whole file again")
_REMEDY_LIMIT = Remedy(
    Text(
        vi="chia nhỏ tệp; nếu tệp đúng là lớn như vậy, báo cho người phụ trách kết nối",
        en="split the file; if it really is that large, tell whoever set up the connection",
    ),
    Text(
        vi="nếu tệp đúng là lớn như vậy, tăng max_unpacked_bytes hoặc max_ratio",
        en="if it really is that large, raise max_unpacked_bytes or max_ratio",
    ),
)
_FREE_BYTES = 1024 * 1024
"""The ratio is not looked at before this much; small parts may pack very well."""


class Limits(Protocol):
    """What of the options holds for an archive."""

    @property
    def max_unpacked_bytes(self) -> int:
        """Limit of one unpacked part."""

    @property
    def max_ratio(self) -> int:
        """Limit of unpacked to packed size of one part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How an archive of one format is spoken of."""

    code: str
    """First part of the codes of errors."""
    name: Text
    remedy: Text
    """What helps when it is damaged."""


class Archive:
    """The parts of one archive, by their names; a context manager that leaves `source` open."""

    def __init__(self, source: BinaryIO, *, place: Place, limits: Limits, wording: Wording) -> None:
        self.place = place
        self.wording = wording
        self._limits = limits
        self._size = source.seek(0, 2)
        self._check_directory(source)
        try:
            self._zip = zipfile.ZipFile(source)
        except (*_ZIP_ERRORS, OverflowError) as error:
            raise self._truncated() from error
        self._parts = self._index()

    def __enter__(self) -> Archive:
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

    def open(self, name: str) -> Part:
        """
        Return one part as a stream.

        Raises:
            InputError: The part is not there or is encrypted; while reading, it is damaged or
                unpacks beyond a limit.
        """
        info = self._parts.get(name.lower())
        if info is None:
            raise self.damaged(f"thiếu phần '{name}'", f"part '{name}' is missing")
        try:
            stream = self._zip.open(info)
        except _ZIP_ERRORS as error:
            vi, en = f"không mở được phần '{name}'", f"part '{name}' cannot be opened"
            raise self.damaged(vi, en) from error
        packed = min(info.compress_size, self._size)
        return Part(stream, name=name, packed=packed, archive=self, limits=self._limits)

    def entries(self) -> list[zipfile.ZipInfo]:
        """Return what the directory says, in its order."""
        return list(self._parts.values())

    def names(self) -> list[str]:
        """Return the names of the parts, as they are written, in their order; no folders."""
        return [info.filename for info in self._parts.values() if not info.is_dir()]

    def _index(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        parts = {info.filename.lower(): info for info in entries}
        if len(entries) > _MAX_ENTRIES:
            raise self.too_large(f"{len(entries)} entries", limit=f"{_MAX_ENTRIES} entries")
        if len(parts) != len(entries):
            again = next(e.filename for e in entries if parts[e.filename.lower()] is not e)
            vi, en = f"hai tệp cùng tên: '{again}'", f"two files have the same name: '{again}'"
            raise self.refused("member_repeated", Text(vi=vi, en=en))
        if not all(0 <= info.header_offset < self._size for info in entries):
            vi, en = "mục lục của tệp nén trỏ ra ngoài tệp", "the directory points outside the file"
            raise self.damaged(vi, en)
        if any(info.compress_type not in _METHODS for info in entries):
            vi, en = "nén bằng cách không được đọc", "packed in a way that is not read"
            raise self.damaged(vi, en)
        if any(info.flag_bits & 1 for info in entries):
            text = Text(vi="tệp nén có mật khẩu", en="the archive is encrypted")
            raise self.refused("encrypted", text)
        return parts

    def refused(self, code: str, text: Text) -> InputError:
        """Return the error for an archive that is not as it should be."""
        whole = f"{self.wording.code}.{code}"
        return refuse(whole, text, place=self.place, remedy=self.wording.remedy)

    def damaged(self, vi: str, en: str) -> InputError:
        """Return the error for an archive whose inside is broken."""
        return self.refused("damaged", Text(vi=vi, en=en))

    def too_large(self, what: str, *, limit: str) -> InputError:
        """Return the error for an archive that unpacks to more than it may."""
        vi, en = f"giải nén vượt giới hạn {limit}: {what}", f"unpacks beyond the limit of {limit}"
        code = f"{self.wording.code}.too_large"
        text = Text(vi=vi, en=f"{en}: {what}")
        return refuse(code, text, place=self.place, remedy=_REMEDY_LIMIT)

    def _check_directory(self, source: BinaryIO) -> None:
        """Refuse a directory too large for any archive before zipfile reads it as a whole."""
        size = self._size
        source.seek(max(size - 66_000, 0))
        tail = source.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or end + 22 > len(tail):
            raise self._truncated()
        (directory,) = struct.unpack_from("<L", tail, end + 12)
        wide = tail.rfind(b"PK\x06\x06")
        if 0 <= wide <= len(tail) - 48:
            (directory,) = struct.unpack_from("<Q", tail, wide + 40)
        if directory > size - len(tail) + (wide if wide >= 0 else end):
            raise self._truncated()
        if directory > _MAX_DIRECTORY_BYTES:
            limit = f"{_MAX_DIRECTORY_BYTES} bytes"
            raise self.too_large(f"directory of {directory} bytes", limit=limit)

    def _truncated(self) -> InputError:
        name = self.wording.name
        vi, en = f"{name.vi} bị cắt cụt hoặc bị hỏng", f"the {name.en} is cut short or damaged"
        code = f"{self.wording.code}.truncated"
        return refuse(code, Text(vi=vi, en=en), place=self.place, remedy=_REMEDY_SEND)


class Part:
    """One part while it unpacks; what comes out is counted against the limits."""

    def __init__(
        self,
        stream: IO[bytes],
        *,
        name: str,
        packed: int,
        archive: Archive,
        limits: Limits,
    ) -> None:
        self._stream = stream
        self._name = name
        self._packed = max(packed, 1)
        self._archive = archive
        self._limits = limits
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
            raise self._archive.damaged(vi, en) from error
        self._unpacked += len(chunk)
        limit, ratio = self._limits.max_unpacked_bytes, self._limits.max_ratio
        if self._unpacked > limit:
            raise self._archive.too_large(f"part '{self._name}'", limit=f"{limit} bytes")
        if self._unpacked > max(_FREE_BYTES, ratio * self._packed):
            raise self._archive.too_large(f"part '{self._name}'", limit=f"1:{ratio}")
        return chunk
