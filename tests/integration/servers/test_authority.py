"""Asking an authority over HTTP: whatever it does, there is an answer or an end, soon."""

import time
from datetime import UTC, datetime

import pytest

from lienthong.evidence import authorities
from lienthong.evidence.authorities import AuthorityAway, HttpAuthority
from lienthong.testing.authority import Authority, Mood, served
from lienthong.testing.notary import make_notary
from signing.timestamps import MOST_BYTES, TimestampRefused, judge_answer, make_request

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOTARY = make_notary()


@pytest.fixture
def authority():
    return Authority(key=NOTARY.stamping_key, clock=lambda: NOW)


@pytest.fixture
def url(authority):
    with served(authority) as url:
        yield url


def test_an_answer_comes_back_as_it_was_given(url):
    request = make_request(b"a seal")

    answer = HttpAuthority(url).ask(request)

    assert judge_answer(answer, request, policy=NOTARY.stamp_policy, now=NOW).at == NOW


@pytest.mark.parametrize(
    ("mood", "cause"),
    [(Mood.DOWN, "ProtocolError"), (Mood.BROKEN, "HTTP 500"), (Mood.SLOW, "ReadTimeoutError")],
    ids=str,
)
def test_one_that_gives_none_is_away(url, authority, mood, cause):
    authority.mood, authority.slow_seconds = mood, 2

    with pytest.raises(AuthorityAway, match=cause):
        HttpAuthority(url, read_seconds=0.3).ask(make_request(b"a seal"))


def test_one_that_nobody_listens_for_is_away():
    with pytest.raises(AuthorityAway, match="NewConnectionError"):
        HttpAuthority("http://127.0.0.1:9/tsa").ask(make_request(b"a seal"))


def test_an_answer_without_end_is_cut_off_and_refused(url, authority):
    authority.mood = Mood.ENDLESS
    request = make_request(b"a seal")

    answer = HttpAuthority(url).ask(request)

    assert len(answer) == MOST_BYTES + 1
    with pytest.raises(TimestampRefused, match="expected at most"):
        judge_answer(answer, request, policy=NOTARY.stamp_policy, now=NOW)


def test_an_answer_in_drops_is_not_waited_for(url, authority, monkeypatch):
    monkeypatch.setattr(authorities, "WHOLE_SECONDS", 0)

    began = time.monotonic()
    with pytest.raises(AuthorityAway, match="too slow"):
        HttpAuthority(url).ask(make_request(b"a seal"))

    assert time.monotonic() - began < 5


def test_who_wants_a_password_is_given_it_and_it_is_never_shown(url, authority):
    authority.credentials = ("lienthong", "mật khẩu")

    with pytest.raises(AuthorityAway, match="HTTP 401"):
        HttpAuthority(url).ask(make_request(b"a seal"))
    with pytest.raises(AuthorityAway, match="HTTP 401") as away:
        HttpAuthority(url, user="lienthong", password="wrong").ask(make_request(b"a seal"))
    answer = HttpAuthority(url, user="lienthong", password="mật khẩu").ask(make_request(b"a seal"))

    assert len(answer) > 1000
    assert "wrong" not in str(away.value)
