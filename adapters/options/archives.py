"""Options of archives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.dbase import DbfOptions
from adapters.options.delimited import CsvOptions
from adapters.options.edxml import EdxmlOptions
from adapters.options.fixed import FixedOptions
from adapters.options.trees import JsonLinesOptions, JsonOptions, XmlOptions
from adapters.options.workbooks import OdsOptions, XlsOptions, XlsxOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

FileOptions: TypeAlias = (
    CsvOptions
    | FixedOptions
    | DbfOptions
    | XlsxOptions
    | XlsOptions
    | OdsOptions
    | JsonOptions
    | JsonLinesOptions
    | XmlOptions
    | EdxmlOptions
)
"""The options of everything that is no archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZipOptions:
    """A ZIP of files of one format: the records of one file after those of the other."""

    source: FileOptions
    """How each file is read: `format` and its options, as for a file that comes alone."""
    members: tuple[str, ...] = ("*",)
    """Which files are read: patterns such as "HS_*.csv"; one with "/" is for the whole path."""
    ignore: tuple[str, ...] = ()
    """Which files may be there and are not read; any other refuses the archive."""
    max_unpacked_bytes: int = 2048 * MIB
    """Limit of all files together, unpacked."""
    max_ratio: int = 300
    """Limit of unpacked to packed size of one file."""


CHECKS: Mapping[str, checks.Check] = {
    "members": checks.names,
    "ignore": checks.names,
    "max_unpacked_bytes": checks.whole_number(MIB, 64 * 1024 * MIB),
    "max_ratio": checks.whole_number(2, 1032),
}
