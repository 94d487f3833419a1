"""
Corrections as the store keeps them: sealed with the message that was made of them, for as long as
its document is; the paths alone, which are the mapping's words, for ever.

The audit log has one row for each value, with who, when and why: the path, and digests of what was
there and of what was put there. The salt of the digests is sealed with the values.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from lienthong.corrections import Correction
from lienthong.states import State
from lienthong.store.problems import seal_problems
from lienthong.store.sealed import corrections_context, problems_context
from lienthong.store.tables import messages
from schemas.errors import InputError
from schemas.problem import Problem, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lienthong.admission import Known
    from lienthong.conversion import PreparedEvent
    from lienthong.corrections import Corrected
    from lienthong.store.vault import Vault
    from lienthong.store.work import Work


def corrected_paths(row: Any) -> tuple[str, ...]:
    """Return what was corrected in the record of a message, of its row; empty for nothing."""
    return () if row.corrected_paths is None else tuple(json.loads(row.corrected_paths))


def open_corrections(vault: Vault, row: Any) -> tuple[Correction, ...]:
    """Return the corrections of a message, of its row; empty where there are none any more."""
    if row.corrections is None:
        return ()
    plain = vault.open(row.corrections, context=corrections_context(row.id))
    return msgspec.json.decode(plain, type=tuple[Correction, ...])


def kept_corrections(vault: Vault, row: Any) -> dict[str, str]:
    """
    Return what a new message of the same source carries on, path to value.

    Raises:
        InputError: it was corrected, and nobody knows any more how.
    """
    found = {one.path: one.after for one in open_corrections(vault, row)}
    if not found and row.corrected_paths is not None:
        raise InputError(_erased(row.id))
    return found


def correction_columns(
    work: Work, message_id: str, corrected: Corrected | None, *, item: int
) -> dict[str, Any]:
    """Return what corrections set in the row of the message that is made of them."""
    if corrected is None:
        return {}
    plain = msgspec.json.encode(corrected.corrections)
    findings = [one.finding() for one in corrected.corrections]
    return {
        "corrected_paths": json.dumps(
            [one.path for one in corrected.corrections], ensure_ascii=False
        ),
        "corrections": work.vault.seal(plain, context=corrections_context(message_id)),
        "source_digest": corrected.digest_of(item),
        "problems": seal_problems(work.vault, findings, context=problems_context(message_id)),
    }


def note_corrections(
    work: Work, message_id: str, old: Known, corrected: Corrected, *, reason: str
) -> None:
    """Write into the audit log which values of its record are not as the agency sent them."""
    for one in corrected.corrections:
        more = {"carried_from": old.id} if one.path in corrected.carried else {}
        work.note(
            "message.corrected",
            message_id,
            reissue_of=old.id,
            reason=reason,
            path=one.path,
            before=f"sha256:{one.digest(one.before)}",
            after=f"sha256:{one.digest(one.after)}",
            **more,
        )


def check_corrected(
    work: Work,
    old: Known,
    corrected: Corrected,
    *,
    item: int,
    events: Sequence[PreparedEvent],
) -> None:
    """
    Refuse corrections that reach beyond the event they are made to.

    Args:
        work: The transaction.
        old: The message that is corrected.
        corrected: How.
        item: Of the old message in its record.
        events: All that is made of the corrected record.

    Raises:
        InputError: the event would be another, or other messages of the record would say something
            else, too.
    """
    row = work.connection.execute(
        select(messages.c.event_key, messages.c.version).where(messages.c.id == old.id)
    ).one()
    if old.content_digest is not None:
        event = events[item]
        if (event.key, event.version) != (row.event_key, row.version):
            raise InputError(_identity(old))
    of_record = select(messages.c.id, messages.c.item, messages.c.content_digest).where(
        messages.c.submission_id == old.submission_id,
        messages.c.record == old.record,
        messages.c.item != item,
        messages.c.content_digest.is_not(None),
        messages.c.state.not_in([State.DISCARDED.value, State.REISSUED.value]),
    )
    now = [event.content_digest for event in events]
    plain = [event.content_digest for event in corrected.plain.events]
    for other in work.connection.execute(of_record):
        before = plain[other.item] if other.item < len(plain) else other.content_digest
        if other.item >= len(now) or now[other.item] != before:
            raise InputError(_reaches(old, other.id))


def _identity(old: Known) -> Problem:
    return Problem(
        code="correction.identity",
        message=Text(
            vi=f"Sửa như vậy làm {old.id} thành sự kiện khác: khóa hoặc thứ tự của cơ quan đổi",
            en=f"That would make another event of {old.id}: its agency's key or order would change",
        ),
        suggestion=Text(
            vi="Nhờ cơ quan gửi lại bản ghi", en="Have the agency send the record again"
        ),
    )


def _reaches(old: Known, other: str) -> Problem:
    return Problem(
        code="correction.other_events",
        message=Text(
            vi=f"Giá trị này của bản ghi cũng nằm trong thông điệp {other}, không riêng {old.id}",
            en=f"That value of the record stands in message {other}, too, not in {old.id} alone",
        ),
        suggestion=Text(
            vi="Nhờ cơ quan sửa tại nguồn và gửi lại bản ghi",
            en="Have the agency mend the record and send it again",
        ),
    )


def _erased(message_id: str) -> Problem:
    return Problem(
        code="correction.values_erased",
        message=Text(
            vi=f"Bản ghi của {message_id} đã được sửa, và giá trị sửa đã xóa theo thời hạn lưu trữ",
            en=f"The record of {message_id} was corrected, and the values were erased when their "
            "retention ended",
        ),
        suggestion=Text(
            vi="Nhờ cơ quan gửi lại bản ghi đã sửa",
            en="Have the agency send the record as it should be",
        ),
    )
