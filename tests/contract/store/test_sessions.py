"""Signing in and out: what proves a person, what is counted, when a session is over."""

import json
import unicodedata
from functools import partial

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from lienthong.access import passwords
from lienthong.operations import people, signing_in
from lienthong.store.access_sessions import form_secret
from lienthong.store.database import reading
from lienthong.store.tables import accounts, sessions
from lienthong.store.work import begin
from tests.contract.store.accounts_site import OTHER, PASSWORD, Accounts

WRONG = "không phải mật khẩu"


@pytest.fixture
def site(store, clock):
    return Accounts(store, clock)


@pytest.fixture
def an(site):
    """Give the token of a viewer's first session."""
    by, _, _ = site.administrator()
    return site.account(by)


@pytest.fixture
def hashed(monkeypatch):
    """Count passwords that are computed."""
    seen = []
    plain = passwords._hasher.verify

    class Counting:
        def verify(self, kept, presented):
            seen.append(kept)
            return plain(kept, presented)

        hash = passwords._hasher.hash
        check_needs_rehash = passwords._hasher.check_needs_rehash

    monkeypatch.setattr(passwords, "_hasher", Counting())
    return seen


def fail(site, times, name="an"):
    return [site.login(name, WRONG) for _ in range(times)]


def columns(site, name="an"):
    with reading(site.store) as connection:
        return connection.execute(select(accounts).where(accounts.c.name == name)).one()


def test_a_login_makes_a_new_session_each_time_whatever_came_with_it(site, an):
    answer = site.client.post(
        "/v1/session",
        json={"name": "an", "password": PASSWORD},
        headers={"Authorization": f"Bearer {an}", "Cookie": f"session={an}"},
    )
    again = site.login()

    tokens = {an, answer.json()["token"], again.json()["token"]}
    assert len({token.split("_")[1] for token in tokens}) == 3
    assert len({form_secret(token) for token in tokens}) == 3
    assert all(site.ask("GET", "/session", token).status_code == 200 for token in tokens)


def test_who_signs_out_is_out_and_other_sessions_stay(site, an):
    other = site.login().json()["token"]

    assert site.ask("DELETE", "/session", an).status_code == 204

    assert site.ask("GET", "/session", an).status_code == 401
    assert site.ask("DELETE", "/session", an).status_code == 401
    assert site.ask("GET", "/me", other).status_code == 200


def test_an_unknown_name_costs_and_says_the_same_as_a_wrong_password(site, an, hashed):
    by_name = {}
    for name in ("an", "nobody", "AN", "", "\0", "x" * 200):
        before = len(hashed)
        answer = site.login(name, WRONG)
        by_name[name] = (len(hashed) - before, answer.status_code, answer.text)
    site.ask("POST", "/accounts/an/disable", an)

    assert len(set(by_name.values())) == 1
    assert by_name["an"][:2] == (1, 401)
    # Computed with the parameters of today, as for those who are there.
    assert {kept.split("$")[3] for kept in hashed} == {columns(site).password.split("$")[3]}


def test_what_was_typed_in_place_of_a_name_is_not_written_down(site, an):
    site.login(OTHER, WRONG)

    assert OTHER not in site.dumped()
    assert site.logged()[-1][1] == "access.login_failed"


def test_five_failures_lock_for_a_minute_and_each_later_one_for_longer(site, an, clock):
    fail(site, 4)
    assert site.login().status_code == 200
    locked = fail(site, 5)[-1]

    during = site.login()
    clock.tick(seconds=59)
    still = site.login()
    clock.tick(seconds=1)
    assert (during.status_code, still.status_code) == (401, 401)
    assert during.text == locked.text

    waits = []
    for _ in range(8):
        fail(site, 1)
        waits.append((columns(site).locked_until - clock()).total_seconds() / 60)
        clock.now = columns(site).locked_until
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert site.login().status_code == 200
    assert (columns(site).failures, columns(site).locked_until) == (0, None)


def test_failures_while_locked_make_it_no_longer(site, an, clock):
    fail(site, 5)
    until = columns(site).locked_until

    fail(site, 3)

    assert columns(site).locked_until == until


def test_many_at_once_do_not_get_past_the_lock(site, an, together):
    together(*(lambda: site.login("an", WRONG) for _ in range(8)))

    assert columns(site).failures == 5
    assert site.login().status_code == 401


def test_an_administrator_opens_what_is_locked(site, clock):
    by, _, _ = site.administrator()
    site.account(by)
    fail(site, 5)

    site.act("enable", "an", by)

    assert site.login().status_code == 200


def test_one_address_may_fail_so_often_whatever_the_names(store, clock):
    site = Accounts(store, clock, login_attempts=5)
    by, _, _ = site.administrator()
    for number in range(5):
        site.login(f"nobody{number}", WRONG)

    refused = site.login("chi")

    assert (refused.status_code, refused.json()["code"]) == (429, "access.too_many")
    assert refused.headers["Retry-After"] == "601"
    clock.tick(minutes=10)
    assert site.login("chi").json()["code"] == "access.code_needed"
    assert site.ask("GET", "/accounts", by).status_code == 200


