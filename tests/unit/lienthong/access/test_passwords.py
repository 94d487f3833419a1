"""Passwords: which are good enough, and how they are kept."""

import re
import unicodedata

import pytest
from argon2 import PasswordHasher

from lienthong.access.names import account_name
from lienthong.access.passwords import check_password, hash_password, is_outdated, is_password
from schemas.errors import InputError

GOOD = "bốn con mèo trên mái"


@pytest.mark.parametrize(
    "password",
    [
        "mèo ngủ 123",
        "an.nguyen và mèo đen",
        "AN.NGUYEN 83749203",
        "Matkhau@20262026",
        "Mật khẩu 2026!!!",
        "password12345",
        "PasswordPassword",
        "qwertyuiopasdf",
        "Qwertyuiop123!",
        "123456789012",
        "aaaaaaaaaaaaaaa",
        "a1a1a1a1a1a1a1",
        "Lienthong!2026",
        "abcdefghijklmnop",
        "ă" * 129,
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(password):
    with pytest.raises(InputError) as told:
        check_password(password, name="an.nguyen")

    assert told.value.code == "access.password"
    assert password not in str(told.value)


@pytest.mark.parametrize(
    "password",
    [GOOD, "correct mule battery staple", "83749203841x", "ă" * 60 + "bcdeghi", "x7!" * 5 + "q"],
)
def test_what_is_long_and_not_common_needs_no_special_signs(password):
    check_password(password, name="an.nguyen")


def test_a_password_is_known_again_however_its_accents_are_typed():
    kept = hash_password("mèo đen ở Huế 12")

    assert is_password(unicodedata.normalize("NFD", "mèo đen ở Huế 12"), kept)
    assert not is_password("mèo đen ở Huế 13", kept)
    assert not is_password("mèo đen ở Huế 12", None)


def test_what_comes_after_the_longest_password_is_not_ignored():
    longest = "x7!q" * 64
    kept = hash_password(longest)

    assert is_password(longest, kept)
    assert not is_password(longest + "y", kept)


def test_it_is_kept_as_owasp_asks_for_and_made_anew_when_that_changes():
    kept = hash_password(GOOD)
    cost = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$.+\$.+", kept)

    assert int(cost[1]) >= 19 * 1024
    assert int(cost[2]) >= 2
    assert not is_outdated(kept)
    assert is_outdated(PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1).hash(GOOD))


@pytest.mark.parametrize("given", ["An.Nguyen", "  an.nguyen ", "AN.NGUYEN"])
def test_a_name_is_kept_in_one_way(given):
    assert account_name(given) == "an.nguyen"


def test_a_name_is_the_same_however_its_accents_are_typed():
    assert account_name("hue\u0302\u0301") == account_name("HUẾ") == "huế"


@pytest.mark.parametrize(
    "given", ["", ".", "a b", "lienthong", "LienThong", "a\0b", "x" * 65, "-an"]
)
def test_what_is_no_name_is_refused(given):
    with pytest.raises(InputError, match="cannot be used"):
        account_name(given)


def test_a_short_name_counts_as_a_word_alone():
    check_password("năm con chim ngoài sân", name="chi")

    with pytest.raises(InputError):
        check_password("bốn chi-2026 ngoài sân", name="chi")
