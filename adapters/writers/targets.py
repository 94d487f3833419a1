"""
How a file is to be written, as a mapping says: one frozen class of options per format.

The words are those of the options by which such a file is read. `make_target` is the only judge
of what a mapping may say; it finds every fault at once. The writers trust what they get.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TypeAlias

from adapters.options import FixedField, checks, fixed, trees
from adapters.options.checks import MIB
from adapters.options.faults import Fault, OptionsWrong, required_key, unknown_choice, unknown_key
from schemas.edxml.building import DOCUMENT_ID_PLACES
from schemas.problem import Text

NEWLINES: Mapping[str, str] = {"crlf": "\r\n", "lf": "\n"}
_XML_ENCODINGS = ("utf-8", "utf-16")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTarget:
    """What holds for every text that is written."""

    encoding: str = "utf-8"
    """utf-8-sig is UTF-8 with a byte order mark; utf-16 has one, utf-16-le and utf-16-be none."""
    fold_capitals: bool = False
    """For tcvn3: accented capitals that it has no byte for become small letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTarget(TextTarget):
    """A table in text: one row per record."""

    delimiter: str = ","
    quote: str = '"'
    """Empty: none; a value that would need one is refused."""
    quoting: str = "minimal"
    """"minimal": quotes stand where they are needed; "all": around every value."""
    header: bool = True
    newline: str = "crlf"
    """"crlf" or "lf"."""
    formulas: str = "tab"
    """"tab": a value that a spreadsheet would run as a formula gets a tab before it, which is
    nothing to a program that trims its values; "keep": it is written as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedTarget(TextTarget):
    """Lines with fields at fixed positions: one line per record."""

    fields: Mapping[str, FixedField]
    unit: str = "characters"
    """What positions and lengths count: "characters", or "bytes" as stored in `encoding`."""
    length: int = 0
    """Of every line; 0: only as much as the fields need."""
    newline: str = "crlf"
    """"crlf" or "lf"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonTarget(TextTarget):
    """One JSON document."""

    records: str = ""
    """Dotted path of the record, or of the array of records; empty: the root."""
    array: bool = False
    """Whether records stand in an array, even a single one."""
    empty: str = "omit"
    """What stands for an empty value: "omit" (no key), "null", or "text" (an empty text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLinesTarget(TextTarget):
    """One JSON object per line."""

    empty: str = "omit"
    """What stands for an empty value: "omit" (no key), "null", or "text" (an empty text)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlTarget:
    """One XML document with an element per record."""

    records: str
    """Path from the root, for example "/hs:danhSach/hs:hoSo"."""
    namespaces: Mapping[str, str] = field(default_factory=dict)
    """Prefixes used in `records`; a name without prefix is in no namespace."""
    qualified: bool = True
    """Whether elements inside a record are in the namespace of the record's own."""
    encoding: str = "utf-8"
    empty: str = "omit"
    """What stands for an empty value: "omit" (no element), or "text" (an empty element)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XlsxTarget:
    """A sheet of an Office Open XML workbook: one row per record."""

    sheet: str = "Sheet1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdxmlTarget:
    """One edXML packet (QCVN 102): columns are named by the paths of its elements."""

    packet: str = "document"
    """"document" (MessageHeader) or "status" (MessageStatus)."""
    document_id: str = DOCUMENT_ID_PLACES[0]
    """Where DocumentId stands: "after-to", or "last"."""


TargetOptions: TypeAlias = (
    CsvTarget | FixedTarget | JsonTarget | JsonLinesTarget | XmlTarget | XlsxTarget | EdxmlTarget
)
TARGETS: Mapping[str, type[TargetOptions]] = {
    "csv": CsvTarget,
    "fixed": FixedTarget,
    "json": JsonTarget,
    "jsonl": JsonLinesTarget,
    "xml": XmlTarget,
    "xlsx": XlsxTarget,
    "edxml": EdxmlTarget,
}


def sheet_name(value: object) -> str:
    """Take a name that a sheet of a workbook can have."""
    name = checks.filled_text(value)
    if len(name) > 31 or any(sign in name for sign in "[]:*?/\\") or "'" in (name[0], name[-1]):
        raise Fault.of(
            "tên trang tính tối đa 31 ký tự, không có [ ] : * ? / \\",
            "a name of a sheet has at most 31 characters and none of [ ] : * ? / \\",
        )
    return name


_TEXT: Mapping[str, checks.Check] = {
    "encoding": checks.encoding,
    "fold_capitals": checks.boolean,
    "newline": checks.choice(*NEWLINES),
}
_JSON: Mapping[str, checks.Check] = {
    **_TEXT,
    "records": checks.text,
    "array": checks.boolean,
    "empty": checks.choice("omit", "null", "text"),
}
_CHECKS: Mapping[type[TargetOptions], Mapping[str, checks.Check]] = {
    CsvTarget: {
        **_TEXT,
        "delimiter": checks.character(),
        "quote": checks.character(empty=True),
        "quoting": checks.choice("minimal", "all"),
        "header": checks.boolean,
        "formulas": checks.choice("tab", "keep"),
    },
    FixedTarget: {
        **_TEXT,
        "fields": fixed.CHECKS["fields"],
        "unit": fixed.CHECKS["unit"],
        "length": checks.whole_number(1, MIB),
    },
    JsonTarget: _JSON,
    JsonLinesTarget: _JSON,
    XmlTarget: {
        **trees.XML_CHECKS,
        "qualified": checks.boolean,
        "encoding": checks.choice(*_XML_ENCODINGS),
        "empty": checks.choice("omit", "text"),
    },
    XlsxTarget: {"sheet": sheet_name},
    EdxmlTarget: {
        "packet": checks.choice("document", "status"),
        "document_id": checks.choice(*DOCUMENT_ID_PLACES),
    },
}
_Contradictions: TypeAlias = Callable[[Mapping[str, object]], list[tuple[str, Text]]]


def make_target(mapping: Mapping[str, object]) -> TargetOptions:
    """
    Return the options that a mapping's target section asks for; key `format` picks the class.

    Raises:
        OptionsWrong: as `adapters.make_options`; carries all faults.
    """
    name = mapping.get("format")
    chosen = TARGETS.get(name) if isinstance(name, str) else None
    if chosen is None:
        raise OptionsWrong((("format", unknown_choice(name, tuple(TARGETS))),))
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
            values[key] = _CHECKS[chosen][key](value)
        except Fault as fault:
            faults += [(key, text) for text in fault.texts]
    for key, item in known.items():
        required = item.default is MISSING and item.default_factory is MISSING
        if required and key not in mapping:
            faults.append((key, required_key()))
    defaults = {key: item.default for key, item in known.items() if item.default is not MISSING}
    faults += _contradictions(defaults | values)
    if faults:
        raise OptionsWrong(tuple(faults))
    return chosen(**values)  # type: ignore[arg-type]


def _contradictions(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    faults: list[tuple[str, Text]] = []
    if values.get("fold_capitals") and values["encoding"] != "tcvn3":
        vi, en = "chỉ dùng với encoding: tcvn3", "only with encoding: tcvn3"
        faults.append(("fold_capitals", Text(vi=vi, en=en)))
    if "quote" in values:
        faults += _quote_faults(values)
    if values.get("unit") == "bytes" and str(values["encoding"]).startswith("utf-16"):
        vi, en = "UTF-16 phải đếm theo ký tự", "UTF-16 is counted in characters"
        faults.append(("unit", Text(vi=vi, en=en)))
    if "qualified" in values:
        faults += trees.xml_contradictions(values)
    return faults


def _quote_faults(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    if values["quote"] == values["delimiter"]:
        vi, en = "trùng ký tự với delimiter", "same character as delimiter"
        return [("quote", Text(vi=vi, en=en))]
    if not values["quote"] and values["quoting"] == "all":
        vi, en = "không có quote thì không bao được", "there is no quote to put around values"
        return [("quoting", Text(vi=vi, en=en))]
    return []
