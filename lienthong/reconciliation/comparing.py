"""What the portal's answer says about a dossier, beside what we know of it: values in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lienthong.channels.port import Found
from lienthong.discrepancies import Discrepancy, FieldDifference, Kind
from lienthong.states import UNFINISHED, State

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from lienthong.channels.port import LookUp
    from lienthong.store.standings import Delivered, Ours

STATUS = "TrangThaiHoSo"
DIGEST = "GiaTriBam"
MESSAGE = "MaBanTin"
PROGRESS = "CapNhatTienDoHoSoMC"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareRules:
    """What a target's look-up proves; part of the target's profile."""

    shows_content: bool
    quiet_period: timedelta
    """Before it ends, an absence proves nothing."""


def needs_asking(ours: Ours) -> bool:
    """Tell whether the portal should have something of a dossier."""
    return bool(ours.snapshots or ours.progress)


def waiting(ours: Ours, *, now: datetime) -> Discrepancy | None:
    """Return what of a dossier is not sent yet, or None."""
    turn = ours.turn
    if turn is None or (turn.state not in UNFINISHED and turn.state is not State.REJECTED):
        return None
    return Discrepancy(
        dossier_code=ours.code,
        agency=ours.agency,
        kind=Kind.WAITING,
        message_id=turn.id,
        detail=turn.state.value,
        found_at=now,
    )


def compare(ours: Ours, found: LookUp, *, rules: CompareRules, now: datetime) -> Discrepancy | None:
    """
    Return what does not agree about one dossier, or None.

    Args:
        ours: What we delivered of it.
        found: What the portal says of it now.
        rules: What its answers prove.
        now: When it was asked.
    """
    judged = _judge(ours, found, rules=rules, now=now)
    if judged is None:
        return None
    kind, detail, fields = judged
    should = _in_effect(ours)
    return Discrepancy(
        dossier_code=ours.code,
        agency=ours.agency,
        kind=kind,
        message_id=None if should is None else should.message_id,
        fields=fields,
        detail=detail,
        found_at=now,
    )


def _judge(
    ours: Ours, found: LookUp, *, rules: CompareRules, now: datetime
) -> tuple[Kind, str, tuple[FieldDifference, ...]] | None:
    if found.copies > 1:
        return Kind.DOUBLED, f"the portal shows it {found.copies} times", ()
    if found.found in (Found.FAILED, Found.WITHHELD):
        return Kind.UNPROVEN, found.detail, ()
    if ours.turn is not None and ours.turn.state in (State.SENDING, State.UNKNOWN):
        # What is in effect changes in these moments, and is asked for by the delivery itself.
        return None
    if not needs_asking(ours):
        is_there = found.found is Found.PRESENT
        return (Kind.UNEXPECTED, "never delivered by us", ()) if is_there else None
    if found.found is Found.ABSENT:
        last = ours.last_delivery
        if last is not None and now - last < rules.quiet_period:
            return Kind.UNPROVEN, "not there, but it was delivered only a moment ago", ()
        return Kind.MISSING, "delivered by us, not there", ()
    return _judge_content(ours, found, rules=rules)


def _judge_content(
    ours: Ours, found: LookUp, *, rules: CompareRules
) -> tuple[Kind, str, tuple[FieldDifference, ...]] | None:
    if found.repeated_progress:
        detail = f"{found.repeated_progress} progress rows stand there more than once"
        return Kind.DOUBLED, detail, (FieldDifference(field=PROGRESS),)
    should = _in_effect(ours)
    fields = _status(found, should if _tells_status(ours) else None)
    if rules.shows_content and should is not None:
        shown = [
            FieldDifference(field=name, ours=mine, theirs=theirs)
            for name, mine, theirs in (
                (MESSAGE, should.message_id, found.message_id),
                (DIGEST, should.digest, found.digest),
            )
            if theirs is not None and mine != theirs
        ]
        if shown:
            older = _older(ours, found)
            if older is not None:
                return Kind.STALE, f"message {older.message_id} is in effect", (*shown, *fields)
            return Kind.DIFFERENT, "what is in effect is not ours", (*shown, *fields)
    if rules.shows_content:
        fields += _progress(ours, found)
    return (Kind.DIFFERENT, "fields differ", fields) if fields else None


def _in_effect(ours: Ours) -> Delivered | None:
    return ours.snapshots[-1] if ours.snapshots else None


def _older(ours: Ours, found: LookUp) -> Delivered | None:
    """Return the earlier snapshot of ours that the portal shows, wholly, or None."""
    for one in ours.snapshots[:-1]:
        is_it = found.message_id in (None, one.message_id) and found.digest in (None, one.digest)
        if is_it:
            return one
    return None


def _tells_status(ours: Ours) -> bool:
    """Tell whether the status of the last snapshot is the dossier's: no progress row moved it."""
    should = _in_effect(ours)
    return should is not None and all(one.at < should.at for one in ours.progress)


def _status(found: LookUp, should: Delivered | None) -> tuple[FieldDifference, ...]:
    if should is None or None in (should.status, found.status) or should.status == found.status:
        return ()
    return (FieldDifference(field=STATUS, ours=should.status, theirs=found.status),)


def _progress(ours: Ours, found: LookUp) -> tuple[FieldDifference, ...]:
    known = {one.digest for one in ours.progress}
    lacking = [
        one.message_id
        for one in ours.progress
        if one.is_last and one.digest not in found.progress_digests
    ]
    strange = sorted(found.progress_digests - known)
    return (
        *(FieldDifference(field=PROGRESS, ours=message_id) for message_id in lacking),
        *(FieldDifference(field=PROGRESS, theirs=digest) for digest in strange),
    )
