"""Options of what becomes of text that was typed, stored or read wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.doctor.misreading import Misreading
from adapters.options import checks
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

REPAIRS = ("off", "report", "on")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOptions:
    """What becomes of text that was typed, stored or read wrong; see `adapters.doctor`."""

    repair: str = "report"
    repair_encoding: str = ""
    """What the texts are known to be misread from; empty: judged."""


def _switch(value: object) -> str:
    # YAML reads a bare on and off as they are written here, other readers as booleans.
    word = {True: "on", False: "off"}.get(value) if isinstance(value, bool) else value
    return str(checks.choice(*REPAIRS)(word))


CHECKS: Mapping[str, checks.Check] = {
    "repair": _switch,
    "repair_encoding": checks.choice(*(kind.value for kind in Misreading)),
}


def contradictions(values: Mapping[str, object]) -> list[tuple[str, Text]]:
    """Return what does not fit together."""
    if not values.get("repair_encoding") or values.get("repair") != "off":
        return []
    vi, en = "chỉ dùng khi repair là on hoặc report", "only where repair is on or report"
    return [("repair_encoding", Text(vi=vi, en=en))]