def test_the_callers_address_is_what_the_proxy_itself_says(store, clock):
    settings = {"behind_proxy": True, "client_header": "X-Forwarded-For", "login_attempts": 5}
    site = Accounts(store, clock, **settings)
    said = {"name": "nobody", "password": WRONG}

    def login(header):
        headers = {"X-Forwarded-For": header}
        return site.client.post("/v1/session", json=said, headers=headers).status_code

    forged = [login(f"10.9.9.{number}, 10.0.0.1") for number in range(6)]

    assert forged == [401] * 5 + [429]
    assert login("10.0.0.1, 10.0.0.2") == 401


def test_a_code_is_asked_for_and_counts_once(site, clock):
    _, secret, _ = site.administrator()
    code = site.code(secret)

    without = site.login("chi")
    enrolled_with = site.login("chi", code=code)
    clock.tick(seconds=30)
    used = site.login("chi", code=site.code(secret))
    replayed = site.login("chi", code=site.code(secret))
    earlier = site.login("chi", code=code)

    assert (without.status_code, without.json()["code"]) == (401, "access.code_needed")
    assert [each.status_code for each in (enrolled_with, used, replayed, earlier)] == [
        401,
        200,
        401,
        401,
    ]
    assert used.json()["needs"] == []
    assert columns(site, "chi").failures == 2


def test_a_wrong_password_is_not_told_that_a_code_is_needed(site):
    site.administrator()

    assert site.login("chi", WRONG).json()["code"] == "access.login"


def test_codes_that_are_guessed_lock_the_account(site, clock):
    _, secret, _ = site.administrator()
    for _ in range(5):
        site.login("chi", code="000000")
    clock.tick(seconds=30)

    assert site.login("chi", code=site.code(secret)).status_code == 401


def test_a_code_in_reserve_is_good_once(site):
    token, _, codes = site.administrator()

    first = site.login("chi", code=codes[3].upper().replace("-", " "))
    again = site.login("chi", code=codes[3])

    assert (first.status_code, again.status_code) == (200, 401)
    assert site.ask("GET", "/session", token).json()["recovery_left"] == 9


def test_two_logins_by_one_code_make_one_session(site, clock, together):
    _, secret, codes = site.administrator()
    clock.tick(seconds=30)

    for code in (site.code(secret), codes[0]):
        answers = together(*[partial(site.login, "chi", code=code)] * 2)
        assert sorted(answer.status_code for answer in answers) == [200, 401]


def test_two_logins_at_once_make_two_sessions(site, an, together):
    answers = together(*(site.login for _ in range(2)))

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({answer.json()["token"] for answer in answers}) == 2


