"""Where a problem stands: every decision, with and without failures after it."""

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.channels.port import Outcome, Packet
from lienthong.decisions import after_send
from lienthong.delivery_causes import ABOUT, BY_CODE, DeliveryCause
from lienthong.owners import STEP_WORDS, Owner, Step, owner_of_finding, steps_of_finding
from lienthong.problem_states import AFTER, ALLOWED, EVENTS, Act, GroupState, standing
from lienthong.reasons import REASONS

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BEFORE, AFTERWARDS = NOW - timedelta(seconds=1), NOW + timedelta(microseconds=1)
WORDS = """
decided       when  failed  stand > state         again itself
open          -     before  1     > open          no    no
open          -     before  0     > resolved      no    yes
open          now   before  0     > open          no    no
open          now   after   0     > open          no    no
acknowledged  now   before  1     > acknowledged  no    no
acknowledged  now   after   1     > acknowledged  no    no
acknowledged  now   after   0     > resolved      no    yes
resolved      now   before  1     > resolved      no    no
resolved      now   now     1     > resolved      no    no
resolved      now   after   1     > open          yes   no
resolved      now   after   0     > resolved      yes   yes
ignored       now   after   1     > ignored       no    no
ignored       now   before  0     > ignored       no    no
"""
TIMES = {"-": None, "now": NOW, "before": BEFORE, "after": AFTERWARDS}
CASES = [line.split() for line in WORDS.strip().splitlines()[1:]]


@pytest.mark.parametrize("case", CASES, ids=[" ".join(case) for case in CASES])
def test_where_a_problem_stands_follows_from_the_decision_and_the_failures(case):
    decided, when, failed, stand, _, state, again, itself = case

    found = standing(
        GroupState(decided), decided_at=TIMES[when], last_at=TIMES[failed], affected=int(stand)
    )

    assert (found.state.value, found.is_reopened, found.is_by_itself) == (
        state,
        again == "yes",
        itself == "yes",
    )


def test_every_act_is_possible_from_somewhere_and_never_where_it_leads():
    assert AFTER.keys() == ALLOWED.keys() == EVENTS.keys() == set(Act)
    for act in Act:
        assert ALLOWED[act]
        assert AFTER[act] not in ALLOWED[act]


def test_every_cause_of_a_delivery_has_words_an_owner_and_a_step():
    assert ABOUT.keys() == set(DeliveryCause)
    assert BY_CODE.keys() == {cause.value for cause in DeliveryCause}
    for about in ABOUT.values():
        assert about.steps
        for text in (about.message, about.remedy, about.to_agency):
            assert text is None or (text.vi and text.en and text.vi != text.en)


def test_every_step_has_words():
    assert STEP_WORDS.keys() == set(Step)


def test_whatever_stops_a_message_after_an_attempt_has_a_cause_and_words_in_vietnamese():
    goes_on = {Outcome.DELIVERED, Outcome.EXISTS, Outcome.MISSING}
    for outcome in Outcome:
        for packet in (Packet.DOSSIER, Packet.PROGRESS):
            for suspect in (False, True):
                found = after_send(
                    outcome, packet=packet, was_update=False, target_is_suspect=suspect
                )
                if found.cause is None:
                    assert outcome in goes_on
                assert not found.reason or found.reason in REASONS


@pytest.mark.parametrize(
    ("code", "is_down", "owner"),
    [
        ("mapping.code_unknown", False, Owner.AGENCY),
        ("mapping.code_unknown", True, Owner.PORTAL),
        ("attachment.not_there_yet", False, Owner.AGENCY),
        ("attachment.store", False, Owner.US),
        ("conversion.kills_worker", False, Owner.US),
        ("certificate.expired", False, Owner.AUTHORITY),
        ("nobody.knows", False, Owner.AGENCY),
    ],
)
def test_who_must_act_about_a_finding(code, is_down, owner):
    assert owner_of_finding(code, is_down=is_down) is owner


def test_what_whoever_writes_the_mapping_can_do_is_one_more_step():
    assert steps_of_finding(Owner.AGENCY, by_mapping=True) == (Step.CORRECT, Step.REISSUE)
    assert steps_of_finding(Owner.US, by_mapping=True) == (Step.CONFIGURE, Step.REISSUE)
