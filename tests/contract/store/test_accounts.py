"""Accounts: who may make, change and end them, and that nobody is locked out of giving rights."""

import re

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from lienthong.access.rights import Grant, Role
from lienthong.console.serving import welcome
from lienthong.operations.accounts import disable_account, grant_account, reset_account
from lienthong.operations.signing_in import make_first_code
from lienthong.store.access_tokens import make_access_token
from lienthong.store.database import reading
from lienthong.store.tables import access_codes
from lienthong.store.work import begin
from schemas.errors import InputError
from tests.contract.store.accounts_site import OTHER, PASSWORD, ROOT, Accounts

VIEWER = [Grant(role=Role.VIEWER, agencies=frozenset({"land"}))]


@pytest.fixture
def site(store, clock):
    return Accounts(store, clock)


def token_of(site, name, **more):
    with begin(site.store, at=site.clock, actor="root") as work:
        return make_access_token(work, name, grants=VIEWER, expires_at=None, **more)


def test_the_code_of_the_first_administrator_is_good_once_and_for_an_hour(site, clock):
    assert site.first(code="ltc_0000000000000000_" + "A" * 43).json()["code"] == "access.wrong_code"
    old = make_first_code(site.installation).code
    new = make_first_code(site.installation).code
    assert site.first(code=old).status_code == 401
    clock.tick(hours=1)
    assert site.first(code=new).status_code == 401

    good = make_first_code(site.installation).code
    weak = site.first(code=good, password="chi chi chi chi")
    made = site.first(name="Chi", code=good)
    again = site.first(name="other", code=good)

    assert (weak.status_code, weak.json()["code"]) == (422, "access.password")
    assert (made.status_code, made.json()["name"], made.json()["needs"]) == (200, "chi", ["totp"])
    assert (again.status_code, again.json()["code"]) == (401, "access.wrong_code")
    assert make_first_code(site.installation) is None


def test_who_administers_needs_an_app_before_anything_else(site):
    token = site.first().json()["token"]

    before = site.ask("GET", "/accounts", token)
    site.enrol(token)
    after = site.ask("GET", "/accounts", token)

    assert (before.status_code, before.json()["code"]) == (403, "access.unfinished")
    assert [each["name"] for each in after.json()["accounts"]] == ["chi"]


def test_an_account_is_made_and_its_owner_sets_the_password(site):
    by, _, _ = site.administrator()
    grants = [{"role": "viewer", "agencies": ["land"]}]
    asked = {"name": " AN.Nguyen", "full_name": "Nguyễn An", "grants": grants}

    made = site.ask("POST", "/accounts", by, **asked)
    twice = site.ask("POST", "/accounts", by, **asked)
    code = made.json()["code"]
    no_login = site.login("an.nguyen")
    weak = site.ask("POST", "/session/code", code=code, password="ngắn quá")
    set_ = site.ask("POST", "/session/code", code=code, password=PASSWORD)
    again = site.ask("POST", "/session/code", code=code, password=OTHER)

    assert (made.status_code, made.json()["name"]) == (201, "an.nguyen")
    assert (twice.status_code, twice.json()["code"]) == (409, "access.name_taken")
    assert no_login.json()["code"] == "access.login"
    assert weak.json()["code"] == "access.password"
    assert again.json()["code"] == "access.wrong_code"
    me = site.ask("GET", "/me", set_.json()["token"]).json()
    assert (me["name"], me["grants"][0]["agencies"]) == ("an.nguyen", ["land"])
    assert site.login("AN.NGUYEN").status_code == 200


def test_who_has_no_right_to_administer_sees_and_changes_nothing(site):
    by, _, _ = site.administrator()
    token = site.account(by)
    grants = [{"role": "administrator", "agencies": None}]

    answers = [
        site.ask("GET", "/accounts", token),
        site.ask("GET", "/accounts/chi", token),
        site.ask("POST", "/accounts", token, name="x", full_name="x", grants=grants),
        site.act("disable", "chi", token),
        site.act("enable", "chi", token),
        site.act("reset", "chi", token),
        site.act("grant", "an", token, grants=grants),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["code"] for answer in answers} == {"access.forbidden"}


@pytest.mark.parametrize("verb", ["disable", "grant", "reset"])
def test_what_changes_an_account_ends_its_sessions(site, verb):
    by, _, _ = site.administrator()
    token = site.account(by)
    said = {"grants": [{"role": "auditor", "agencies": None}]} if verb == "grant" else {}
    assert site.ask("GET", "/me", token).status_code == 200

    first, again = (site.act(verb, "an", by, **said) for _ in range(2))

    assert first.status_code == again.status_code == (200 if verb == "reset" else 204)
    assert site.ask("GET", "/me", token).status_code == 401
    assert site.login().status_code == (200 if verb == "grant" else 401)
    noted = [action for _, action, _ in site.logged() if action.startswith("access.account_")]
    assert len(noted) == (4 if verb == "reset" else 3)


def test_the_same_roles_again_end_no_session(site):
    by, _, _ = site.administrator()
    token = site.account(by)

    same = site.act("grant", "an", by, grants=[{"role": "viewer", "agencies": None}])

    assert (same.status_code, site.ask("GET", "/me", token).status_code) == (204, 200)


