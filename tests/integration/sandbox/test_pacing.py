"""A pacer, the real channel and a portal in trouble: what is left alone, and how it goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from lienthong.breaker import Breaker
from lienthong.channels.port import Packet
from lienthong.decisions import after_send
from lienthong.pacing import Pace, Pacer
from lienthong.retry import Backoff
from lienthong.states import State

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Drive:
    """Sends one message after the other as the pacer lets it; the clock is ours."""

    def __init__(self, channel, agency):
        self.channel = channel
        self.agency = agency
        self.now = NOW
        self.number = 0
        self.pacer = Pacer(
            breaker=Breaker(
                threshold=5,
                backoff=Backoff(first=2 * SECOND, longest=60 * SECOND),
                random=Random(1),
            )
        )

    def send(self):
        """Wait as long as the pacer wants, send one, and return the state that follows."""
        while self.pacer.allowance(self.now, free=4) == 0:
            self.now = self.pacer.pause_until(self.now)
        self.pacer.let_out(self.now)
        self.number += 1
        request = self.agency.request(self.number, MaHoSo=f"H29.14-261124-{self.number:04d}")
        answer = self.channel.send(request)
        self.pacer.learn(answer, now=self.now)
        next_ = after_send(
            answer.outcome,
            packet=Packet.DOSSIER,
            was_update=False,
            target_is_suspect=self.pacer.suspects(answer, now=self.now),
        )
        return next_.state


@pytest.fixture
def drive(start, connect, agency):
    sandbox = start()
    drive = Drive(connect(sandbox), agency)
    drive.sandbox = sandbox
    return drive


@pytest.mark.parametrize("mode", ["maintenance", "unknown_code", "unknown_success"])
def test_never_seen_answers_of_a_portal_quarantine_two_messages_and_no_more(drive, mode):
    drive.sandbox.misbehave(mode)
    states = [drive.send() for _ in range(8)]

    assert states == [State.QUARANTINED] * 2 + [State.UNKNOWN] * 6
    assert drive.now > NOW + 30 * SECOND, "the portal was left alone for longer and longer"
    drive.sandbox.clear()
    assert [drive.send() for _ in range(8)] == [State.DELIVERED] * 8
    assert drive.pacer.state(drive.now).pace is Pace.CLOSED
    drive.sandbox.misbehave("unknown_code", count=1)
    assert drive.send() is State.QUARANTINED, "one alone is its message's own trouble again"


@pytest.mark.parametrize("mode", ["unavailable", "too_many"])
def test_one_call_that_is_told_to_wait_keeps_all_others_back(drive, mode):
    drive.sandbox.misbehave(mode, retry_after_seconds=45)

    state = drive.send()

    assert state is State.RETRYING
    until = drive.pacer.pause_until(drive.now)
    assert until == NOW + 45 * SECOND
    drive.sandbox.clear()
    assert drive.send() is State.DELIVERED
    assert drive.now == until
    assert len(drive.sandbox.ledger().arrivals) == 2


def test_a_portal_that_nobody_answers_at_is_asked_less_and_less_and_comes_back_by_itself(drive):
    drive.sandbox.misbehave("refuse")
    states = [drive.send() for _ in range(12)]

    assert set(states) == {State.RETRYING}
    assert drive.pacer.state(drive.now).pace is Pace.OPEN
    drive.sandbox.clear()
    assert [drive.send() for _ in range(9)] == [State.DELIVERED] * 9
    assert drive.pacer.allowance(drive.now, free=4) == 4


def test_a_refusal_for_good_is_no_trouble_of_the_portal(drive):
    drive.sandbox.misbehave("reject", count=30)
    states = [drive.send() for _ in range(30)]

    assert (set(states), drive.now) == ({State.PARKED}, NOW)
