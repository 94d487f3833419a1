"""Every way the sandbox misbehaves, as a channel sees it, and what it left behind."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest

from lienthong.channels.port import Found, Outcome, Packet
from lienthong.sandbox import Misbehaviour, Mode

DOSSIER = "H29.14-261124-0001"


@pytest.mark.parametrize(
    ("mode", "outcome", "effects"),
    [
        ("commit_then_drop", Outcome.UNKNOWN, 1),
        ("drop_before", Outcome.UNKNOWN, 0),
        ("fault", Outcome.UNKNOWN, 0),
        ("unavailable", Outcome.BUSY, 0),
        ("too_many", Outcome.BUSY, 0),
        ("maintenance", Outcome.UNRECOGNISED, 0),
        ("unknown_code", Outcome.UNRECOGNISED, 0),
        ("unknown_success", Outcome.UNRECOGNISED, 1),
        ("reject", Outcome.REJECTED, 0),
        ("exists", Outcome.EXISTS, 0),
        ("refuse", Outcome.NOT_SENT, 0),
        ("slow", Outcome.DELIVERED, 1),
    ],
)
def test_a_mode_is_seen_as_what_it_is_and_ends_when_cleared(
    start, connect, agency, mode, outcome, effects
):
    sandbox = start()
    channel = connect(sandbox)
    request = agency.request(1)
    sandbox.misbehave(mode, **({"delay_seconds": 0.1} if mode == "slow" else {}))

    answer = channel.send(request)

    assert answer.outcome is outcome
    assert len(sandbox.ledger().effects) == effects
    assert len(sandbox.ledger().arrivals) == (0 if mode == "refuse" else 1)
    sandbox.clear()
    assert channel.send(request).outcome is Outcome.DELIVERED
    assert len(sandbox.ledger().effects) == 1


@pytest.mark.parametrize("mode", ["unavailable", "too_many"])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_portal_may_say_how_long_it_wants_to_be_left_alone(start, connect, agency, mode, form):
    sandbox = start()
    channel = connect(sandbox, look_up_attempts=3)
    sandbox.misbehave(mode, retry_after_seconds=120, retry_after_form=form)

    answer = channel.send(agency.request(1))
    found = channel.look_up(agency_code=agency.code, dossier_code=DOSSIER)

    assert (answer.outcome, found.found) == (Outcome.BUSY, Found.FAILED)
    # The two headers of a date are written in whole seconds, one after the other.
    assert 119 <= answer.retry_after.total_seconds() <= 120
    assert 119 <= found.retry_after.total_seconds() <= 120
    assert len(sandbox.ledger().arrivals) == 2, "the look-up was not repeated at once"


def test_a_wait_is_cut_to_the_profiles_limit(start, connect, agency):
    sandbox = start()
    sandbox.misbehave("unavailable", retry_after_seconds=86_400 * 365)

    answer = connect(sandbox, retry_after_limit_seconds=90).send(agency.request(1))

    assert answer.retry_after == timedelta(seconds=90)


def test_a_success_said_in_an_unheard_of_way_is_found_by_looking_it_up(
    start, connect, agency, digest_of
):
    sandbox = start()
    channel = connect(sandbox)
    sandbox.misbehave("unknown_success")
    request = agency.request(1)

    answer = channel.send(request)
    found = channel.look_up(agency_code=agency.code, dossier_code=DOSSIER)

    assert (answer.outcome, answer.code) == (Outcome.UNRECOGNISED, "9999")
    assert (found.found, found.digest) == (Found.PRESENT, digest_of(request))


def test_a_maintenance_page_answers_look_ups_too(start, connect, agency):
    sandbox = start()
    sandbox.misbehave("maintenance")

    found = connect(sandbox).look_up(agency_code=agency.code, dossier_code=DOSSIER)

    assert found.found is Found.FAILED


def test_a_late_answer_leaves_the_fate_unknown_and_the_effect_comes(start, connect, agency):
    sandbox = start()
    sandbox.misbehave("slow", delay_seconds=1, count=1)
    channel = connect(sandbox, read_timeout_seconds=0.3)

    answer = channel.send(agency.request(1))

    assert answer.outcome is Outcome.UNKNOWN
    assert sandbox.ledger().effects == ()
    sandbox.misbehave("slow", delay_seconds=1.5, count=1)
    channel = connect(sandbox)
    assert channel.look_up(agency_code=agency.code, dossier_code=DOSSIER).found is Found.PRESENT


def test_an_effect_without_an_answer_is_found_by_looking_it_up(start, connect, agency, digest_of):
    sandbox = start()
    channel = connect(sandbox)
    sandbox.misbehave("commit_then_drop")
    request = agency.request(1)

    lost = channel.send(request)
    found = channel.look_up(agency_code=agency.code, dossier_code=DOSSIER)

    assert lost.outcome is Outcome.UNKNOWN
    assert (found.found, found.digest) == (Found.PRESENT, digest_of(request))


def test_refusing_closes_kept_connections_and_the_port_comes_back(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    channel.send(agency.request(1))

    sandbox.misbehave("refuse")
    refused = channel.send(agency.request(2, packet=Packet.PROGRESS))
    sandbox.clear()
    accepted = channel.send(agency.request(2, packet=Packet.PROGRESS))

    assert (refused.outcome, accepted.outcome) == (Outcome.NOT_SENT, Outcome.DELIVERED)


def test_refusing_ends_by_itself(start, connect, agency):
    channel = connect(start(schedule=(Misbehaviour(mode=Mode.REFUSE, for_seconds=0.5),)))
    request = agency.request(1)

    outcomes = [channel.send(request).outcome]
    while outcomes[-1] is Outcome.NOT_SENT:
        Event().wait(0.05)
        outcomes.append(channel.send(request).outcome)

    assert outcomes[0] is Outcome.NOT_SENT
    assert outcomes[-1] is Outcome.DELIVERED


def test_a_count_ends_by_itself(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    request = agency.request(1)
    sandbox.misbehave("unavailable", count=2)

    outcomes = [channel.send(request).outcome for _ in range(3)]

    assert outcomes == [Outcome.BUSY, Outcome.BUSY, Outcome.DELIVERED]
    assert sandbox.state()["misbehaviour"] == []


def test_a_pattern_hits_only_its_dossiers(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    sandbox.misbehave("reject", pattern="*-0002")

    outcomes = [
        channel.send(agency.request(number, MaHoSo=f"H29.14-261124-000{number}")).outcome
        for number in (1, 2, 3)
    ]

    assert outcomes == [Outcome.DELIVERED, Outcome.REJECTED, Outcome.DELIVERED]


def test_a_share_hits_the_same_requests_for_the_same_seed(start, connect, agency, tmp_path):
    request = agency.request(1)

    def run(name):
        sandbox = start(ledger=tmp_path / name, seed=7)
        channel = connect(sandbox)
        sandbox.misbehave("unavailable", share=0.5)
        return [channel.send(request).outcome for _ in range(12)]

    first, second = run("a.sqlite"), run("b.sqlite")

    assert first == second
    assert {Outcome.BUSY, Outcome.DELIVERED} == set(first)


def test_a_schedule_holds_from_the_start(start, connect, agency):
    schedule = (
        Misbehaviour(mode=Mode.UNAVAILABLE, count=1),
        Misbehaviour(mode=Mode.FAULT, after_seconds=3600),
    )
    sandbox = start(schedule=schedule)

    outcomes = [connect(sandbox).send(agency.request(1)).outcome for _ in range(2)]

    assert outcomes == [Outcome.BUSY, Outcome.DELIVERED]
    assert [order["mode"] for order in sandbox.state()["misbehaviour"]] == ["fault"]


@pytest.mark.parametrize(
    "order",
    [
        {"mode": "explode"},
        {"mode": "slow", "share": 0},
        {"mode": "slow", "share": 2},
        {"mode": "slow", "unheard": 1},
        {"mode": "refuse", "count": 1},
        {"mode": "fault", "retry_after_seconds": 1},
        {"mode": "unavailable", "retry_after_seconds": 1, "retry_after_form": "soon"},
        {},
    ],
)
def test_a_wrong_order_is_refused_in_words(start, order):
    sandbox = start()

    answer = sandbox.http.request(
        "POST", f"{sandbox.control_url}/misbehave", body=json.dumps(order)
    )

    assert answer.status == 400
    assert answer.json()["error"]
    assert sandbox.state()["misbehaviour"] == []


def test_many_at_once_have_one_effect_each(start, connect, agency):
    sandbox = start()
    channel = connect(sandbox)
    requests = [
        agency.request(number, MaHoSo=f"H29.14-261124-{number:04d}") for number in range(20)
    ]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(channel.send, requests * 3))

    assert {answer.outcome for answer in answers} == {Outcome.DELIVERED}
    ledger = sandbox.ledger()
    assert (len(ledger.arrivals), len(ledger.effects), ledger.doubled_effects) == (60, 20, ())
    assert ledger.repeats == 40
