"""
DBF: the records of a dBase III/IV or FoxPro table, with its memos.

No kept library reads these files from a stream and says what is wrong with them (they skip what
does not fit, or open by path only), and the format is small, so the reading is ours. A deleted
record, a number that overflowed, a memo that is not there: nothing is left out in silence.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from adapters import charsets
from adapters import text as texts
from adapters.dbase_header import VISUAL, read_header
from adapters.dbase_memo import DBT, FPT, MemoDamaged, open_memo
from adapters.dbase_values import FieldWrong, memo_block, reader_of
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import AGREED, TOO_LARGE, column_names, missing_columns, problem, refuse
from adapters.source import open_beside, with_places
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from adapters.dbase_header import Column, Header
    from adapters.options import DbfOptions
    from adapters.record import Value
    from schemas.problem import Problem

    Read = Callable[[bytes], Value]

_PADDING = b" \0"
_FOXPRO = VISUAL | {0xF5, 0xFB}
_DELETED, _KEPT = 0x2A, 0x20

_REMEDY_VALUE = Text(vi="sửa giá trị này ở hệ thống nguồn", en="mend the value at its source")
_REMEDY_DELETED = Remedy(
    Text(
        vi="chạy PACK trước khi xuất, nếu bản ghi đã xóa không cần gửi",
        en="PACK before the export, if deleted records are not to be sent",
    ),
    Text(vi="hoặc khai báo deleted: skip", en="or declare deleted: skip"),
)


def read(
    source: BinaryIO, *, file_name: str, options: DbfOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    with with_places(source) as whole, ExitStack() as opened:
        header = read_header(whole, encoding=options.encoding, place=file)
        columns = _chosen(header, options, file)
        memos = None
        if any(column.kind == "M" for column in columns):
            memos = _memos(source, header, opened, file=file, options=options)
        whole.seek(header.header_bytes)
        table = _Table(header, columns, memos, file=file, options=options)
        yield from table.records(whole)


def _chosen(header: Header, options: DbfOptions, file: Place) -> list[Column]:
    """Return the columns that are read."""
    visible = [column for column in header.columns if not column.is_system]
    names = [column.name for column in visible]
    missing = missing_columns((*options.required, *options.omit), found=names)
    if missing is not None:
        remedy = Remedy(
            AGREED, Text(vi="sửa khóa required hoặc omit", en="mend the key required or omit")
        )
        raise refuse("dbf.columns_missing", missing, place=file, remedy=remedy)
    chosen = [column for column in visible if column.name not in options.omit]
    unread = [
        f"{column.name} ({column.kind})"
        for column in chosen
        if column.kind not in "CVM" and reader_of(column, version=header.version) is None
    ]
    if unread:
        shown = ", ".join(unread)
        vi, en = (
            f"cột không đọc được thành giá trị: {shown}",
            f"columns that hold no value: {shown}",
        )
        remedy = Remedy(
            AGREED,
            Text(
                vi="liệt kê các cột này trong omit nếu không cần đến",
                en="list these columns in omit if they are not needed",
            ),
        )
        raise refuse("dbf.column_unsupported", Text(vi=vi, en=en), place=file, remedy=remedy)
    return chosen


def _memos(
    source: BinaryIO, header: Header, opened: ExitStack, *, file: Place, options: DbfOptions
) -> Callable[[int], bytes]:
    kind = FPT if header.version in _FOXPRO else DBT
    memo = open_beside(source, kind)
    if memo is None:
        vi = f"bảng có cột ghi chú nhưng không có tệp ghi chú ({kind})"
        en = f"the table has memo columns, but its memo file ({kind}) is not there"
        remedy = Text(
            vi="gửi cả hai trong một tệp ZIP (format: zip), hoặc liệt kê các cột này trong omit",
            en="send both in one ZIP (format: zip), or list these columns in omit",
        )
        raise refuse("dbf.memo_missing", Text(vi=vi, en=en), place=file, remedy=remedy)
    whole = opened.enter_context(with_places(opened.enter_context(memo)))
    return open_memo(whole, kind=kind, limit=options.max_record_bytes)


class _Table:
    """Reads records by what is known of their columns."""

    def __init__(
        self,
        header: Header,
        columns: list[Column],
        memos: Callable[[int], bytes] | None,
        *,
        file: Place,
        options: DbfOptions,
    ) -> None:
        self._header = header
        self._file = file
        self._options = options
        self._memos = memos
        every = {index: c.name for index, c in enumerate(header.columns) if not c.is_system}
        _, self._labels = column_names(every, code="dbf.columns_repeated", place=file)
        self._columns = [
            (column, self._reader(column), *_flags_of(column, header)) for column in columns
        ]
        self._flags = next((c for c in header.columns if c.is_system and c.kind == "0"), None)

    def records(self, source: BinaryIO) -> Iterator[SourceRecord | UnreadableRecord]:
        number = 0
        for row in range(1, self._header.count + 1):
            data = source.read(self._header.record_bytes)
            place = Place(file=self._file.file, row=row)
            if data[0] == _DELETED and self._options.deleted == "skip":
                continue
            number += 1
            values, problems = self._values(data, place)
            if data[0] != _KEPT:
                problems = [_marked(data[0], place)]
            if problems:
                yield UnreadableRecord(number=number, problems=tuple(problems), values=values)
            else:
                yield SourceRecord(number=number, values=values, place=place, columns=self._labels)

    def _values(self, data: bytes, place: Place) -> tuple[dict[str, Value], list[Problem]]:
        flags = 0
        if self._flags is not None:
            start = self._flags.start
            flags = int.from_bytes(data[start : start + self._flags.size], "little")
        values: dict[str, Value] = {}
        problems: list[Problem] = []
        room = self._options.max_record_bytes
        for column, read_field, length_flag, null_flag in self._columns:
            name = column.name
            field = data[column.start : column.start + column.size]
            if flags & null_flag:
                values[name] = None
                continue
            if flags & length_flag:
                field = field[: field[-1]]
            try:
                value = read_field(field)
            except (FieldWrong, MemoDamaged) as fault:
                code = "dbf.memo_damaged" if isinstance(fault, MemoDamaged) else "dbf.value_wrong"
                where = place.at(column=self._labels[name])
                text = Text(vi=fault.vi, en=fault.en)
                problems.append(problem(code, text, place=where, remedy=_REMEDY_VALUE))
                continue
            if isinstance(value, str):
                room -= len(value)
                if not texts.is_clean(value):
                    problems += _faults(value, place.at(column=self._labels[name]))
                    value = texts.nfc(value)
            values[name] = value
        if room < 0:
            limit = self._options.max_record_bytes
            vi, en = f"bản ghi dài hơn giới hạn {limit} byte", f"record longer than {limit} bytes"
            text = Text(vi=vi, en=en)
            problems.append(problem("dbf.too_large", text, place=place, remedy=TOO_LARGE))
        return values, problems

    def _reader(self, column: Column) -> Read:
        if column.kind == "M":
            return self._memo
        if column.kind in "CV":
            return self._text
        found = reader_of(column, version=self._header.version)
        assert found is not None, "columns without a reader were refused"
        return found

    def _text(self, data: bytes) -> str:
        return data.rstrip(_PADDING).decode(self._options.encoding, charsets.UNDECODABLE)

    def _memo(self, data: bytes) -> str:
        block = memo_block(data)
        assert self._memos is not None
        return self._text(self._memos(block)) if block else ""


def _flags_of(column: Column, header: Header) -> tuple[int, int]:
    """Return the bits that say "shorter than its size" and "holds nothing"; 0: there is none."""
    bit, found = 1, {}
    for one in header.columns:
        length_flag = null_flag = 0
        if one.kind in "VQ":
            length_flag, bit = bit, bit << 1
        if one.may_be_null:
            null_flag, bit = bit, bit << 1
        found[one.start] = length_flag, null_flag
    return found[column.start]


def _faults(value: str, place: Place) -> list[Problem]:
    fault = texts.fault(value)
    if fault is None:
        return []
    return [problem(f"dbf.{fault[0]}", fault[1], place=place, remedy=texts.REMEDIES[fault[0]])]


def _marked(mark: int, place: Place) -> Problem:
    if mark == _DELETED:
        vi, en = "bản ghi đã bị đánh dấu xóa", "the record is marked as deleted"
        return problem("dbf.deleted", Text(vi=vi, en=en), place=place, remedy=_REMEDY_DELETED)
    vi = f"dấu đầu bản ghi là byte {mark:02X}, cần dấu cách hoặc *: bảng bị hỏng ở đây"
    en = f"the record begins with byte {mark:02X}, expected a space or *: the table is damaged here"
    remedy = Text(vi="sửa bảng ở hệ thống nguồn rồi gửi lại", en="mend the table and send it again")
    return problem("dbf.mark_wrong", Text(vi=vi, en=en), place=place, remedy=remedy)
