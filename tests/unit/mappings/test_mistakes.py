from __future__ import annotations

import time

import pytest

from mappings.kinds.codes import read_procedure_code
from mappings.mistakes import Neighbours

CODES = ("1.001612", "1.001613", "2.000889")


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("2.000888", "2.000889"),
        ("2.00889", "2.000889"),
        ("2.0008899", "2.000889"),
        ("2000889", "2.000889"),
        ("1.001614", "1.001612"),
    ],
)
def test_a_code_with_one_character_wrong_missing_or_added_is_known_again(word, meant):
    found = Neighbours(CODES).closest(word)

    assert found is not None
    assert found.en == f"did you mean {meant!r}?"


@pytest.mark.parametrize("word", ["", "9.999999", "2.008", "x" * 1000])
def test_what_is_far_from_every_code_is_like_none(word):
    assert Neighbours(CODES).closest(word) is None


def test_a_file_of_unknown_procedures_is_told_in_time():
    start = time.monotonic()

    for number in range(2000):
        assert read_procedure_code(f"9.{number:06}").findings

    assert time.monotonic() - start < 5
