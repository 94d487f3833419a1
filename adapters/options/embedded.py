"""Options of documents inside the fields of records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.options import checks
from adapters.options.faults import Fault, inside
from adapters.options.repair import RepairOptions

_KINDS = checks.choice("json", "xml", "xml-base64")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions(RepairOptions):
    """What holds for every format of records."""

    embedded: Mapping[str, str] = field(default_factory=dict)
    """Path in the record -> "json", "xml" or "xml-base64": the text there is a document and is read
    as one."""


def _documents(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not value:
        raise Fault.of(
            "cần các cặp đường dẫn: json, xml hay xml-base64",
            "expected pairs of path: json, xml or xml-base64",
        )
    texts = []
    for path, kind in value.items():
        if not isinstance(path, str) or not all(path.split(".")):
            vi, en = "đường dẫn sai", "not a path"
            texts += inside(str(path), Fault.of(vi, en).texts)
        try:
            _KINDS(kind)
        except Fault as fault:
            texts += inside(str(path), fault.texts)
    if texts:
        raise Fault(*texts)
    return dict(value)


CHECKS: Mapping[str, checks.Check] = {"embedded": _documents}
