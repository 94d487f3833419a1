"""
JSON: one document whose array of records is read as a stream, or that is one record.

ijson (yajl) finds the tokens; this module follows the path to the records and builds one record
at a time, so a document may be larger than memory. Records that are not objects, hold a key
twice or are nested too deep are reported one by one; a fault of syntax ends the document.
"""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

import ijson

from adapters import text as texts
from adapters.json_values import Cleaner, exact_number
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import problem, refuse
from adapters.source import open_text
from schemas.problem import Place, Text

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from adapters.options import JsonOptions
    from schemas.errors import InputError

_CHUNK_CHARACTERS = 64 * 1024
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_ESCAPE_BYTES = 12
_HIGH_HALVES = (b"\\ud8", b"\\ud9", b"\\uda", b"\\udb")


def read(
    source: BinaryIO, *, file_name: str, options: JsonOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    with open_text(source, encoding=options.encoding, place=file) as stream:
        yield from _records(stream, file=file, options=options)


def _records(
    stream: io.TextIOWrapper, *, file: Place, options: JsonOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    walk = _Walk(file=file, options=options)
    events: list[tuple[str, Any]] = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events)
    silent = 0
    for chunk, fault_after in _chunks(stream, file=file):
        fault = fault_after
        try:
            with suppress(StopIteration):
                parser.send(chunk)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            fault = fault or _syntax_error(error, walk=walk)
        silent = 0 if events else silent + len(chunk)
        for event, value in events:
            found = walk.take(event, value)
            if found is not None:
                yield found
        events.clear()
        if fault is not None:
            raise fault
        if silent > options.max_record_bytes:
            vi = f"một giá trị dài hơn giới hạn {options.max_record_bytes} byte"
            en = f"a value is longer than {options.max_record_bytes} bytes"
            raise refuse("json.too_large", Text(vi=vi, en=en), place=walk.here())
    walk.check_found()


def _chunks(stream: io.TextIOWrapper, *, file: Place) -> Iterator[tuple[bytes, InputError | None]]:
    """Yield the document in UTF-8, an empty chunk last; with the fault that follows a chunk."""
    held = b""
    while True:
        text = stream.read(_CHUNK_CHARACTERS)
        fault = None
        try:
            data = held + text.encode()
        except UnicodeEncodeError as error:
            data = held + text[: error.start].encode()
            fault = _undecodable(text[error.start], file=file)
        data, held = _apart(data, whole=not text or fault is not None)
        half = _half_pair(data)
        if half is not None:
            found = half[0].decode()
            vi, en = f"nửa ký tự {found} đứng một mình", f"half a character, {found}, alone"
            data = data[: half.start()]
            fault = refuse("json.surrogate", Text(vi=vi, en=en), place=file)
        if data or fault is not None:
            yield data, fault
        if not text and fault is None:
            yield b"", None
        if not text or fault is not None:
            return


def _apart(data: bytes, *, whole: bool) -> tuple[bytes, bytes]:
    """Split `data` so that no escape, nor a pair of them, is cut; the rest comes next."""
    at = data.find(b"\\", max(len(data) - _ESCAPE_BYTES, 0))
    if whole or at < 0:
        return data, b""
    if data[at - 6 : at - 2].lower() in _HIGH_HALVES:
        at -= 6
    while at > 0 and data[at - 1] == ord("\\"):
        at -= 1
    return data[:at], data[at:]


def _half_pair(data: bytes) -> re.Match[bytes] | None:
    """
    Return the first escape that is half of a surrogate pair without its other half.

    yajl would write "?" for it, in silence.
    """
    if b"\\ud" not in data and b"\\uD" not in data:
        return None
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(data):
        code = int(escape[1] or b"0", 16)
        is_low = 0xDC00 <= code <= 0xDFFF
        if high is not None and not (is_low and escape.start() == high.end()):
            return high
        if is_low and high is None:
            return escape
        high = escape if 0xD800 <= code <= 0xDBFF else None
    return high


class _Walk:
    """Follows the tokens of one document to its records and builds them one at a time."""

    def __init__(self, *, file: Place, options: JsonOptions) -> None:
        self._file = file
        self._records = options.records
        self._steps = options.records.split(".") if options.records else []
        self._options = options
        self._level = 0
        """Containers open outside of the records."""
        self._followed = 0
        """Of those, objects on the path."""
        self._key = ""
        self._keys: list[str] = []
        """Keys seen in the last object on the path, for the message when the next is not there."""
        self._found = False
        self._array_level = -1
        """Level of the array of records while it is open."""
        self._number = 0
        self._builder: _Builder | None = None

    def take(self, event: str, value: Any) -> SourceRecord | UnreadableRecord | None:
        """Take one token; return the record that ends with it."""
        if self._builder is not None:
            return self._finished() if self._builder.take(event, value) else None
        if event == "map_key":
            self._take_key(value)
        elif event in ("end_map", "end_array"):
            self._level -= 1
            self._followed = min(self._followed, self._level)
            if self._level < self._array_level:
                self._array_level = -1
        elif self._level == self._array_level:
            return self._begin(event, value)
        elif self._level == self._followed and (
            self._followed == 0 or self._key == self._steps[self._followed - 1]
        ):
            return self._take_on_path(event, value)
        elif event in ("start_map", "start_array"):
            self._level += 1
        return None

    def here(self) -> Place:
        """Return the place of the record being read, or of the next one."""
        if self._array_level < 0:
            return self._file.at(path=self._records or None)
        return self._file.at(path=f"{self._records}[{self._number}]")

    def check_found(self) -> None:
        """Raise InputError when the document ended without the records' path."""
        if self._found:
            return
        keys = ", ".join(f"'{key}'" for key in self._keys) or "-"
        raise refuse(
            "json.records_missing",
            Text(
                vi=f"không có '{self._records}' trong tài liệu; các khóa tìm thấy: {keys}",
                en=f"the document has no '{self._records}'; keys found: {keys}",
            ),
            place=self._file,
            remedy=Text(
                vi="sửa khóa records thành đường dẫn đến mảng hồ sơ",
                en="set the key records to the path of the array of records",
            ),
        )

    def _take_key(self, key: str) -> None:
        self._key = texts.nfc(key)
        if self._level == self._followed and len(self._keys) < 40:
            self._keys.append(self._key[:60])

    def _take_on_path(self, event: str, value: Any) -> SourceRecord | UnreadableRecord | None:
        at_end = self._followed == len(self._steps)
        if at_end and self._found:
            vi, en = f"có hai '{self._records}'", f"'{self._records}' is there twice"
            raise refuse("json.records_repeated", Text(vi=vi, en=en), place=self._file)
        if at_end and event == "start_array":
            self._found = True
            self._level += 1
            self._array_level = self._level
            return None
        if at_end and event == "start_map":
            self._found = True
            return self._begin(event, value)
        if event == "start_map":
            self._level += 1
            self._followed += 1
            self._keys.clear()
            return None
        where = ".".join(self._steps[: self._followed])
        raise refuse(
            "json.records_wrong",
            Text(
                vi=f"ở '{where}' cần một đối tượng hoặc mảng hồ sơ, tìm thấy {_kind(event)}",
                en=f"at '{where}' expected an object or the array of records, found {_kind(event)}",
            ),
            place=self._file.at(path=where or None),
            remedy=Text(vi="sửa khóa records", en="mend the key records"),
        )

    def _begin(self, event: str, value: Any) -> SourceRecord | UnreadableRecord | None:
        self._builder = _Builder(
            max_bytes=self._options.max_record_bytes, max_depth=self._options.max_depth
        )
        return self._finished() if self._builder.take(event, value) else None

    def _finished(self) -> SourceRecord | UnreadableRecord:
        builder, place = self._builder, self.here()
        assert builder is not None
        self._builder = None
        self._number += 1
        cleaner = Cleaner(place=place, code="json", max_depth=self._options.max_depth)
        values = {} if builder.overflow else cleaner.record(builder.value)
        cleaner.report_repeated(builder.repeated)
        if builder.overflow == "too_deep":
            cleaner.report_too_deep()
        elif builder.overflow:
            limit = self._options.max_record_bytes
            vi, en = f"bản ghi lớn hơn {limit} byte", f"record larger than {limit} bytes"
            cleaner.problems.append(problem("json.too_large", Text(vi=vi, en=en), place=place))
        if cleaner.problems:
            return UnreadableRecord(number=self._number, problems=tuple(cleaner.problems))
        return SourceRecord(number=self._number, values=values, place=place)


class _Builder:
    """Builds one value from its tokens; over a limit it only counts brackets to the end."""

    def __init__(self, *, max_bytes: int, max_depth: int) -> None:
        self.value: object = None
        self.repeated: list[str] = []
        self.overflow = ""
        """"too_deep" or "too_large"."""
        self._room = max_bytes
        self._max_depth = max_depth
        self._depth = 0
        self._open: list[dict[str, object] | list[object]] = []
        self._keys: list[str] = []

    def take(self, event: str, value: Any) -> bool:
        """Take one token; return whether it was the last one of the value."""
        if event == "map_key":
            self._take_key(value)
            return False
        if event == "string":
            self._put(value, size=len(value))
        elif event in ("end_map", "end_array"):
            self._depth -= 1
            if not self.overflow:
                self._open.pop()
        elif event in ("start_map", "start_array"):
            self._depth += 1
            self._put({} if event == "start_map" else [], size=16)
        else:
            self._put(exact_number(value) if isinstance(value, Decimal) else value, size=8)
        return self._depth == 0

    def _take_key(self, key: str) -> None:
        self._room -= len(key)
        if self.overflow:
            return
        name = texts.nfc(key)
        if name in self._open[-1]:
            self.repeated.append(name)
        self._keys.append(name)

    def _put(self, value: object, *, size: int) -> None:
        self._room -= size
        if self._room < 0 or self._depth > self._max_depth:
            self.overflow = self.overflow or ("too_large" if self._room < 0 else "too_deep")
        if self.overflow:
            self._open.clear()
            return
        if self._open:
            inside = self._open[-1]
            if isinstance(inside, list):
                inside.append(value)
            else:
                inside[self._keys.pop()] = value
        else:
            self.value = value
        if isinstance(value, dict | list):
            self._open.append(value)


def _kind(event: str) -> str:
    return "array" if event == "start_array" else event


def _undecodable(marked: str, *, file: Place) -> InputError:
    byte = f"{ord(marked) - 0xDC00:02X}"
    return refuse(
        "input.encoding_wrong",
        Text(
            vi=f"byte {byte} không có trong bảng mã đã khai báo",
            en=f"byte {byte} has no letter in the declared encoding",
        ),
        place=file,
        remedy=Text(vi="kiểm tra khóa encoding", en="check the key encoding"),
    )


def _syntax_error(error: Exception, *, walk: _Walk) -> InputError:
    said = error.args[0] if error.args else ""
    message = (said if isinstance(said, str) else bytes(said).decode(errors="replace")).split("\n")[
        0
    ]
    if "premature EOF" in message:
        return refuse(
            "json.truncated",
            Text(vi="tài liệu JSON bị cắt cụt", en="the JSON document ends too early"),
            place=walk.here(),
            remedy=Text(
                vi="kiểm tra việc xuất hoặc truyền tệp, rồi gửi lại cả tệp",
                en="check how the file was exported or transferred, then send all of it again",
            ),
        )
    return refuse(
        "json.syntax",
        Text(vi=f"không phải JSON đúng cú pháp: {message}", en=f"not well-formed JSON: {message}"),
        place=walk.here(),
        remedy=Text(
            vi="sửa chỗ này, hoặc kiểm tra khóa format", en="mend it, or check the key format"
        ),
    )
