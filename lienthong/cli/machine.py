"""Results as plain values, for `--json`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lienthong.channels.port import Packet
from lienthong.proofs import HANDED_OVER, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lienthong.evidence.stamps import Countdown
    from lienthong.key_checks import KeyFinding
    from lienthong.store.attachments import KeptFile
    from lienthong.store.paces import Flow
    from lienthong.store.queries import (
        AgencyCounts,
        AttemptLine,
        MessageLine,
        MessageView,
        TroubledSubmission,
    )
    from lienthong.store.tokens import Token
    from mappings import Need
    from schemas.problem import Language, Problem


def problem_values(problem: Problem, language: Language) -> dict[str, Any]:
    """Return one finding, in one language."""
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message.say(language),
        "source": asdict(problem.place),
        "field": problem.field,
        "value": problem.value,
        "suggestion": problem.suggestion.say(language) if problem.suggestion else None,
        "for_integrator": problem.for_integrator.say(language) if problem.for_integrator else None,
    }


def key_values(found: KeyFinding, language: Language) -> dict[str, Any]:
    """Return what somebody must do about a holder's keys, in one language."""
    return {
        "holder": found.holder,
        "code": found.code,
        "urgent": found.is_urgent,
        "message": found.words.say(language),
    }


def count_values(counts: Mapping[Need, tuple[int, int]]) -> dict[str, dict[str, int]]:
    """Return how many of the portal's fields a mapping fills, and of how many."""
    from mappings import Need

    return {
        "mandatory" if need is Need.ALWAYS else need.value: {"filled": filled, "of": known}
        for need, (filled, known) in counts.items()
    }


def countdown_values(countdown: Countdown | None) -> dict[str, Any] | None:
    """Return which rows of the audit log have no time-stamp yet, and until when they may."""
    if countdown is None:
        return None
    return {
        "since": countdown.since.isoformat(),
        "rows": countdown.rows,
        "seals": countdown.seals,
        "warned_at": countdown.warned_at.isoformat(),
        "due_by": countdown.due_by.isoformat(),
        "state": countdown.lack.value,
    }


def counts_values(
    counts: AgencyCounts, *, troubled: Iterable[TroubledSubmission], language: Language
) -> dict[str, Any]:
    """Return where one agency's messages stand, and its files with something wrong as a whole."""
    return {
        "agency": counts.agency,
        "submissions": counts.submissions,
        "submissions_waiting": counts.waiting_submissions,
        "records": counts.records,
        "repeats": counts.repeats,
        "left_out": counts.left_out,
        "states": {state.value: count for state, count in counts.states.items()},
        "troubled_files": [
            {
                "submission": file.id,
                "file": file.file_name,
                "state": file.state,
                "records": file.records,
                "due_at": file.due_at.isoformat() if file.due_at else None,
                "errors": [problem_values(problem, language) for problem in file.problems],
            }
            for file in troubled
            if file.agency == counts.agency
        ],
    }


def flow_values(flow: Flow) -> dict[str, Any]:
    """Return how deliveries go."""
    estimate = flow.estimate
    return {
        "backlog": flow.backlog,
        "backlog_to_agencies": flow.to_agencies,
        "per_minute": flow.per_minute,
        "estimate_seconds": None if estimate is None else estimate.total_seconds(),
        "workers": [
            {
                "worker": worker.worker,
                "pace": worker.pace.value,
                "until": worker.until.isoformat() if worker.until else None,
                "allowed": worker.allowed,
                "delivered": worker.delivered,
            }
            for worker in flow.workers
        ],
    }


def line_values(line: MessageLine, language: Language) -> dict[str, Any]:
    """Return one message of a list."""
    return {
        "id": line.id,
        "agency": line.agency,
        "dossier": line.dossier_code,
        "packet": line.packet.value,
        "state": line.state.value,
        "reason": line.reason,
        "attempts": line.attempts,
        "created_at": line.created_at.isoformat(),
        "updated_at": line.updated_at.isoformat(),
        "source": asdict(line.place),
        "errors": [problem_values(problem, language) for problem in line.problems],
    }


def _proof_words(view: MessageView, language: Language) -> str | None:
    if view.proof is None:
        return None
    # By its packet: its file is erased one day.
    is_for_agency = view.line.packet is Packet.INBOUND
    return (HANDED_OVER if is_for_agency else WORDS[view.proof]).say(language)


def view_values(view: MessageView, language: Language) -> dict[str, Any]:
    """Return one message with everything that is known of it."""
    return {
        **line_values(view.line, language),
        "submission": view.submission_id,
        "file": view.file_name,
        "record": view.record,
        "mapping": view.mapping,
        "document_sha256": view.document_digest,
        "proof": view.proof.value if view.proof else None,
        "proof_words": _proof_words(view, language),
        "handed_file": None if view.file is None else asdict(view.file),
        "receipt": view.receipt.document.decode() if view.receipt else None,
        "receipt_sha256": view.receipt.digest if view.receipt else None,
        "receipt_signer": view.receipt.signer if view.receipt else None,
        "receipt_signer_name": view.receipt.signer_name if view.receipt else None,
        "superseded_by": view.superseded_by,
        "corrected": [
            {"path": each.path, "before": each.before, "after": each.after}
            for each in view.corrections
        ],
        "files": [_file_values(file) for file in view.files],
        "tries": [_try_values(attempt) for attempt in view.attempts],
        "history": [asdict(step) for step in view.history],
    }


def _file_values(file: KeptFile) -> dict[str, Any]:
    found, declared = file.found, file.declared
    return {
        "number": file.number,
        "way": file.way,
        "name": None if declared is None else declared.name,
        "component": None if declared is None else declared.component,
        "size": None if found is None else found.size,
        "sha256": None if found is None else found.sha256,
        "type": None if found is None else found.kind,
        "kept": file.blob is not None,
    }


def _try_values(attempt: AttemptLine) -> dict[str, Any]:
    proof = attempt.proof
    return {**asdict(attempt), "proof": proof.value if proof else None}


def token_values(token: Token) -> dict[str, Any]:
    """Return what is known of one token, which is not the token itself."""
    return {
        "id": token.id,
        "agency": token.agency,
        "made_at": token.made_at.isoformat(),
        "made_by": token.made_by,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
    }
