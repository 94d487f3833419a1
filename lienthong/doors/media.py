"""The media types of the agencies' formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters import CsvOptions, JsonLinesOptions, JsonOptions, XlsxOptions

if TYPE_CHECKING:
    from adapters import SourceOptions

SAYS_NOTHING = "application/octet-stream"
_FORMATS: tuple[tuple[type, str, tuple[str, ...]], ...] = (
    (CsvOptions, "csv", ("text/csv", "application/csv", "text/plain", "application/vnd.ms-excel")),
    (XlsxOptions, "xlsx", ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",)),
    (JsonOptions, "json", ("application/json", "text/json")),
    (
        JsonLinesOptions,
        "jsonl",
        ("application/x-ndjson", "application/jsonl", "application/json-lines"),
    ),
)
_XML = ("xml", ("application/xml", "text/xml"))


def media_types(source: SourceOptions) -> tuple[str, ...]:
    """Return what files of a format may be called; the first is the one to recommend."""
    return _of(source)[1]


def ending(source: SourceOptions) -> str:
    """Return how the names of such files end, without the dot."""
    return _of(source)[0]


def _of(source: SourceOptions) -> tuple[str, tuple[str, ...]]:
    for kind, end, types in _FORMATS:
        if isinstance(source, kind):
            return end, types
    return _XML
