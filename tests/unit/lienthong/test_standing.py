"""Alive and ready: what an answer says, and that one always comes."""

import asyncio
import json
from contextlib import closing
from threading import Event

import pytest

from lienthong.web.standing import Standing

NEEDS = ("store", "broker")


def asked(standing, question):
    answer = asyncio.run(getattr(standing, question)())
    return answer.status_code, json.loads(answer.body)


@pytest.mark.parametrize(
    ("found", "status", "word"),
    [
        ({"store": True, "broker": True}, 200, "ok"),
        ({"store": True, "broker": False}, 503, "failed"),
    ],
)
def test_it_is_ready_when_all_that_it_needs_is_there(found, status, word):
    with closing(Standing(lambda: found, needs=NEEDS)) as standing:
        answered, body = asked(standing, "ready")

    assert (answered, body["status"]) == (status, word)
    assert {name: text == "ok" for name, text in body["checks"].items()} == found


def test_what_does_not_answer_is_not_there_and_the_loop_turns_meanwhile():
    over = Event()

    def frozen():
        over.wait(60)
        return dict.fromkeys(NEEDS, True)

    with closing(Standing(frozen, needs=NEEDS, patience_seconds=0.05)) as standing:
        for _ in range(5):
            assert asked(standing, "live") == (200, {"status": "ok"})
            assert asked(standing, "ready") == (
                503,
                {"status": "failed", "checks": {"store": "failed", "broker": "failed"}},
            )
        over.set()
