"""How hints and backlog share the calls of each lane."""

from lienthong.flows.backlog import Backlog

NOW = 50.0
SOON = NOW + 0.1


def test_all_lanes_are_looked_at_once_a_second_and_those_that_are_behind_at_once():
    backlog = Backlog()
    asked = backlog.shares({"land": 4, "health": 2, "tax": 0}, taken=["land"], now=NOW)
    assert asked == {"land": 3, "health": 2}

    backlog.note(asked, full={"land"}, now=NOW)

    assert backlog.shares({"land": 1, "health": 2}, taken=[], now=SOON) == {"land": 1}
    later = NOW + 1
    assert backlog.shares({"land": 1, "health": 2}, taken=[], now=later) == {"land": 1, "health": 2}


def test_a_lane_that_is_behind_never_keeps_the_others_from_being_looked_at():
    backlog = Backlog()
    backlog.note({"land": 4, "health": 4}, full={"land"}, now=NOW)

    looked_at = set()
    for number in range(1, 12):
        now = NOW + 0.1 * number
        asked = backlog.shares({"land": 4, "health": 4}, taken=[], now=now)
        backlog.note(asked, full={"land"}, now=now)
        looked_at |= asked.keys()

    assert looked_at == {"land", "health"}


def test_a_lane_that_is_full_stays_behind_until_it_was_asked():
    backlog = Backlog()
    backlog.note({"land": 4}, full={"land"}, now=NOW)

    backlog.note(backlog.shares({"land": 0}, taken=[], now=SOON), full=(), now=SOON)

    assert not backlog.waits({"land": 0})
    assert backlog.waits({"land": 2})
    assert backlog.for_hints({"land": 3, "health": 3}) == {"land": 2, "health": 3}


def test_who_was_turned_away_is_looked_for_as_soon_as_there_is_room():
    backlog = Backlog()
    backlog.note({None: 8}, full=(), now=NOW)
    assert backlog.shares({None: 8}, taken=[], now=SOON) == {}

    backlog.turn_away(None)

    assert backlog.shares({None: 8}, taken=[None] * 3, now=SOON) == {None: 5}
