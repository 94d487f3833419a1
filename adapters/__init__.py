"""Local formats of the agencies -> records, each with its place; see docs/adapters.md."""

from __future__ import annotations

from adapters.options import (
    CsvOptions,
    DbfOptions,
    EdxmlOptions,
    FixedOptions,
    JsonLinesOptions,
    JsonOptions,
    OdsOptions,
    OptionsWrong,
    SourceOptions,
    XlsOptions,
    XlsxOptions,
    XmlOptions,
    ZipOptions,
    make_options,
)
from adapters.reading import open_documents, read_records
from adapters.record import SourceRecord, UnreadableRecord, Value

__all__ = [
    "CsvOptions",
    "DbfOptions",
    "EdxmlOptions",
    "FixedOptions",
    "JsonLinesOptions",
    "JsonOptions",
    "OdsOptions",
    "OptionsWrong",
    "SourceOptions",
    "SourceRecord",
    "UnreadableRecord",
    "Value",
    "XlsOptions",
    "XlsxOptions",
    "XmlOptions",
    "ZipOptions",
    "make_options",
    "open_documents",
    "read_records",
]
