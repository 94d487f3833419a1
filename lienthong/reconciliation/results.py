"""What came of a comparison as a whole: values, and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lienthong.discrepancies import AGREES, WORDS
from schemas.problem import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lienthong.discrepancies import Kind
    from lienthong.store.reconciliations import Run


def run_values(run: Run, counts: Mapping[Kind, int]) -> dict[str, Any]:
    """Return what came of a comparison, without its findings."""
    return {
        "run": run.id,
        "agency": run.scope.agency,
        "since": run.scope.since.isoformat() if run.scope.since else None,
        "list_sha256": run.source,
        "phase": run.phase,
        "total": run.total,
        "compared": run.compared,
        "asked": run.asked,
        "unreadable": run.unreadable,
        "started_at": run.started_at.isoformat(),
        "started_by": run.started_by,
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "agrees": not counts.keys() - AGREES,
        "counts": {kind.value: count for kind, count in counts.items()},
    }


def tell_result(run: Run, counts: Mapping[Kind, int]) -> tuple[Text, bool]:
    """Return the result of a comparison in a sentence, and whether somebody must act."""
    at = f"{(run.ended_at or run.started_at).astimezone():%Y-%m-%d %H:%M}"
    of = "" if run.scope.agency is None else f" ({run.scope.agency})"
    wrong = {kind: count for kind, count in counts.items() if kind not in AGREES}
    if not wrong:
        told = Text(
            vi=f"Đối soát với Cổng lúc {at}{of}: {run.compared} hồ sơ, khớp",
            en=f"Compared with the portal at {at}{of}: {run.compared} dossiers, all agree",
        )
        return told, False
    vi = ", ".join(f"{WORDS[kind].vi}: {count}" for kind, count in wrong.items())
    en = ", ".join(f"{WORDS[kind].en}: {count}" for kind, count in wrong.items())
    told = Text(
        vi=f"BÁO ĐỘNG: đối soát với Cổng lúc {at}{of}: {vi}; xem: lienthong reconcile --resume",
        en=f"ALARM: compared with the portal at {at}{of}: {en}; see: lienthong reconcile --resume",
    )
    return told, True
