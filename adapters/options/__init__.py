"""
How a source is to be read, as its mapping says: one frozen class of options per format.

`make_options` is the only judge of what a mapping may say; it finds every fault at once. The
readers trust what they get.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

from adapters.options import (
    archives,
    checks,
    dbase,
    delimited,
    edxml,
    embedded,
    fixed,
    repair,
    trees,
    workbooks,
)
from adapters.options.archives import FileOptions, ZipOptions
from adapters.options.checks import ENCODINGS, MIB
from adapters.options.dbase import DbfOptions
from adapters.options.delimited import CsvOptions
from adapters.options.edxml import EdxmlOptions
from adapters.options.faults import (
    Fault,
    OptionsWrong,
    inside,
    required_key,
    unknown_choice,
    unknown_key,
)
from adapters.options.fixed import FixedCheck, FixedField, FixedOptions, FixedType
from adapters.options.trees import JsonLinesOptions, JsonOptions, MessageOptions, XmlOptions
from adapters.options.workbooks import (
    ChildSheet,
    OdsOptions,
    SheetOptions,
    XlsOptions,
    XlsxOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.problem import Text

    Contradictions: TypeAlias = Callable[[Mapping[str, object]], list[tuple[str, Text]]]

__all__ = [
    "ENCODINGS",
    "FORMATS",
    "ChildSheet",
    "CsvOptions",
    "DbfOptions",
    "EdxmlOptions",
    "FileOptions",
    "FixedCheck",
    "FixedField",
    "FixedOptions",
    "FixedType",
    "JsonLinesOptions",
    "JsonOptions",
    "MessageOptions",
    "OdsOptions",
    "OptionsWrong",
    "SheetOptions",
    "SourceOptions",
    "XlsOptions",
    "XlsxOptions",
    "XmlOptions",
    "ZipOptions",
    "make_options",
]

SourceOptions: TypeAlias = FileOptions | ZipOptions

FORMATS: Mapping[str, type[SourceOptions]] = {
    "csv": CsvOptions,
    "fixed": FixedOptions,
    "dbf": DbfOptions,
    "xlsx": XlsxOptions,
    "xls": XlsOptions,
    "ods": OdsOptions,
    "json": JsonOptions,
    "jsonl": JsonLinesOptions,
    "xml": XmlOptions,
    "edxml": EdxmlOptions,
    "zip": ZipOptions,
}


def _agree(values: Mapping[str, object]) -> list[tuple[str, Text]]:  # noqa: ARG001
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """What the values of one class of options must be, alone and together."""

    checks: Mapping[str, checks.Check]
    contradictions: Contradictions = _agree


def _member_source(value: object) -> FileOptions:
    if not isinstance(value, Mapping):
        raise Fault.of("cần format và các khóa của nó", "expected a format and its keys")
    try:
        options = make_options(value)
    except OptionsWrong as wrong:
        texts = [text for key, found in wrong.faults for text in inside(key, (found,))]
        raise Fault(*texts) from wrong
    if isinstance(options, ZipOptions):
        raise Fault.of("tệp ZIP trong tệp ZIP không được đọc", "archives inside are not read")
    return options


_COMMON: Mapping[str, checks.Check] = {
    **repair.CHECKS,
    **embedded.CHECKS,
    "max_record_bytes": checks.whole_number(1024, 256 * MIB),
}
_RULES: Mapping[type[SourceOptions], _Rules] = {
    CsvOptions: _Rules(checks=delimited.CHECKS, contradictions=delimited.contradictions),
    FixedOptions: _Rules(checks=fixed.CHECKS, contradictions=fixed.contradictions),
    DbfOptions: _Rules(checks=dbase.CHECKS),
    **dict.fromkeys(
        (XlsxOptions, XlsOptions, OdsOptions),
        _Rules(checks=workbooks.CHECKS, contradictions=workbooks.contradictions),
    ),
    JsonOptions: _Rules(checks=trees.JSON_CHECKS),
    JsonLinesOptions: _Rules(checks=trees.JSON_CHECKS),
    XmlOptions: _Rules(checks=trees.XML_CHECKS, contradictions=trees.xml_contradictions),
    EdxmlOptions: _Rules(checks=edxml.CHECKS),
    ZipOptions: _Rules(checks={**archives.CHECKS, "source": _member_source}),
}


def make_options(mapping: Mapping[str, object]) -> SourceOptions:
    """
    Return the options that a mapping's source section asks for; key `format` picks the class.

    Raises:
        OptionsWrong: A key is unknown, a value has the wrong type or is impossible, or two
            settings contradict each other; carries all of them.
    """
    format_name = mapping.get("format")
    chosen = FORMATS.get(format_name) if isinstance(format_name, str) else None
    if chosen is None:
        raise OptionsWrong((("format", unknown_choice(format_name, tuple(FORMATS))),))
    rules = _RULES[chosen]
    known = {item.name: item for item in fields(chosen)}
    values: dict[str, object] = {}
    faults: list[tuple[str, Text]] = []
    for key, value in mapping.items():
        if key == "format":
            continue
        if key not in known:
            faults.append((str(key), unknown_key(str(key), ("format", *known))))
            continue
        try:
            values[key] = (rules.checks.get(key) or _COMMON[key])(value)
        except Fault as fault:
            faults += [(key, text) for text in fault.texts]
    for name, item in known.items():
        required = item.default is MISSING and item.default_factory is MISSING
        if required and name not in mapping:
            faults.append((name, required_key()))
    defaults = {name: item.default for name, item in known.items() if item.default is not MISSING}
    faults += rules.contradictions(defaults | values)
    faults += repair.contradictions(defaults | values)
    if faults:
        raise OptionsWrong(tuple(faults))
    return chosen(**values)  # type: ignore[arg-type]
