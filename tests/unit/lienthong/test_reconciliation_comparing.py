"""Every answer of the portal beside everything we may know: what agrees, and what does not."""

from datetime import UTC, datetime, timedelta

import pytest

from lienthong.admission import Known
from lienthong.channels.port import Found, LookUp, Packet
from lienthong.discrepancies import NEXT_STEPS, WORDS, Kind
from lienthong.reconciliation.comparing import CompareRules, compare, waiting
from lienthong.states import State
from lienthong.store.standings import Delivered, Ours

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RULES = CompareRules(shows_content=True, quiet_period=timedelta(minutes=10))
BLIND = CompareRules(shows_content=False, quiet_period=timedelta(minutes=10))


def delivered(message_id, *, hours=5, status="4"):
    return Delivered(
        message_id=message_id,
        digest=f"digest-{message_id}",
        status=status,
        at=NOW - timedelta(hours=hours),
        is_last=True,
    )


def ours(*snapshots, progress=(), turn=None):
    return Ours(
        code="D-1",
        agency="land",
        snapshots=list(snapshots),
        progress=list(progress),
        turn=None if turn is None else known(turn),
    )


def known(state):
    return Known(
        id="m9",
        agency="land",
        sequence=9,
        packet=Packet.DOSSIER,
        state=state,
        content_digest="c",
        version=None,
        submission_id="s1",
        record=1,
    )


def shown(message_id, *progress, **more):
    return LookUp(
        found=Found.PRESENT,
        message_id=message_id,
        digest=f"digest-{message_id}",
        progress_digests=frozenset(f"digest-{one}" for one in progress),
        **more,
    )


def kind_of(mine, found, rules=RULES, now=NOW):
    judged = compare(mine, found, rules=rules, now=now)
    return None if judged is None else judged.kind


M1, M2, P1 = delivered("m1", hours=9), delivered("m2"), delivered("p1", hours=1, status=None)


@pytest.mark.parametrize(
    ("mine", "found", "expected"),
    [
        (ours(M1), shown("m1"), None),
        (ours(M1), shown("m1", status="4"), None),
        (ours(M1), shown("m1", status="9"), Kind.DIFFERENT),
        (ours(M1, progress=[P1]), shown("m1", "p1", status="9"), None),
        (ours(M1), LookUp(found=Found.ABSENT), Kind.MISSING),
        (ours(M1), LookUp(found=Found.FAILED), Kind.UNPROVEN),
        (ours(M1), LookUp(found=Found.WITHHELD), Kind.UNPROVEN),
        (ours(M1), LookUp(found=Found.FAILED, copies=2), Kind.DOUBLED),
        (ours(M1, M2), shown("m1"), Kind.STALE),
        (ours(M1, M2), shown("m2"), None),
        (ours(M1), shown("m7"), Kind.DIFFERENT),
        (ours(M1, progress=[P1]), shown("m1"), Kind.DIFFERENT),
        (ours(M1), shown("m1", "p7"), Kind.DIFFERENT),
        (ours(M1, progress=[P1]), shown("m1", "p1", repeated_progress=1), Kind.DOUBLED),
        (ours(), LookUp(found=Found.PRESENT), Kind.UNEXPECTED),
        (ours(), LookUp(found=Found.ABSENT), None),
        (ours(M1, turn=State.UNKNOWN), LookUp(found=Found.ABSENT), None),
        (ours(M1, turn=State.PARKED), LookUp(found=Found.ABSENT), Kind.MISSING),
    ],
)
def test_what_the_portal_says_beside_what_we_know(mine, found, expected):
    assert kind_of(mine, found) is expected


def test_a_message_id_of_ours_with_other_content_is_different_and_never_stale():
    found = LookUp(found=Found.PRESENT, message_id="m1", digest="another")

    judged = compare(ours(M1, M2), found, rules=RULES, now=NOW)

    assert judged.kind is Kind.DIFFERENT
    assert [(one.field, one.ours, one.theirs) for one in judged.fields] == [
        ("MaBanTin", "m2", "m1"),
        ("GiaTriBam", "digest-m2", "another"),
    ]


def test_an_absence_proves_nothing_before_the_quiet_period_is_over():
    fresh = ours(delivered("m1", hours=0))

    assert kind_of(fresh, LookUp(found=Found.ABSENT)) is Kind.UNPROVEN
    later = NOW + timedelta(minutes=11)
    assert kind_of(fresh, LookUp(found=Found.ABSENT), now=later) is Kind.MISSING


def test_content_that_a_target_is_not_known_to_show_proves_nothing():
    assert kind_of(ours(M1), shown("m7"), rules=BLIND) is None
    assert kind_of(ours(M1), shown("m7", status="9"), rules=BLIND) is Kind.DIFFERENT


def test_what_waits_is_told_beside_what_was_delivered():
    late = waiting(ours(M1, turn=State.PARKED), now=NOW)

    assert (late.kind, late.message_id, late.detail) == (Kind.WAITING, "m9", "parked")
    assert waiting(ours(M1), now=NOW) is None


def test_every_kind_has_words_and_a_next_step():
    assert set(WORDS) == set(NEXT_STEPS) == set(Kind)
