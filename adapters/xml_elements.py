"""
XML: every element at one path is a record, read as a stream by the hardened parser of schemas.

A child becomes a key by its local name: text, or a nested mapping, or a list where the name
repeats. Attributes are "@name"; own text beside attributes or children is "#text". Prefixes are
dropped, so children of one local name in two namespaces end up in one list.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, BinaryIO, cast

from adapters import text as texts
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import AGREED, empty_input, problem, refuse
from adapters.source import open_bytes, read_head, refuse_workbook
from schemas.parser import Limits, XmlRefused, iter_elements
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from adapters.options import XmlOptions
    from adapters.record import Value
    from schemas.errors import InputError

_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_START_TAG = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_CHUNKS_BYTES = 128 * 1024
"""The parser counts a record together with the chunks it begins and ends in."""
_SHORT_LINE = 65535
"""libxml2 keeps lines up to here; from there on it may repeat this number."""


def read(
    source: BinaryIO, *, file_name: str, options: XmlOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Yield the records; see `adapters.read_records`."""
    file = Place(file=file_name)
    head = read_head(source)
    if not head:
        raise empty_input(file)
    refuse_workbook(head, file)
    path = _path(options)
    shown = "/" + "/".join(name for _, name in path)
    stream = _Watched(open_bytes(source, head=head))
    limits = Limits(
        max_bytes=options.max_record_bytes + _CHUNKS_BYTES,
        max_text_bytes=options.max_record_bytes,
    )
    number = 0
    try:
        for element in iter_elements(cast("BinaryIO", stream), path=path, limits=limits):
            number += 1
            line = element.sourceline
            known = line is not None and line < _SHORT_LINE
            place = Place(file=file_name, line=line if known else None, path=f"{shown}[{number}]")
            yield _record(element, number=number, place=place)
    except XmlRefused as refused:
        raise _refused(refused, file=file, path=f"{shown}[{number + 1}]") from refused
    if not number:
        _check_root(stream.head, path=path, shown=shown, file=file)


class _Watched:
    """A stream that keeps its first bytes, to say what the document was if no record is found."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = b""

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.head = self.head or chunk
        return chunk


def _path(options: XmlOptions) -> tuple[tuple[str | None, str], ...]:
    steps = []
    for step in options.records.strip("/").split("/"):
        prefix, _, name = step.rpartition(":")
        steps.append((options.namespaces[prefix] if prefix else None, name))
    return tuple(steps)


def _record(element: _Element, *, number: int, place: Place) -> SourceRecord | UnreadableRecord:
    value = element_value(element)
    if isinstance(value, dict):
        return SourceRecord(number=number, values=value, place=place)
    if value is None or not str(value).strip():
        return SourceRecord(number=number, values={}, place=place)
    vi, en = "bản ghi chỉ có văn bản, không có phần tử con", "the record is text without elements"
    remedy = Remedy(AGREED, Text(vi="kiểm tra khóa records", en="check the key records"))
    found = problem("xml.not_a_record", Text(vi=vi, en=en), place=place, remedy=remedy)
    return UnreadableRecord(number=number, problems=(found,))


def element_value(element: _Element) -> Value:
    """Return what an element holds: text, None, or a mapping of its attributes and children."""
    attributes = element.attrib
    if attributes.get(_NIL) in ("true", "1"):
        return None
    if not len(element) and not attributes:
        return texts.nfc(element.text or "")
    values: dict[str, Value] = {}
    for name, content in attributes.items():
        values["@" + local_name(name)] = texts.nfc(content)
    own = [element.text or ""]
    for child in element:
        own.append(child.tail or "")
        if not isinstance(child.tag, str):
            continue
        _add(values, local_name(child.tag), element_value(child))
    text = "".join(own)
    if text.strip():
        values["#text"] = texts.nfc(text)
    return values


def _add(values: dict[str, Value], name: str, value: Value) -> None:
    if name not in values:
        values[name] = value
    elif isinstance(values[name], list):
        cast("list[Value]", values[name]).append(value)
    else:
        values[name] = [values[name], value]


def local_name(name: str | bytes | bytearray) -> str:
    """Return the name of an element or attribute without its namespace."""
    text = name if isinstance(name, str) else bytes(name).decode()
    return texts.nfc(text.rpartition("}")[2])


def _refused(refused: XmlRefused, *, file: Place, path: str) -> InputError:
    vi, en = "sửa chỗ này rồi gửi lại cả tệp", "mend it and send the whole file again"
    return refuse(
        refused.code,
        Text(vi=refused.vi, en=refused.en),
        place=Place(file=file.file, line=refused.line, path=path),
        remedy=Text(vi=vi, en=en),
    )


def _check_root(
    head: bytes, *, path: tuple[tuple[str | None, str], ...], shown: str, file: Place
) -> None:
    """Raise InputError unless the records' parent is there: an empty list has no records."""
    parents, (_, name) = path[:-1], path[-1]
    stranger: Text | None = None
    try:
        for parent in iter_elements(io.BytesIO(head), path=parents) if parents else ():
            stranger = _namesake(parent, name)
            if stranger is None:
                return
            break
    except XmlRefused:
        pass
    start = _START_TAG.search(head)
    root = f"<{start[1].decode(errors='replace')}>" if start else "?"
    nowhere = Text(
        vi=f"không có phần tử {shown} trong tài liệu; phần tử gốc là {root}",
        en=f"the document has no element {shown}; its root is {root}",
    )
    raise refuse(
        "xml.records_missing",
        stranger or nowhere,
        place=file,
        remedy=Remedy(
            AGREED,
            Text(
                vi="kiểm tra khóa records và namespaces (không có tiền tố là không có namespace)",
                en="check the keys records and namespaces (no prefix means no namespace)",
            ),
        ),
    )


def _namesake(parent: _Element, name: str) -> Text | None:
    """Say that `parent` has elements of this name after all, in another namespace."""
    for child in parent:
        namespace, _, local = str(child.tag).rpartition("}")
        if local == name:
            found = namespace.lstrip("{") or "-"
            return Text(
                vi=f"phần tử <{name}> có trong tài liệu nhưng thuộc namespace khác: {found}",
                en=f"the document has <{name}>, but in another namespace: {found}",
            )
    return None
