"""The quirks of real portals, by name, as each channel sees them, and what they leave behind."""

from __future__ import annotations

import pytest

from lienthong.channels.port import Found, Outcome
from tests.integration.sandbox.test_adapter import ADD

CODE = "H29.14-261124-0001"
QUICK = {"delay_seconds": 0.2}


@pytest.mark.parametrize(
    ("mode", "outcome", "effects"),
    [
        ("fault_200", Outcome.UNKNOWN, 0),
        ("success_text", Outcome.UNRECOGNISED, 0),
        ("exists_negative", Outcome.EXISTS, 0),
        ("note_limit", Outcome.DELIVERED, 1),
        ("empty", Outcome.UNRECOGNISED, 1),
        ("truncated", Outcome.UNKNOWN, 1),
        ("wrong_charset", Outcome.UNRECOGNISED, 1),
        ("slow_drip", Outcome.DELIVERED, 1),
        ("clock_ahead", Outcome.UNKNOWN, 1),
        ("answers_differ", Outcome.UNKNOWN, 1),
        ("forgets", Outcome.DELIVERED, 0),
    ],
)
def test_over_soap(start, connect, agency, mode, outcome, effects):
    sandbox = start()
    channel = connect(sandbox)
    sandbox.misbehave(mode, **QUICK)

    answer = channel.send(agency.request(1))

    assert (answer.outcome, len(sandbox.ledger().effects)) == (outcome, effects), answer.detail


@pytest.mark.parametrize(
    ("mode", "outcome", "effects"),
    [
        ("fault_200", Outcome.UNRECOGNISED, 0),
        ("success_text", Outcome.UNRECOGNISED, 0),
        ("exists_negative", Outcome.EXISTS, 0),
        ("empty", Outcome.UNRECOGNISED, 1),
        ("truncated", Outcome.UNKNOWN, 1),
        ("wrong_charset", Outcome.UNRECOGNISED, 1),
        ("slow_drip", Outcome.DELIVERED, 1),
        ("clock_ahead", Outcome.DELIVERED, 1),
        ("code_number", Outcome.DELIVERED, 1),
        ("text_answer", Outcome.UNRECOGNISED, 1),
        ("wrapped", Outcome.UNRECOGNISED, 1),
        ("answers_differ", Outcome.UNKNOWN, 1),
        ("forgets", Outcome.DELIVERED, 0),
    ],
)
def test_over_json(start, connect_json, mode, outcome, effects):
    sandbox = start(channel="dvcqg-json")
    channel = connect_json(sandbox)
    sandbox.misbehave(mode, **QUICK)

    answer = channel.send(ADD)

    assert (answer.outcome, len(sandbox.ledger().effects)) == (outcome, effects), answer.detail


def test_a_message_is_answered_differently_each_time_and_takes_effect_once(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    sandbox.misbehave("answers_differ")

    request = agency.request(1)
    answers = [channel.send(request) for _ in range(4)]

    assert [answer.outcome for answer in answers] == [
        Outcome.UNKNOWN,
        Outcome.EXISTS,
        Outcome.DELIVERED,
        Outcome.DELIVERED,
    ]
    assert len(sandbox.ledger().effects) == 1


def test_a_portal_that_forgets_said_yes_and_knows_nothing(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    assert channel.send(agency.request(1)).outcome is Outcome.DELIVERED
    sandbox.misbehave("forgets", count=1)

    assert channel.send(agency.request(2, is_updating=True)).outcome is Outcome.DELIVERED

    request = agency.request(3, is_updating=True)
    assert channel.look_up(agency_code=agency.code, dossier_code=CODE).found is Found.ABSENT
    assert channel.send(request).code == "4"


def test_a_long_note_is_refused_and_a_short_one_is_not(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    sandbox.misbehave("note_limit", limit=1000)

    refused = channel.send(agency.request(1, GhiChu="ạ" * 1001))
    taken = channel.send(agency.request(2, GhiChu="ạ" * 1000))

    assert (refused.outcome, refused.code) == (Outcome.REJECTED, "-1")
    assert "GhiChu dài 1001 ký tự, Cổng chỉ nhận 1000" in refused.message
    assert taken.outcome is Outcome.DELIVERED


def test_a_clock_that_is_ahead_is_told_from_a_bad_receipt(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    sandbox.misbehave("clock_ahead", count=1)

    ahead = channel.send(agency.request(1))

    assert ahead.outcome is Outcome.UNKNOWN
    assert "ahead of our time" in ahead.detail


@pytest.mark.parametrize("charset", ["windows-1258", "utf-16"])
def test_an_answer_in_another_charset_is_no_answer(start, connect_json, charset):
    sandbox = start(channel="dvcqg-json")
    sandbox.misbehave("wrong_charset", charset=charset)

    answer = connect_json(sandbox).send(ADD)

    assert answer.outcome is Outcome.UNRECOGNISED
    assert ("UTF-16" if charset == "utf-16" else "not UTF-8") in answer.detail
