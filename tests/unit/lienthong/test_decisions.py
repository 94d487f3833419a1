"""What follows from attempts and look-ups, P3 and P7, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.channels.port import Found, LookUp, Outcome, Packet
from lienthong.decisions import (
    LookUpRules,
    OpenFate,
    Wait,
    after_look_up,
    after_send,
    not_before_retry_after,
)
from lienthong.states import TRANSITIONS, State

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
QUIET = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("outcome", "state", "wait"),
    [
        (Outcome.DELIVERED, State.DELIVERED, Wait.NOW),
        (Outcome.REJECTED, State.PARKED, Wait.PERSON),
        (Outcome.UNSENDABLE, State.PARKED, Wait.PERSON),
        (Outcome.UNRECOGNISED, State.QUARANTINED, Wait.PERSON),
        (Outcome.UNKNOWN, State.UNKNOWN, Wait.NOW),
        (Outcome.NOT_SENT, State.RETRYING, Wait.BACKOFF),
        (Outcome.WITHHELD, State.RETRYING, Wait.BACKOFF),
        (Outcome.BUSY, State.RETRYING, Wait.BACKOFF),
        (Outcome.TARGET, State.RETRYING, Wait.BACKOFF),
        (Outcome.EXISTS, State.RETRYING, Wait.NOW),
    ],
    ids=lambda value: value.value,
)
def test_an_add_ends_in(outcome, state, wait):
    next_ = after_send(outcome, packet=Packet.DOSSIER, was_update=False)

    assert (next_.state, next_.wait) == (state, wait)


@pytest.mark.parametrize("outcome", Outcome, ids=lambda value: value.value)
@pytest.mark.parametrize("packet", Packet, ids=lambda value: value.value)
@pytest.mark.parametrize("was_update", [False, True])
def test_every_outcome_leads_to_a_state_that_sending_may_reach(outcome, packet, was_update):
    next_ = after_send(outcome, packet=packet, was_update=was_update)

    assert next_.state in TRANSITIONS[State.SENDING]


@pytest.mark.parametrize(
    ("outcome", "state", "wait"),
    [
        (Outcome.DELIVERED, State.DELIVERED, Wait.NOW),
        # Nobody knows which of them is meant.
        (Outcome.REJECTED, State.RETRYING, Wait.NOW),
        (Outcome.EXISTS, State.RETRYING, Wait.NOW),
        (Outcome.MISSING, State.RETRYING, Wait.NOW),
        # Some of them may be there.
        (Outcome.UNRECOGNISED, State.UNKNOWN, Wait.NOW),
        (Outcome.UNKNOWN, State.UNKNOWN, Wait.NOW),
        (Outcome.NOT_SENT, State.RETRYING, Wait.BACKOFF),
        (Outcome.WITHHELD, State.RETRYING, Wait.BACKOFF),
        (Outcome.BUSY, State.RETRYING, Wait.BACKOFF),
        (Outcome.TARGET, State.RETRYING, Wait.BACKOFF),
    ],
    ids=lambda value: value.value,
)
def test_a_row_among_others_ends_in(outcome, state, wait):
    next_ = after_send(outcome, packet=Packet.PROGRESS, was_update=False, rows=5)

    assert (next_.state, next_.wait) == (state, wait)


@pytest.mark.parametrize("packet", Packet, ids=lambda value: value.value)
@pytest.mark.parametrize("was_update", [False, True])
def test_never_seen_answers_of_a_suspect_target_leave_the_fate_open(packet, was_update):
    next_ = after_send(
        Outcome.UNRECOGNISED, packet=packet, was_update=was_update, target_is_suspect=True
    )

    assert (next_.state, next_.wait) == (State.UNKNOWN, Wait.BACKOFF)
    assert next_.portal_has_dossier is None


@pytest.mark.parametrize(
    "outcome",
    [one for one in Outcome if one is not Outcome.UNRECOGNISED],
    ids=lambda one: one.value,
)
def test_a_suspect_target_changes_nothing_for_answers_that_are_understood(outcome):
    def decide(*, target_is_suspect):
        return after_send(
            outcome, packet=Packet.DOSSIER, was_update=False, target_is_suspect=target_is_suspect
        )

    assert decide(target_is_suspect=True) == decide(target_is_suspect=False)


@pytest.mark.parametrize(
    ("due_seconds", "wait_seconds", "seconds"),
    [(10, None, 10), (10, 60, 60), (90, 60, 90), (None, 60, None)],
)
def test_a_message_is_not_due_before_its_target_wants_it(due_seconds, wait_seconds, seconds):
    def at(number):
        return None if number is None else NOW + timedelta(seconds=number)

    wait = None if wait_seconds is None else timedelta(seconds=wait_seconds)

    assert not_before_retry_after(at(due_seconds), retry_after=wait, now=NOW) == at(seconds)


def test_exists_on_an_add_makes_the_next_attempt_an_update():
    next_ = after_send(Outcome.EXISTS, packet=Packet.DOSSIER, was_update=False)

    assert next_.portal_has_dossier is True


def test_missing_on_an_update_makes_a_later_attempt_an_add():
    next_ = after_send(Outcome.MISSING, packet=Packet.DOSSIER, was_update=True)

    # Not at once: a portal that says 'exists' to the add is not asked in a tight circle.
    assert (next_.state, next_.wait) == (State.RETRYING, Wait.BACKOFF)
    assert next_.portal_has_dossier is False


@pytest.mark.parametrize(
    ("packet", "was_update"), [(Packet.DOSSIER, False), (Packet.PROGRESS, False)]
)
def test_missing_on_what_is_no_update_is_quarantined(packet, was_update):
    next_ = after_send(Outcome.MISSING, packet=packet, was_update=was_update)

    assert (next_.state, next_.wait) == (State.QUARANTINED, Wait.PERSON)


def test_exists_on_an_update_is_quarantined_instead_of_going_round_for_ever():
    next_ = after_send(Outcome.EXISTS, packet=Packet.DOSSIER, was_update=True)

    assert (next_.state, next_.wait) == (State.QUARANTINED, Wait.PERSON)


def _look_up(answer, *, packet=Packet.DOSSIER, was_update=False, content=True, resend=False, age=0):
    return after_look_up(
        answer,
        fate=OpenFate(
            packet=packet,
            was_update=was_update,
            document_digest="aa",
            unknown_since=NOW - timedelta(seconds=age),
        ),
        rules=LookUpRules(
            shows_content=content, quiet_period=QUIET, resend_unproven_progress=resend
        ),
        now=NOW,
    )


OURS = LookUp(found=Found.PRESENT, digest="aa")
OTHER = LookUp(found=Found.PRESENT, digest="bb")
BARE = LookUp(found=Found.PRESENT)
ABSENT = LookUp(found=Found.ABSENT)
FAILED = LookUp(found=Found.FAILED)


@pytest.mark.parametrize(
    ("answer", "was_update", "age", "state", "wait"),
    [
        (OURS, False, 0, State.DELIVERED, Wait.NOW),
        (OURS, True, 0, State.DELIVERED, Wait.NOW),
        (BARE, False, 0, State.DELIVERED, Wait.NOW),
        (BARE, True, 0, State.READY, Wait.NOW),
        (OTHER, True, 59, State.UNKNOWN, Wait.QUIET),
        (OTHER, True, 60, State.READY, Wait.NOW),
        (OTHER, False, 61, State.READY, Wait.NOW),
        (ABSENT, False, 0, State.UNKNOWN, Wait.QUIET),
        (ABSENT, False, 59, State.UNKNOWN, Wait.QUIET),
        (ABSENT, False, 60, State.READY, Wait.NOW),
        (FAILED, False, 3600, State.UNKNOWN, Wait.BACKOFF),
        (FAILED, True, 3600, State.UNKNOWN, Wait.BACKOFF),
    ],
)
def test_a_look_up_of_a_snapshot(answer, was_update, age, state, wait):
    next_ = _look_up(answer, was_update=was_update, age=age)

    assert (next_.state, next_.wait) == (state, wait)


def test_an_absence_is_learnt_only_after_the_quiet_period():
    assert _look_up(ABSENT, age=1).portal_has_dossier is None
    assert _look_up(ABSENT, age=61).portal_has_dossier is False


def test_other_content_at_the_portal_makes_the_resend_an_update():
    assert _look_up(OTHER, age=61).portal_has_dossier is True


@pytest.mark.parametrize(
    ("answer", "content", "resend", "age", "state", "wait"),
    [
        (
            LookUp(found=Found.PRESENT, progress_digests=frozenset({"aa"})),
            True,
            False,
            0,
            State.DELIVERED,
            Wait.NOW,
        ),
        (
            LookUp(found=Found.PRESENT, progress_digests=frozenset({"bb"})),
            True,
            False,
            10,
            State.UNKNOWN,
            Wait.QUIET,
        ),
        (
            LookUp(found=Found.PRESENT, progress_digests=frozenset({"bb"})),
            True,
            False,
            61,
            State.READY,
            Wait.NOW,
        ),
        (BARE, False, False, 9999, State.UNKNOWN, Wait.PERSON),
        (BARE, False, True, 10, State.UNKNOWN, Wait.QUIET),
        (BARE, False, True, 61, State.READY, Wait.NOW),
    ],
    ids=["shown", "not shown yet", "not shown", "unprovable", "rule, early", "rule, late"],
)
def test_a_look_up_of_a_progress_row(answer, content, resend, age, state, wait):  # fmt: skip
    next_ = _look_up(answer, packet=Packet.PROGRESS, content=content, resend=resend, age=age)

    assert (next_.state, next_.wait) == (state, wait)
