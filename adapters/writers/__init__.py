"""
Records -> the bytes of a local format: the exact reverse of the readers, see docs/adapters.md.

`make_target` judges what a mapping says of a file that is to be written, `make_writer` writes it.
What a writer writes, the reader of the same format with the same options reads back as the same
values; a value for which that cannot be is refused, never replaced, cut or guessed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from adapters.writers.cells import Column, Fault, JudgesRows, Row, ValueRefused, Writer
from adapters.writers.targets import (
    TARGETS,
    CsvTarget,
    EdxmlTarget,
    FixedTarget,
    JsonLinesTarget,
    JsonTarget,
    TargetOptions,
    XlsxTarget,
    XmlTarget,
    make_target,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "TARGETS",
    "Column",
    "CsvTarget",
    "EdxmlTarget",
    "Fault",
    "FixedTarget",
    "JsonLinesTarget",
    "JsonTarget",
    "JudgesRows",
    "Row",
    "TargetOptions",
    "ValueRefused",
    "Writer",
    "XlsxTarget",
    "XmlTarget",
    "make_target",
    "make_writer",
]

_WRITERS: Mapping[type[TargetOptions], str] = {
    CsvTarget: "adapters.writers.delimited",
    FixedTarget: "adapters.writers.fixed",
    JsonTarget: "adapters.writers.json_documents",
    JsonLinesTarget: "adapters.writers.json_documents",
    XmlTarget: "adapters.writers.xml_documents",
    XlsxTarget: "adapters.writers.workbook",
    EdxmlTarget: "adapters.writers.edxml_packets",
}


class _Module(Protocol):
    def make(self, target: TargetOptions, columns: Sequence[Column]) -> Writer: ...


def make_writer(target: TargetOptions, columns: Sequence[Column]) -> Writer:
    """
    Return the writer of one kind of file; made once, used for every document and thread.

    Raises:
        OptionsWrong: A column cannot stand in this format, or not under this name; the key of a
            fault is the column's name.
    """
    module = cast("_Module", import_module(_WRITERS[type(target)]))
    return module.make(target, columns)