def test_one_code_of_a_new_account_sets_one_password(site, together):
    by, _, _ = site.administrator()
    site.account(by)
    code = site.act("reset", "an", by).json()["code"]

    answers = together(
        *(
            lambda password=password: site.ask(
                "POST", "/session/code", code=code, password=password
            )
            for password in (PASSWORD, OTHER)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 401]


def test_another_app_takes_the_place_of_the_first_once_it_is_confirmed(site, clock):
    token, old, _ = site.administrator()
    clock.tick(seconds=30)
    other = site.login("chi", code=site.code(old)).json()["token"]

    wrong = site.ask("POST", "/session/totp", token, password=WRONG)
    new = site.ask("POST", "/session/totp", token, password=PASSWORD).json()["secret"]
    guess = site.ask("POST", "/session/totp/confirm", token, code="000000")
    clock.tick(seconds=30)
    still = site.login("chi", code=site.code(old))
    confirmed = site.ask("POST", "/session/totp/confirm", token, code=site.code(new))
    clock.tick(seconds=30)

    assert wrong.json()["code"] == "access.login"
    assert (guess.status_code, guess.json()["code"]) == (422, "access.totp")
    assert still.status_code == 200
    assert len(confirmed.json()["codes"]) == 10
    assert site.ask("GET", "/session", token).json()["needs"] == []
    assert site.ask("GET", "/session", other).status_code == 401
    assert site.login("chi", code=site.code(old)).status_code == 401
    assert site.login("chi", code=site.code(new)).status_code == 200


def test_an_app_is_needed_for_strong_roles_unless_settings_say_otherwise(store, clock):
    site = Accounts(store, clock)
    by, _, _ = site.administrator()
    needs = {
        role: site.ask("GET", "/session", site.account(by, name=role, role=role)).json()["needs"]
        for role in ("viewer", "operator", "approver", "integrator", "auditor", "administrator")
    }

    assert needs == {
        "viewer": [],
        "operator": ["totp"],
        "approver": ["totp"],
        "integrator": [],
        "auditor": [],
        "administrator": ["totp"],
    }
    freer = Accounts(store, clock, totp_required=False)
    assert freer.login("operator").json()["needs"] == []
    assert freer.login("chi").json()["code"] == "access.code_needed"


def test_a_session_ends_when_it_is_not_used_and_at_the_latest_after_half_a_day(site, an, clock):
    idle = site.login().json()["token"]
    for _ in range(25):
        clock.tick(minutes=28)
        assert site.ask("GET", "/me", an).status_code == 200
    assert site.ask("GET", "/me", idle).status_code == 401

    clock.tick(minutes=20)
    assert site.ask("GET", "/me", an).status_code == 401
    site.login()
    with reading(site.store) as connection:
        assert len(connection.execute(select(sessions)).all()) == 1


def test_it_ends_as_settings_say(store, clock):
    site = Accounts(store, clock, idle_seconds=120, session_seconds=300)
    by, _, _ = site.administrator()
    clock.tick(seconds=119)
    assert site.ask("GET", "/session", by).status_code == 200
    clock.tick(seconds=120)
    assert site.ask("GET", "/session", by).status_code == 401


def test_another_password_ends_every_session(site, an):
    other = site.login().json()["token"]

    wrong = site.ask("POST", "/session/password", an, password=WRONG, new_password=OTHER)
    weak = site.ask("POST", "/session/password", an, password=PASSWORD, new_password="ngắn")
    done = site.ask("POST", "/session/password", an, password=PASSWORD, new_password=OTHER)

    assert [each.status_code for each in (wrong, weak, done)] == [401, 422, 204]
    assert {site.ask("GET", "/me", token).status_code for token in (an, other)} == {401}
    assert site.login().status_code == 401
    assert site.login(password=unicodedata.normalize("NFD", OTHER)).status_code == 200


def test_who_holds_a_session_cannot_guess_its_password_for_ever(site, an):
    for _ in range(5):
        site.ask("POST", "/session/password", an, password=WRONG, new_password=OTHER)

    right = site.ask("POST", "/session/password", an, password=PASSWORD, new_password=OTHER)

    assert (right.status_code, right.json()["code"]) == (401, "access.login")


def test_a_password_that_is_not_good_enough_any_more_is_changed_first(site, an):
    with begin(site.store, at=site.clock) as work:
        weak = passwords.hash_password("matkhau2026!")
        which = accounts.c.name == "an"
        work.connection.execute(update(accounts).where(which).values(password=weak))

    token = site.login(password="matkhau2026!").json()["token"]
    before = site.ask("GET", "/me", token)
    changed = site.ask(
        "POST", "/session/password", token, password="matkhau2026!", new_password=OTHER
    )

    assert site.login(password=OTHER).json()["needs"] == []
    assert (before.json()["code"], changed.status_code) == ("access.unfinished", 204)


def test_a_password_is_kept_anew_at_login_when_parameters_have_changed(site, an):
    old = PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1).hash(PASSWORD.encode())
    with begin(site.store, at=site.clock) as work:
        which = accounts.c.name == "an"
        work.connection.execute(update(accounts).where(which).values(password=old))

    assert site.login().status_code == 200

    kept = columns(site).password
    assert kept != old
    assert not passwords.is_outdated(kept)
    assert site.login().status_code == 200


def test_no_secret_is_in_the_store_the_log_or_what_is_printed(site, capfd):
    first = signing_in.make_first_code(site.installation).code
    token = site.first(code=first).json()["token"]
    secret, codes = site.enrol(token)
    made = site.act("reset", "chi", token).json()["code"]
    again = site.ask("POST", "/session/code", code=made, password=OTHER).json()["token"]
    new_secret, new_codes = site.enrol(again, OTHER)
    site.ask("POST", "/session/totp", again, password=OTHER)
    site.login("chi", WRONG)

    kept = site.dumped() + "".join(capfd.readouterr())
    written = json.dumps(kept, ensure_ascii=False) + kept
    for each in (first, token, made, again):
        assert each not in written
        assert each[-30:] not in written
    for each in (PASSWORD, OTHER, WRONG, secret, new_secret, *codes, *new_codes):
        assert each not in written
        assert each.replace("-", "") not in written
    assert {actor for actor, action, _ in site.logged() if action == "access.login"} == {"chi"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"name": "an"}',
        b'{"name": "an", "password": ""}',
        b'{"name": "an", "password": 7}',
        b'{"name": "an", "password": "\\ud800aaaaaaaaaaaa"}',
        b'{"name": "an", "password": "aaaaaaaaaaaaa", "code": "\\ud800"}',
        b'{"name": "\\ud800", "password": "aaaaaaaaaaaaa"}',
        b'{"name": "an", "password": "bi mat bi mat", "as": "root"}',
        b'{"name": "an", "password": "bi mat bi mat", "code": ["1"]}',
    ],
)
def test_a_login_that_cannot_be_read_is_refused_and_not_repeated(site, body):
    answer = site.client.post(
        "/v1/session", content=body, headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "api.request")
    assert "bi mat" not in answer.text


def test_longer_texts_than_a_password_can_be_are_just_wrong(site, an):
    assert site.login("an", "x" * 1_000).status_code == 401
    assert site.login("an", "\0" * 300).status_code == 401
    assert site.login("an", "x" * 1_001).status_code == 422
    assert people.FREE_FAILURES == 5
