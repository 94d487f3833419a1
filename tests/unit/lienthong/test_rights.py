"""Rights: what roles give, for whom, and that the documentation says the same."""

import re
from pathlib import Path

import pytest

from lienthong.access.rights import EVERY, RIGHTS, Forbidden, Grant, Principal, Right, Role

GUIDE = Path(__file__).parents[3] / "docs" / "api.md"


def principal(*grants):
    made = tuple(
        Grant(role=role, agencies=agencies if agencies is EVERY else frozenset(agencies))
        for role, agencies in grants
    )
    return Principal(name="an", grants=made)


def test_the_guide_has_the_table_of_the_program():
    rows = re.findall(r"^\| `([a-z]+)` \| (`.*`) \|$", GUIDE.read_text("utf-8"), re.MULTILINE)
    written = {role: set(re.findall(r"`([a-z_]+)`", rights)) for role, rights in rows}

    assert written == {role.value: {right.value for right in RIGHTS[role]} for role in Role}


def test_a_right_is_had_for_the_agencies_of_its_roles_alone():
    who = principal((Role.OPERATOR, ["land"]), (Role.VIEWER, ["health", "land"]))

    assert who.agencies(Right.VIEW) == {"land", "health"}
    assert who.agencies(Right.REPLAY_ONE) == {"land"}
    assert who.agencies(Right.AUDIT) == frozenset()
    assert not who.may(Right.REPLAY_ONE, "health")


def test_every_agency_goes_before_some():
    who = principal((Role.VIEWER, ["land"]), (Role.AUDITOR, EVERY))

    assert who.agencies(Right.VIEW) is EVERY
    assert who.may(Right.VIEW, "one that comes later")


def test_somebody_without_a_role_may_nothing():
    who = principal()

    assert not any(who.has(right) for right in Right)
    with pytest.raises(Forbidden, match="`view` is missing for land"):
        who.need(Right.VIEW, "land")


def test_a_grant_for_no_agency_gives_nothing():
    who = principal((Role.OPERATOR, []))

    assert not who.may(Right.VIEW, "land")
    assert who.agencies(Right.VIEW) == frozenset()
