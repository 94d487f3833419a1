"""
The stream of a workbook inside an OLE file, found in a time that grows with the file alone.

xlrd could find it, too, but goes round a ring of short sectors for ever, and walks a directory
whose entries share their neighbours as often as there are ways to them.

Source: [MS-CFB] 2.2 (header), 2.3-2.5 (allocation tables), 2.6 (directory).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEADER_BYTES = 512
_ENTRY_BYTES = 128
_STREAM = 2
_SHORT_BYTES = 64
_SECTOR_BYTES = {9: 512, 12: 4096}
_NAMES = ("workbook", "book")
"""Since Excel 97, and before."""


class CompoundDamaged(Exception):
    """The file is no OLE file, or its tables contradict each other."""


def workbook_stream(data: bytes) -> bytes:
    """
    Return the workbook in the OLE file `data`.

    Raises:
        CompoundDamaged: there is none, or it cannot be put together.
    """
    try:
        return _Compound(data).workbook()
    except (struct.error, IndexError) as error:
        raise CompoundDamaged(str(error)) from error


class _Compound:
    def __init__(self, data: bytes) -> None:
        self._data = data
        (shift,) = struct.unpack_from("<H", data, 30)
        if shift not in _SECTOR_BYTES:
            raise CompoundDamaged("sector size")
        self._size = _SECTOR_BYTES[shift]
        self._directory, _, self._cutoff, self._shorts = struct.unpack_from("<iIIi", data, 48)
        self._table = self._numbers(self._table_sectors())
        entries = b"".join(self._sectors(self._directory))
        self._entries = [
            entries[at : at + _ENTRY_BYTES] for at in range(0, len(entries), _ENTRY_BYTES)
        ]

    def workbook(self) -> bytes:
        """Return the stream; of workbooks embedded in the workbook none is looked at."""
        found = {name: entry for name, entry in self._streams() if name in _NAMES}
        for name in _NAMES:
            if name in found:
                return self._content(found[name])
        raise CompoundDamaged("no workbook")

    def _table_sectors(self) -> list[int]:
        """Return where the allocation table stands."""
        found = list(struct.unpack_from("<109i", self._data, 76))
        (at,) = struct.unpack_from("<i", self._data, 68)
        left = len(self._data) // self._size
        # Nought stands there, too, where no more sectors are needed.
        while at > 0:
            left -= 1
            if left < 0:
                raise CompoundDamaged("a ring")
            numbers = self._numbers([at])
            found += numbers[:-1]
            at = numbers[-1]
        kept = [number for number in found if number >= 0]
        if len(set(kept)) < len(kept):
            raise CompoundDamaged("a sector twice")
        return kept

    def _sector(self, number: int) -> bytes:
        start = _HEADER_BYTES + number * self._size
        return self._data[start : start + self._size]

    def _numbers(self, sectors: Sequence[int]) -> Sequence[int]:
        data = b"".join(self._sector(number) for number in sectors)
        return struct.unpack(f"<{len(data) // 4}i", data[: len(data) // 4 * 4])

    def _sectors(self, start: int) -> Iterator[bytes]:
        return (self._sector(number) for number in _chain(self._table, start))

    def _streams(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and entry of every stream at the root."""
        (first,) = struct.unpack_from("<i", self._entries[0], 76)
        waiting, seen = [first], {-1}
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            entry = self._entries[at]
            length, kind, _, left, right = struct.unpack_from("<HBBii", entry, 64)
            waiting += [left, right]
            if kind == _STREAM:
                yield entry[: max(length - 2, 0)].decode("utf-16-le", "replace").lower(), entry

    def _content(self, entry: bytes) -> bytes:
        start, size = struct.unpack_from("<iI", entry, 116)
        if size >= self._cutoff:
            content = b"".join(self._sectors(start))
        else:
            (root,) = struct.unpack_from("<i", self._entries[0], 116)
            table = self._numbers(list(_chain(self._table, self._shorts)))
            shorts = b"".join(self._sectors(root))
            content = b"".join(
                shorts[number * _SHORT_BYTES : (number + 1) * _SHORT_BYTES]
                for number in _chain(table, start)
            )
        if len(content) < size:
            raise CompoundDamaged("cut short")
        return content[:size]


def _chain(table: Sequence[int], start: int) -> Iterator[int]:
    """Yield the numbers of the sectors of one stream."""
    for _ in range(len(table)):
        if start < 0:
            return
        yield start
        start = table[start]
    if start >= 0:
        raise CompoundDamaged("a ring")
