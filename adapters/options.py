"""
How a source is to be read, as its mapping says: one frozen class of options per format.

`make_options` is the only judge of what a mapping may say; it finds every fault at once. The
readers trust what they get.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, TypeAlias

from adapters.doctor.misreading import Misreading
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    Check: TypeAlias = Callable[[object], object]

MIB = 1024 * 1024

ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "tcvn3",
    "vni",
    "viscii",
    "windows-1258",
)


REPAIRS = ("off", "report", "on")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOptions:
    """What becomes of text that was typed, stored or read wrong; see `adapters.doctor`."""

    repair: str = "report"
    repair_encoding: str = ""
    """What the texts are known to be misread from; empty: judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions(RepairOptions):
    """A table in text: one record per row."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    """Empty: quotation marks are ordinary characters."""
    escape: str = ""
    """A character that takes the next one literally; empty: none."""
    header: bool = True
    header_row: int = 1
    """1-based row of the column names; rows above it are titles."""
    columns: tuple[str, ...] = ()
    """The column names, where the file has none."""
    required: tuple[str, ...] = ()
    """Columns without which the whole file is refused."""
    skip_blank: bool = True
    max_record_bytes: int = MIB
    """Limit of one row; counted in decoded characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class XlsxOptions(RepairOptions):
    """A sheet of an Office Open XML workbook: one record per row."""

    sheet: str = ""
    """Empty: the first sheet."""
    header_row: int = 1
    required: tuple[str, ...] = ()
    max_record_bytes: int = MIB
    """Limit of one row, and of one shared string."""
    max_unpacked_bytes: int = 2048 * MIB
    """Limit of one unpacked part of the workbook, counted while reading."""
    max_ratio: int = 300
    """Limit of unpacked to packed size; honest sheets stay under 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonOptions(RepairOptions):
    """One JSON document with an array of records, or one record."""

    encoding: str = "utf-8"
    records: str = ""
    """Dotted path to the array, or to the only record; empty: the root."""
    max_record_bytes: int = 8 * MIB
    max_depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLinesOptions(RepairOptions):
    """One JSON object per line."""

    encoding: str = "utf-8"
    max_record_bytes: int = 8 * MIB
    max_depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlOptions(RepairOptions):
    """One XML document with an element per record."""

    records: str
    """Path from the root, for example "/hs:danhSach/hs:hoSo"."""
    namespaces: Mapping[str, str] = field(default_factory=dict)
    """Prefixes used in `records`; a name without prefix is in no namespace."""
    max_record_bytes: int = 8 * MIB


SourceOptions: TypeAlias = CsvOptions | XlsxOptions | JsonOptions | JsonLinesOptions | XmlOptions

FORMATS: Mapping[str, type[SourceOptions]] = {
    "csv": CsvOptions,
    "xlsx": XlsxOptions,
    "json": JsonOptions,
    "jsonl": JsonLinesOptions,
    "xml": XmlOptions,
}


class OptionsWrong(Exception):
    """A mapping's source section is wrong; `faults` has (key, sentence) for every mistake."""

    def __init__(self, faults: tuple[tuple[str, Text], ...]) -> None:
        super().__init__("; ".join(f"{key}: {text.en}" for key, text in faults))
        self.faults = faults


class _Fault(Exception):
    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(vi=vi, en=en)


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
        raise OptionsWrong((("format", _unknown_choice(format_name, tuple(FORMATS))),))
    known = {item.name: item for item in fields(chosen)}
    values: dict[str, object] = {}
    faults: list[tuple[str, Text]] = []
    checks = {**_CHECKS, "records": _xml_path} if chosen is XmlOptions else _CHECKS
    for key, value in mapping.items():
        if key == "format":
            continue
        if key not in known:
            faults.append((str(key), _unknown_key(str(key), ("format", *known))))
            continue
        try:
            values[key] = checks[key](value)
        except _Fault as fault:
            faults.append((key, fault.text))
    for name, item in known.items():
        required = item.default is MISSING and item.default_factory is MISSING
        if required and name not in mapping:
            faults.append((name, Text(vi="thiếu khóa bắt buộc", en="required key is missing")))
    defaults = {name: item.default for name, item in known.items() if item.default is not MISSING}
    faults += _contradictions(defaults | values)
    if faults:
        raise OptionsWrong(tuple(faults))
    return chosen(**values)  # type: ignore[arg-type]


