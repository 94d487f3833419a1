"""
Documents inside the fields of records: JSON or XML that a sender put into a text.

Each is read by the same rules as one that comes alone, and takes the place of its text, so that a
mapping's path goes on into it. What is wrong inside is reported at the field, with the path or line
inside; it makes the record unreadable.
"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from json import JSONDecodeError
from typing import TYPE_CHECKING, cast

from adapters.json_values import Cleaner, NumberTooLong, Strictly
from adapters.record import SourceRecord, UnreadableRecord
from adapters.refusal import MAX_PROBLEMS, problem
from adapters.xml_elements import element_value, local_name
from schemas.parser import Limits, XmlRefused, parse_xml
from schemas.problem import Place, Remedy, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lxml.etree import _Element

    from adapters.record import Value
    from schemas.problem import Problem

    Read = Callable[[str, Place, list[Problem]], Value]

_DECLARATION = re.compile(r"<\?xml\s[^>]*\?>")
_REMEDY = Remedy(
    Text(
        vi="sửa tài liệu trong trường này ở hệ thống nguồn",
        en="mend the document in this field at its source",
    ),
    Text(vi="hoặc kiểm tra khóa embedded", en="or check the key embedded"),
)
_LOOKED_AT = 8 * 1024 * 1024
_LOOKED_INTO = 64


def open_documents(
    records: Iterator[SourceRecord | UnreadableRecord],
    *,
    documents: Mapping[str, str],
    max_bytes: int,
    max_depth: int,
) -> Iterator[SourceRecord | UnreadableRecord]:
    """
    Yield `records` with the texts at some paths read as documents.

    An empty field stays as it is, and so does one that holds lists or objects already. A list on
    the way means each of its items.

    Args:
        records: As their format gives them.
        documents: Path in the record -> "json", "xml" or "xml-base64".
        max_bytes: Limit of one XML document; a JSON one has that of its record.
        max_depth: Levels of nesting in one document.
    """
    readers: dict[str, Read] = {
        "json": _JsonReader(max_depth).read,
        "xml": _XmlReader(max_bytes=max_bytes, max_depth=max_depth).read,
        "xml-base64": _XmlReader(max_bytes=max_bytes, max_depth=max_depth).read_base64,
    }
    # An outer document is opened before the one inside it.
    ordered = sorted(documents, key=lambda path: path.count("."))
    openers = [_Opener(path, readers[documents[path]]) for path in ordered]
    for record in records:
        if isinstance(record, UnreadableRecord):
            yield record
            continue
        yield _opened(record, openers)


def document_in(text: str) -> tuple[str, str, Value] | None:
    """
    Return "json" or "xml", the name of the root element, and what is in a text that is a document.

    None for other texts, and for documents that would be refused in a record.
    """
    head = text.lstrip("\ufeff \t\r\n")[:1]
    if head not in ("<", "{", "["):
        return None
    problems: list[Problem] = []
    if head == "<":
        reader = _XmlReader(max_bytes=_LOOKED_AT, max_depth=_LOOKED_INTO)
        root = reader.parse(text, Place(), problems)
        return None if root is None else ("xml", local_name(str(root.tag)), element_value(root))
    value = _JsonReader(_LOOKED_INTO).read(text, Place(), problems)
    return None if problems else ("json", "", value)


def _opened(record: SourceRecord, openers: list[_Opener]) -> SourceRecord | UnreadableRecord:
    values: Value = record.values
    problems: list[Problem] = []
    for opener in openers:
        values = opener.open(record, values, problems)
    if problems:
        found = tuple(problems[:MAX_PROBLEMS])
        return UnreadableRecord(number=record.number, problems=found)
    return replace(record, values=cast("Mapping[str, Value]", values))


class _Opener:
    """Reads the documents at one path."""

    def __init__(self, path: str, read: Read) -> None:
        self._path = path
        self._steps = path.split(".")
        self._read = read

    def open(self, record: SourceRecord, values: Value, problems: list[Problem]) -> Value:
        """Return `values` with the documents in the place of their texts."""
        # A column may be called "a.b".
        whole = self._path in record.values
        steps = [self._path] if whole else self._steps

        def opened(node: Value, level: int, path: str) -> Value:
            if len(problems) >= MAX_PROBLEMS:
                return None
            if isinstance(node, list):
                return [opened(item, level, f"{path}[{i}]") for i, item in enumerate(node)]
            if level == len(steps):
                if isinstance(node, str) and node.strip():
                    return self._read(node, record.place_of(path), problems)
                if not isinstance(node, str | dict | None):
                    problems.append(_not_text(node, record.place_of(path)))
                return node
            step = steps[level]
            if not isinstance(node, dict) or step not in node:
                return node
            below = f"{path}.{step}" if path else step
            return {**node, step: opened(node[step], level + 1, below)}

        return opened(values, 0, "")


class _JsonReader:
    def __init__(self, max_depth: int) -> None:
        self._parser = Strictly()
        self._max_depth = max_depth

    def read(self, text: str, place: Place, problems: list[Problem]) -> Value:
        cleaner = Cleaner(place=place, code="embedded", max_depth=self._max_depth)
        value: object = None
        try:
            value = cleaner.value(self._parser.decode(text.lstrip("\ufeff")))
            cleaner.report_repeated(self._parser.repeated)
        except RecursionError:
            cleaner.report_too_deep()
        except NumberTooLong:
            cleaner.report_number_too_long()
        except ValueError as error:
            said = str(error)
            if isinstance(error, JSONDecodeError):
                said = f"{error.msg}, line {error.lineno}, column {error.colno}"
            vi, en = f"không phải JSON đúng cú pháp: {said}", f"not JSON: {said}"
            found = Text(vi=vi, en=en)
            problems.append(problem("embedded.json_syntax", found, place=place, remedy=_REMEDY))
        problems += cleaner.problems
        return cast("Value", value)


class _XmlReader:
    def __init__(self, *, max_bytes: int, max_depth: int) -> None:
        self._limits = Limits(max_bytes=max_bytes, max_text_bytes=max_bytes, max_depth=max_depth)

    def read(self, text: str, place: Place, problems: list[Problem]) -> Value:
        root = self.parse(text, place, problems)
        return None if root is None else element_value(root)

    def read_base64(self, text: str, place: Place, problems: list[Problem]) -> Value:
        try:
            # Senders break the lines of base64, and nothing else may stand in it.
            data = base64.b64decode("".join(text.split()), validate=True)
        except ValueError:
            vi, en = "không phải base64 đúng", "not base64"
            found = Text(vi=vi, en=en)
            problems.append(problem("embedded.base64_syntax", found, place=place, remedy=_REMEDY))
            return None
        root = self._parse(data, place, problems)
        return None if root is None else element_value(root)

    def parse(self, text: str, place: Place, problems: list[Problem]) -> _Element | None:
        # The text was decoded with the record; what its declaration says no longer holds.
        text = text.lstrip("\ufeff \t\r\n")
        declared = _DECLARATION.match(text)
        if declared:
            text = "\n" * declared[0].count("\n") + text[declared.end() :]
        # Half a character comes out of a document around this one, which has reported it.
        return self._parse(text.encode(errors="replace"), place, problems)

    def _parse(self, data: bytes, place: Place, problems: list[Problem]) -> _Element | None:
        try:
            return parse_xml(data, limits=self._limits)
        except XmlRefused as refused:
            line = f" (dòng {refused.line})" if refused.line else ""
            found = Text(vi=f"{refused.vi}{line}", en=str(refused))
            code = f"embedded.{refused.code.replace('.', '_')}"
            problems.append(problem(code, found, place=place, remedy=_REMEDY))
            return None


def _not_text(value: Value, place: Place) -> Problem:
    kind = type(value).__name__
    vi, en = f"cần một tài liệu dạng văn bản, tìm thấy {kind}", f"expected a document, found {kind}"
    return problem("embedded.not_text", Text(vi=vi, en=en), place=place, remedy=_REMEDY)
