"""
JSON: one document whose array of records is read as a stream, or that is one record.

ijson (yajl) finds the tokens; this module follows the path to the records and builds one record
at a time, so a document may be larger than memory. Records that are not objects, hold a key
twice or are nested too deep are reported one by one; a fault of syntax ends the document.
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, BinaryIO

import ijson

from adapters import text as texts
from adapters.json_chunks import utf8_chunks
from adapters.json_values import MEND_NUMBER, NUMBER_TOO_LONG, Cleaner, exact_number
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import AGREED, TOO_LARGE, problem, refuse
from adapters.source import open_text
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from adapters.options import JsonOptions
    from schemas.errors import InputError

_BOTTOMLESS = 1_000_000
"""The parser remembers every open bracket; from here on the rest of the file is not looked at."""
_MEND = Remedy(
    Text(vi="sửa chỗ này", en="mend it"),
    Text(vi="hoặc kiểm tra khóa format", en="or check the key format"),
)


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
    for chunk, fault_after in utf8_chunks(stream, file=file):
        broken: Exception | None = None
        try:
            with suppress(StopIteration):
                parser.send(chunk)
        except (ijson.JSONError, UnicodeDecodeError, InvalidOperation) as error:
            broken = error
        except SystemError as error:
            # Past Python's limit of digits the parser's C code still appends an event, without a
            # value in it: whoever looked at that would crash the process.
            del events[-1]
            broken = error
        silent = 0 if events else silent + len(chunk)
        for event, value in events:
            found = walk.take(event, value)
            if found is not None:
                yield found
        events.clear()
        # Only now does the walk stand where the fault is.
        if fault_after is not None:
            raise fault_after
        if broken is not None:
            raise _parser_error(broken, walk=walk) from broken
        if walk.depth > _BOTTOMLESS:
            vi = f"lồng nhau quá {_BOTTOMLESS} tầng, không thể là dữ liệu thật"
            en = f"nested more than {_BOTTOMLESS} levels deep, which no real data is"
            text = Text(vi=vi, en=en)
            raise refuse("json.too_deep", text, place=walk.here(), remedy=_MEND)
        if silent > options.max_record_bytes:
            vi = f"một giá trị dài hơn giới hạn {options.max_record_bytes} byte"
            en = f"a value is longer than {options.max_record_bytes} bytes"
            text = Text(vi=vi, en=en)
            raise refuse("json.too_large", text, place=walk.here(), remedy=TOO_LARGE)
    walk.check_found()


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

    @property
    def depth(self) -> int:
        """How many containers are open."""
        return self._level + (self._builder.depth if self._builder is not None else 0)

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
            remedy=Remedy(
                AGREED,
                Text(
                    vi="sửa khóa records thành đường dẫn đến mảng hồ sơ",
                    en="set the key records to the path of the array of records",
                ),
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
            remedy = Text(
                vi="mỗi tài liệu chỉ một mảng hồ sơ", en="one array of records a document"
            )
            text = Text(vi=vi, en=en)
            raise refuse("json.records_repeated", text, place=self._file, remedy=remedy)
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
            remedy=Remedy(AGREED, Text(vi="sửa khóa records", en="mend the key records")),
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
            found = problem("json.too_large", Text(vi=vi, en=en), place=place, remedy=TOO_LARGE)
            cleaner.problems.append(found)
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
        self.depth = 0
        """Containers open in the value."""
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
            self.depth -= 1
            if not self.overflow:
                self._open.pop()
        elif event in ("start_map", "start_array"):
            self.depth += 1
            self._put({} if event == "start_map" else [], size=16)
        else:
            self._put(exact_number(value) if isinstance(value, Decimal) else value, size=8)
        return self.depth == 0

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
        if self._room < 0 or self.depth > self._max_depth:
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


def _parser_error(error: Exception, *, walk: _Walk) -> InputError:
    # Syntax apart, all that fails in the parser is turning digits into a number.
    if isinstance(error, SystemError | InvalidOperation):
        code, text = "json.number_too_long", NUMBER_TOO_LONG
        return refuse(code, text, place=walk.here(), remedy=MEND_NUMBER)
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
        remedy=_MEND,
    )