def _contradictions(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    faults: list[tuple[str, Text]] = []
    if values.get("header") is False and not values.get("columns"):
        vi = "tệp không có dòng tiêu đề thì phải liệt kê tên cột"
        faults.append(("columns", Text(vi=vi, en="a file without header needs the column names")))
    if values.get("columns") and values.get("header", True):
        vi = "chỉ dùng khi header: false; tên cột của tệp này lấy từ dòng tiêu đề"
        en = "only with header: false; this file's names come from its header row"
        faults.append(("columns", Text(vi=vi, en=en)))
    if values.get("repair_encoding") and values.get("repair") == "off":
        vi, en = "chỉ dùng khi repair là on hoặc report", "only where repair is on or report"
        faults.append(("repair_encoding", Text(vi=vi, en=en)))
    special = [key for key in ("delimiter", "quote", "escape") if values.get(key)]
    for position, key in enumerate(special):
        same = [other for other in special[:position] if values[other] == values[key]]
        if same:
            vi, en = f"trùng ký tự với {same[0]}", f"same character as {same[0]}"
            faults.append((key, Text(vi=vi, en=en)))
    prefixes = _prefixes(values.get("records"))
    namespaces = values.get("namespaces") or {}
    assert isinstance(namespaces, Mapping)
    for prefix in prefixes:
        if prefix not in namespaces:
            vi = f"tiền tố '{prefix}' chưa được khai báo trong namespaces"
            faults.append(("records", Text(vi=vi, en=f"prefix '{prefix}' is not in namespaces")))
    return faults


def _prefixes(records: object) -> list[str]:
    if not isinstance(records, str) or not records.startswith("/"):
        return []
    steps = [step.split(":") for step in records[1:].split("/")]
    return sorted({step[0] for step in steps if len(step) == 2})


def _suggest(word: str, choices: tuple[str, ...]) -> tuple[str, str]:
    close = difflib.get_close_matches(word, choices, n=1)
    if close:
        return f"; có phải '{close[0]}'?", f"; did you mean '{close[0]}'?"
    names = ", ".join(choices)
    return f"; các giá trị: {names}", f"; known: {names}"


def _unknown_choice(value: object, choices: tuple[str, ...]) -> Text:
    if value is None:
        names = ", ".join(choices)
        return Text(vi=f"thiếu; chọn một trong: {names}", en=f"missing; choose one of: {names}")
    vi, en = _suggest(str(value), choices)
    return Text(vi=f"không có giá trị '{value}'{vi}", en=f"unknown value '{value}'{en}")


def _unknown_key(key: str, choices: tuple[str, ...]) -> Text:
    vi, en = _suggest(key, choices)
    return Text(vi=f"không có khóa này{vi}", en=f"unknown key{en}")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Fault(f"cần một chuỗi, không phải {value!r}", f"expected a text, found {value!r}")
    return value


def _filled_text(value: object) -> str:
    if not _text(value).strip():
        raise _Fault("không được để trống", "must not be empty")
    return _text(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Fault(f"cần true hoặc false, không phải {value!r}", "expected true or false")
    return value


def _whole_number(lowest: int, highest: int) -> Check:
    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            en = f"expected a whole number, found {value!r}"
            raise _Fault(f"cần một số nguyên, không phải {value!r}", en)
        if not lowest <= value <= highest:
            en = f"must be from {lowest} to {highest}, found {value}"
            raise _Fault(f"phải từ {lowest} đến {highest}, không phải {value}", en)
        return value

    return check


def _character(*, empty: bool) -> Check:
    def check(value: object) -> str:
        text = _text(value)
        if (text == "" and empty) or (len(text) == 1 and text not in "\r\n\0 "):
            return text
        en = f'must be one character ("\\t" for a tab), found {text!r}'
        raise _Fault(f'phải là đúng một ký tự ("\\t" là dấu tab), không phải {text!r}', en)

    return check


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) and v for v in value):
        raise _Fault("cần một danh sách tên cột", "expected a list of column names")
    if len(set(value)) != len(value):
        raise _Fault("có tên cột lặp lại", "a column name is repeated")
    return tuple(value)


def _encoding(value: object) -> str:
    if not isinstance(value, str) or value not in ENCODINGS:
        text = _unknown_choice(value, ENCODINGS)
        raise _Fault(text.vi, text.en)
    return value


def _choice(choices: tuple[str, ...]) -> Check:
    def check(value: object) -> str:
        # YAML reads a bare on and off as they are written here, other readers as booleans.
        word = {True: "on", False: "off"}.get(value) if isinstance(value, bool) else value
        if not isinstance(word, str) or word not in choices:
            text = _unknown_choice(word, choices)
            raise _Fault(text.vi, text.en)
        return word

    return check


def _xml_path(value: object) -> str:
    steps = _text(value).split("/")
    if len(steps) < 2 or steps[0] or not all(re.fullmatch(r"([^:]+:)?[^:]+", s) for s in steps[1:]):
        en = f"expected a path like '/danhSach/hoSo', found {value!r}"
        raise _Fault(f"cần một đường dẫn như '/danhSach/hoSo', không phải {value!r}", en)
    return _text(value)


def _namespaces(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(
        isinstance(k, str) and isinstance(v, str) and k and v for k, v in value.items()
    ):
        raise _Fault("cần các cặp tiền tố: URI", "expected pairs of prefix: URI")
    return dict(value)


_CHECKS: Mapping[str, Check] = {
    "encoding": _encoding,
    "repair": _choice(REPAIRS),
    "repair_encoding": _choice(tuple(kind.value for kind in Misreading)),
    "delimiter": _character(empty=False),
    "quote": _character(empty=True),
    "escape": _character(empty=True),
    "header": _boolean,
    "header_row": _whole_number(1, 1000),
    "columns": _names,
    "required": _names,
    "skip_blank": _boolean,
    "sheet": _filled_text,
    "records": _text,
    "namespaces": _namespaces,
    "max_record_bytes": _whole_number(1024, 256 * MIB),
    "max_unpacked_bytes": _whole_number(MIB, 64 * 1024 * MIB),
    "max_ratio": _whole_number(2, 1032),
    "max_depth": _whole_number(1, 500),
}
