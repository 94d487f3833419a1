"""Operators who asked for Vietnamese get it, whatever the state of a message."""

import itertools
from datetime import UTC, datetime, timedelta

from lienthong.channels.port import Found, LookUp, Outcome, Packet
from lienthong.decisions import LookUpRules, OpenFate, after_look_up, after_send
from lienthong.reasons import REASONS

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FLAGS = (False, True)


def test_every_reason_of_a_send_is_in_vietnamese():
    reasons = {
        after_send(outcome, packet=packet, was_update=was_update).reason
        for outcome, packet, was_update in itertools.product(Outcome, Packet, FLAGS)
    }

    assert reasons - {""} <= set(REASONS)


def test_every_reason_of_a_look_up_is_in_vietnamese():
    answers = [LookUp(found=found) for found in Found]
    answers += [
        LookUp(found=Found.PRESENT, digest="ours", progress_digests=frozenset({"ours"})),
        LookUp(found=Found.PRESENT, digest="other"),
    ]
    reasons = set()
    for answer, packet, update, content, resend, age in itertools.product(
        answers, Packet, FLAGS, FLAGS, FLAGS, (0, 3600)
    ):
        fate = OpenFate(
            packet=packet,
            was_update=update,
            document_digest="ours",
            unknown_since=NOW - timedelta(seconds=age),
        )
        rules = LookUpRules(
            shows_content=content,
            quiet_period=timedelta(seconds=60),
            resend_unproven_progress=resend,
        )
        reasons.add(after_look_up(answer, fate=fate, rules=rules, now=NOW).reason)

    assert len(reasons) >= 8
    assert reasons <= set(REASONS)
