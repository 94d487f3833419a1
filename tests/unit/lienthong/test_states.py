"""Every pair of states, written out: a change that is not in this table must be refused."""

from __future__ import annotations

import itertools

import pytest

from lienthong.states import (
    MAY_DISCARD,
    MAY_RESEND,
    TRANSITIONS,
    UNFINISHED,
    ForbiddenTransition,
    State,
    check_transition,
)

ALLOWED = """
received    > rejected held ready superseded
held        > ready rejected discarded superseded
ready       > sending discarded parked
sending     > delivered unknown retrying parked quarantined
retrying    > sending discarded parked
unknown     > delivered ready
parked      > ready reissued discarded superseded
quarantined > ready reissued discarded
rejected    > reissued discarded superseded
delivered   > reissued ready held
reissued    >
discarded   >
superseded  >
"""
PAIRS = {
    (old.strip(), new)
    for line in ALLOWED.strip().splitlines()
    for old, _, news in [line.partition(">")]
    for new in news.split()
}


@pytest.mark.parametrize(
    ("old", "new"), list(itertools.product(State, State)), ids=lambda state: state.value
)
def test_only_the_written_changes_are_possible(old, new):
    if (old.value, new.value) in PAIRS:
        check_transition(old, new)
    else:
        with pytest.raises(ForbiddenTransition):
            check_transition(old, new)


def test_a_sent_message_never_goes_back_to_waiting_without_asking_the_portal():
    waiting = {State.HELD, State.READY}

    assert not TRANSITIONS[State.SENDING] & waiting


def test_a_message_of_open_fate_is_never_superseded_or_discarded():
    assert TRANSITIONS[State.UNKNOWN] == {State.DELIVERED, State.READY}
    assert State.UNKNOWN not in MAY_DISCARD


def test_every_state_that_is_not_an_end_can_be_left():
    ends = {State.REISSUED, State.DISCARDED, State.SUPERSEDED}

    assert {state for state, after in TRANSITIONS.items() if not after} == ends
    assert not UNFINISHED & ends


def test_an_operator_may_resend_exactly_what_waits_for_somebody_or_is_open():
    assert {State.PARKED, State.QUARANTINED, State.UNKNOWN} == MAY_RESEND
