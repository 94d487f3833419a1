"""
How a file is to be read that no mapping describes: format, encoding, delimiter, header row, where
the records are.

What is tried is only looked at; the file's own reader judges it afterwards.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from adapters.doctor import judge_encoding
from adapters.options import (
    CsvOptions,
    DbfOptions,
    JsonLinesOptions,
    JsonOptions,
    OdsOptions,
    XlsOptions,
    XlsxOptions,
    XmlOptions,
)
from adapters.reading import read_records
from adapters.record import SourceRecord
from adapters.source import OLE_MAGIC, ZIP_MAGIC
from schemas.errors import InputError
from schemas.parser import XmlRefused, parse_xml
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from lxml.etree import _Element

    from adapters import SourceOptions

    Table = TypeVar("Table", bound=CsvOptions | XlsxOptions | XlsOptions | OdsOptions)

MAX_SAMPLE_BYTES = 16 * 1024 * 1024
MAX_HEADER_ROW = 20
ENOUGH = 3
"""So many known names are a header; a large workbook is not opened for every row."""
_DELIMITERS = ";,\t|"
_SURE = 0.95
_OPEN_SHEET = b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet"
_OPEN_PARTS = (b"content.xml", b"META-INF/manifest.xml")
_OTHER_PART = b"[Content_Types].xml"
_LIST_BYTES = 64 * 1024
_ARCHIVE = Text(
    vi="tệp nén có thể chứa nhiều tệp: giải nén và đưa một tệp trong đó; "
    "docs/adapters.md cho biết cách khai báo zip",
    en="an archive may hold several files: unpack it and give one of them; "
    "docs/adapters.md says how zip is written down",
)
_TOO_LARGE = Text(
    vi="tệp quá lớn để tìm bản ghi trong đó; đưa một phần của tệp",
    en="too large to find the records in it; give a part of the file",
)


class FormatUnknown(Exception):
    """Nobody can tell how this is to be read; `text` says what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def find_source(
    source: BinaryIO,
    *,
    file_name: str,
    is_known: Callable[[str], bool],
    encoding: str | None = None,
    sheet: str = "",
) -> tuple[SourceOptions, list[Text]]:
    """
    Return how `source` is to be read, and what is doubtful about it; `source` is put back.

    Args:
        source: Seekable, at its beginning.
        file_name: As shown in places.
        is_known: Whether somebody calls a column so: the row of most such names is the header.
        encoding: Where it is known.
        sheet: Of a workbook; empty is the first.

    Raises:
        FormatUnknown: it is of no known format, or too large to find the records in it.
        InputError: it looks like one and cannot be read as one.
    """
    data = source.read(MAX_SAMPLE_BYTES + 1)
    source.seek(0)
    name = file_name.lower()
    if data.startswith((ZIP_MAGIC, OLE_MAGIC)):
        if name.endswith(".zip"):
            raise FormatUnknown(_ARCHIVE)
        workbook = _workbook(data, sheet, parts=_list_of_parts(source))
        return with_header_row(source, workbook, file_name, is_known), []
    is_table = name.endswith(".dbf")
    # Its first bytes are no text, and say how many they are.
    guesses = judge_encoding(data[int.from_bytes(data[8:10], "little") :] if is_table else data)
    chosen = encoding or guesses[0].encoding
    doubts = []
    if encoding is None and guesses[0].confidence < _SURE:
        listed = ", ".join(f"{guess.encoding} {guess.confidence:.0%}" for guess in guesses[:3])
        doubts.append(Text(vi=f"bảng mã có thể là {listed}", en=f"the encoding may be {listed}"))
    if is_table:
        return DbfOptions(encoding=chosen), doubts
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        if len(data) > MAX_SAMPLE_BYTES:
            raise FormatUnknown(_TOO_LARGE)
        return _xml(data), []
    text = data.decode(chosen, "replace") if chosen in _PYTHON else data.decode("latin-1")
    head = text.lstrip("\ufeff \t\r\n")[:1]
    if head in ("{", "["):
        return _json(text, chosen, is_whole=len(data) <= MAX_SAMPLE_BYTES), doubts
    options = CsvOptions(encoding=chosen, delimiter=_delimiter_of(text))
    # Behind a line without end every try would read the whole file.
    return with_header_row(io.BytesIO(data), options, file_name, is_known), doubts


def _workbook(data: bytes, sheet: str, *, parts: bytes) -> XlsxOptions | XlsOptions | OdsOptions:
    if data.startswith(OLE_MAGIC):
        return XlsOptions(sheet=sheet)
    # The type of an OpenDocument comes first and unpacked, so that it can be seen; programs that
    # pack one anew forget it.
    is_open = _OPEN_SHEET in data[:200] or (
        all(part in parts for part in _OPEN_PARTS) and _OTHER_PART not in parts
    )
    return OdsOptions(sheet=sheet) if is_open else XlsxOptions(sheet=sheet)


