"""
The door of the package: one function that reads any source by its options.

A table names the module of each format; a module is imported when its format is first read.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from adapters.doctor.records import examined
from adapters.options import (
    CsvOptions,
    DbfOptions,
    EdxmlOptions,
    FixedOptions,
    JsonLinesOptions,
    JsonOptions,
    MessageOptions,
    OdsOptions,
    XlsOptions,
    XlsxOptions,
    XmlOptions,
    ZipOptions,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.options import SourceOptions
    from adapters.record import SourceRecord, UnreadableRecord

_READERS: Mapping[type[SourceOptions], str] = {
    CsvOptions: "adapters.delimited",
    FixedOptions: "adapters.fixed",
    DbfOptions: "adapters.dbase",
    XlsxOptions: "adapters.workbook",
    XlsOptions: "adapters.workbook_old",
    OdsOptions: "adapters.workbook_open",
    JsonOptions: "adapters.json_array",
    MessageOptions: "adapters.messages",
    JsonLinesOptions: "adapters.json_lines",
    XmlOptions: "adapters.xml_elements",
    EdxmlOptions: "adapters.edxml_packets",
    ZipOptions: "adapters.archive_members",
}


_MAX_DEPTH = 64
"""Of documents in the fields of records that have no depth themselves."""


class _Module(Protocol):
    def read(
        self, source: BinaryIO, *, file_name: str, options: SourceOptions
    ) -> Iterator[SourceRecord | UnreadableRecord]: ...


class _Archive(Protocol):
    def read(
        self,
        source: BinaryIO,
        *,
        file_name: str,
        options: ZipOptions,
        read_columns: frozenset[str] | None,
    ) -> Iterator[SourceRecord | UnreadableRecord]: ...


class _Opening(Protocol):
    def open_documents(
        self,
        records: Iterator[SourceRecord | UnreadableRecord],
        *,
        documents: Mapping[str, str],
        max_bytes: int,
        max_depth: int,
    ) -> Iterator[SourceRecord | UnreadableRecord]: ...


def read_records(
    source: BinaryIO,
    *,
    file_name: str,
    options: SourceOptions,
    read_columns: frozenset[str] | None = None,
) -> Iterator[SourceRecord | UnreadableRecord]:
    """
    Yield the records of `source` in their order, with memory bounded whatever its size.

    Args:
        source: Binary, at its beginning; a pipe will do. It is not closed.
        file_name: As the agency knows it; stands in every place.
        options: What `make_options` returned.
        read_columns: Of these texts alone the doctor reports what it finds: paths without positions
            in lists, for example "tep.ten". None: of all.

    Raises:
        InputError: The input as a whole cannot be read, or not any further; raised while
            iterating, after the records before it.
    """
    reader = import_module(_READERS[type(options)])
    if isinstance(options, ZipOptions):
        return cast("_Archive", reader).read(
            source, file_name=file_name, options=options, read_columns=read_columns
        )
    records = cast("_Module", reader).read(source, file_name=file_name, options=options)
    records = open_documents(records, options=options)
    if options.repair == "off":
        return records
    return examined(
        records,
        is_repairing=options.repair == "on",
        encoding=options.repair_encoding,
        read_columns=read_columns,
    )


def open_documents(
    records: Iterator[SourceRecord | UnreadableRecord], *, options: SourceOptions
) -> Iterator[SourceRecord | UnreadableRecord]:
    """Return `records` with the documents in their fields read, where `options` name some."""
    options = options.source if isinstance(options, ZipOptions) else options
    if not options.embedded:
        return records
    opening = cast("_Opening", import_module("adapters.embedded"))
    return opening.open_documents(
        records,
        documents=options.embedded,
        max_bytes=options.max_record_bytes,
        max_depth=getattr(options, "max_depth", _MAX_DEPTH),
    )
