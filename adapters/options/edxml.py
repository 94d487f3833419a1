"""Options of edXML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.options import checks
from adapters.options.checks import MIB
from adapters.options.embedded import RecordOptions
from adapters.options.faults import Fault
from schemas.edxml.names import NAMESPACES, QCVN

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class EdxmlOptions(RecordOptions):
    """One edXML packet, which is one record: a document, or a status."""

    namespaces: tuple[str, ...] = (QCVN,)
    """In which elements may stand: that of QCVN 102, and others that senders use."""
    max_record_bytes: int = 16 * MIB
    """Of the file; one encoded attachment has at most 10 MB, whatever this says."""
    max_unpacked_bytes: int = 32 * MIB
    """Limit of all attachments together, unpacked."""
    max_ratio: int = 300
    """Limit of unpacked to packed size of one attachment."""


def _namespaces(value: object) -> tuple[str, ...]:
    found = checks.names(value)
    if not found:
        known = ", ".join(NAMESPACES)
        raise Fault.of(f"cần ít nhất một, như {known}", f"expected at least one, such as {known}")
    return found


CHECKS: Mapping[str, checks.Check] = {
    "namespaces": _namespaces,
    "max_unpacked_bytes": checks.whole_number(MIB, 256 * MIB),
    "max_ratio": checks.whole_number(2, 1032),
}
