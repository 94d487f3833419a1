"""
What a portal can answer, and what becomes of the message: its state, the reason, what is kept.

The sandbox does everything, and its answer is spoiled on the way, so that an effect is there
whatever we are told. Each case is tried on every channel on which it makes sense.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lienthong.flows.replay import Order, Replayer
from lienthong.sandbox import delete_dossiers
from lienthong.states import State
from lienthong.testing.portal_site import dossier_code, record
from tests.integration.show.relay import Spoiled

CHANNELS = ["soap", "dvcqg-json", "lgsp"]
ONLY = dossier_code(1)
PAGE = "<!DOCTYPE html><html><body>Thành công</body></html>".encode()


def as_page(_said):
    return Spoiled(200, PAGE, "text/html; charset=utf-8")


def as_nothing(said):
    return replace(said, body=b"")


def cut(said):
    return replace(said, body=said.body[:-20], announced=len(said.body))


def cut_but_framed(said):
    """A proxy that cuts and announces what is left of it."""
    return replace(said, body=said.body[:-20])


def in_another_charset(said):
    return replace(said, body=said.body.decode().replace("à", "ầ").encode("cp1258", "replace"))


def with_an_error_code(said):
    body = said.body.replace(b"error_code>0<", b"error_code>-1<")
    body = body.replace(b'"error_code": "0"', b'"error_code": "-1"')
    return replace(said, body=body.replace(b'"Status": 0', b'"Status": -1'))


def as_a_failure_in_words(said):
    return replace(said, body=said.body.replace("Thành công".encode(), "Thất bại".encode()))


def as_a_success_in_words(said):
    return replace(said, body=said.body.replace("Hồ sơ bị từ chối".encode(), "Thành công".encode()))


def as_busy(_said):
    return Spoiled(503, b"<html>bao tri</html>", "text/html")


def as_a_gateway_error(_said):
    return Spoiled(502, b"<html>Bad Gateway</html>", "text/html")


SPOILED = {
    "a page": (as_page, "unrecognised"),
    "nothing": (as_nothing, "unrecognised"),
    "cut": (cut, "unknown"),
    "cut by a proxy": (cut_but_framed, "unrecognised"),
    "another charset": (in_another_charset, "unrecognised"),
    "a success text with an error code": (with_an_error_code, "unrecognised"),
    "busy after the commit": (as_busy, "busy"),
    "a gateway's error after the commit": (as_a_gateway_error, "unknown"),
}


MOST_EFFECTS = {"soap": 1, "dvcqg-json": 2, "lgsp": 2}
"""Of one snapshot that a person resends: only message ids let a portal know a repeat."""


def effects_on(portal, dossier=ONLY):
    return portal.ledger.effects_by_dossier.get(dossier, ())


def resend(site, line):
    here = site.installation
    with closing(here.open_broker()) as broker:
        replayer = Replayer(store=here.store, broker=broker, clock=here.clock)
        order = Order(actor="an", reason="đã hỏi Cổng")
        (acted,) = replayer.resend([line.id], order=order)
    assert acted.problem is None
    site.work()


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("case", SPOILED)
def test_a_spoiled_answer_ends_in_the_right_state_with_its_reason(
    open_portal, open_site, spoiling, channel, case
):
    spoil, outcome = SPOILED[case]
    spoiled = []

    def note(said):
        spoiled.append(spoil(said))
        return spoiled[-1]

    portal = open_portal(channel)
    site = open_site(spoiling(portal, note).target)
    site.submit(record(1))
    site.work()
    site.submit(record(2))
    site.work()

    (line,), (other,) = site.messages(ONLY), site.messages(dossier_code(2))
    first = site.show(line).attempts[0]
    assert other.state is State.DELIVERED
    assert first.outcome == outcome, first.detail
    assert first.detail != ""
    assert (first.answer_size or 0) == len(spoiled[0].body)
    if outcome == "unrecognised":
        assert (line.state, line.due_at) == (State.QUARANTINED, None)
        assert line.reason == "an answer never seen before"
        assert len(effects_on(portal)) == 1
        resend(site, line)
    (line,) = site.messages(ONLY)
    assert line.state is State.DELIVERED
    # What is there once more is the very same snapshot as an update, and never a second dossier.
    assert len({effect.digest for effect in effects_on(portal)}) == 1
    assert len(effects_on(portal)) <= MOST_EFFECTS[channel]


@pytest.mark.parametrize("channel", ["dvcqg-json", "lgsp"])
def test_a_success_code_with_words_of_failure_is_looked_at_by_a_person(
    open_portal, open_site, spoiling, channel
):
    portal = open_portal(channel)
    site = open_site(spoiling(portal, as_a_failure_in_words).target)
    site.submit(record(1))
    site.work()

    (line,) = site.messages()
    (attempt,) = site.show(line).attempts
    assert line.state is State.QUARANTINED
    assert attempt.detail.endswith("but the text is one of failure")


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_refusal_in_words_of_success_is_looked_at_by_a_person(
    open_portal, open_site, spoiling, channel
):
    portal = open_portal(channel)
    site = open_site(spoiling(portal, as_a_success_in_words).target)
    portal.misbehave("reject", count=1)
    site.submit(record(1))
    site.work()

    (line,) = site.messages()
    (attempt,) = site.show(line).attempts
    assert (line.state, attempt.outcome) == (State.QUARANTINED, "unrecognised")
    assert attempt.detail.endswith("the text is one of success")


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_error_inside_a_200_parks_its_message_with_code_and_words(both, channel):
    here = both(channel)
    here.portal.misbehave("reject", count=1)
    here.site.submit(record(1))
    here.site.work()

    (line,) = here.site.messages()
    (attempt,) = here.site.show(line).attempts
    assert (line.state, line.reason) == (State.PARKED, "refused by the portal")
    assert (attempt.http_status, attempt.code) == (200, "8")
    assert attempt.message.startswith("Hồ sơ bị từ chối")
    assert effects_on(here.portal) == ()


@pytest.mark.parametrize("channel", ["dvcqg-json", "lgsp"])
def test_a_session_that_ends_between_two_calls_costs_no_attempt(both, channel):
    here = both(channel)
    here.site.submit(record(1))
    here.site.work()
    here.portal.misbehave("session_expired", count=1)
    here.site.submit(record(2))
    here.site.work()

    assert here.site.states() == [State.DELIVERED] * 2
    assert [line.attempts for line in here.site.messages()] == [1, 1]
    assert len(here.portal.ledger.effects) == 2


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_portal_that_commits_and_drops_is_asked_and_nothing_goes_again(both, channel):
    here = both(channel)
    here.portal.misbehave("commit_then_drop", count=1)
    here.site.submit(record(1))
    here.site.work()

    (line,) = here.site.messages()
    kinds = [(one.kind, one.outcome) for one in here.site.show(line).attempts]
    assert line.state is State.DELIVERED
    assert kinds == [("send", "unknown"), ("lookup", "present")]
    assert len(effects_on(here.portal)) == 1


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_portal_that_answers_the_same_message_differently_is_believed_by_what_it_proves(
    both, channel
):
    here = both(channel)
    here.portal.misbehave("unknown_success", count=1)
    here.site.submit(record(1))
    here.site.work()
    (first,) = here.site.messages()
    here.portal.misbehave("unavailable", count=1)
    resend(here.site, first)

    (line,) = here.site.messages()
    outcomes = [one.outcome for one in here.site.show(line).attempts if one.kind == "send"]
    assert first.state is State.QUARANTINED
    assert line.state is State.DELIVERED
    assert outcomes[:2] == ["unrecognised", "busy"]
    assert outcomes[-1] == "delivered"
    assert len({effect.digest for effect in effects_on(here.portal)}) == 1


@pytest.mark.parametrize("channel", ["soap", "dvcqg-json"])
def test_a_portal_that_forgot_a_dossier_is_told_no_lie_about_it(both, channel):
    here = both(channel)
    here.site.submit(record(1))
    here.site.work()
    delete_dossiers(here.portal.config.ledger, [ONLY])
    here.site.submit(record(1, event=2, trangThai="xong"), record(2))
    here.site.work()

    added, update = here.site.messages(ONLY)
    attempt = here.site.show(update).attempts[-1]
    assert (added.state, update.state) == (State.DELIVERED, State.PARKED)
    assert (update.reason, attempt.code) == ("refused by the portal", "4")
    assert attempt.message.startswith("Hồ sơ chưa có")
    assert here.site.states(dossier_code(2)) == [State.DELIVERED]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_portal_that_is_three_hours_ahead_is_asked_before_its_receipt_is_believed(
    open_portal, open_site, channel
):
    portal = open_portal(channel, clock=lambda: datetime.now(UTC) + timedelta(hours=3))
    site = open_site(portal.target)
    site.submit(record(1))
    site.work()

    (line,) = site.messages()
    seen = site.show(line)
    assert line.state is State.DELIVERED
    assert len(effects_on(portal)) == 1
    if channel == "soap":
        assert seen.attempts[0].outcome == "unknown"
        assert seen.receipt is None
        assert seen.proof.value == "query"
    else:
        # No time of theirs proves anything there.
        assert seen.proof.value == "answer"
