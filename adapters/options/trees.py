"""Options of JSON and XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.embedded import RecordOptions
from schemas.problem import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonOptions(RecordOptions):
    """One JSON document with an array of records, or one record."""

    encoding: str = "utf-8"
    records: str = ""
    """Dotted path to the array, or to the only record; empty: the root."""
    max_record_bytes: int = 8 * MIB
    max_depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageOptions(JsonOptions):
    """A message that may be JSON or our XML; no mapping names it, it is what holds by default."""

    elements: tuple[str, ...]
    """From the root to the record, all in one namespace."""
    namespaces: tuple[str, ...]
    """Those that are known, the mapping's own first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLinesOptions(RecordOptions):
    """One JSON object per line."""

    encoding: str = "utf-8"
    max_record_bytes: int = 8 * MIB
    max_depth: int = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlOptions(RecordOptions):
    """One XML document with an element per record."""

    records: str
    """Path from the root, for example "/hs:danhSach/hs:hoSo"."""
    namespaces: Mapping[str, str] = field(default_factory=dict)
    """Prefixes used in `records`; a name without prefix is in no namespace."""
    max_record_bytes: int = 8 * MIB


JSON_CHECKS: Mapping[str, checks.Check] = {
    "encoding": checks.encoding,
    "records": checks.text,
    "max_depth": checks.whole_number(1, 500),
}
XML_CHECKS: Mapping[str, checks.Check] = {
    "records": checks.xml_path,
    "namespaces": checks.prefixes,
}


def xml_contradictions(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    """Return the prefixes of `records` that `namespaces` does not have."""
    namespaces = values.get("namespaces") or {}
    assert isinstance(namespaces, Mapping)
    faults = []
    for prefix in _prefixes(values.get("records")):
        if prefix not in namespaces:
            vi = f"tiền tố '{prefix}' chưa được khai báo trong namespaces"
            faults.append(("records", Text(vi=vi, en=f"prefix '{prefix}' is not in namespaces")))
    return faults


def _prefixes(records: object) -> list[str]:
    if not isinstance(records, str):
        return []
    steps = [step.split(":") for step in records[1:].split("/")]
    return sorted({step[0] for step in steps if len(step) == 2})
