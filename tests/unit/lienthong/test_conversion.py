"""What of a record may go into an index: of any length it comes, nothing is lost by it."""

import secrets

from lienthong.conversion import LONGEST_INDEXED, _bounded, _indexable


def test_a_long_event_key_identifies_what_it_did_before():
    key = secrets.token_hex(LONGEST_INDEXED)

    assert len(_bounded(key)) < LONGEST_INDEXED
    assert _bounded(key) == _bounded(key)
    assert _bounded(key) != _bounded(key + "x")


def test_a_usual_event_key_stays_as_it_is():
    assert _bounded("sk-0000043-1") == "sk-0000043-1"
    assert _bounded(None) is None


def test_a_text_too_long_for_a_code_is_none():
    assert _indexable("0" * (LONGEST_INDEXED + 1)) is None
    assert _indexable("H29.14-250707-0043") == "H29.14-250707-0043"
