"""
Files in the ZIP that their record came in: unpacked as they are looked at, with suspicion.

What an archive may be is judged by its adapter, before its first record; here sizes are counted
once more while a file unpacks, never believed.
"""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from adapters.archive import Archive, Wording
from lienthong.attachments.beside import steps_of
from lienthong.attachments.words import away, wrong
from schemas.errors import InputError, LienthongError
from schemas.problem import Place, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from adapters.archive import Part
    from mappings.attachments import DeclaredFile

PART_BYTES = 256 * 1024
_WORDING = Wording(
    code="zip",
    name=Text(vi="tệp ZIP", en="archive"),
    remedy=Text(vi="nén lại các tệp", en="pack the files again"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    max_unpacked_bytes: int
    max_ratio: int


class PackedFiles:
    """The files in one archive."""

    def __init__(
        self, open_archive: Callable[[], AbstractContextManager[BinaryIO]], *, max_ratio: int
    ) -> None:
        self._open_archive = open_archive
        self._max_ratio = max_ratio

    @contextmanager
    def open(self, declared: DeclaredFile, *, limit: int) -> Iterator[Iterator[bytes]]:
        """
        Give the bytes of one file, part by part.

        Raises:
            FileWrong: it is not there, cannot be unpacked, or is too large.
            FileAway: the archive cannot be read now.
        """
        steps = steps_of(declared.source)
        if steps is None:
            raise wrong("path", declared, _ELSEWHERE)
        limits = _Limits(max_unpacked_bytes=limit, max_ratio=self._max_ratio)
        with self._opened(declared) as source:
            archive = self._index(source, declared, limits)
            names = {_folded(name): name for name in archive.names()}
            name = names.get(_folded("/".join(steps)))
            if name is None:
                raise wrong("missing", declared, _MISSING)
            with archive, self._unpacking(archive, name, declared) as part:
                yield self._parts(part, declared, limit=limit)

    @contextmanager
    def _opened(self, declared: DeclaredFile) -> Iterator[BinaryIO]:
        try:
            source = self._open_archive()
        except OSError as error:
            raise _unreadable(declared) from error
        with source as opened:
            yield opened

    def _index(self, source: BinaryIO, declared: DeclaredFile, limits: _Limits) -> Archive:
        try:
            return Archive(source, place=Place(), limits=limits, wording=_WORDING)
        except InputError as error:
            raise wrong("damaged", declared, _DAMAGED) from error
        except (LienthongError, OSError) as error:
            # Its stored bytes: a damaged disk, or pieces that do not open.
            raise _unreadable(declared) from error

    def _unpacking(self, archive: Archive, name: str, declared: DeclaredFile) -> Part:
        try:
            return archive.open(name)
        except InputError as error:
            raise wrong("damaged", declared, _DAMAGED) from error

    def _parts(self, part: Part, declared: DeclaredFile, *, limit: int) -> Iterator[bytes]:
        passed = 0
        while True:
            try:
                read = part.read(PART_BYTES)
            except InputError as error:
                is_large = error.problem.code.endswith("too_large")
                code, words = ("too_large", _TOO_LARGE) if is_large else ("damaged", _DAMAGED)
                # Beyond the ratio nobody knows its size.
                size = limit + 1 if is_large and passed + PART_BYTES > limit else None
                raise wrong(code, declared, words, size=size) from error
            except (LienthongError, OSError) as error:
                raise _unreadable(declared) from error
            if not read:
                return
            passed += len(read)
            yield read


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/")).lower()


def _unreadable(declared: DeclaredFile) -> Exception:
    return away("unreadable", declared, _UNREADABLE, remedy=_OPERATOR)


_ELSEWHERE = Text(vi="có đường dẫn ra ngoài tệp ZIP", en="has a path that leads out of its archive")
_MISSING = Text(vi="không có trong tệp ZIP", en="is not in the archive")
_DAMAGED = Text(vi="không giải nén được", en="cannot be unpacked")
_TOO_LARGE = Text(vi="giải nén vượt giới hạn", en="unpacks beyond the limit of size or of ratio")
_UNREADABLE = Text(
    vi="chưa đọc được: nội dung đã lưu của tệp ZIP", en="cannot be read now: its archive as stored"
)
_OPERATOR = Text(
    vi="Người vận hành kiểm tra kho: lienthong doctor; hệ thống tự thử lại",
    en="The operator checks the store: lienthong doctor; it is tried again by itself",
)
