"""
YAML as a tree of nodes that know their lines; nothing in a file is ever executed.

Scalars keep their text as written: what a plain `1`, `no` or `2021-03-05` means is decided by
whoever expects a number, a text or a date. Aliases, anchors, tags and a second document are
refused, so a file is exactly as big as it looks.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import yaml

from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32

PlainValue: TypeAlias = (
    "str | int | float | bool | datetime | list[PlainValue] | dict[str, PlainValue] | None"
)

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,30})\.[0-9]{1,30}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d)?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class YamlRefused(Exception):
    """The text is not YAML of the kind that mappings are written in."""

    def __init__(self, code: str, text: Text, *, line: int | None) -> None:
        super().__init__(text.en)
        self.code = code
        self.text = text
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value as written."""

    text: str
    """NFC."""
    is_quoted: bool
    line: int
    """1-based."""

    @property
    def is_null(self) -> bool:
        """Whether it is an unquoted nothing, `null` or `~`."""
        return not self.is_quoted and self.text in ("", "~", "null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping; keys are text and unique, in the order of the file."""

    entries: dict[str, tuple[Scalar, Node]]
    """Key to (key node, value node)."""
    line: int


Node: TypeAlias = Scalar | Items | Table


def parse_yaml(data: bytes) -> Node:
    """
    Return the one document in `data`.

    Raises:
        YamlRefused: not UTF-8, not YAML, too big or too deep, or it uses aliases, anchors, tags,
            duplicate keys or several documents.
    """
    if len(data) > MAX_BYTES:
        raise YamlRefused("mapping.yaml_too_large", _TOO_LARGE, line=None)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise YamlRefused("mapping.yaml_encoding", _NOT_UTF8, line=line) from exc
    try:
        return _Composer(yaml.parse(text, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        problem = exc.problem or exc.context or "?"
        raise YamlRefused(
            "mapping.yaml_syntax", _syntax(problem), line=mark.line + 1 if mark else None
        ) from exc
    except yaml.YAMLError as exc:
        raise YamlRefused("mapping.yaml_syntax", _syntax(str(exc)), line=None) from exc


def plain_value(node: Node) -> PlainValue:
    """
    Return `node` as Python values, read as YAML 1.2 reads it.

    Unquoted numbers, true, false and null get their types; an unquoted date (with or without a
    time of day) is a date cell of a workbook. Everything else is text, `yes` and `0123` included.
    """
    if isinstance(node, Items):
        return [plain_value(child) for child in node.nodes]
    if isinstance(node, Table):
        return {key: plain_value(child) for key, (_, child) in node.entries.items()}
    if node.is_quoted:
        return node.text
    if node.text in _WORDS:
        return _WORDS[node.text]
    if _INTEGER.fullmatch(node.text):
        return int(node.text)
    if _FLOAT.fullmatch(node.text):
        return float(node.text)
    if _MOMENT.fullmatch(node.text):
        return _moment(node.text)
    return node.text


def _moment(text: str) -> datetime | str:
    try:
        # A workbook's dates carry no zone.
        return datetime.fromisoformat(text)
    except ValueError:
        return text


class _Composer:
    """Builds the tree from parser events, so that a bomb is refused before it is built."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events

    def document(self) -> Node:
        root: Node | None = None
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if root is not None:
                raise YamlRefused("mapping.yaml_documents", _ONE_DOCUMENT, line=_line(event))
            root = self._node(next(self._events), depth=0)
        if root is None:
            raise YamlRefused("mapping.yaml_empty", _EMPTY, line=None)
        return root

    def _node(self, event: yaml.Event, *, depth: int) -> Node:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise YamlRefused("mapping.yaml_alias", _ALIAS, line=line)
        if getattr(event, "tag", None) is not None:
            raise YamlRefused("mapping.yaml_tag", _tag(str(getattr(event, "tag", ""))), line=line)
        if depth > MAX_DEPTH:
            raise YamlRefused("mapping.yaml_too_deep", _TOO_DEEP, line=line)
        if isinstance(event, yaml.ScalarEvent):
            text = unicodedata.normalize("NFC", event.value)
            return Scalar(
                text=text, is_quoted=event.style is not None and event.style != "", line=line
            )
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(nodes=tuple(self._list(depth=depth)), line=line)
        return self._table(line, depth=depth)

    def _list(self, *, depth: int) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._node(event, depth=depth + 1)

    def _table(self, line: int, *, depth: int) -> Table:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._node(event, depth=depth + 1)
            if not isinstance(key, Scalar):
                raise YamlRefused("mapping.yaml_key", _KEY, line=key.line)
            if key.text in entries:
                first = entries[key.text][0].line
                raise YamlRefused(
                    "mapping.yaml_duplicate_key", _duplicate(key.text, first), line=key.line
                )
            entries[key.text] = (key, self._node(next(self._events), depth=depth + 1))
        return Table(entries=entries, line=line)


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.line + 1


_LIKELY = {
    "node content": "thiếu giá trị, hoặc dấu ngoặc mở mà chưa đóng hay đóng thừa",
    "start any token": "thụt lề bằng tab, hoặc giá trị bắt đầu bằng @, % hay ` mà không đặt trong "
    "nháy",
    "mapping values": "thụt lề sai, hoặc giá trị có dấu hai chấm mà không đặt trong nháy",
    "end of stream": "dấu nháy mở mà chưa đóng",
    "',' or": "thiếu dấu phẩy, hoặc dấu ngoặc mở mà chưa đóng",
    "'-' indicator": "thụt lề sai: mục của danh sách lẫn với khóa",
    "sequence entries": "mục của danh sách phải xuống dòng mới",
    "expected key": "thụt lề sai, hoặc có chữ thừa sau dấu nháy đóng",
    "unknown escape": "dấu \\ trong nháy kép: viết \\\\ hoặc dùng nháy đơn",
    "control characters": "có ký tự điều khiển",
}
"""What the parser's words most often mean."""


def _syntax(problem: str) -> Text:
    likely = next((vi for words, vi in _LIKELY.items() if words in problem), "sai cú pháp")
    return Text(
        vi=f"không đọc được YAML, có lẽ {likely}; xem lại thụt lề, dấu hai chấm và dấu nháy ở dòng "
        f"này hoặc ngay trước nó (trình đọc báo: «{problem}»)",
        en=f"this is not YAML: {problem}; look at indents, colons and quotes around this line",
    )


def _tag(tag: str) -> Text:
    return Text(
        vi=f"không cho phép nhãn kiểu YAML {tag!r}; đặt giá trị trong dấu nháy",
        en=f"the YAML tag {tag!r} is not allowed; put the value in quotes instead",
    )


def _duplicate(key: str, first_line: int) -> Text:
    return Text(
        vi=f"khóa {key!r} đã có ở dòng {first_line}; bỏ một trong hai",
        en=f"key {key!r} stands already in line {first_line}; remove one of the two",
    )


_TOO_LARGE = Text(
    vi=f"tệp ánh xạ lớn hơn {MAX_BYTES} byte", en=f"the mapping is larger than {MAX_BYTES} bytes"
)
_NOT_UTF8 = Text(
    vi="tệp ánh xạ không phải UTF-8; lưu lại với bảng mã UTF-8",
    en="the mapping is not UTF-8; save it as UTF-8",
)
_ONE_DOCUMENT = Text(
    vi="một tệp chỉ chứa một ánh xạ; bỏ dòng '---' thứ hai",
    en="one file holds one mapping; remove the second '---'",
)
_EMPTY = Text(vi="tệp ánh xạ rỗng", en="the mapping is empty")
_ALIAS = Text(
    vi="không cho phép tham chiếu YAML (& và *); viết lại giá trị hoặc đặt trong dấu nháy",
    en="YAML anchors and aliases (& and *) are not allowed; repeat the value or put it in quotes",
)
_TOO_DEEP = Text(vi=f"lồng nhau quá {MAX_DEPTH} mức", en=f"nested deeper than {MAX_DEPTH} levels")
_KEY = Text(vi="khóa phải là một từ", en="a key must be a single word or text")