def _list_of_parts(source: BinaryIO) -> bytes:
    """Return the end of an archive, where the names of its parts stand."""
    source.seek(max(source.seek(0, 2) - _LIST_BYTES, 0))
    found = source.read(_LIST_BYTES)
    source.seek(0)
    return found


_PYTHON = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
"""Of the others the letters that matter here are those of ASCII."""


def _delimiter_of(text: str) -> str:
    lines = text.splitlines()[:200]
    counts = {mark: [line.count(mark) for line in lines if line.strip()] for mark in _DELIMITERS}
    # The delimiter is there equally often in most lines, and more often than other signs.
    usual = {mark: Counter(found).most_common(1)[0] for mark, found in counts.items() if found}
    likely = {mark: often * times for mark, (often, times) in usual.items() if often}
    if not likely:
        raise FormatUnknown(
            Text(
                vi="không nhận ra dạng tệp: không phải bảng có dấu phân cách, JSON, XML, DBF hay "
                "bảng tính; viết phần source theo docs/adapters.md",
                en="no known format: neither a table with delimiters nor JSON, XML, DBF or a "
                "workbook; write the section source as docs/adapters.md says",
            )
        )
    return max(likely, key=lambda mark: likely[mark])


def with_header_row(
    source: BinaryIO,
    options: Table,
    file_name: str,
    is_known: Callable[[str], bool],
    *,
    rows: int = MAX_HEADER_ROW,
) -> Table:
    """
    Return the options with the row whose names are known best; the first that has as many.

    Args:
        source: Seekable; it is put back.
        options: How it is read, but for the row.
        file_name: As shown in places.
        is_known: As for `find_source`.
        rows: Only the first so many are tried.

    Raises:
        InputError: None of them is a row of names.
    """
    best, most, fault = 0, -1, None
    for row in range(1, rows + 1):
        source.seek(0)
        tried = replace(options, header_row=row)
        try:
            record = _first(read_records(source, file_name=file_name, options=tried))
        except InputError as error:
            # A blank row, or one that is no row of names; or nothing here can be read at all.
            fault = fault or error
            continue
        known = sum(map(is_known, record.values)) if record is not None else 0
        if known > most:
            best, most = row, known
        if known >= ENOUGH:
            break
    source.seek(0)
    if not best:
        assert fault is not None
        raise fault
    return replace(options, header_row=best)


def _first(records: Iterator[object]) -> SourceRecord | None:
    return next((one for one in records if isinstance(one, SourceRecord)), None)


def _json(text: str, encoding: str, *, is_whole: bool) -> SourceOptions:
    first, _, rest = text.strip().partition("\n")
    if rest.lstrip().startswith("{") and _is_object(first):
        return JsonLinesOptions(encoding=encoding)
    if not is_whole:
        return JsonOptions(encoding=encoding)
    try:
        root = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise FormatUnknown(
            Text(vi=f"JSON không đúng: {error}", en=f"this is no JSON: {error}")
        ) from error
    return JsonOptions(encoding=encoding, records=_longest_list(root))


def _is_object(line: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(line.encode()), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _longest_list(root: object) -> str:
    """Return the path of the list with the most objects; "" for the root itself."""
    best, most = "", len(root) if isinstance(root, list) else 0
    queue: list[tuple[str, object]] = [("", root)]
    while queue:
        path, value = queue.pop()
        if not isinstance(value, dict):
            continue
        for key, inner in value.items():
            below = f"{path}.{key}" if path else str(key)
            if isinstance(inner, list):
                # Among hundreds of records there is one that is none.
                objects = sum(isinstance(one, dict) for one in inner)
                if objects * 2 > len(inner) and objects > most:
                    best, most = below, objects
            queue.append((below, inner))
    return best


def _xml(data: bytes) -> SourceOptions:
    try:
        root = parse_xml(data)
    except XmlRefused as error:
        raise FormatUnknown(
            Text(vi=f"XML không đúng: {error}", en=f"this is no XML: {error}")
        ) from error
    element = _most_repeated(root)
    path: list[str] = []
    namespaces: dict[str, str] = {}
    for each in (*reversed([*element.iterancestors()]), element):
        namespace, _, local = str(each.tag).rpartition("}")
        if namespace:
            prefix = namespaces.setdefault(namespace.lstrip("{"), f"n{len(namespaces) + 1}")
            local = f"{prefix}:{local}"
        path.append(local)
    return XmlOptions(
        records="/" + "/".join(path),
        namespaces={prefix: uri for uri, prefix in namespaces.items()},
    )


def _most_repeated(root: _Element) -> _Element:
    """Return the first of the elements that stand most often beside others of their name."""
    best, most = root, 1
    level = [root]
    while level and most == 1:
        for parent in level:
            for tag, count in Counter(str(child.tag) for child in parent).items():
                if count > most:
                    best, most = next(child for child in parent if str(child.tag) == tag), count
        level = [child for parent in level for child in parent]
    return best if best is not root else next(iter(root), root)
