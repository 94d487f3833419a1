"""
Failures by their cause, and what people decide about each.

What stands in trouble now is counted from the beginning; what failed before and has gone on is not.
Findings of messages from before 0018 come with `lienthong store index`.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from sqlalchemy import Connection

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_TOGETHER = 1_000
_DELIVERY = {
    "refused by the portal": "refused",
    "refused by the agency": "refused",
    "the portal does not take its values; nothing was sent, the attempt says which": "unsendable",
    "the portal says 'exists' to something that was not an add": "exists",
    "the portal says 'does not exist' to something that was not an update": "missing",
    "an answer never seen before": "unrecognised",
    "an answer never seen before, to several rows: the portal is asked": "unrecognised",
    "an internal error while it was handed over; see the log": "unrecognised",
    "answers never seen before, several in a row: the portal is asked": "strange_answers",
    "no usable answer: the portal is asked": "no_answer",
    "whether it arrived is not known: it goes again": "no_answer",
    "not there yet, and may still arrive": "no_answer",
    "the portal is busy": "busy",
    "the agency does not take it now": "busy",
    "the portal cannot be reached": "unreachable",
    "the agency cannot be reached": "unreachable",
    "the portal refuses us as a whole: login, certificate or address": "locked_out",
    "the agency refuses us as a whole: login, certificate or address": "locked_out",
    "nothing was sent for a reason of our own; its last attempt says which": "withheld",
    "the look-up failed": "look_up_failed",
    "the portal was not asked for a reason of our own; the last look-up says which": (
        "look_up_withheld"
    ),
    "the portal's look-up cannot prove a progress row": "unproven",
    "the worker that sent it is gone": "worker_gone",
    "its worker ended again and again while sending it": "kills_worker",
    "its stored document cannot be opened": "damaged",
}
_OF_TARGET = {
    "strange_answers",
    "no_answer",
    "busy",
    "unreachable",
    "locked_out",
    "look_up_failed",
    "worker_gone",
}
_FOUND = sa.text(
    "SELECT DISTINCT p.message_id, p.code, p.field, m.agency, m.packet, m.updated_at AS moment "
    "FROM message_problems p JOIN messages m ON m.id = p.message_id "
    "WHERE p.severity = 'error' AND m.state IN ('rejected', 'held')"
)
_STANDING = sa.text(
    "SELECT m.id AS message_id, m.reason, m.agency, m.packet, m.updated_at AS moment, "
    "(SELECT a.code FROM attempts a WHERE a.message_id = m.id AND a.ended_at IS NOT NULL "
    "ORDER BY a.started_at DESC, a.number DESC LIMIT 1) AS answer "
    "FROM messages m WHERE m.state IN ('parked', 'quarantined', 'unknown', 'retrying')"
)
_PLAIN = re.compile(r"(?!.*\d{8})[\x21-\x7e]{1,64}", re.ASCII)


def upgrade() -> None:
    """Make the tables, and count what stands in trouble now."""
    groups = op.create_table(
        "problem_groups",
        sa.Column("id", sa.Text, primary_key=True, comment="digest of the five that follow"),
        sa.Column(
            "agency", sa.Text, comment="whose messages; empty: of the target, whoever's they are"
        ),
        sa.Column("direction", sa.Text, nullable=False, comment="up or down"),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column(
            "field", sa.Text, nullable=False, comment="without numbers of items; may be blank"
        ),
        sa.Column(
            "answer", sa.Text, nullable=False, comment="the other side's own code; may be blank"
        ),
        sa.Column("first_at", _TIME, nullable=False),
        sa.Column(
            "state", sa.Text, nullable=False, comment="what was decided last; open: nothing yet"
        ),
        sa.Column("decided_at", _TIME),
        sa.Column("decided_by", sa.Text),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("version", sa.Integer, nullable=False, comment="how often somebody decided"),
        comment="causes of failures, and what people decided about each; no value of anybody",
    )
    op.create_index("problem_groups_code", "problem_groups", ["agency", "direction", "code"])
    failures = op.create_table(
        "failures",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("cause", sa.Text, primary_key=True, comment="id in problem_groups"),
        sa.Column("last_at", _TIME, nullable=False, comment="when it last failed so"),
        sa.Column(
            "is_open", sa.Boolean, nullable=False, comment="it has not failed otherwise, or ended"
        ),
        comment="of what each message ever failed; written only for those that do",
    )
    _fill(op.get_bind(), groups, failures)
    op.create_index("failures_cause", "failures", ["cause", "last_at", "message_id"])
    op.create_index(
        "failures_open",
        "failures",
        ["cause", "message_id"],
        postgresql_where=sa.text("is_open"),
        sqlite_where=sa.text("is_open = 1"),
    )


def _fill(connection: Connection, groups: sa.Table, failures: sa.Table) -> None:
    made: dict[str, dict[str, Any]] = {}
    for query in (_FOUND, _STANDING):
        found = connection.execute(query.columns(moment=_TIME)).all()
        rows = []
        for row in found:
            group = _group_of(row)
            if group is None:
                continue
            known = made.setdefault(group["id"], group)
            known["first_at"] = min(known["first_at"], row.moment)
            ids = {"message_id": row.message_id, "cause": group["id"]}
            rows.append({**ids, "last_at": row.moment, "is_open": True})
        for start in range(0, len(rows), _TOGETHER):
            connection.execute(sa.insert(failures), rows[start : start + _TOGETHER])
    if made:
        connection.execute(sa.insert(groups), list(made.values()))


def _group_of(row: Any) -> dict[str, Any] | None:
    direction = "down" if row.packet == "inbound" else "up"
    agency: str | None = row.agency
    if hasattr(row, "code"):
        code, field, answer = row.code, row.field, ""
    elif row.reason not in _DELIVERY:
        return None
    else:
        cause = _DELIVERY[row.reason]
        code, field = f"delivery.{cause}", ""
        answer = row.answer if _PLAIN.fullmatch(row.answer or "") else ""
        if cause in _OF_TARGET and direction == "up":
            agency, answer = None, ""
    said = json.dumps(
        [agency, direction, code, field, answer], ensure_ascii=False, separators=(",", ":")
    )
    return {
        "id": sha256(said.encode()).hexdigest()[:32],
        "agency": agency,
        "direction": direction,
        "code": code,
        "field": field,
        "answer": answer,
        "first_at": row.moment,
        "state": "open",
        "reason": "",
        "version": 0,
    }
