"""Which tasks share a call."""

from datetime import UTC, datetime

import pytest

from lienthong.channels.port import Answer, Found, LookUp, Outcome, Packet
from lienthong.flows.calls import group, may_share, said_by_target, spare_rows
from lienthong.store.delivery import Task

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def task(name, *, agency="land", packet=Packet.PROGRESS, number=1, is_look_up=False):
    code = f"D-{name}"
    return Task(
        ledger=code,
        dossier_code=code,
        agency=agency,
        fence=1,
        message_id=name,
        packet=packet,
        number=number,
        is_look_up=is_look_up,
        is_updating=False,
        document=b"",
        document_digest="",
        file=None,
        failures=0,
        unknown_since=None,
        made_at=AT,
        begun_at=AT,
    )


def names(tasks, *, rows):
    led = [(one, None) for one in tasks]
    return ["".join(task.message_id for task, _ in call) for call in group(led, rows=rows)]


def test_without_the_setting_each_row_is_a_call():
    assert names([task("a"), task("b")], rows=1) == ["a", "b"]
    assert spare_rows([(task("a"), None)], rows=1) == {}


def test_rows_share_calls_in_their_order_up_to_the_most():
    assert names([task(name) for name in "abcdefg"], rows=3) == ["abc", "def", "g"]


@pytest.mark.parametrize(
    "other",
    [
        task("x", packet=Packet.DOSSIER),
        task("x", packet=Packet.INBOUND),
        task("x", is_look_up=True),
        task("x", number=2),
    ],
    ids=["a dossier", "to an agency", "a look-up", "a row that was tried"],
)
def test_what_is_not_the_first_attempt_of_a_row_goes_alone(other):
    assert not may_share(other)
    assert names([other, task("a"), other, task("b")], rows=5) == ["x", "ab", "x"]


def test_rows_of_two_agencies_share_no_call():
    rows = [task("a"), task("b", agency="health"), task("c"), task("d", agency="health")]

    assert names(rows, rows=5) == ["ac", "bd"]


def test_calls_have_room_for_what_their_last_one_lacks():
    rows = [*(task(name) for name in "abcd"), task("e", agency="health"), task("f", number=2)]

    assert spare_rows([(one, None) for one in rows], rows=3) == {"land": 2, "health": 2}
    assert spare_rows([(one, None) for one in rows[:3]], rows=3) == {}


def test_what_the_target_said_is_not_what_was_left_out():
    left_out, said = Answer(outcome=Outcome.UNSENDABLE), Answer(outcome=Outcome.BUSY)
    found = LookUp(found=Found.ABSENT)

    assert said_by_target([left_out, said, said]) is said
    assert said_by_target([left_out]) is left_out
    assert said_by_target([found]) is found
