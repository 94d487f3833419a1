"""Whatever the library of tokens reports ends in words of ours."""

from __future__ import annotations

from pathlib import Path

import pkcs11
import pytest
from pkcs11 import exceptions

from signing import KeyUnusable
from signing.token_errors import translate
from signing.token_place import TokenPlace

PLACE = TokenPlace(module=Path("/usr/lib/module.so"), token_label="city", key_label="agency")
ERRORS = sorted(
    (
        one
        for one in vars(exceptions).values()
        if isinstance(one, type) and issubclass(one, exceptions.PKCS11Error)
    ),
    key=lambda one: one.__name__,
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: one.__name__)
def test_every_error_is_translated(error):
    told = translate(error(), place=PLACE)

    assert isinstance(told, KeyUnusable)
    assert told.code.startswith("key.")
    assert "city" in told.vi
    assert "city" in told.en


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (pkcs11.PinLocked, "key.pin_locked"),
        (pkcs11.PinExpired, "key.pin_expired"),
        (pkcs11.NoSuchToken, "key.token_absent"),
        (pkcs11.MultipleTokensReturned, "key.token_ambiguous"),
        (pkcs11.NoSuchKey, "key.missing"),
        (pkcs11.MultipleObjectsReturned, "key.ambiguous"),
        (pkcs11.MechanismInvalid, "key.mechanism"),
        (pkcs11.DeviceRemoved, "key.token_trouble"),
    ],
)
def test_what_an_operator_can_mend_has_a_code_of_its_own(error, code):
    assert translate(error(), place=PLACE).code == code


def test_an_error_that_the_library_has_no_name_for_keeps_its_number():
    told = translate(exceptions.PKCS11Error("Unmapped error code 0x80000001"), place=PLACE)

    assert told.code == "key.token_trouble"
    assert "0x80000001" in told.vi
