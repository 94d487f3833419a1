"""Tokens of the HTTP door: shown once, kept as digests, ended at once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from lienthong.store.database import reading
from lienthong.store.tables import audit, door_tokens
from lienthong.store.tokens import find_token, list_tokens, make_token, revoke_token
from lienthong.store.work import begin
from schemas.errors import InputError


@pytest.fixture
def make(store, clock):
    def make_one(agency="land", days=None):
        with begin(store, at=clock, actor="an") as work:
            until = None if days is None else work.at + timedelta(days=days)
            return make_token(work, agency, expires_at=until)

    return make_one


@pytest.fixture
def find(store, clock):
    def find_one(presented):
        with reading(store) as connection:
            return find_token(connection, presented, now=clock())

    return find_one


def test_a_token_opens_the_door_of_its_agency(make, find):
    token = find(make("land"))

    assert (token.agency, token.made_by) == ("land", "an")


def test_what_is_kept_does_not_contain_it(store, make):
    token = make()

    with reading(store) as connection:
        kept = repr(connection.execute(select(door_tokens)).all())
        kept += repr(connection.execute(select(audit)).all())
    assert token not in kept
    assert token.rpartition("_")[2] not in kept


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token.upper(),
        lambda token: "",
        lambda token: "lt_0000000000000000_" + "A" * 43,
        lambda token: token[:20] + "\N{FULLWIDTH DIGIT ONE}" + token[21:],
        lambda token: token + "\n",
    ],
    ids=["last letter", "shorter", "longer", "upper", "empty", "unknown", "wide", "newline"],
)
def test_anything_else_opens_nothing(make, find, change):
    assert find(change(make())) is None


def test_it_ends_when_its_days_are_over(make, find, clock):
    token = make(days=1)
    clock.tick(hours=23)
    assert find(token) is not None

    clock.tick(hours=1)

    assert find(token) is None


def test_a_revoked_one_opens_nothing_and_the_others_still_do(store, make, find, clock):
    first, second = make(), make()
    with begin(store, at=clock) as work:
        revoke_token(work, find(first).id)

    assert find(first) is None
    assert find(second) is not None
    with reading(store) as connection:
        assert [token.revoked_at is None for token in list_tokens(connection)].count(True) == 1


def test_revoking_what_is_not_there_is_said(store, clock):
    with pytest.raises(InputError, match="No token"), begin(store, at=clock) as work:
        revoke_token(work, "nothing")


def test_making_and_revoking_are_in_the_audit_log(store, make, find, clock):
    token_id = find(make()).id
    with begin(store, at=clock, actor="binh") as work:
        revoke_token(work, token_id)

    with reading(store) as connection:
        rows = connection.execute(
            select(audit.c.actor, audit.c.action)
            .where(audit.c.subject == token_id)
            .order_by(audit.c.id)
        ).all()
    assert [tuple(row) for row in rows] == [("an", "token.made"), ("binh", "token.revoked")]
