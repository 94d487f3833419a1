"""
The memo file of a table: long texts in numbered blocks, beside the table or in the same archive.

dBase III ends a text with 1A and has blocks of 512 bytes; dBase IV and FoxPro write its length
before it. Which of the first two a block is, it says itself.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

DBT, FPT = ".dbt", ".fpt"
_DBASE_IV = b"\xff\xff\x08\x00"
_DBT_BLOCK_BYTES = 512
_FPT_TEXT = 1
_HEAD_BYTES = 8
_CHUNK_BYTES = 16 * 1024
_END = b"\x1a"
_SOFT_BREAK = (b"\x8d\n", b"\n")
"""Where a dBase editor wrapped a line."""


class MemoDamaged(Exception):
    """A memo cannot be read; the words say why, in Vietnamese and English."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi = vi
        self.en = en


def open_memo(source: BinaryIO, *, kind: str, limit: int) -> Callable[[int], bytes]:
    """
    Return a function from a block's number to the text that begins there.

    The function raises MemoDamaged. `limit`: bytes of one memo.
    """
    size = source.seek(0, 2)
    source.seek(0)
    head = source.read(24).ljust(24, b"\0")
    if kind == FPT:
        (block_bytes,) = struct.unpack_from(">H", head, 6)
        return _Memos(source, size=size, block_bytes=block_bytes or 1, limit=limit).foxpro
    (block_bytes,) = struct.unpack_from("<H", head, 20)
    if not block_bytes or block_bytes % _DBT_BLOCK_BYTES:
        block_bytes = _DBT_BLOCK_BYTES
    return _Memos(source, size=size, block_bytes=block_bytes, limit=limit).dbase


class _Memos:
    def __init__(self, source: BinaryIO, *, size: int, block_bytes: int, limit: int) -> None:
        self._source = source
        self._size = size
        self._block_bytes = block_bytes
        self._limit = limit

    def foxpro(self, block: int) -> bytes:
        head = self._head(block)
        if len(head) < _HEAD_BYTES:
            raise _outside(block)
        kind, length = struct.unpack(">LL", head)
        if kind != _FPT_TEXT:
            raise MemoDamaged("ghi chú không phải văn bản", "the memo is no text")
        return self._text(block, length)

    def dbase(self, block: int) -> bytes:
        head = self._head(block)
        if len(head) == _HEAD_BYTES and head.startswith(_DBASE_IV):
            (length,) = struct.unpack_from("<L", head, 4)
            return self._text(block, length - _HEAD_BYTES).replace(*_SOFT_BREAK)
        self._source.seek(block * self._block_bytes)
        text, end = bytearray(), b""
        while not end:
            chunk = self._source.read(_CHUNK_BYTES)
            if not chunk:
                raise MemoDamaged("ghi chú không có dấu kết thúc", "the memo has no end")
            part, end, _ = chunk.partition(_END)
            text += part
            if len(text) > self._limit:
                raise self._too_long()
        return bytes(text).replace(*_SOFT_BREAK)

    def _head(self, block: int) -> bytes:
        offset = block * self._block_bytes
        if offset >= self._size:
            raise _outside(block)
        self._source.seek(offset)
        return self._source.read(_HEAD_BYTES)

    def _text(self, block: int, length: int) -> bytes:
        if not 0 <= length <= self._size - block * self._block_bytes - _HEAD_BYTES:
            vi = f"ghi chú ở khối {block} ghi dài {length} byte, dài hơn tệp ghi chú"
            en = f"the memo in block {block} claims {length} bytes, more than the memo file has"
            raise MemoDamaged(vi, en)
        if length > self._limit:
            raise self._too_long()
        return self._source.read(length)

    def _too_long(self) -> MemoDamaged:
        vi = f"ghi chú dài hơn giới hạn {self._limit} byte (max_record_bytes)"
        return MemoDamaged(vi, f"the memo is longer than {self._limit} bytes (max_record_bytes)")


def _outside(block: int) -> MemoDamaged:
    vi = f"khối ghi chú {block} nằm ngoài tệp ghi chú"
    return MemoDamaged(vi, f"memo block {block} lies outside the memo file")
