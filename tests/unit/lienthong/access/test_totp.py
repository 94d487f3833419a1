"""Codes of authenticator apps, held against the vectors of RFC 6238, and those in reserve."""

from base64 import b32encode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from lienthong.access.totp import (
    find_step,
    new_recovery_codes,
    new_totp_secret,
    recovery_digest,
    totp_uri,
)

SECRET = b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]
"""RFC 6238, appendix B (SHA-1); six digits are the last six of its eight."""


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_codes_are_those_of_the_rfc(seconds, code):
    assert find_step(SECRET, code[-6:], at=moment(seconds), after=None) == seconds // 30


def test_a_clock_may_be_wrong_by_one_step_and_no_more():
    seconds, code = VECTORS[3]
    found = [
        find_step(SECRET, code[-6:], at=moment(seconds) + timedelta(seconds=off), after=None)
        for off in (-60, -30, 0, 30, 60)
    ]

    assert found == [None, seconds // 30, seconds // 30, seconds // 30, None]


def test_a_code_counts_once_and_none_before_it():
    seconds, code = VECTORS[3]
    step = seconds // 30

    assert find_step(SECRET, code[-6:], at=moment(seconds), after=step) is None
    assert find_step(SECRET, code[-6:], at=moment(seconds), after=step + 1) is None
    assert find_step(SECRET, code[-6:], at=moment(seconds), after=step - 1) == step


@pytest.mark.parametrize("code", ["", "0", "005924 ", "５９００５９２４", "89005924", "\0"])
def test_what_is_no_code_is_refused(code):
    assert find_step(SECRET, code, at=moment(VECTORS[3][0]), after=None) is None


def test_the_app_gets_an_address_with_the_secret_and_the_name():
    secret = new_totp_secret()
    address = urlsplit(totp_uri(secret, "huế@sở"))

    assert (address.scheme, address.netloc) == ("otpauth", "totp")
    assert parse_qs(address.query)["secret"] == [secret]
    assert len(secret) == 32


def test_codes_in_reserve_are_ten_and_read_however_they_are_typed():
    codes = new_recovery_codes()

    assert len(set(codes)) == 10
    typed = codes[0].upper().replace("-", " ")
    assert recovery_digest("a1", typed) == recovery_digest("a1", codes[0])
    assert recovery_digest("a2", codes[0]) != recovery_digest("a1", codes[0])
