"""Kept searches: whose they are, what may be in them, and how many there may be."""

from unicodedata import normalize
from urllib.parse import quote

import pytest
from sqlalchemy import insert

from lienthong.access.rights import Grant, Role
from lienthong.operations.filters import MOST_FILTERS
from lienthong.store.access_tokens import (
    list_access_tokens,
    make_access_token,
    revoke_access_token,
)
from lienthong.store.tables import saved_filters
from lienthong.store.work import begin
from tests.contract.store.accounts_site import Accounts

PAPER = "079080001234"
PAGES = ("messages", "problems")


@pytest.fixture
def site(store, clock):
    return Accounts(store, clock, totp_required=False)


@pytest.fixture
def an(site):
    """Return the token of a viewer who has an account."""
    return site.account(site.first().json()["token"], agencies=["land"])


def token_of(site, name, role=Role.VIEWER):
    with begin(site.store, at=site.clock) as work:
        grants = [Grant(role=role, agencies=frozenset({"land"}))]
        return make_access_token(work, name, grants=grants, expires_at=None)


def keep(site, token, name, page="messages", **search):
    return site.ask("PUT", f"/filters/{page}/{quote(name, safe='')}", token, **search)


def kept(site, token, query=""):
    found = site.ask("GET", f"/filters{query}", token).json()["filters"]
    return [(one["page"], one["name"], one["query"]) for one in found]


def test_a_search_is_kept_as_its_address_has_it_and_replaced_by_its_name(site, an):
    made = keep(site, an, "Của tôi 20/11", state=["parked", "held"], why="portal", agency=None)
    keep(site, an, "sự cố", "problems", owner="agency", since="2026-03-01T00:00:00+07:00")

    assert made.status_code == 200
    assert made.json()["is_usable"] is True
    assert kept(site, an) == [
        ("messages", "Của tôi 20/11", "state=held&state=parked&why=portal"),
        ("problems", "sự cố", "owner=agency&since=2026-03-01T00%3A00%3A00%2B07%3A00"),
    ]

    site.clock.tick(minutes=1)
    again = keep(site, an, "Của tôi 20/11", dossier="H29.15-260303-0001")

    assert kept(site, an, "?page=messages") == [
        ("messages", "Của tôi 20/11", "dossier=H29.15-260303-0001")
    ]
    assert again.json()["saved_at"] != made.json()["saved_at"]


def test_one_name_is_one_however_it_was_typed(site, an):
    keep(site, an, normalize("NFD", "Sở"), why="a")
    keep(site, an, " Sở ", why="b")

    assert kept(site, an) == [("messages", "Sở", "why=b")]


def test_everybody_has_only_their_own_also_under_the_same_name(site, an):
    robot = token_of(site, "robot")
    keep(site, an, "x", why="of an")
    keep(site, robot, "x", why="of robot")
    keep(site, robot, "y", why="of robot")

    assert kept(site, an) == [("messages", "x", "why=of+an")]
    assert site.ask("DELETE", "/filters/messages/y", an).status_code == 404
    assert site.ask("DELETE", "/filters/messages/x", an).status_code == 204
    assert site.ask("DELETE", "/filters/messages/x", an).status_code == 404
    assert kept(site, an) == []
    assert [name for _, name, _ in kept(site, robot)] == ["x", "y"]


def test_a_new_account_begins_without_what_a_token_of_its_name_kept(site):
    keep(site, token_of(site, "an"), "x", why="of another")
    with begin(site.store, at=site.clock) as work:
        for token in list_access_tokens(work.connection):
            revoke_access_token(work, token.id)

    an = site.account(site.first().json()["token"], agencies=["land"])

    assert kept(site, an) == []


def test_nobody_keeps_anything_without_saying_who_they_are(site):
    for method, path in (
        ("GET", "/filters"),
        ("PUT", "/filters/messages/x"),
        ("DELETE", "/filters/problems/x"),
    ):
        assert site.ask(method, path).status_code == 401


