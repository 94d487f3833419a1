"""A preview of a resend or a reissue as plain values, for `--json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lienthong.discrepancies import WORDS

if TYPE_CHECKING:
    from lienthong.replay_previews import Outlook, PortalSays, Preview, Totals
    from schemas.problem import Language


def stored_values(one: Preview) -> dict[str, Any]:
    """Return one message as it is kept; nothing where there is no such message."""
    stored = one.stored
    if stored is None:
        return {}
    last = stored.last_attempt
    return {
        "agency": stored.agency,
        "dossier": stored.dossier_code,
        "packet": stored.packet.value,
        "state": stored.state.value,
        "mapping": stored.mapping,
        "document_sha256": stored.digest,
        "attempts": stored.attempts,
        "last_attempt": None
        if last is None
        else {
            "kind": last.kind,
            "started_at": last.started_at.isoformat(),
            "outcome": last.outcome,
            "code": last.code,
            "http_status": last.http_status,
            "detail": last.detail,
        },
    }


def outlook_values(outlook: Outlook) -> dict[str, Any]:
    """Return what is known here of a dossier."""
    return {
        "acknowledged": outlook.acknowledged,
        "newer_snapshots": list(outlook.newer_snapshots),
        "progress_behind": outlook.progress_behind,
        "is_turn": outlook.is_turn,
        "waits_for": outlook.waits_for,
        "awaits_files": outlook.awaits_files,
        "is_updating": outlook.is_updating,
    }


def portal_values(says: PortalSays | None, language: Language) -> dict[str, Any] | None:
    """Return what the portal says of a dossier, in one language."""
    if says is None:
        return None
    differs = says.discrepancy
    return {
        "found": says.found.value,
        "proves": says.proves,
        "detail": says.detail,
        "status": says.status,
        "message": says.message_id,
        "discrepancy": None
        if differs is None
        else {
            "kind": differs.kind.value,
            "words": WORDS[differs.kind].say(language),
            "detail": differs.detail,
        },
    }


def totals_values(totals: Totals) -> dict[str, Any]:
    """Return what an order would do, over all its messages."""
    return {
        "would_go": totals.would_go,
        "changed": totals.changed,
        "refused": dict(totals.refused.most_common()),
        "fields": {name: change.dossiers for name, change in totals.differences.by_weight()},
    }