def test_who_is_enabled_again_signs_in_with_the_same_password(site):
    by, _, _ = site.administrator()
    site.account(by)
    site.act("disable", "an", by)
    assert site.login().status_code == 401

    site.act("enable", "an", by)

    assert site.login().status_code == 200


def test_a_reset_takes_password_and_app_away_and_its_code_ends_with_the_next(site):
    by, _, _ = site.administrator()
    site.enrol(site.account(by))

    old = site.act("reset", "an", by).json()["code"]
    new = site.act("reset", "an", by).json()["code"]
    answers = [
        site.ask("POST", "/session/code", code=code, password=OTHER) for code in (old, new, new)
    ]

    assert [answer.status_code for answer in answers] == [401, 200, 401]
    assert site.login(password=OTHER).json()["needs"] == []
    assert not site.ask("GET", "/accounts/an", by).json()["has_totp"]
    with reading(site.store) as connection:
        assert connection.execute(select(access_codes)).all() == []


def test_the_code_of_an_account_that_was_disabled_is_worth_nothing(site):
    by, _, _ = site.administrator()
    site.account(by)
    code = site.act("reset", "an", by).json()["code"]
    site.act("disable", "an", by)

    assert site.ask("POST", "/session/code", code=code, password=OTHER).status_code == 401


def test_the_last_administrator_stays_one(site):
    by, _, _ = site.administrator()
    viewer = [{"role": "viewer", "agencies": None}]
    grants = [{"role": "administrator", "agencies": None}]
    # One who has never set a password cannot take over.
    site.ask("POST", "/accounts", by, name="new", full_name="new", grants=grants)

    refused = [site.act("disable", "chi", by), site.act("grant", "chi", by, grants=viewer)]

    assert {(each.status_code, each.json()["code"]) for each in refused} == {
        (409, "access.last_administrator")
    }
    with pytest.raises(InputError, match="last administrator"):
        disable_account(site.installation, ROOT, "chi", reason="thử")
    site.account(by, name="binh", role="administrator")
    assert site.act("grant", "chi", by, grants=viewer).status_code == 204
    with pytest.raises(InputError, match="last administrator"):
        grant_account(site.installation, ROOT, "binh", grants=VIEWER, reason="thử")
    # Whoever has the machine can always give the last one a new password.
    assert reset_account(site.installation, ROOT, "binh", reason="quên").name == "binh"


def test_two_administrators_cannot_end_each_other(site, together):
    by, _, _ = site.administrator()
    site.account(by, name="binh", role="administrator")

    ended = together(
        *(
            lambda name=name: disable_account(site.installation, ROOT, name, reason="thử")
            for name in ("chi", "binh")
        )
    )

    assert sorted(type(each).__name__ for each in ended) == ["InputError", "NoneType"]


def test_nobody_else_acts_in_the_name_of_an_account(site):
    token_of(site, "Robot")
    by, _, _ = site.administrator()
    site.account(by)
    grants = [{"role": "viewer", "agencies": None}]

    for name in ("an", "AN ", "a\u006e"):
        with pytest.raises(InputError, match="has this name"):
            token_of(site, name)
    with pytest.raises(InputError, match="no such account"):
        token_of(site, "nobody", for_account=True)
    robot = site.ask("POST", "/accounts", by, name="robot", full_name="r", grants=grants)
    assert robot.json()["code"] == "access.name_taken"


def test_a_token_for_an_account_opens_nothing_while_that_is_disabled(site):
    by, _, _ = site.administrator()
    site.account(by)
    token = token_of(site, " AN", for_account=True)
    assert site.ask("GET", "/me", token).json()["name"] == "an"

    site.act("disable", "an", by)
    assert site.ask("GET", "/me", token).status_code == 401
    site.act("enable", "an", by)
    assert site.ask("GET", "/me", token).status_code == 200


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"name": "a b"}, "access.name"),
        ({"name": "lienthong"}, "access.name"),
        ({"name": "\0"}, "access.name"),
        ({"full_name": "a\nb"}, "api.request"),
        ({"grants": []}, "api.request"),
        ({"grants": [{"role": "king", "agencies": None}]}, "api.request"),
        ({"grants": [{"role": "viewer", "agencies": []}]}, "api.request"),
        ({"grants": [{"role": "viewer", "agencies": ["moon"]}]}, "access.agency"),
    ],
)
def test_an_account_that_cannot_be_is_refused(site, said, code):
    by, _, _ = site.administrator()
    grants = [{"role": "viewer", "agencies": ["land"]}]
    asked = {"name": "an", "full_name": "An", "grants": grants} | said

    answer = site.ask("POST", "/accounts", by, **asked)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("name", ["nobody", "%00", "%F0%9F%90%88", "x" * 64])
def test_an_account_that_is_not_there_is_said_not_to_be(site, name):
    by, _, _ = site.administrator()

    answers = [site.ask("GET", f"/accounts/{name}", by), site.act("reset", name, by)]

    assert [answer.json()["code"] for answer in answers] == ["account.not_found"] * 2


def test_a_start_without_accounts_prints_a_code_beside_the_log(site, capsys):
    with capture_logs() as lines:
        welcome(site.installation)
    code = re.search(r"ltc_[\w-]+", capsys.readouterr().err)[0]

    made = site.first(code=code)
    welcome(site.installation)

    assert made.status_code == 200
    assert capsys.readouterr().err == ""
    assert code not in repr(lines)
