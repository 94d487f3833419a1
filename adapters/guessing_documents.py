"""Which fields of a source hold JSON or XML as text, told by reading what is in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from adapters.embedded import document_in
from adapters.options import ZipOptions
from adapters.reading import read_records
from adapters.record import SourceRecord
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.options import SourceOptions
    from adapters.record import Value

MAX_NESTING = 4
"""Documents inside documents."""
MAX_PATHS = 2_000
_MARKUP = frozenset(
    ["html", "body", "div", "p", "span", "ul", "ol", "table", "b", "i", "u", "font"]
)
"""Elements of text that was written in an editor, which is a text all the same."""
_NEARLY_ALL = 0.8


def find_documents(
    source: BinaryIO, *, file_name: str, options: SourceOptions, limit: int
) -> tuple[SourceOptions, list[Text]]:
    """
    Return `options` with the documents among the fields, and what is doubtful about them.

    A field is one when nearly all of its texts can be read as one.

    Args:
        source: Seekable; it is put back.
        file_name: As shown in places.
        options: How the source is read.
        limit: So many records are looked at.

    Raises:
        InputError: The source cannot be read to there.
    """
    doubts: list[Text] = []
    for _ in range(MAX_NESTING):
        if isinstance(options, ZipOptions):
            break
        source.seek(0)
        records = islice(read_records(source, file_name=file_name, options=options), limit)
        found = _look_at(record.values for record in records if isinstance(record, SourceRecord))
        if not found:
            break
        for path, (kind, count, of) in found.items():
            if count < of:
                doubts.append(_faulty(path, kind, of - count, of))
        kinds = {path: kind for path, (kind, _, _) in found.items()}
        options = replace(options, embedded={**options.embedded, **kinds})
    source.seek(0)
    return options, doubts


def _look_at(records: Iterator[Mapping[str, Value]]) -> dict[str, tuple[str, int, int]]:
    """Return the paths of documents, with their kind, how many there are, and of how many texts."""
    texts: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {}
    for values in records:
        for path, text in _texts(values, ""):
            if path not in texts and len(texts) >= MAX_PATHS:
                continue
            texts[path] += 1
            kind = _kind_of(text)
            if kind is not None:
                kinds.setdefault(path, Counter())[kind] += 1
    found = {}
    for path, counts in kinds.items():
        ((kind, count),) = counts.most_common(1)
        if count >= _NEARLY_ALL * texts[path]:
            found[path] = (kind, count, texts[path])
    return found


def _texts(value: Value, path: str) -> Iterator[tuple[str, str]]:
    """Yield the texts with paths as the option `embedded` writes them: lists have no step."""
    if isinstance(value, str):
        if value.strip() and all(path.split(".")):
            yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            # Inside an object a key with a point cannot be told from two steps.
            if not path or "." not in key:
                yield from _texts(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, path)


def _kind_of(text: str) -> str | None:
    found = document_in(text)
    if found is None:
        return None
    kind, root, value = found
    if isinstance(value, list):
        return kind if any(isinstance(each, Mapping) for each in value) else None
    is_mixed = isinstance(value, Mapping) and "#text" in value
    is_document = isinstance(value, Mapping) and bool(value) and not is_mixed
    return kind if is_document and root.lower() not in _MARKUP else None


def _faulty(path: str, kind: str, count: int, of: int) -> Text:
    name = kind.upper()
    is_one = count == 1
    are, their = ("is", "its record is") if is_one else ("are", "their records are")
    return Text(
        vi=f"embedded {path}: {count} trên {of} không đọc được là {name}: bản ghi sẽ bị báo lỗi",
        en=f"embedded {path}: {count} of {of} {are} no {name} that can be read: {their} reported",
    )
