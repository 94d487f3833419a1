"""
The header of a dBase or FoxPro table, believed only as far as the file bears it out.

Tables are copied while they are written, cut by disks and mail, and mended by hand, so counts and
lengths disagree with the bytes often enough. Whatever does not add up refuses the whole table with
both numbers: reading on would give shifted or missing records.

Source: dBASE table file format (dBASE III to IV), FoxPro table file structure (2.x and Visual).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from adapters import charsets
from adapters import text as texts
from adapters.refusal import AGREED, empty_input, refuse
from adapters.source import refuse_workbook
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from schemas.errors import InputError

VISUAL = frozenset({0x30, 0x31, 0x32})
"""Versions of Visual FoxPro: binary columns, and columns that may hold nothing."""
_VERSIONS = VISUAL | {0x03, 0x43, 0x63, 0x83, 0x8B, 0xCB, 0xF5, 0xFB}
_OTHER_VERSIONS = {0x02: "dBase II", 0x04: "dBase 7", 0x8C: "dBase 7"}
_PREFIX = struct.Struct("<4xLHH20x")
_COLUMN = struct.Struct("<11sc4xBBB13x")
_MAX_HEADER_BYTES = 32 * 1024
"""Of 255 columns and all that may follow them."""
_END_OF_COLUMNS = 0x0D
_END_OF_FILE = 0x1A
_CHUNK_BYTES = 64 * 1024

_REMEDY_COPY = Text(
    vi="đóng bảng ở phần mềm nguồn rồi sao chép và gửi lại; nếu vẫn lỗi, xuất lại bảng "
    "(COPY TO ... TYPE FOX2X)",
    en="close the table in its program, then copy and send it again; if that does not help, export "
    "it anew (COPY TO ... TYPE FOX2X)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as the header describes it."""

    name: str
    kind: str
    """The letter of its type: C, N, F, D, L, M, …"""
    start: int
    """Offset in a record, whose first byte is the mark of deletion."""
    size: int
    is_system: bool
    may_be_null: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a table before its first record."""

    version: int
    count: int
    header_bytes: int
    record_bytes: int
    columns: tuple[Column, ...]


def read_header(source: BinaryIO, *, encoding: str, place: Place) -> Header:
    """
    Return the header of the table in `source`, leaving it at the first record.

    Raises:
        InputError: It is no table, of a version that is not read, or says what is not so.
    """
    size = source.seek(0, 2)
    source.seek(0)
    prefix = source.read(_PREFIX.size)
    if not prefix:
        raise empty_input(place)
    refuse_workbook(prefix, place)
    _check_version(prefix[0], place)
    if len(prefix) < _PREFIX.size:
        raise _wrong("tiêu đề bị cắt cụt", "the header is cut short", place)
    count, header_bytes, record_bytes = _PREFIX.unpack(prefix)
    if header_bytes > min(size, _MAX_HEADER_BYTES) or header_bytes <= _PREFIX.size:
        vi = f"tiêu đề ghi dài {header_bytes} byte, tệp có {size} byte"
        raise _wrong(vi, f"the header claims {header_bytes} bytes, the file has {size}", place)
    columns = _columns(
        source.read(header_bytes - _PREFIX.size), prefix[0], encoding=encoding, place=place
    )
    needed = 1 + sum(column.size for column in columns)
    if needed != record_bytes:
        vi = f"tiêu đề ghi mỗi bản ghi {record_bytes} byte, các cột cộng lại {needed} byte"
        en = f"the header claims {record_bytes} bytes a record, its columns add up to {needed}"
        raise _wrong(vi, en, place)
    header = Header(
        version=prefix[0],
        count=count,
        header_bytes=header_bytes,
        record_bytes=record_bytes,
        columns=columns,
    )
    _check_count(source, header, size=size, place=place)
    source.seek(header_bytes)
    return header


def _check_version(version: int, place: Place) -> None:
    if version in _VERSIONS:
        return
    if version in _OTHER_VERSIONS:
        name = _OTHER_VERSIONS[version]
        vi, en = f"bảng {name} không được đọc", f"tables of {name} are not read"
        text = Text(vi=vi, en=en)
        raise refuse("dbf.version", text, place=place, remedy=_REMEDY_COPY)
    vi, en = "đây không phải bảng dBase hay FoxPro (.dbf)", "this is no dBase or FoxPro table"
    remedy = Remedy(AGREED, Text(vi="kiểm tra khóa format", en="check the key format"))
    raise refuse("dbf.not_dbf", Text(vi=vi, en=en), place=place, remedy=remedy)


def _columns(data: bytes, version: int, *, encoding: str, place: Place) -> tuple[Column, ...]:
    columns: list[Column] = []
    offset, start = 0, 1
    while offset < len(data) and data[offset] != _END_OF_COLUMNS:
        if offset + _COLUMN.size > len(data):
            break
        raw, kind, size, decimals, flags = _COLUMN.unpack_from(data, offset)
        letter = kind.decode("latin-1")
        if letter == "C":
            # Clipper and FoxPro keep the upper half of a long text's size here.
            size += 256 * decimals
        visual = version in VISUAL
        columns.append(
            Column(
                name=_name(raw, encoding, place),
                kind=letter,
                start=start,
                size=size,
                is_system=visual and bool(flags & 1),
                may_be_null=visual and bool(flags & 2),
            )
        )
        start += size
        offset += _COLUMN.size
    if offset >= len(data) or data[offset] != _END_OF_COLUMNS:
        raise _wrong(
            "danh sách cột không có dấu kết thúc trong tiêu đề",
            "the list of columns has no end inside the header",
            place,
        )
    if not columns:
        raise _wrong("bảng không có cột nào", "the table has no columns", place)
    return tuple(columns)


def _name(raw: bytes, encoding: str, place: Place) -> str:
    charsets.register()
    name = raw.partition(b"\0")[0].strip().decode(encoding, charsets.UNDECODABLE)
    if not name or (not texts.is_clean(name) and texts.fault(name) is not None):
        shown = ascii(raw.partition(b"\0")[0])
        raise _wrong(f"tên cột {shown} không đọc được", f"column name {shown} is unreadable", place)
    return texts.nfc(name)


def _check_count(source: BinaryIO, header: Header, *, size: int, place: Place) -> None:
    body = size - header.header_bytes
    room = body // header.record_bytes
    if room < header.count:
        vi = f"tiêu đề ghi {header.count} bản ghi, tệp chỉ chứa {room}: bị cắt cụt"
        en = f"the header claims {header.count} records, the file holds {room}: it is cut short"
        raise refuse("dbf.count_wrong", Text(vi=vi, en=en), place=place, remedy=_REMEDY_COPY)
    source.seek(header.header_bytes + header.count * header.record_bytes)
    first = source.read(1)
    if not first or first[0] == _END_OF_FILE:
        return
    chunk = first
    while chunk and not chunk.strip(b"\0\x1a"):
        chunk = source.read(_CHUNK_BYTES)
    if chunk:
        more = body - header.count * header.record_bytes
        vi = f"tiêu đề ghi {header.count} bản ghi, sau đó tệp còn {more} byte dữ liệu"
        en = f"the header claims {header.count} records, {more} bytes of data follow them"
        if room > header.count:
            vi += f" (vừa chỗ cho {room - header.count} bản ghi nữa)"
            en += f" (room for {room - header.count} more)"
        raise refuse("dbf.count_wrong", Text(vi=vi, en=en), place=place, remedy=_REMEDY_COPY)


def _wrong(vi: str, en: str, place: Place) -> InputError:
    return refuse("dbf.header_wrong", Text(vi=vi, en=en), place=place, remedy=_REMEDY_COPY)