def test_a_filter_gives_no_right(site):
    administrator = site.first().json()["token"]

    assert keep(site, administrator, "x", agency="land").status_code == 200
    assert site.ask("GET", "/messages?agency=land", administrator).status_code == 403


def test_only_so_many_are_kept_of_each_list_and_one_of_them_can_be_replaced(site, an):
    for number in range(MOST_FILTERS):
        assert keep(site, an, f"n{number}").status_code == 200

    more = keep(site, an, "one more")

    assert (more.status_code, more.json()["code"]) == (409, "filter.too_many")
    assert keep(site, an, "n0", why="x").status_code == 200
    assert keep(site, an, "one more", "problems").status_code == 200
    assert len(kept(site, an)) == MOST_FILTERS + 1


@pytest.mark.parametrize(
    "search",
    [
        {"person": PAPER},
        {"cursor": "x"},
        {"limit": 5},
        {"state": ["cooked"]},
        {"state": ["parked"] * 50},
        {"since": "yesterday"},
        {"agency": "x" * 201},
        {"text": "x" * 10_000},
        {"colour": "red"},
    ],
    ids=lambda one: next(iter(one)),
)
@pytest.mark.parametrize("page", PAGES)
def test_what_a_list_is_not_searched_by_is_not_kept(site, an, page, search):
    refused = keep(site, an, "x", page, **search)

    assert (refused.status_code, refused.json()["code"]) == (422, "api.request")
    assert PAPER not in refused.text
    assert kept(site, an) == []


@pytest.mark.parametrize(
    ("name", "search"),
    [
        (PAPER, {}),
        (f"ông A, {PAPER}", {}),
        ("an@example.vn", {}),
        ("x", {"text": f"số {PAPER} sai"}),
        ("x", {"dossier": PAPER}),
        ("x", {"why": "0312345678"}),
        ("x", {"text": "079 080 001 234"}),
        ("x", {"text": "079080\u200b001234"}),
        ("ông A 079 080\u00a0001 234", {}),
        ("x", {"why": "+84 312 345 678"}),
    ],
)
def test_no_number_of_a_person_is_kept_in_a_name_or_in_words(site, an, name, search):
    refused = keep(site, an, name, **search)

    assert (refused.status_code, refused.json()["code"]) == (422, "filter.person")
    for told in (refused.text, site.dumped()):
        assert not any(number in told for number in (PAPER, "0312345678", "an@example.vn"))


def test_words_that_make_a_long_address_are_refused_in_words(site, an):
    long = "ữ" * 200

    refused = keep(site, an, "x", text=long, why=long)

    assert (refused.status_code, refused.json()["code"]) == (422, "filter.too_long")
    assert kept(site, an) == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("x" * 81, "api.request"),
        ("a\x00b", "api.request"),
        ("a\tb", "api.request"),
        ("", "api.request"),
        ("  ", "filter.name"),
        ("\u200b", "filter.name"),
        ("a\u202eb", "filter.name"),
        ("a\u2028b", "filter.name"),
    ],
)
def test_a_name_is_one_short_line(site, an, name, code):
    refused = keep(site, an, name)

    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_the_log_has_who_kept_something_and_nothing_of_what(site, an):
    for _ in range(2):
        keep(site, an, "của ông Nam", why="lời của tôi")
    site.ask("DELETE", f"/filters/messages/{quote('của ông Nam')}", an)

    found = [line for line in site.logged() if line[1].startswith("filter.")]

    said = '{"page":"messages"}'
    assert found == [("an", "filter.saved", said), ("an", "filter.removed", said)]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", ["state=cooked", "colour=red"])
def test_what_a_list_is_searched_by_no_more_is_told_so_and_can_be_deleted(site, an, page, query):
    with site.store.engine.begin() as connection:
        old = {"name": "cũ", "query": query, "saved_at": site.clock()}
        connection.execute(insert(saved_filters).values(principal="an", page=page, **old))

    (found,) = site.ask("GET", "/filters", an).json()["filters"]

    assert (found["name"], found["is_usable"]) == ("cũ", False)
    assert site.ask("DELETE", f"/filters/{page}/{quote('cũ')}", an).status_code == 204
