"""
Whether a file of a known kind lacks its end, as far as its first and last bytes tell that surely.

Of what keeps the place of its parts, the places are compared with its size; of others its end must
be there. A file of which nothing can be told counts as whole: then only a declared size or digest
tells.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from lienthong.attachments.kinds import BLANK, ZIPPED

if TYPE_CHECKING:
    from collections.abc import Callable


def is_cut_off(kind: str, *, head: bytes, tail: bytes, size: int) -> bool:
    """Tell whether a file of this kind surely lacks its end; what cannot be told is whole."""
    check = _ENDS.get(kind)
    return check is not None and not check(head, tail, size)


_length_of = re.compile(rb"/Linearized\b[^>]{0,200}?/L\s+([0-9]{1,15})\b").search


def _whole_pdf(head: bytes, tail: bytes, size: int) -> bool:
    # Made for reading while it comes, it has an end near its beginning too, and says its length.
    said = _length_of(head[:2048])
    # Viewers look in the last kilobyte; producers put signatures and more behind it.
    return b"%%EOF" in tail and (said is None or size >= int(said[1]))


def _whole_zip(_head: bytes, tail: bytes, size: int) -> bool:
    """Source: APPNOTE.TXT, 4.3.16."""
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        return False
    length, offset, comment = struct.unpack_from("<IIH", tail, at + 12)
    end = size - len(tail) + at
    # In the form for more than 4 GB both stand elsewhere.
    is_there = 0xFFFF_FFFF in (length, offset) or int(offset) + int(length) <= end
    return is_there and at + 22 + int(comment) <= len(tail)


_OLE_SECTORS = {9: 512, 12: 4096}
_OLE_LAST = 0xFFFF_FFFA
"""From here on a number is no place of a sector."""
_OLE_FREE = frozenset({0xFFFF_FFFF, 0})


def _whole_ole(head: bytes, tail: bytes, size: int) -> bool:
    """
    Tell whether every sector is there that the header names, or a table which it names.

    Source: MS-CFB, 2.2 and 2.3. The tables are looked at where they lie near the beginning or end.
    """
    if size < 1536 or len(head) < 512:
        return False
    sector = _OLE_SECTORS.get(int.from_bytes(head[30:32], "little"))
    if sector is None:
        return True
    tables, directory, _, _, small, smalls, more, mores = struct.unpack_from("<8I", head, 44)
    places = list(struct.unpack_from("<109I", head, 76)[: min(tables, 109)])
    named = [directory, *places, *([small] if smalls else []), *([more] if mores else [])]
    for number, place in enumerate(places):
        table = _part(head, tail, at=(place + 1) * sector, length=sector, size=size)
        named += (number * sector // 4 + one for one in _used(table))
    return all((one + 1) * sector < size for one in named if one < _OLE_LAST)


def _part(head: bytes, tail: bytes, *, at: int, length: int, size: int) -> bytes:
    """Return bytes of a file that are among its first or last ones; empty for others."""
    if at + length <= len(head):
        return head[at : at + length]
    begins = at - (size - len(tail))
    is_in_tail = begins >= 0 and begins + length <= len(tail)
    return tail[begins : begins + length] if is_in_tail else b""


def _used(table: bytes) -> list[int]:
    """Return which entries of a table of sectors are in use."""
    entries = struct.unpack(f"<{len(table) // 4}I", table)
    return [number for number, entry in enumerate(entries) if entry not in _OLE_FREE]


def _whole_jpg(head: bytes, tail: bytes, _size: int) -> bool:
    # A telephone's moving picture has its film behind the end of the picture.
    return b"\xff\xd9" in tail or b"MotionPhoto" in head or b"MicroVideo" in head


def _whole_7z(head: bytes, _tail: bytes, size: int) -> bool:
    if len(head) < 32:
        return False
    offset, length = struct.unpack_from("<QQ", head, 12)
    return bool(32 + offset + length <= size)


def _whole_tif(head: bytes, _tail: bytes, size: int) -> bool:
    if len(head) < 8:
        return False
    (offset,) = struct.unpack_from("<I" if head.startswith(b"II") else ">I", head, 4)
    return 8 <= int(offset) < size


def _whole_p7(head: bytes, tail: bytes, size: int) -> bool:
    if head[:1] != b"\x30":
        return len(tail.strip()) > 64
    length = head[1]
    if length == 0x80:
        return tail.endswith(b"\x00\x00")
    if length < 0x80:
        return size >= 2 + length
    count = length & 0x7F
    return size >= 2 + count + int.from_bytes(head[2 : 2 + count])


_ENDS: dict[str, Callable[[bytes, bytes, int], bool]] = {
    "pdf": _whole_pdf,
    "jpg": _whole_jpg,
    "png": lambda _head, tail, _size: b"IEND" in tail,
    "gif": lambda _head, tail, _size: tail.rstrip(b"\x00").endswith(b";"),
    "tif": _whole_tif,
    "bmp": lambda head, _tail, size: (
        len(head) >= 26 and int.from_bytes(head[10:14], "little") < size
    ),
    "ole": _whole_ole,
    "rtf": lambda _head, tail, _size: b"}" in tail,
    "7z": _whole_7z,
    "xml": lambda _head, tail, _size: tail.rstrip(BLANK).endswith(b">"),
    "p7": _whole_p7,
    **dict.fromkeys(ZIPPED, _whole_zip),
}
